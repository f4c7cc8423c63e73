"""The only file that knows Hydra: overrides in, plain containers out.

Hydra's compose API stands behind our own front, because under ``@hydra.main`` a bad configuration exits 1, return values are
lost, completion after a subcommand breaks and every rank would make an ``outputs`` folder.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra.core.default_element import ResultDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from assay.harness.door.layers import CONF, GROUPS, Layer, clashes, files, layers, sources
from assay.harness.door.searchpath import bring_up
from assay.harness.door.shapes import check_shapes
from assay.harness.errors import RefusalError


@dataclass(frozen=True)
class Composed:
    """One composed configuration: plain containers holding only the chosen suites, and what was dropped on the way."""

    config: dict[str, Any]
    overrides: tuple[str, ...]
    plan_name: str
    notes: tuple[str, ...]

    @property
    def yaml(self) -> str:
        """The configuration as YAML, which composes to the same plan again."""
        return to_yaml(self.config)


def to_yaml(config: dict[str, Any]) -> str:
    """Write plain containers as YAML."""
    return OmegaConf.to_yaml(OmegaConf.create(config))


@contextlib.contextmanager
def session(config_dirs: Sequence[str]) -> Iterator[list[Layer]]:
    """Bring Hydra up on every layer of configuration; yields them, lowest first."""
    found = layers(config_dirs)
    logging.getLogger("hydra").setLevel(logging.ERROR)
    bring_up(found)
    try:
        yield found
    finally:
        GlobalHydra.instance().clear()


def compose(overrides: Sequence[str], *, config_dirs: Sequence[str] = ()) -> Composed:
    """Compose one configuration; RefusalError (exit code 3) for anything Hydra or Assay cannot accept."""
    parsed = parse(overrides)
    with session(config_dirs):
        try:
            whole = hydra_compose("config", list(overrides), return_hydra_config=True)
            plan_name = whole.hydra.runtime.choices.get("plan") or ""
            listed = [default.config_path or "" for default in defaults_list(overrides)]
            OmegaConf.set_readonly(whole, value=False)
            OmegaConf.set_struct(whole, value=False)
            del whole["hydra"]
            raw, config = plain(whole, resolve=False), plain(whole, resolve=True)
        except (HydraException, OmegaConfBaseException, ValueError, YAMLError, OSError) as error:
            raise refused(error, overrides, config_dirs) from error
    check_shapes(config)
    check_known(config)
    chosen = {name: options for name, options in config["suite"].items() if isinstance(options, dict) and "target" in options}
    check_brought(listed)
    check_chosen([path.removeprefix("suite/") for path in listed if path.startswith("suite/")], chosen)
    check_keys(parsed, chosen, raw["suite"])
    dropped = sorted(set(config["suite"]) - set(chosen))
    notes = tuple(f"settings for suite {name} are dropped: it is not chosen" for name in dropped)
    return Composed({**config, "suite": chosen}, tuple(overrides), str(plan_name), notes)


def plain(config: DictConfig, *, resolve: bool) -> dict[str, Any]:
    """Turn a configuration into dictionaries and lists."""
    result = OmegaConf.to_container(config, resolve=resolve, throw_on_missing=resolve)
    if not isinstance(result, dict):
        message = "the configuration is no mapping"
        raise RefusalError(message)
    result["suite"] = result.get("suite") or {}
    return {str(key): value for key, value in result.items()}


def parse(overrides: Sequence[str]) -> list[Override]:
    """Parse overrides by Hydra's grammar; RefusalError names the one that is not."""
    parser, parsed = OverridesParser.create(), []
    for override in overrides:
        if override.lstrip("+~").startswith("hydra"):
            message = "Assay stands in front of Hydra, whose own settings do nothing here"
            raise RefusalError(message, value=override, where="OVERRIDE", fix="Leave it out; assay run --help lists what there is.")
        try:
            parsed += parser.parse_overrides(overrides=[override])
        except HydraException as error:
            message = f"is no override: {' '.join(str(error).split()).split(' See https://')[0]}"
            fix = "Write KEY=VALUE, and quote a value that holds =,[]{}: 'KEY=\"a=b\"'."
            raise RefusalError(message, value=override, where="OVERRIDE", fix=fix) from error
    return parsed


