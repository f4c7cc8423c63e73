"""Values of the wrong type or for nobody are refused at plan time with their path: one line, exit code 3."""

from __future__ import annotations

import pytest

from assay.harness.door.main import main

CHOSEN = ("plan", "suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8]", "hardware.name=none")


@pytest.mark.parametrize(
    ("override", "where"),
    [
        ("budget=3", "budget"),
        ("inject=3", "inject"),
        ("site.memory_nbytes=abc", "site.memory_nbytes"),
        ("site.memory_nbytes=-1", "site.memory_nbytes"),
        ("site.mpiexec_flags=5", "site.mpiexec_flags"),
        ("site.threads=1.5", "site.threads"),
        ("store.url=5", "store.url"),
        ("launch.kind=5", "launch.kind"),
        ("seed=-1", "seed"),
        ("seed=[1,x]", "seed"),
        ("device=[cpu]", "device"),
        ("suite.all_reduce.limits=3", "suite.all_reduce.limits"),
        ("suite.all_reduce.units=3", "suite.all_reduce.units"),
        ("+suite.all_reduce.ranks.min=x", "suite.all_reduce.ranks.min"),
        ("+suite.all_reduce.ranks.least=1", "suite.all_reduce.ranks.least"),
        ("+suite.all_reduce.bytes=64", "suite.all_reduce.bytes"),
        ("+hardware.limtis.link=3", "hardware.limtis"),
        ("hydra.verbose=true", "OVERRIDE"),
        ("+rules.typo={kind: floor, suite: all_reduc, metric: busbw, share_of_limit: 0.5}", "rules.typo.suite"),
        (
            "+rules.typo={kind: floor, suite: all_reduce, metric: busbw, share_of_limit: 0.5, where: {transport: mpii}}",
            "rules.typo.where.transport",
        ),
    ],
)
def test_refused_with_its_path(override: str, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CHOSEN, override]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"assay: {where}: "), said.err
    assert len(said.err.strip().splitlines()) == 1


def test_what_is_right_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    fine = ("site.threads=2", "seed=3", "site.memory_nbytes=4000000000", "site.mpiexec_flags=[]", "launch=mpiexec")
    assert main([*CHOSEN, *fine]) == 0
    assert "all_reduce" in capsys.readouterr().out


@pytest.mark.parametrize("sweep", ["seed=glob(*)", "seed=interval(1,3)"])
def test_a_sweep_over_nothing_that_is_named_is_refused(sweep: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-m", *CHOSEN[1:], sweep]) == 3
    assert capsys.readouterr().err.startswith("assay: --multirun: ")
