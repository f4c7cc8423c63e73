"""Copies to test: a folder, memory, a local S3 server, a PostgreSQL of the tests' own."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

KINDS = ("file", "memory", "s3", "postgres")


def binaries() -> Path | None:
    """Find the folder of PostgreSQL's programs: on PATH, else where Debian puts them."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists()), None)


@dataclass
class Server:
    """A PostgreSQL server in a folder of its own, reached by TCP on this host."""

    folder: Path
    programs: Path
    port: int
    user: str

    def as_user(self, *argv: str) -> list[str]:
        """Write a command that runs as somebody who is not root, which PostgreSQL refuses to be."""
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *argv] if os.geteuid() == 0 else list(argv)

    def start(self, *, seconds: float = 30) -> None:
        """Start it and wait until it answers; after a kill that takes until the last of its children has gone."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=on"
        words = [
            str(self.programs / "pg_ctl"),
            "-D",
            str(self.folder / "data"),
            "-l",
            str(self.folder / "log"),
            "-w",
            "-o",
            options,
            "start",
        ]
        deadline = time.monotonic() + seconds
        while (done := subprocess.run(self.as_user(*words), check=False, capture_output=True, text=True, cwd="/")).returncode:
            assert time.monotonic() < deadline, done.stdout + done.stderr + (self.folder / "log").read_text(encoding="utf-8")[-2000:]
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill all its processes outright, as a power cut would."""
        lock = self.folder / "data" / "postmaster.pid"
        pid = int(lock.read_text(encoding="utf-8").split()[0])
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            process.kill()
        lock.unlink()  # where nobody reaps the dead it would look alive for ever

    @property
    def url(self) -> str:
        """Give its address."""
        return f"postgresql://tester:word@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Raise a PostgreSQL server; skipped with the reason where there is none."""
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL here (apt-get install postgresql)")
    user = "nobody"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no setpriv")
    folder = tmp_path_factory.mktemp("postgres")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Server(folder, programs, port, str(pwd.getpwnam(user).pw_uid))
    password = folder / "word"
    password.write_text("word\n", encoding="utf-8")
    password.chmod(0o644)
    words = [
        str(programs / "initdb"),
        "-D",
        str(folder / "data"),
        "-U",
        "tester",
        "-A",
        "scram-sha-256",
        f"--pwfile={password}",
        "-E",
        "UTF8",
    ]
    subprocess.run(found.as_user(*words, "--no-sync", "--locale=C"), check=True, capture_output=True, cwd="/")
    found.start()
    yield found
    words = [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"]
    subprocess.run(found.as_user(*words), check=False, capture_output=True, cwd="/")


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """Raise a local S3 server with one bucket; gives its endpoint."""
    moto = pytest.importorskip("moto.server", reason="no moto here (pip install 'moto[s3]' flask flask-cors)")
    pytest.importorskip("s3fs", reason="no s3fs here (extra s3)")
    running = moto.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    options = {
        "key": "testing",
        "secret": "testing",
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"},
    }
    import boto3
    import fsspec

    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys)
    client.create_bucket(Bucket="assay-test")
    fsspec.config.conf["s3"] = options
    os.environ["FSSPEC_S3"] = json.dumps(options)  # for the writers that are processes of their own
    yield options["client_kwargs"]["endpoint_url"]
    running.stop()
    fsspec.config.conf.pop("s3", None)
    os.environ.pop("FSSPEC_S3", None)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of an empty copy of each kind."""
    makers: dict[str, Callable[[], str]] = {
        "file": lambda: f"file://{tmp_path}/copy",
        "memory": lambda: f"memory://{secrets.token_hex(4)}",
        "s3": lambda: request.getfixturevalue("bucket") and f"s3://assay-test/{secrets.token_hex(4)}",
        "postgres": lambda: emptied(request.getfixturevalue("server")),
    }
    return makers[request.param]()


def emptied(server: Server) -> str:
    """Make a database of its own for one test."""
    import psycopg

    name = f"t{secrets.token_hex(4)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.replace("/postgres", f"/{name}")
