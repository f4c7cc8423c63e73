"""``assay suites``: what can be measured, one line each, with parameters and units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.harness.door.compose import load_yaml
from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.layers import PACKAGED, Layer, clashes, files, layers
from assay.harness.door.run import suite_path_option
from assay.harness.errors import RefusalError
from assay.harness.params import schema
from assay.harness.plugins import SUITES, plugins
from assay.harness.suitepath import name_suite_paths
from assay.harness.targets import resolve

SUMMARY = "list the suites with their parameters and units"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("suites", SUMMARY)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    p.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="folder with more suite/ YAML")
    suite_path_option(p)
    ns = p.parse_args(list(argv))
    name_suite_paths(ns.suite_path)
    rows = listed(ns.config_dir)
    if ns.json:
        emit_json({"schema": "assay.suites/1", "suites": rows})
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        parameters = ", ".join(told(part) for part in row["parameters"])
        origin = "" if row["origin"] == PACKAGED else f"  ({row['origin']})"
        said = f"cannot be used: {row['problem']}" if row["problem"] else f"{row['summary']} [{parameters}]"
        out(f"{row['name']:{width}}  {said}{origin}")
    return 0


def listed(config_dirs: Sequence[str]) -> list[dict[str, Any]]:
    """List every suite by name, and every entry point that brings no YAML of its name."""
    found = files("suite", layers(config_dirs))
    twice = clashes("suite")
    rows = [described(name, path, layer, problem=twice.get(name, "")) for name, (path, layer) in found.items()]
    for plugin in plugins(SUITES):
        if plugin.name not in found:
            problem = f"its package holds no conf/suite/{plugin.name}.yaml beside {plugin.target}"
            rows.append(blank(plugin.name, f"installed: {plugin.package}") | {"problem": problem})
    return sorted(rows, key=lambda row: str(row["name"]))


def blank(name: str, origin: str) -> dict[str, Any]:
    """Make the row of a suite of which nothing but its name and origin is known."""
    return {"name": name, "summary": "", "version": None, "origin": origin, "parameters": [], "problem": ""}


def described(name: str, path: Path, layer: Layer, *, problem: str) -> dict[str, Any]:
    """Describe one suite; one that cannot be read or imported is listed with its problem, and the others go on."""
    row = blank(name, PACKAGED if layer.name == PACKAGED else f"{layer.name}: {path}")
    if problem:
        return row | {"problem": f"two suites have one name: {problem}"}
    try:
        yaml = load_yaml(path)
        row |= {"summary": yaml.get("summary", ""), "version": yaml.get("version")}
        parameters = schema(resolve(yaml.get("target", ""), where=f"suite.{name}.target"))
    except RefusalError as error:
        return row | {"problem": str(error)}
    units = yaml.get("units") or {}
    row["parameters"] = [
        {"name": p.name, "unit": units.get(p.name, ""), "type": p.annotation, "choices": list(p.choices), "open": p.open}
        for p in parameters.values()
    ]
    return row


def told(part: dict[str, Any]) -> str:
    """Tell one parameter: its name, unit and choices."""
    unit = f" {part['unit']}" if part["unit"] else ""
    choices = "=" + "|".join([*map(str, part["choices"]), *(["..."] if part["open"] else [])]) if part["choices"] else ""
    return f"{part['name']}{choices}{unit}"
