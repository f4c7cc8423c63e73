"""Files of a run with one value replaced at random: a report comes out, and every section of it could be built."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.results.html.page import page, sections
from assay.results.report_content import gather
from assay.results.report_markdown import render_markdown
from assay.results.report_text import render_text
from tests.results.outline import Outline
from tests.results.reported import EVIL, rich

VALUES: tuple[Any, ...] = (None, True, -1, 0, 1e308, "", EVIL, "nan", [], {}, [None], {"a": [1]}, [[1, 2], "x"], 10**40, "1", [EVIL] * 3)
FILES = ("run.json", "plan.json", "facts.json", "verdicts.json", "records.jsonl", "measurements/000-ranks.jsonl")


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of everything that lies in some JSON."""
    rows = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for key, value in rows:
        yield data, key
        yield from places(value)


def changed(text: str, dice: random.Random) -> str:
    """Replace one value in one line of JSON, or take it away."""
    lines = text.splitlines() if text.count("\n{") else [text]
    number = dice.randrange(len(lines))
    data = json.loads(lines[number])
    container, key = dice.choice(list(places(data)))
    if dice.random() < 0.2:
        del container[key]
    else:
        container[key] = dice.choice(VALUES)
    lines[number] = json.dumps(data)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", FILES)
def test_one_strange_value_never_spoils_a_report(tmp_path: Path, name: str) -> None:
    run = rich(tmp_path / "r")
    path = run.path / name
    whole = path.read_text(encoding="utf-8")
    dice = random.Random(name)  # noqa: S311 - to be the same every time
    for _ in range(25):
        path.write_text(changed(whole, dice), encoding="utf-8")
        content = gather([run])
        found = sections(content)
        assert not [one.absent for one in found if "could not be built" in one.absent], path.read_text(encoding="utf-8")
        assert len(Outline(page(content, found=found)).all("script")) == 1
        assert render_markdown(content)
        assert render_text(content, color=True, width=80)
