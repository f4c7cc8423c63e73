"""Shared memory of killed ranks: seen while they live, removed when they are dead."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

from assay.harness.segments import remove, segments

SHM = Path("/dev/shm")  # noqa: S108 - where MPI libraries put theirs
MAPPER = """
import mmap, sys
file = open(sys.argv[1], "w+b")
file.truncate(4096)
kept = mmap.mmap(file.fileno(), 4096)
print("mapped", flush=True)
sys.stdin.read()
"""


def test_what_a_process_has_mapped_is_seen_and_removed() -> None:
    path = SHM / f"assay-test-{uuid.uuid4().hex}"
    with subprocess.Popen([sys.executable, "-c", MAPPER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mapped\n"
        assert path in segments(process.pid)
        process.kill()
        process.wait(30)
        assert segments(process.pid) == set()
    assert path.exists()
    remove([path, path])
    assert not path.exists()
