"""Plans of labs and the commands that raise, break and mend them: pure, no root needed."""

from __future__ import annotations

import pytest

from assay.harness.door.main import main
from assay.harness.errors import RefusalError
from assay.harness.lab.commands import broken, mended, raised
from assay.harness.lab.fault import Fault, checked, read_fault
from assay.harness.lab.plan import Lab, bits, planned, told

LAB = Lab(owner=7, nodes=3, planes=2, rate=200e6)


def test_every_name_holds_its_owner_and_every_interface_is_shaped_both_ways() -> None:
    commands = [*raised(LAB)]
    added = [words[3] for words in commands if words[:3] == ("ip", "netns", "add")]
    assert added == LAB.namespaces()
    assert all(name.startswith("assay7-") for name in added)
    assert Lab(7, 1, 1, 1e6, "second").head == "assay7.second-head"
    shaped = {(words[2], words[6]) for words in commands if words[0] == "tc"}
    assert shaped == {(f"assay7-node{n}", f"plane{p}") for n in range(3) for p in range(2)} | {
        (f"assay7-plane{p}", f"node{n}") for n in range(3) for p in range(2)
    }
    touched = {words[words.index("-n") + 1] for words in commands if "-n" in words} | {
        words[words.index("netns") + 1] for words in commands if "link" in words[:3] and "netns" in words
    }
    assert touched <= set(added)


@pytest.mark.parametrize(("text", "rate"), [("400mbit", 4e8), ("1.5gbit", 1.5e9), ("50kbit", 5e4), ("10MBIT", 1e7)])
def test_rates_are_read_and_written(text: str, rate: float) -> None:
    assert bits(text, where="x") == rate
    assert bits(told(rate), where="x") == rate


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nodes": 0}, "1 to 64 nodes"),
        ({"nodes": 65}, "1 to 64 nodes"),
        ({"planes": 9}, "1 to 8 planes"),
        ({"rate": "fast"}, "is no rate"),
        ({"rate": "0mbit"}, "is no rate"),
        ({"rate": "-1mbit"}, "is no rate"),
        ({"label": "My Lab"}, "no label"),
    ],
)
def test_a_lab_that_cannot_be_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        planned(0, **{"nodes": 2, "planes": 2, "rate": "100mbit", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("down", 3, 0), "no such node"),
        (Fault("down", -1, 0), "no such node"),
        (Fault("down", 0, 2), "no such plane"),
        (Fault("swap", 0, 0, other=0), "another plane"),
        (Fault("leak", 0, 0, other=5), "another plane"),
        (Fault("loss", 0, 0, percent=0), "no share"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault: Fault, words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        checked(LAB, fault)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("rate", 0, 1, rate=1e8),
        Fault("rate", 0, 1, rate=1e8, ways=("in",)),
        Fault("down", 1, 0),
        Fault("swap", 2, 0, other=1),
        Fault("leak", 2, 0, other=1),
        Fault("loss", 2, 0, percent=1),
    ],
)
def test_every_fault_touches_its_own_place_and_is_remembered_as_it_was(fault: Fault) -> None:
    checked(LAB, fault)
    own = {LAB.node(fault.node), *(LAB.switch(plane) for plane in (fault.plane, fault.other) if plane >= 0)}
    for commands in (broken(LAB, fault), mended(LAB, fault)):
        spaces = {words[words.index("-n") + 1] for words in commands}
        assert spaces
        assert spaces <= own
    assert read_fault(fault.as_dict()) == fault
    assert f"node{fault.node}, plane{fault.plane}" in str(fault)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fault", "--node", "1", "--plane", "0"], "0 are named"),
        (["fault", "--node", "1", "--plane", "0", "--down", "--swap", "1"], "2 are named"),
        (["fault", "--plane", "0", "--down"], "--node"),
        (["status"], "no lab stands here"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert main(["lab", *words]) == 3
    assert said in capsys.readouterr().err


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name, **_: f"/usr/sbin/{name}")
    assert main(["lab", "up"]) == 3
    assert "only root" in capsys.readouterr().err