def check_known(config: dict[str, Any]) -> None:
    """Refuse keys that nothing reads, whether ``+KEY=...`` or a file put them there; rules, hardware and model take any."""
    root = load_yaml(CONF / "config.yaml")
    known: dict[str, set[str]] = {"": {*root, *GROUPS} - {"defaults"}, "inject": {*root["inject"]}, "timer": {*root["timer"]}}
    for group in ("site", "launch", "store"):
        known[group] = {key for path in (CONF / group).glob("*.yaml") for key in load_yaml(path)}
    for part, names in known.items():
        for name in config if not part else config.get(part) or {}:
            if name not in names:
                where = f"{part}.{name}".lstrip(".")
                near = difflib.get_close_matches(str(name), names, n=1)
                hint = f"Did you mean {near[0]}? " if near else ""
                message = "there is no such key"
                raise RefusalError(message, where=where, fix=f"{hint}Known: {', '.join(sorted(names))}.")


def defaults_list(overrides: Sequence[str]) -> Sequence[ResultDefault]:
    """List every file that a configuration is composed of."""
    listed = GlobalHydra.instance().config_loader().compute_defaults_list("config", list(overrides), RunMode.RUN)
    return list(listed.defaults)


def check_brought(paths: Sequence[str]) -> None:
    """Refuse a suite, a plan or another option that was chosen and that two installed packages bring."""
    twice = {f"{group}/{name}": places for group in GROUPS for name, places in clashes(group).items()}
    for path in paths:
        if path in twice:
            group, _, name = path.partition("/")
            message = f"is brought twice: {twice[path]}"
            raise RefusalError(message, value=name, where=group, fix="Uninstall one of them.")


def check_chosen(names: Sequence[str], chosen: dict[str, Any]) -> None:
    """Refuse a suite that was chosen but gave nothing: its YAML holds no mapping with a target, or lies in another package."""
    for name in names:
        if name not in chosen:
            message = f"its YAML gives no suite.{name} with a target"
            fix = f"Begin {name}.yaml with '# @package suite.{name}' and let it hold a mapping with a target."
            raise RefusalError(message, value=name, where="suite", fix=fix)


def check_keys(parsed: Sequence[Override], chosen: dict[str, Any], raw: dict[str, Any]) -> None:
    """Refuse overrides that would silently do nothing: of suites not chosen, of a model that no suite reads."""
    for override in parsed:
        key = override.key_or_group
        if key.startswith("suite.") and key.split(".")[1] not in chosen:
            message = f"suite {key.split('.')[1]} is not chosen"
            raise RefusalError(
                message, value=override.input_line, where=key, fix=f"Add it to 'suite=[{','.join(chosen)},...]' or leave this out."
            )
        part = key.split(".")
        if len(part) == 3 and part[0] == "suite" and part[2] in (chosen[part[1]].get("axes") or {}):  # noqa: PLR2004 - suite.NAME.PARAMETER
            message = "is an axis of this suite, whose values would win"
            raise RefusalError(message, value=override.input_line, where=key, fix=f"Set {'.'.join(part[:2])}.axes.{part[2]}=[...].")
        if key.split(".")[0] == "model" and not any("${model" in str(raw.get(name)) for name in chosen):
            message = "no chosen suite takes its shapes from the model"
            raise RefusalError(message, value=override.input_line, where="model", fix="Leave it out, or choose gemm or fp8_gemm.")


def sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Expand Hydra's sweep grammar (``a=1,2``, ``choice``, ``range``) into one list of overrides a job."""
    choices = []
    for override in parse(overrides):
        if override.is_sweep_override():
            key = override.get_key_element()
            try:
                choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
            except HydraException as error:
                message = "is no sweep over values that are named"
                fix = "Write KEY=a,b, KEY=choice(a,b) or KEY=range(1,4); glob and interval need more than a list."
                raise RefusalError(message, value=override.input_line, where="--multirun", fix=fix) from error
        else:
            choices.append([override.input_line or ""])
    return [list(job) for job in itertools.product(*choices)]


def refused(error: Exception, overrides: Sequence[str], config_dirs: Sequence[str]) -> RefusalError:
    """Turn an error of Hydra's into ours: one line, with the close matches that Hydra does not give."""
    text = " ".join(str(error).split())
    missing = re.search(r"Could not (?:load|find) '(\w+)/([^']+)'", text)
    if missing:
        group, name = missing.groups()
        known = options(group, config_dirs)
        near = difflib.get_close_matches(name, known, n=1)
        message = f"there is no {group} {name!r}"
        hint = f"Did you mean {near[0]}? " if near else ""
        return RefusalError(message, where=group, fix=f"{hint}Known: {', '.join(known)}.")
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown:
        key, suite = unknown.group(1), re.match(r"suite\.(\w+)", unknown.group(1))
        message = "there is no such key"
        if suite and not any(re.match(rf"\+*suite=.*\b{suite.group(1)}\b", o) for o in overrides):
            message += f", or suite {suite.group(1)} is not chosen"
        return RefusalError(message, where=key, fix="assay run --cfg job with the same overrides shows every key.")
    text = re.sub(r" (Config search path|full_key|object_type|reference_type).*", "", text)
    named = [o for o in overrides if o.lstrip("+~").split("=")[0] in text]
    where = next((o for o in overrides if o in text), max(named, key=lambda o: len(o.split("=")[0]), default="configuration"))
    return RefusalError(text.rstrip("."), where=where, fix="Say assay run --help for the keys, assay run --cfg job for the whole.")


def options(group: str, config_dirs: Sequence[str] = ()) -> list[str]:
    """List the options of a configuration group, of all layers."""
    return sorted(files(group, layers(config_dirs)))


def suite_options(name: str, config_dirs: Sequence[str] = ()) -> dict[str, Any]:
    """Read one suite's YAML as it stands (interpolations not resolved)."""
    return load_yaml(files("suite", layers(config_dirs))[name][0])


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file as plain containers; RefusalError if it cannot be read."""
    try:
        result = OmegaConf.to_container(OmegaConf.load(path))
    except (OSError, ValueError, YAMLError) as error:
        message = f"cannot be read: {' '.join(str(error).split())}"
        raise RefusalError(message, where=str(path), fix="Mend or restore it.") from error
    return {str(key): value for key, value in result.items()} if isinstance(result, dict) else {}


def complete(line: str, config_dirs: Sequence[str] = ()) -> list[str]:
    """Complete the last word of a line of overrides by Hydra's own rules."""
    from hydra._internal.core_plugins.bash_completion import BashCompletion

    with session(config_dirs):
        loader = GlobalHydra.instance().config_loader()
        found = BashCompletion(loader)._query(config_name="config", line=line)  # noqa: SLF001 - Hydra offers no public way
    return sorted(word for word in found if not word.startswith("hydra"))


def info(what: str, overrides: Sequence[str], config_dirs: Sequence[str]) -> str:
    """Tell about the configuration itself: ``searchpath``, ``groups`` or ``defaults``."""
    if what == "groups":
        return "\n".join(f"{group}: {', '.join(options(group, config_dirs))}" for group in GROUPS)
    with session(config_dirs) as found:
        if what == "searchpath":
            return "\n".join(sources(found))
        listed = defaults_list(overrides)
        return "\n".join(str(default.config_path) for default in listed if not str(default.config_path).startswith("hydra/"))
