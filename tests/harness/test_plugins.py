"""Entry points of installed packages, tried with packages written by hand onto the path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError
from assay.harness.plugins import DEVICES, SUITES, find, load, plugins


def install(folder: Path, name: str, *, points: str, module: str = "VALUE = 7\n") -> None:
    """Write what an installed package leaves: a module and its metadata."""
    (folder / f"{name}.py").write_text(module)
    info = folder / f"{name}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(points)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_listed_with_its_package_and_not_imported(site: Path) -> None:
    install(site, "acme_listed", points="[assay.devices]\nnpu9 = acme_listed:VALUE\n")
    found = [plugin for plugin in plugins(DEVICES) if plugin.name == "npu9"]
    assert [(plugin.target, plugin.package) for plugin in found] == [("acme_listed:VALUE", "acme_listed 1.5")]
    assert "acme_listed" not in sys.modules
    assert find(SUITES, "npu9") is None  # another group's name


def test_loaded_when_asked_for(site: Path) -> None:
    install(site, "acme_loaded", points="[assay.devices]\nnpu9 = acme_loaded:VALUE\n")
    plugin = find(DEVICES, "npu9")
    assert plugin is not None
    assert load(plugin) == 7


@pytest.mark.parametrize(
    ("module", "said"), [("raise OSError('no driver')\n", "OSError: no driver"), ("raise SystemExit(0)\n", "SystemExit")]
)
def test_one_that_cannot_be_loaded_is_named_and_the_others_go_on(site: Path, module: str, said: str) -> None:
    name = f"acme_broken_{len(said)}"
    install(site, name, points=f"[assay.devices]\nnpu9 = {name}:VALUE\n", module=module)
    install(site, "acme_whole", points="[assay.devices]\nnpu8 = acme_whole:VALUE\n")
    broken, whole = find(DEVICES, "npu9"), find(DEVICES, "npu8")
    assert broken is not None
    assert whole is not None
    with pytest.raises(RefusalError, match=f"npu9 of {name} 1.5.*{said}"):
        load(broken)
    assert load(whole) == 7


def test_one_name_from_two_packages_is_refused(site: Path) -> None:
    install(site, "acme_first", points="[assay.devices]\nnpu9 = acme_first:VALUE\n")
    install(site, "acme_second", points="[assay.devices]\nnpu9 = acme_second:VALUE\n")
    with pytest.raises(RefusalError, match=r"acme_first 1\.5, acme_second 1\.5"):
        find(DEVICES, "npu9")
