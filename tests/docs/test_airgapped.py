"""docs/airgapped.md, followed to the letter: wheels made, carried, and installed with the network switched off."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.conftest import ANNOUNCED, ANNOUNCED_NAMES

ROOT = Path(__file__).resolve().parents[2]
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# As in docs/adding-a-suite.md's test: the page's run, with less time for each case and small shapes.
TINY = ("budget.seconds=0.02", "budget.warmup_seconds=0.02", "budget.min_reps=3", "hardware.name=none", "suite.fp8_gemm.axes.m=[1]", "suite.gemm.axes.m=[1]", "suite.all_reduce.axes.bytes=[8]", "suite.all_to_all.axes.bytes=[8]")  # fmt: skip


def blocks() -> list[list[str]]:
    """Give the commands of the page, block by block."""
    return [block.strip().splitlines() for block in SHELL.findall((ROOT / "docs" / "airgapped.md").read_text(encoding="utf-8"))]


def environ(folder: Path) -> dict[str, str]:
    """Give an environment without a word of a world, an index or a home, in which ``python3`` is this Python without its packages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith((*ANNOUNCED, "PIP_")) and k not in ANNOUNCED_NAMES}
    (folder / "bin").mkdir(exist_ok=True)
    if not (folder / "bin" / "python3").exists():
        (folder / "bin" / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    return {**kept, "HOME": str(folder), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PIP_CONFIG_FILE": os.devnull}


def shut() -> list[str]:
    """Give the words that switch the network off for a command; a namespace of one's own has none."""
    trial = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    if trial is None or trial.returncode:
        pytest.skip("the network cannot be switched off here (unshare --net needs root)")
    return ["unshare", "--net", "--"]


def line(command: str, folder: Path, *, network: bool) -> str:
    """Run one line of the page in ``folder``."""
    before = [] if network else shut()
    done = subprocess.run(
        [*before, "sh", "-c", command], cwd=folder, env=environ(folder), capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Follow the first block, and give the folder that the wheelhouse was carried to."""
    (command,) = blocks()[0]
    assert command == "make wheelhouse"
    folder = tmp_path_factory.mktemp("carried")
    argv = [*shlex.split(command), f"ARGS={folder / 'wheelhouse'}"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def with_torch(folder: Path, lib: Path) -> None:
    """Put this environment's torch, and what it needs, beside a Python, as a machine that brings its own has it."""
    farm, seen, wanted = folder / "machine", set[str](), ["torch"]
    farm.mkdir()
    while wanted:
        name = re.split(r"[^A-Za-z0-9_.-]", wanted.pop())[0]
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # needed elsewhere only
        wanted += [need for need in found.requires or () if "extra ==" not in need]
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            if not (farm / top).exists():
                (farm / top).symlink_to(Path(str(found.locate_file(top))))
    assert {"torch"} <= {path.name for path in farm.iterdir()}
    assert not {"numpy", "hydra", "mpi4py"} & {path.name for path in farm.iterdir()}
    (lib / "machine.pth").write_text(f"{farm}\n")


@pytest.mark.slow
def test_the_wheelhouse_holds_everything_but_torch(carried: Path) -> None:
    names = {path.name.split("-")[0] for path in (carried / "wheelhouse").glob("*.whl")}
    assert {"assay_harness", "antlr4_python3_runtime", "hydra_core", "mpich", "mpi4py", "numpy"} <= names
    assert "torch" not in names
    assert len(list((carried / "wheelhouse").glob("*.whl"))) == len(names)  # one version of each


@pytest.mark.mpi
@pytest.mark.slow
def test_every_command_of_the_page_works_without_a_network(carried: Path) -> None:
    check, make, install, doctor, run = blocks()[1]
    assert (check.split()[1], make.split()[2], install.split()[3]) == ("wheelhouse", "venv", "install")
    line(check, carried, network=False)
    line(make, carried, network=False)
    lib = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(carried / "assay-env"), "platbase": str(carried / "assay-env")}))
    with_torch(carried, lib)
    line(install, carried, network=False)
    assert "torch" not in {path.name for path in lib.iterdir()}
    assert "this machine can run plan=smoke" in line(doctor, carried, network=True)
    said = line(f"{run} {shlex.join(TINY)}", carried, network=True)
    assert "PASS (exit code 0)" in said
    (permissions,) = blocks()[2]
    assert "/dev/shm" in line(permissions, carried, network=True)  # noqa: S108 - what the table names


