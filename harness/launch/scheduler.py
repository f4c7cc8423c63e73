"""Slurm's own commands, asked with a deadline; what it refuses becomes one sentence of ours."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from assay.harness.errors import AssayError, RefusalError
from assay.harness.launch.slurm import WARNING_SECONDS, mpi_types

PATIENCE = 60.0
# Why a job that waits does not run (squeue's reason codes), told to whom it may concern. Those in NEVER do not go away by waiting.
WAITING = {
    "None": "the scheduler has not looked at it yet",
    "Resources": "the nodes it asks for are busy",
    "Priority": "jobs of higher priority come first",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition is inactive",
    "ReqNodeNotAvail": "nodes it asks for are down, drained or reserved",
    "Nodes_required_for_job_are_DOWN": "too few of its partition's nodes are up",
    "BeginTime": "its time to begin has not come (a requeued job waits a little)",
    "Dependency": "another job has to end first",
    "Reservation": "it waits for its reservation",
    "JobHeldUser": "it is held: scontrol release it",
    "JobHeldAdmin": "an administrator holds it",
    "launch_failed_requeued_held": "its node could not start it, and it is held: scontrol release it",
}
NEVER = {
    "PartitionTimeLimit": "it asks for more time than its partition allows (launch.time)",
    "PartitionNodeLimit": "it asks for more nodes than its partition allows (site.nodes)",
    "PartitionConfig": "it asks for more than its partition has (site.nodes, launch.time, launch.partition)",
    "BadConstraints": "no node fits what it asks for (launch.constraint, launch.gres, site.nranks)",
    "InvalidAccount": "the account may not run here (launch.account)",
    "InvalidQOS": "the quality of service may not be used (launch.qos)",
    "AssocMaxJobsLimit": "the account's limit of jobs is zero",
}
TOLD_TO_END = 130  # what the door inside a job ends with when it gets a signal, such as the warning before its time is over
NEARLY_SECONDS = 2 * WARNING_SECONDS + 30  # Slurm looks at limits twice a minute
ENDINGS = {
    "CANCELLED": "somebody cancelled it",
    "TIMEOUT": "its time was over (launch.time asks for more)",
    "DEADLINE": "its deadline passed",
    "NODE_FAIL": "a node it ran on failed",
    "OUT_OF_MEMORY": "it ran out of memory",
    "BOOT_FAIL": "its nodes did not boot",
    "PREEMPTED": "a job of higher priority took its place",
    "FAILED": "it failed",
    "REVOKED": "another cluster took it",
}


@dataclass(frozen=True)
class JobState:
    """What the scheduler says of a job; ``code`` is the exit code of its script, ``left_seconds`` what remains of its time."""

    job: int
    state: str
    reason: str = ""
    code: int = 0
    restarts: int = 0
    nodes: str = ""
    left_seconds: float = float("inf")

    @property
    def meaning(self) -> str:
        """Say what the reason means; Slurm lengthens some of its reasons with details."""
        known = WAITING | NEVER
        return next((known[code] for code in known if self.reason.startswith(code)), "the scheduler says why in its own words")

    @property
    def hopeless(self) -> bool:
        """Tell whether it waits for what waiting does not bring."""
        return self.state == "PENDING" and any(self.reason.startswith(code) for code in NEVER)

    @property
    def over(self) -> bool:
        """Tell whether it has ended for good."""
        return self.state in ENDINGS or self.state == "COMPLETED"

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.state == "PENDING":
            return f"job {self.job} waits: {self.meaning} ({self.reason})"
        if self.over:
            why = ENDINGS.get(self.state, "it is done")
            if self.state == "FAILED" and self.code == TOLD_TO_END:
                late = self.left_seconds <= NEARLY_SECONDS
                why = ENDINGS["TIMEOUT"] if late else "it was told to end (preempted, or stopped by an administrator)"
            return f"job {self.job} has ended: {why}" + (f" (on {self.nodes})" if self.nodes and self.state != "COMPLETED" else "")
        again = f", requeued {self.restarts} times" if self.restarts > 1 else ", requeued once" if self.restarts else ""
        return f"job {self.job} is {self.state.lower()}" + (f" on {self.nodes}" if self.nodes else "") + again


def asked(*argv: str) -> str:
    """Ask one of Slurm's commands; AssayError says what it said, RefusalError if it is not there."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - Slurm's own commands
    except FileNotFoundError as error:
        message = f"there is no {argv[0]} on PATH"
        raise RefusalError(message, where="launch", fix="Run on a node of the cluster, or choose launch=mpiexec.") from error
    except subprocess.TimeoutExpired as error:
        message = f"{argv[0]} gave no answer within {PATIENCE:g} s: the Slurm controller may be down"
        raise AssayError(message) from error
    if done.returncode:
        raise AssayError(said(done.stderr) or f"{argv[0]} ended with {done.returncode}")
    return done.stdout + (done.stderr if argv[-1] == "--mpi=list" else "")


