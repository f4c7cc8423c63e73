"""Layers of configuration: a later one replaces a file of an earlier one; packages and suite paths only add; nothing is read in vain."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.harness.door.completion import candidates
from assay.harness.door.compose import compose, info
from assay.harness.door.layers import CONF, Layer, check_readable, layers, package_folder, user_layer
from assay.harness.door.main import main
from assay.harness.errors import RefusalError
from assay.harness.suitepath import name_suite_paths
from tests.outside import FUNCTION, install, suite_folder, yaml_of

SITE = "name: {}\ndevice: cpu\nnranks: 1\nnodes: 1\nthreads: null\nmemory_nbytes: null\nmpiexec: null\nmpiexec_flags: []\n"


@pytest.fixture(autouse=True)
def nothing_named() -> Iterator[None]:
    """Begin and end without folders of suites."""
    name_suite_paths([])
    yield
    name_suite_paths([])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with an empty layer each (``etc``, ``home/assay``, ``a``, ``b``) and ``packages``, which is on the path."""
    for name in ("etc", "home/assay", "a", "b", "packages"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("ASSAY_SITE_CONFIG", str(tmp_path / "etc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    """Write one file of a layer."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def acme(site: Path, package: str, suite: str, *, init: str = "", more: dict[str, str] | None = None) -> None:
    """Install a package with one suite."""
    files = {
        "__init__.py": init,
        "suites.py": FUNCTION.format(name=suite),
        f"conf/suite/{suite}.yaml": yaml_of(suite, f"{package}.suites:{suite}"),
    }
    install(site / "packages", package, points=f"[assay.suites]\n{suite} = {package}.suites:{suite}\n", files=files | (more or {}))


def test_a_later_layer_replaces_a_file_of_an_earlier_one_even_a_packaged_one(site: Path) -> None:
    for name in ("etc", "home/assay", "a", "b"):
        write(site / name, "site/local.yaml", SITE.format(f"'{name}'"))
    counts = []
    for dirs, gone in ((["a", "b"], "b"), (["a"], "a"), ([], "home/assay"), ([], "etc"), ([], "")):
        config = compose(["suite=[gemm]"], config_dirs=[str(site / name) for name in dirs]).config
        counts.append((config["site"]["name"], config["site"]["nranks"]))
        if gone:
            (site / gone / "site" / "local.yaml").unlink()
    assert counts == [("b", 1), ("a", 1), ("home/assay", 1), ("etc", 1), ("local", 2)]


def test_what_a_layer_adds_is_found_and_what_it_mistypes_is_refused(site: Path) -> None:
    write(site / "etc", "site/prod.yaml", SITE.format("prod"))
    write(site / "home/assay", "plan/mine.yaml", "# @package _global_\ndefaults:\n  - override /suite: [gemm]\n  - override /site: prod\n")
    assert compose(["plan=mine"]).config["site"]["name"] == "prod"
    write(site / "etc", "site/prod.yaml", SITE.format("prod").replace("nranks", "nrank"))
    with pytest.raises(RefusalError, match=r"site\.nrank: there is no such key"):
        compose(["plan=mine"])


def test_the_search_path_is_told_in_order(site: Path) -> None:
    acme(site, "acme_order", "order_copy")
    name_suite_paths([str(suite_folder(site / "mine", "triad"))])
    told = [line.split() for line in info("searchpath", [], [str(site / "a")]).splitlines()]
    folders = [site / "mine", site / "packages/acme_order/conf", CONF, site / "etc", site / "home/assay", site / "a"]
    assert [line[-1] for line in told] == list(map(str, folders))
    assert [line[0] for line in told] == ["--suite-path", "acme_order", "packaged", "system", "user", "--config-dir"]


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without rights, who may read nothing of root's."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_layer_that_may_not_be_read_is_named(site: Path) -> None:
    (site / "etc").chmod(0o700)
    layer = Layer("system", site / "etc")
    check_readable(layer)
    with nobody(), pytest.raises(RefusalError, match="Permission denied") as caught:
        check_readable(layer)
    assert caught.value.value == str(site / "etc")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("etc", "x", "Not a directory"), ("etc/plan", "x", "Not a directory"), ("etc/config.yaml", "a: 1", "root of")],
)
def test_a_layer_that_would_be_read_in_vain_is_refused(site: Path, name: str, text: str, said: str) -> None:
    if name == "etc":
        (site / "etc").rmdir()
    (site / name).write_text(text, encoding="utf-8")
    with pytest.raises(RefusalError, match=said) as caught:
        layers()
    assert str(site / "etc") in str(caught.value)


def test_without_a_home_there_is_no_layer_of_the_users(tmp_path: Path) -> None:
    assert user_layer({}) == []
    assert user_layer({"XDG_CONFIG_HOME": "relative"}) == []
    assert user_layer({"HOME": "/nowhere/at/all"}) == []
    home = str(tmp_path)
    assert user_layer({"HOME": home, "XDG_CONFIG_HOME": "relative"}) == [Layer("user", tmp_path / ".config/assay")]
    assert user_layer({"HOME": home, "XDG_CONFIG_HOME": "/x"}) == [Layer("user", Path("/x/assay"))]


def test_an_installed_suite_is_composed_listed_and_completed_without_importing_it(site: Path) -> None:
    acme(site, "acme_lazy", "lazy_copy", init="raise OSError('no driver')\n")
    assert [*compose(["suite=[lazy_copy]"]).config["suite"]] == ["lazy_copy"]
    assert "suite=lazy_copy" in candidates(["run", "suite=lazy"])
    assert package_folder("acme_lazy.conf") == site / "packages/acme_lazy/conf"
    assert [*compose(["suite=[lazy_copy]"], config_dirs=["pkg://acme_lazy.conf"]).config["suite"]] == ["lazy_copy"]
    assert "acme_lazy" not in sys.modules
    for absent in ("pkg://acme_lazy.nothing", "pkg://nothing", "pkg://", "pkg://../x"):
        with pytest.raises(RefusalError, match="no folder of an installed package"):
            compose(["suite=[gemm]"], config_dirs=[absent])


def test_a_package_replaces_nothing_of_ours(site: Path) -> None:
    acme(site, "acme_greedy", "greedy_copy", more={"conf/site/local.yaml": SITE.format("theirs"), "conf/config.yaml": "seed: 3\n"})
    config = compose(["suite=[greedy_copy]"]).config
    assert (config["site"]["name"], config["seed"]) == ("local", None)


def test_a_package_that_calls_ours_its_own_changes_nothing(site: Path) -> None:
    install(site / "packages", "acme_claims", points="[assay.suites]\nours = assay.suites.gemm:gemm\n", files={"__init__.py": ""})
    assert [layer.folder for layer in layers()].count(CONF) == 1
    assert [*compose(["suite=[gemm]"]).config["suite"]] == ["gemm"]


def listed(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, dict[str, object]]:
    """List the suites by name, as a program would."""
    capsys.readouterr()
    assert main(["suites", "--json", *args]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)["suites"]}


