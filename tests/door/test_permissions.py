"""``assay doctor --permissions``: what is lacking is seen, and what is there is not complained of."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from assay.harness.door import permissions
from assay.harness.door.permissions import Permission
from tests.door.place import Place


def row(found: list[Permission], part: str) -> Permission:
    """Find the check whose name holds ``part``."""
    (one,) = [permission for permission in found if part in permission.check]
    return one


def test_every_check_says_what_it_needs_and_what_a_container_gives() -> None:
    found = permissions.permissions()
    assert len({permission.check for permission in found}) == len(found) >= 10
    assert all(permission.needs and permission.container and permission.seen for permission in found)


def test_the_document_is_one_json_object(place: Place) -> None:
    done = place.assay("doctor", "--permissions", "--json")
    document = json.loads(done.stdout)
    assert (document["schema"], document["user"]) == ("assay.permissions/1", os.geteuid())
    assert {entry["have"] for entry in document["permissions"]} <= {"yes", "no", "unknown", "not here"}


def test_the_table_has_two_lines_a_check(place: Place) -> None:
    lines = place.assay("doctor", "--permissions").stdout.splitlines()
    assert len(lines) == 2 * len(permissions.LOOKS)
    assert all("in a container:" in line for line in lines[1::2])


@pytest.mark.parametrize(
    ("limit", "have", "seen"), [(64 << 10, "no", "limited to 64 KiB (ulimit -l)"), (resource.RLIM_INFINITY, "yes", "unlimited")]
)
def test_a_limit_on_locked_memory_is_seen(monkeypatch: pytest.MonkeyPatch, limit: int, have: str, seen: str) -> None:
    monkeypatch.setattr(permissions.resource, "getrlimit", lambda _which: (limit, limit))
    assert (permissions.locked_memory().have, permissions.locked_memory().seen) == (have, seen)


def test_the_limit_of_this_very_process_is_what_is_read() -> None:
    script = "from assay.harness.door.permissions import locked_memory; print(locked_memory().seen)"
    argv = ["sh", "-c", f"ulimit -l 32 && exec {sys.executable} -c '{script}'"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "limited to 32 KiB (ulimit -l)\n"


@pytest.mark.parametrize(("nbytes", "have"), [(64 << 20, "no"), (4 << 30, "yes")])
def test_a_containers_shared_memory_is_too_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nbytes: int, have: str) -> None:
    monkeypatch.setattr(permissions, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(permissions.shutil, "disk_usage", lambda _path: type("Usage", (), {"total": nbytes})())
    assert permissions.shared_memory().have == have


def test_no_shared_memory_at_all_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(permissions, "SHARED_MEMORY", tmp_path / "none")
    found = permissions.shared_memory()
    assert found.have == "no"
    assert "No such file" in found.seen


def test_device_nodes_are_there_denied_or_not_here(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/gpu*"
    look = lambda: permissions.nodes("c", pattern, "x").have  # noqa: E731
    assert look() == "not here"
    (tmp_path / "gpu0").touch()
    assert look() == "yes"
    if os.geteuid() != 0:
        (tmp_path / "gpu0").chmod(0)
        assert look() == "no"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_denied_by_name_of_the_group() -> None:
    script = "import sys; from assay.harness.door.permissions import nodes; row = nodes('c', sys.argv[1], 'x'); print(row.have, row.seen)"
    node = Path("/dev/shm") / f"assay-test-{os.getpid()}"  # noqa: S108 - pytest's own folders are private
    node.touch(mode=0o600)
    try:
        as_root = subprocess.run([sys.executable, "-c", script, str(node)], capture_output=True, text=True, check=True)
        # The right to look at files is given up in the process itself, since another user may not read this environment.
        dropped = (
            f"import os, sys; import assay.harness.door.permissions, grp; os.setgroups([]); os.setgid(65534); os.setuid(65534); {script}"
        )
        as_nobody = subprocess.run([sys.executable, "-c", dropped, str(node)], capture_output=True, text=True, check=True)
    finally:
        node.unlink()
    assert as_root.stdout.startswith("yes ")
    assert as_nobody.stdout.startswith("no denied:")
    assert "(group root)" in as_nobody.stdout
