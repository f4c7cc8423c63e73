"""Our layers of configuration as Hydra's search path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra import version
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult

from assay.harness.door.layers import CONF, Layer

GROUP = "suite"


class SuiteFolder(FileConfigSource):
    """A folder whose YAML files are the options of the group ``suite``, and nothing else."""

    @staticmethod
    def scheme() -> str:
        """Name the scheme of its addresses."""
        return "suites"

    def inside(self, config_path: str) -> str | None:
        """Give the path below the folder; None for what does not belong to the group."""
        group, _, name = config_path.rstrip("/").partition("/")
        return name if group == GROUP else None

    def load_config(self, config_path: str) -> ConfigResult:
        """Read one suite's YAML."""
        return super().load_config(self.inside(config_path) or config_path)

    def is_group(self, config_path: str) -> bool:
        """Tell whether it has this group; the root has one."""
        return config_path == "" or self.inside(config_path) == ""

    def is_config(self, config_path: str) -> bool:
        """Tell whether it has this suite."""
        name = self.inside(config_path)
        return bool(name) and super().is_config(str(name))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List the groups at the root, the suites in the group."""
        if config_path in ("", "/"):
            return [] if results_filter is ObjectType.CONFIG else [GROUP]
        if self.inside(config_path) != "" or results_filter is ObjectType.GROUP:
            return []
        return sorted(file.stem for file in Path(self.path).glob("*.yaml"))


def bring_up(layers: Sequence[Layer]) -> None:
    """Start Hydra on these layers, lowest first; its own search path goes the other way, and what is found first counts.

    Hydra adds a search path of the user's behind the program's own, where it could replace nothing of it; so the path is made here.
    """
    version.setbase("1.3")
    Plugins.instance()  # registers Hydra's own kinds of sources, and must come before ours
    SourcesRegistry.instance().register(SuiteFolder)
    path = ConfigSearchPathImpl()
    path.append("hydra", "pkg://hydra.conf")
    for layer in reversed(layers):
        if layer.folder.exists():
            path.append("main" if layer.folder == CONF else layer.name, f"{'suites' if layer.flat else 'file'}://{layer.folder}")
    path.append("schema", "structured://")
    GlobalHydra.instance().clear()
    Hydra.create_main_hydra2("assay", config_search_path=path)
