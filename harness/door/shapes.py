"""The shape of a composed configuration: groups are mappings, their keys hold values of the type that their reader takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.launch.slurm import BATCH_OPTIONS, STEP_OPTIONS

MAPPINGS = ("suite", "site", "launch", "hardware", "model", "rules", "store", "budget", "inject", "timer")
# What each key of a group may hold; null is always allowed where the packaged default is null.
TYPES: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "site": {
        "name": (str,),
        "device": (str,),
        "nranks": (int,),
        "nodes": (int,),
        "ranks_per_node": (int, type(None)),
        "rank_env": (dict,),
        "threads": (int, type(None)),
        "memory_nbytes": (int, type(None)),
        "mpiexec": (str, type(None)),
        "mpiexec_flags": (list,),
        "telemetry": (str,),
    },
    "launch": {
        "kind": (str,),
        "time": (str, int, type(None)),
        "exclusive": (bool,),
        "requeue": (bool,),
        "flags": (list,),
        "srun_flags": (list,),
        **dict.fromkeys(("mpi", "python", *BATCH_OPTIONS, *STEP_OPTIONS), (str, type(None))),
    },
    "store": {"url": (str, type(None)), "copies": (list,)},
    "hardware": {"name": (str, type(None)), "limits": (dict, type(None)), "price": (dict, type(None))},
}
WORDS = {bool: "true or false", str: "text", int: "a whole number", list: "a list", dict: "a mapping", type(None): "null"}


def check_shapes(config: Mapping[str, Any]) -> None:
    """Refuse a group that is no mapping and a key of another type than its reader takes, with its configuration path."""
    for group in MAPPINGS:
        if not isinstance(config.get(group) or {}, Mapping):
            message = "must hold names and values"
            raise RefusalError(message, value=config[group], where=group, fix=f"assay run --cfg job shows what {group} holds.")
    for group, keys in TYPES.items():
        for name, kinds in keys.items():
            held = config.get(group) or {}
            if name in held and (not isinstance(held[name], kinds) or (isinstance(held[name], bool) and bool not in kinds)):
                message = f"must be {' or '.join(WORDS[kind] for kind in kinds)}"
                raise RefusalError(
                    message,
                    value=held[name],
                    where=f"{group}.{name}",
                    fix=f"Quote text that looks like something else: '{group}.{name}=\"...\"'.",
                )
    unknown = [name for name in config.get("hardware") or {} if name not in TYPES["hardware"]]
    if unknown:
        message = "is no part of a hardware description"
        raise RefusalError(message, value=unknown[0], where=f"hardware.{unknown[0]}", fix="It has name, limits and price.")
    seed, device = config.get("seed"), config.get("device")
    for value in seed if isinstance(seed, list) else [seed]:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            message = "must be a whole number, 0 or more"
            raise RefusalError(message, value=value, where="seed", fix="Write seed=1.")
    if device is not None and not isinstance(device, str):
        message = "is one kind of device for all suites"
        raise RefusalError(message, value=device, where="device", fix="Write device=cpu.")
