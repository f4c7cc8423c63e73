"""Where configuration comes from, lowest first; what stands in a later layer replaces the file of the same name in an earlier one.

Suite paths and installed packages add suites and replace nothing of ours. The site's layers are for that: ``/etc/assay``, the user's own
folder, then ``--config-dir``. Packages are found without importing anything of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from assay.harness import suitepath
from assay.harness.errors import RefusalError
from assay.harness.plugins import SUITES, Plugin, plugins

CONF = Path(__file__).parents[2] / "conf"
GROUPS = ("plan", "suite", "site", "launch", "hardware", "model", "rules", "store")
PACKAGED, SYSTEM, USER, OPTION = "packaged", "system", "user", "--config-dir"
SYSTEM_FOLDER = "/etc/assay"
SCHEME = "pkg://"


@dataclass(frozen=True)
class Layer:
    """One folder of configuration.

    Attributes:
        name: who brings it: an option, a package with its version, or the place it has by custom.
        folder: where it lies; it need not exist.
        flat: a suite path: its YAML files are suites, and it holds no other group.

    """

    name: str
    folder: Path
    flat: bool = False

    def files(self, group: str) -> dict[str, Path]:
        """List the YAML files of one group by name."""
        folder = self.folder if self.flat and group == "suite" else self.folder / group
        return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if not self.flat or group == "suite" else {}


def layers(config_dirs: Sequence[str] = (), *, environ: Mapping[str, str] = os.environ) -> list[Layer]:
    """List the layers, lowest first; RefusalError names one that cannot be read, and a suite path whose suite another brings already."""
    added = [Layer(suitepath.OPTION, folder, flat=True) for folder in suitepath.named]
    brought = packages()
    check_names([*brought, Layer(PACKAGED, CONF)], added)
    site = [Layer(SYSTEM, Path(environ.get("ASSAY_SITE_CONFIG") or SYSTEM_FOLDER)), *user_layer(environ)]
    for layer in site:
        check_readable(layer)
    return [*added, *brought, Layer(PACKAGED, CONF), *site, *(option_layer(text) for text in config_dirs)]


def user_layer(environ: Mapping[str, str]) -> list[Layer]:
    """Give the user's own folder after the XDG base directory specification (https://specifications.freedesktop.org/basedir).

    Without a home there is none.
    """
    home = environ.get("HOME", "")
    base = environ.get("XDG_CONFIG_HOME", "")
    if not Path(base).is_absolute():  # "must be absolute", else it is to be ignored
        base = f"{home}/.config" if home and os.access(home, os.X_OK) else ""  # a home of somebody else's holds nothing of this user's
    return [Layer(USER, Path(base, "assay"))] if base else []


def option_layer(text: str) -> Layer:
    """Read one ``--config-dir``: a folder, or ``pkg://`` and the dotted name of one in an installed package."""
    folder = package_folder(text.removeprefix(SCHEME)) if text.startswith(SCHEME) else Path(text)
    if folder is None or not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a parent may not be searched
        message = "is no folder of an installed package" if text.startswith(SCHEME) else "is no folder that can be read"
        raise RefusalError(message, value=text, where=OPTION, fix="Name a folder that holds suite/, plan/ or site/.")
    layer = Layer(OPTION, folder.resolve())
    check_readable(layer)
    return layer


def package_folder(dotted: str) -> Path | None:
    """Find the folder of a package without importing it or any package above it; None if there is none."""
    first, *rest = dotted.split(".")
    try:
        spec = find_spec(first) if all(part.isidentifier() for part in (first, *rest)) else None
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations or [] if spec else []
    return next((folder for place in places if (folder := Path(place, *rest)).is_dir()), None)


def packages() -> list[Layer]:
    """List the configuration of installed packages: the folder ``conf`` nearest to a suite's module, once each."""
    found = {folder: Layer(plugin.package, folder) for plugin in plugins(SUITES) if (folder := conf_of(plugin)) and folder != CONF}
    return list(found.values())


def conf_of(plugin: Plugin) -> Path | None:
    """Find the folder ``conf`` that stands beside a suite's module or higher up in its package."""
    parents = plugin.target.split(":", maxsplit=1)[0].split(".")[:-1]
    for depth in range(len(parents), 0, -1):
        folder = package_folder(".".join([*parents[:depth], "conf"]))
        if folder is not None:
            return folder
    return None


def check_names(brought: Sequence[Layer], added: Sequence[Layer]) -> None:
    """Refuse a suite path whose suite has the name of ours or of an installed one."""
    for layer in added:
        for name, path in layer.files("suite").items():
            first = next((other.files("suite")[name] for other in brought if name in other.files("suite")), None)
            if first:
                message = f"two suites have one name: {first} and {path}"
                raise RefusalError(message, value=name, where=suitepath.OPTION, fix="Rename yours.")


def clashes(group: str) -> dict[str, str]:
    """Say of every option of a group that two bring where it lies; the others may be used.

    Two installed packages must not, since neither comes before the other. Ours comes before both, but a suite of its name is refused, too.
    """
    ours = Layer(PACKAGED, CONF)
    places: dict[str, list[str]] = {}
    for layer in (ours, *packages()):
        for name, path in layer.files(group).items():
            places.setdefault(name, []).append(f"{path} ({layer.name})")
    replaced = () if group == "suite" else ours.files(group)
    return {name: " and ".join(found) for name, found in places.items() if len(found) > 1 and name not in replaced}


def check_readable(layer: Layer) -> None:
    """Refuse a layer that is there but cannot be read: leaving it out would measure something else than the site asked for."""
    for folder in (layer.folder, *(layer.folder / group for group in GROUPS)):
        try:
            names = os.listdir(folder)  # noqa: PTH208 - names are enough
        except FileNotFoundError:
            continue
        except OSError as error:
            message = f"cannot be read: {error.strerror}"
            fix = "Mend its permissions, or take it away."
            raise RefusalError(message, value=str(folder), where=f"configuration ({layer.name})", fix=fix) from error
        if folder == layer.folder and "config.yaml" in names:
            message = "has a config.yaml, which is Assay's own root of every configuration"
            fix = f"Put its content into a file of a group: {', '.join(GROUPS)}."
            raise RefusalError(message, value=str(folder), where=f"configuration ({layer.name})", fix=fix)


def files(group: str, found: Sequence[Layer]) -> dict[str, tuple[Path, Layer]]:
    """List the options of a group: the file that counts, and whose it is."""
    return {name: (path, layer) for layer in found for name, path in layer.files(group).items()}


def sources(found: Sequence[Layer]) -> Iterator[str]:
    """Tell the layers, one a line, lowest first."""
    width = max(len(layer.name) for layer in found)
    for layer in found:
        yield f"{layer.name:{width}}  {layer.folder}" + ("" if layer.folder.exists() else "  (not there)")
