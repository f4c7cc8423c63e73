"""``assay suites``: what can be measured, one line each, with parameters and units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.harness.door.compose import options, suite_options
from assay.harness.door.console import emit_json, out, parser
from assay.harness.errors import RefusalError
from assay.harness.params import schema
from assay.harness.targets import resolve

SUMMARY = "list the suites with their parameters and units"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("suites", SUMMARY)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    p.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="folder with more suite/ YAML")
    ns = p.parse_args(list(argv))
    rows = [described(name, ns.config_dir) for name in options("suite", ns.config_dir)]
    if ns.json:
        emit_json({"schema": "assay.suites/1", "suites": rows})
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        parameters = ", ".join(told(part) for part in row["parameters"])
        out(
            f"{row['name']:{width}}  {row['summary']} [{parameters}]"
            if not row["problem"]
            else f"{row['name']:{width}}  cannot be used: {row['problem']}"
        )
    return 0


def described(name: str, config_dirs: Sequence[str]) -> dict[str, Any]:
    """Describe one suite; one that cannot be imported is listed with its problem."""
    yaml = suite_options(name, config_dirs)
    row: dict[str, Any] = {
        "name": name,
        "summary": yaml.get("summary", ""),
        "version": yaml.get("version"),
        "parameters": [],
        "problem": "",
    }
    try:
        parameters = schema(resolve(yaml.get("target", ""), where=f"suite.{name}.target"))
    except RefusalError as error:
        return row | {"problem": str(error)}
    units = yaml.get("units") or {}
    row["parameters"] = [
        {"name": p.name, "unit": units.get(p.name, ""), "type": p.annotation, "choices": list(p.choices)} for p in parameters.values()
    ]
    return row


def told(part: dict[str, Any]) -> str:
    """Tell one parameter: its name, unit and choices."""
    unit = f" {part['unit']}" if part["unit"] else ""
    choices = "=" + "|".join(map(str, part["choices"])) if part["choices"] else ""
    return f"{part['name']}{choices}{unit}"
