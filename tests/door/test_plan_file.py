"""A plan made elsewhere is measured as it stands: same cases, same keys, and refused where it does not fit this place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door.compose import compose
from assay.harness.door.main import main
from assay.harness.door.planning import sent_plan
from assay.harness.errors import RefusalError
from assay.results.dossier.plan import differences
from assay.results.store import Store

TINY = (
    "suite=[gemm]",
    "suite.gemm.axes.m=[8,16]",
    "suite.gemm.axes.dtype=[fp32]",
    "suite.gemm.axes.layer=[{n: 16, k: 16}]",
    "site.nranks=1",
)
QUICK = ("hardware=h100_sxm", "budget.seconds=0.01", "budget.warmup_seconds=0.01")


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """Make the plan of a buyer."""
    path = tmp_path / "plan.json"
    assert main(["plan", *TINY, *QUICK, "--out", str(path)]) == 0
    return path


def test_the_run_has_the_plan_whatever_the_configuration_selects(sent: Path, tmp_path: Path) -> None:
    assert main(["run", "--plan-file", str(sent), "plan=smoke", "site.nranks=1", f"store.url={tmp_path}/runs"]) == 0
    store = Store(tmp_path / "runs")
    (run,) = store.runs()
    had = json.loads((store.root / run.id / "plan.json").read_text(encoding="utf-8"))
    assert differences(json.loads(sent.read_text(encoding="utf-8")), had) == []
    assert run.summary["measured"] == len(had["cases"]) == 2


def test_what_does_not_fit_this_place_is_refused(sent: Path) -> None:
    config: dict[str, Any] = compose(["site.memory_nbytes=1000"]).config
    with pytest.raises(RefusalError, match="of this machine's memory"):
        sent_plan(sent, config, nranks=None, share=False, exclusive=False)
    with pytest.raises(RefusalError, match="has 3 ranks"):
        sent_plan(sent, config, nranks=3, share=False, exclusive=False)
    sent.write_text("{", encoding="utf-8")
    assert main(["run", "--plan-file", str(sent)]) == 3
