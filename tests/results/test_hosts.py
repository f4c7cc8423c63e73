"""Files of hosts as MPI and Slurm write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.harness.errors import RefusalError
from assay.results.hosts import alike, read_hosts


def test_every_form(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("# the rack\nn1 slots=8\nn2:8\n\nnode[08-11,20],x1 # more\nn1\nr[1-2]-ib\n")
    names = ["n1", "n2", "node08", "node09", "node10", "node11", "node20", "x1", "r1-ib", "r2-ib"]
    assert read_hosts(path) == dict.fromkeys(names, 0) | {"n1": 8, "n2": 8}


def test_a_domain_may_be_left_out() -> None:
    assert alike("n1", "n1.site.org")
    assert alike("n1.site.org", "n1.site.org")
    assert not alike("n1.site.org", "n1.other.org")
    assert not alike("n1", "n10.site.org")


@pytest.mark.parametrize("text", ["", "# nobody\n", "node[5-1]\n", "node[a-b]\n", "node[1-99999999999]\n"])
def test_what_names_no_host_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hosts"
    path.write_text(text)
    with pytest.raises(RefusalError, match="--expect"):
        read_hosts(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="cannot be read"):
        read_hosts(tmp_path / "none")