@pytest.mark.slow
def test_a_changed_wheel_is_found(carried: Path, tmp_path: Path) -> None:
    shutil.copytree(carried / "wheelhouse", tmp_path / "wheelhouse")
    with next((tmp_path / "wheelhouse").glob("hydra_core*.whl")).open("ab") as file:
        file.write(b"x")
    with pytest.raises(AssertionError, match="hydra_core"):
        line(blocks()[1][0], tmp_path, network=True)


def fake_wheel(folder: Path, name: str, version: str) -> Path:
    """Write a wheel that holds one module and says its version."""
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"]))
    return path


VENDORS = (("torch", "2.8.0a0+nv"), ("numpy", "2.0.2"), ("mpi4py", "4.0.0"))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Make a vendor's image: a Python with packages of the vendor's own versions."""
    environ(tmp_path)
    subprocess.run([str(tmp_path / "bin" / "python3"), "-m", "venv", str(tmp_path / "usr")], check=True)
    wheels = [str(fake_wheel(tmp_path, name, version)) for name, version in VENDORS]
    argv = [str(tmp_path / "usr" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *wheels]
    subprocess.run(argv, check=True, env=environ(tmp_path))
    return tmp_path


def contents(image: Path) -> dict[str, str]:
    """Give the hash of every file of the vendor's packages."""
    (lib,) = (image / "usr" / "lib").glob("python*/site-packages")
    folders = [folder for name, version in VENDORS for folder in (lib / name, lib / f"{name}-{version}.dist-info")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    return {str(file.relative_to(lib)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.slow
def test_the_containerfile_adds_assay_and_changes_nothing_of_the_image(carried: Path, image: Path) -> None:
    before = contents(image)
    assert len(before) >= 3 * len(VENDORS)
    said = built(carried / "wheelhouse" / "Containerfile", carried, image)
    assert said.startswith("assay ")
    assert contents(image) == before
    frozen = subprocess.run(
        [str(image / "usr" / "bin" / "python"), "-m", "pip", "freeze"], capture_output=True, text=True, check=True
    ).stdout
    assert all(f"{name} @" in frozen or f"{name}=={version}" in frozen for name, version in VENDORS)
    assert "assay-harness" in frozen


def built(containerfile: Path, context: Path, image: Path) -> str:
    """Do what an engine would do with the file, with ``image/usr`` for the image's Python and ``image`` for its root; give what it printed last."""
    values, printed = {"BASE": "vendor"}, ""
    text = containerfile.read_text(encoding="utf-8")
    for statement in (row for row in text.splitlines() if row and not row.startswith("#")):
        word, _, rest = statement.partition(" ")
        if word == "ARG":
            assert rest in values, "an argument that nobody gives"
        elif word == "FROM":
            assert rest == "${BASE}"
        elif word == "ENV":
            name, _, value = rest.partition("=")
            values[name] = value
        elif word == "COPY":
            source, target = rest.split()
            shutil.copytree(context / source, image / target.lstrip("/"))
        else:
            assert word == "RUN", f"{word} is not known to this test"
            env = environ(image) | values | {"PATH": f"{image / 'usr' / 'bin'}:{os.environ['PATH']}"}
            command = rest.replace("/opt/", f"{image}/opt/")
            done = subprocess.run(
                [*shut(), "sh", "-c", command], env=env, cwd=image, capture_output=True, text=True, timeout=280, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            printed = done.stdout
    return printed
