"""A real Slurm cluster on this machine: one controller, two node daemons, an authentication daemon, all state in one folder.

Debian's slurmctld, slurmd, slurm-client and munge; root starts them. Nothing of the machine's own Slurm is read or touched.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "srun", "sbatch", "scontrol", "squeue")
NODES = ("n1", "n2")
CONF = """\
ClusterName=assay
FirstJobId={first}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/%n.log
SwitchType=switch/none
ReturnToService=1
SlurmdParameters=config_overrides
SlurmdTimeout=30
KillWait=2
JobRequeue=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=1000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=1000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP OverSubscribe=NO
PartitionName=off Nodes=n2 State=DOWN
"""


def missing() -> str:
    """Say what keeps a cluster from being raised here, if anything."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")]
    if absent:
        return f"no {', '.join(absent)} on PATH (Debian: slurmctld slurmd slurm-client munge)"
    return "" if os.geteuid() == 0 else "only root can raise a Slurm cluster"


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass(frozen=True)
class Cluster:
    """A running cluster; ``environ`` makes Slurm's commands talk to it."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """Give what is added to the environment."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}

    def command(self, *argv: str, seconds: float = 60, check: bool = True) -> str:
        """Run one of Slurm's commands and give what it printed."""
        environ = {**os.environ, **self.environ}
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False, env=environ)
        assert not check or done.returncode == 0, f"{argv}: {done.stderr}{self.logs()}"
        return done.stdout

    def logs(self) -> str:
        """Give the end of every daemon's log."""
        return "".join(f"\n--- {path.name}\n" + path.read_text(errors="replace")[-2000:] for path in sorted(self.folder.glob("*.log")))

    def start(self) -> None:
        """Raise the daemons and wait until both nodes are idle.

        Jobs are numbered from a random number on: MPICH names its shared memory by job and step, and another cluster's jobs may have left some.
        """
        munge = self.folder / "munge"
        for path in (self.folder / "state", munge, *(self.folder / node for node in NODES)):
            path.mkdir(parents=True)
        munge.chmod(0o755)
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        conf = CONF.format(host=socket.gethostname(), folder=self.folder, ports=free_ports(3), first=secrets.randbelow(1 << 20) + 1)
        (self.folder / "slurm.conf").write_text(conf)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self.command("munged", "--force", *(f"--{option}={munge / name}" for option, name in files.items()))
        self.command("slurmctld", "-c")
        for node in NODES:
            self.command("slurmd", "-N", node)
        self.settle()

    def settle(self, *, seconds: float = 60) -> None:
        """Wait until no job runs and every node is idle."""
        deadline = time.monotonic() + seconds
        while True:
            states = self.command("sinfo", "--noheader", "-N", "-p", "main", "-o", "%t", check=False).split()
            if states == ["idle"] * len(NODES) and not self.command("squeue", "--noheader", check=False).strip():
                return
            assert time.monotonic() < deadline, f"the nodes are {states}{self.logs()}"
            time.sleep(0.2)

    def stop(self) -> None:
        """End every daemon and whatever job is left."""
        for path in [*self.folder.glob("*.pid"), self.folder / "munge" / "pid"]:
            if path.exists() and path.read_text().strip().isdecimal():
                number = int(path.read_text())
                try:
                    os.kill(number, signal.SIGTERM)
                    for _ in range(30):
                        os.kill(number, 0)
                        time.sleep(0.05)
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    continue
