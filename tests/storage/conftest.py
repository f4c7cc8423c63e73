"""Copies to test: a folder, memory, a local S3 server, a PostgreSQL of the tests' own."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.storage.flat import Abfs, Gs

KINDS = ("file", "memory", "s3", "gs", "abfs", "postgres")
HERE_ONLY = {"memory", "gs", "abfs"}  # they belong to one process


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

    def start(self, *, seconds: float = 90) -> None:
        """Start it, and come back when it has answered a query; the machine may be busy, so nothing is decided by one attempt."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{self.folder}' -c fsync=on"
        deadline = time.monotonic() + seconds
        while (done := self.pg_ctl("start", "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", options)).returncode:
            assert time.monotonic() < deadline, done.stdout + done.stderr + (self.folder / "log").read_text(encoding="utf-8")[-2000:]
            time.sleep(0.2)
        while not self.answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text(encoding="utf-8")[-2000:]
            time.sleep(0.1)

    def pg_ctl(self, action: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run pg_ctl."""
        argv = self.as_user(str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), *words, action)
        return subprocess.run(argv, check=False, capture_output=True, text=True, cwd="/")

    def answers(self) -> bool:
        """Tell whether it answers a query."""
        import psycopg

        try:
            with psycopg.connect(self.url, connect_timeout=10) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def kill(self) -> None:
        """Kill all its processes outright, as a power cut would, and wait until none of them is left to hold its memory or its port."""
        lock = self.folder / "data" / "postmaster.pid"
        root = psutil.Process(int(lock.read_text(encoding="utf-8").split()[0]))
        root.suspend()  # so that no child is born between the listing and the kill
        every = [*root.children(recursive=True), root]
        for process in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        deadline = time.monotonic() + 60
        while [one for one in every if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]:
            assert time.monotonic() < deadline, every
            time.sleep(0.05)
        lock.unlink()  # where nobody reaps the dead it would look alive for ever

    @property
    def url(self) -> str:
        """Give its address."""
        return f"postgresql://tester:word@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Raise a PostgreSQL server; skipped with the reason where there is none."""
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL here (apt-get install postgresql)")
    user = "nobody"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no setpriv")
    # Not among pytest's folders: any other pytest that starts as the same user takes everybody else's permission from their root.
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
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
    found.pg_ctl("stop", "-w", "-t", "60", "-m", "immediate")
    shutil.rmtree(folder, ignore_errors=True)


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
        "gs": lambda: standing_in(request, "gs", Gs),
        "abfs": lambda: standing_in(request, "abfs", Abfs),
        "postgres": lambda: emptied(request.getfixturevalue("server")),
    }
    return makers[request.param]()


def standing_in(request: pytest.FixtureRequest, scheme: str, kind: type) -> str:
    """Have fsspec take ``kind`` for one scheme during a test; gives an address there."""
    import fsspec
    from fsspec.registry import _registry

    before = _registry.pop(scheme, None)
    fsspec.register_implementation(scheme, kind, clobber=True)

    def back() -> None:
        _registry.pop(scheme, None)
        if before is not None:
            _registry[scheme] = before

    request.addfinalizer(back)
    return f"{scheme}://bucket/{secrets.token_hex(4)}"


def emptied(server: Server) -> str:
    """Make a database of its own for one test."""
    import psycopg

    name = f"t{secrets.token_hex(4)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.replace("/postgres", f"/{name}")