def test_a_broken_package_is_listed_with_its_problem_and_the_others_go_on(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    acme(site, "acme_raises", "raising_copy", init="raise OSError('no driver')\n")
    acme(site, "acme_sound", "sound_copy")
    install(site / "packages", "acme_bare", points="[assay.suites]\nbare = acme_bare:bare\n", files={"__init__.py": "def bare(ctx): ...\n"})
    rows = listed(capsys)
    assert "acme_raises 1.5: OSError: no driver" in str(rows["raising_copy"]["problem"])
    assert "conf/suite/bare.yaml" in str(rows["bare"]["problem"])
    assert (rows["sound_copy"]["problem"], rows["gemm"]["problem"], rows["gemm"]["origin"]) == ("", "", "packaged")
    assert str(rows["sound_copy"]["origin"]).startswith("acme_sound 1.5: ")
    assert main(["plan", "suite=[sound_copy]", "site.nranks=1", "hardware.name=none"]) == 0
    assert main(["plan", "suite=[raising_copy]", "site.nranks=1"]) == 3
    assert "acme_raises 1.5: OSError: no driver" in capsys.readouterr().err


def test_a_suite_that_two_packages_bring_is_refused_alone(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {
        "conf/plan/both.yaml": "# @package _global_\ndefaults:\n  - override /suite: [gemm]\n",
        "conf/site/local.yaml": "name: theirs\n",
    }
    acme(site, "acme_one", "same_copy", more=plan)
    acme(site, "acme_two", "same_copy", more=plan)
    both = [f"{site}/packages/{name}/conf/suite/same_copy.yaml" for name in ("acme_one", "acme_two")]
    rows = listed(capsys)
    assert all(place in str(rows["same_copy"]["problem"]) for place in both)
    assert rows["gemm"]["problem"] == ""
    assert compose(["suite=[gemm]"]).config["suite"]
    with pytest.raises(RefusalError, match="suite: is brought twice") as caught:
        compose(["suite=[same_copy]"])
    assert all(place in str(caught.value) for place in both)
    with pytest.raises(RefusalError, match=r"plan: is brought twice: .*acme_one/conf/plan/both.yaml .* and .*acme_two/conf"):
        compose(["plan=both"])


@pytest.mark.parametrize("theirs", ["gemm", "taken_copy"])
def test_a_suite_path_takes_no_name_that_another_has(site: Path, theirs: str) -> None:
    acme(site, "acme_taken", "taken_copy")
    name_suite_paths([str(suite_folder(site / "mine", theirs))])
    with pytest.raises(RefusalError, match="two suites have one name") as caught:
        compose(["suite=[gemm]"])
    first = CONF if theirs == "gemm" else site / "packages/acme_taken/conf"
    assert str(first / "suite" / f"{theirs}.yaml") in str(caught.value)
    assert str(site / "mine" / f"{theirs}.yaml") in str(caught.value)


def test_a_suite_path_is_composed_listed_and_completed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(suite_folder(site / "mine", "triad"))
    assert listed(capsys, "--suite-path", folder)["triad"]["origin"] == f"--suite-path: {folder}/triad.yaml"
    assert "triad" not in listed(capsys)
    assert "suite=triad" in candidates(["run", "--suite-path", folder, "suite=tri"])
    assert "suite=triad" not in candidates(["run", "suite=tri"])
    assert main(["plan", "--suite-path", folder, "suite=[triad]", "+suite.triad.axes.elements=[8,16]", "hardware.name=none"]) == 0
    assert "triad/1/cpu/barrier/elements=16,wrong=false/1x2" in capsys.readouterr().out
    assert main(["plan", "suite=[triad]"]) == 3
    write(site / "a", "suite/triad.yaml", yaml_of("triad", "triad:triad"))
    assert main(["plan", "--config-dir", str(site / "a"), "suite=[triad]"]) == 3  # configuration alone names no folder
    assert "--suite-path DIR" in capsys.readouterr().err