def said(text: str) -> str:
    """Take what a Slurm command complained of, without its own name before each line; its last words come last and say it best."""
    lines = [re.sub(r"^\w+: (error|fatal): ", "", line).strip() for line in text.splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if line))


def submit(path: Path) -> int:
    """Submit a batch script and return the job's number; RefusalError with the scheduler's own reason."""
    try:
        answer = asked("sbatch", "--parsable", str(path))
    except RefusalError:
        raise
    except AssayError as error:
        message = f"the scheduler rejects the job: {error}"
        raise RefusalError(
            message, where="launch=slurm", fix="Set launch.partition, launch.account, launch.time or the size to what it allows."
        ) from error
    return int(answer.split(";")[0])


def state_of(job: int) -> JobState | None:
    """Ask for a job's state; None if the scheduler does not know it any more (it forgets ended jobs after minutes)."""
    try:
        text = asked("scontrol", "show", "job", "-o", str(job))
    except RefusalError:
        raise
    except AssayError as error:
        if "Invalid job id" in str(error):
            return None
        raise
    return read_state(text)


def read_state(text: str) -> JobState:
    """Read one line of ``scontrol show job -o``."""
    fields = dict(re.findall(r"(\w+)=(\S*)", text))
    reason = re.search(r"\bReason=(.*?) Dependency=", text)
    nodes = fields.get("NodeList", "")
    return JobState(
        job=int(fields["JobId"]),
        state=fields.get("JobState", ""),
        reason=(reason.group(1) if reason else fields.get("Reason", "")).split(",_Reason")[0],
        code=int(fields.get("ExitCode", "0:0").split(":")[0]),
        restarts=int(fields.get("Restarts", "0")),
        nodes="" if nodes == "(null)" else nodes,
        left_seconds=duration(fields.get("TimeLimit", "")) - duration(fields.get("RunTime", ""), other=0.0),
    )


def duration(text: str, *, other: float = float("inf")) -> float:
    """Read Slurm's ``days-hours:minutes:seconds`` as seconds; ``other`` for words such as UNLIMITED."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", text)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    return 86400.0 * days + 3600 * hours + 60 * minutes + seconds if found else other


def cancel(job: int) -> None:
    """Cancel a job of ours; one that has ended meanwhile is no trouble."""
    asked("scancel", "--quiet", str(job))


def others(nodes: str, *, own: int) -> list[str]:
    """List the other jobs that run on ``nodes`` (Slurm's notation) beside job ``own``: number, user, name, nodes."""
    return read_others(asked("squeue", "--noheader", "--states=RUNNING,SUSPENDED", f"--nodelist={nodes}", "--format=%i|%u|%j|%N"), own=own)


def read_others(text: str, *, own: int) -> list[str]:
    """Read squeue's rows of number, user, name and nodes, leaving job ``own`` out."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 3]  # noqa: PLR2004 - the four fields asked for
    return [f"job {number} of {user} ({name}) on {where}" for number, user, name, where in rows if number.split("_")[0] != str(own)]


def listed_mpi() -> list[str]:
    """Ask Slurm which kinds of MPI it can start."""
    return mpi_types(asked("srun", "--mpi=list"))
