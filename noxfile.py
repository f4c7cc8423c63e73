"""The checks, a few lines a session; dependencies and tool settings are read from pyproject.toml.

A nox that lives in an environment where Assay is installed (``make`` does that in ``.venv``) runs the sessions right
there, so that set-up is paid for once; any other nox gives each session an environment of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nox

PYPROJECT = nox.project.load_toml("pyproject.toml")
ANTLR = "antlr4-python3-runtime==4.9.3"  # Hydra's parser
ROOMS = ("harness", "suites", "collectives", "conf", "results")
COMPUTING = ("tests/results", "tests/exchange", "tests/calibration")  # tests that start next to nothing
SUITES = ("tests/suites",)  # these too
SLURM = ("tests/slurm",)  # tests that mostly wait
STARTING = (
    "tests/docs",
    "tests/storage",
    "tests/packaging",
    "tests/telemetry",
    *(f"tests/door/test_{one}.py" for one in ("attached", "devices", "torchrun")),
)
# What compares times, or looks at all that this machine's programs left behind, has the machine to itself.
ALONE = ("tests/bench", "tests/lab", *(f"tests/door/test_{one}.py" for one in ("faults", "gate", "selftest")))
APART = ("tests/compilers",)  # a session of its own

nox.options.sessions = ["lint", "types", "imports", "tests"]
nox.options.default_venv_backend = "none" if importlib.util.find_spec("assay") else "venv"
nox.options.reuse_venv = "yes"


def ready(session: nox.Session, group: str, *, assay: bool = True) -> Path:
    """Install a dependency group of pyproject, and Assay, where the session has an environment of its own; return its bin."""
    if not session.virtualenv.is_sandboxed:
        return Path(sys.executable).parent
    itself = ["--editable", ".[mpich]"] if assay else []
    session.install("--constraint", "constraints.txt", *itself, *nox.project.dependency_groups(PYPROJECT, group))
    return Path(session.bin)


def run(session: nox.Session, program: Path, *args: str, **env: str) -> None:
    """Run a program of the session's environment."""
    session.run(str(program), *args, env=env, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    ruff = ready(session, "lint", assay=False) / "ruff"
    run(session, ruff, "check")
    run(session, ruff, "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict; a link gives the root its import name, which mypy cannot learn from package-dir."""
    mypy = ready(session, "lint") / "mypy"
    link = Path(session.create_tmp(), "assay")
    link.unlink(missing_ok=True)
    link.symlink_to(Path.cwd(), target_is_directory=True)
    rooms = [arg for room in ROOMS if Path(room, "__init__.py").exists() for arg in ("-p", f"assay.{room}")]
    run(session, mypy, *rooms, MYPYPATH=str(link.parent))


@nox.session
def imports(session: nox.Session) -> None:
    """Import-linter: the rooms and floors of docs/architecture.md."""
    run(session, ready(session, "lint") / "lint-imports", "--no-logo")


@nox.session
def tests(session: nox.Session) -> None:
    """Pytest, in three parts, side by side in the first two; arguments after ``--`` go to it, and then nothing else runs."""
    pytest = ready(session, "test") / "pytest"
    if session.posargs:
        run(session, pytest, *session.posargs)
        return
    rest = ("tests", *(f"--ignore={path}" for path in (*COMPUTING, *SUITES, *SLURM, *STARTING, *ALONE, *APART)))
    beside(session, pytest, COMPUTING, SUITES, SLURM)
    beside(session, pytest, rest, STARTING)
    run(session, pytest, *ALONE)


def beside(session: nox.Session, pytest: Path, tests: Sequence[str], *others: Sequence[str]) -> None:
    """Run some tests while others run beside them; what the others said is printed afterwards."""
    with contextlib.ExitStack() as open_files:
        said = [open_files.enter_context(tempfile.TemporaryFile("w+")) for _ in others]
        asides = [subprocess.Popen([str(pytest), *group], stdout=file) for group, file in zip(others, said, strict=True)]  # noqa: S603 - our own tests
        try:
            run(session, pytest, *tests)
        finally:
            codes = [aside.wait() for aside in asides]
            for file in said:
                file.seek(0)
                sys.stdout.write(file.read())
    for group, code in zip(others, codes, strict=True):
        if code:
            session.error(f"pytest {' '.join(group)} ended with {code}")


@nox.session
def compilers(session: nox.Session) -> None:
    """Run a gate's caches under a real compiler, Inductor for the CPU: half a minute of compiling, so apart from the other tests."""
    run(session, ready(session, "test") / "pytest", "tests/compilers", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the harness's own overhead."""
    run(session, ready(session, "test") / "pytest", "tests/bench", "--benchmark-enable", "--benchmark-only", *session.posargs)


@nox.session
def fidelity(session: nox.Session) -> None:
    """Hold our timing loop against a bare mpi4py loop of the same call, on a quiet machine; prints ratios with intervals."""
    bin_dir = ready(session, "test")
    ranks = ("-n", "2", str(bin_dir / "python"), "-m", "mpi4py", "tests/bench/fidelity.py")
    run(session, bin_dir / "mpiexec", *ranks, *session.posargs, OMP_NUM_THREADS="1")


@nox.session
def calibration(session: nox.Session) -> None:
    """Regenerate the published tables, fresh seed: ``-- [PART] [SIZE] [SEED]``, parts as in tests/calibration; an hour for all."""
    python = ready(session, "test") / "python"
    if session.virtualenv.is_sandboxed:
        session.install("--constraint", "constraints.txt", *nox.project.dependency_groups(PYPROJECT, "calibration"))
    words = session.posargs
    sizes = {"gate": "100", "fleet": "100", "blame": "200", "history": "1000", "versus": "1000"}
    sizes |= {"growth": "1000", "probes": "500", "vectors": "200", "formats": "4096", "gates": "100"}
    for part, size in {words[0]: sizes[words[0]]}.items() if words else sizes.items():
        run(session, python, "-m", "tests.calibration", part, *(words[1:] or [size]))


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, look through it, run it where no clone is (part of the tests too)."""
    run(session, ready(session, "test") / "pytest", "tests/packaging/test_wheel.py", *session.posargs)


@nox.session(venv_backend="venv")
def foreign(session: nox.Session) -> None:
    """Run a public package's own benchmarks, unmodified, under ``pytest --assay``; tells the time from download to verdict."""
    ready(session, "test")
    run(session, Path(session.bin) / "python", "tests/bench/foreign.py", session.create_tmp(), *session.posargs)


@nox.session
def wheelhouse(session: nox.Session) -> None:
    """Write wheels that install without a network: ``-- [FOLDER] [--torch] [pip's --platform, --python-version, ...]``."""
    words = list(session.posargs)
    folder = Path(words.pop(0)) if words and not words[0].startswith("-") else Path("wheelhouse")
    python = str(ready(session, "test", assay=False) / "python")
    target = [word for word in words if word != "--torch"]
    # antlr4's runtime is sold as source only: its wheel is built here, and is the same for every platform.
    shutil.rmtree("build", ignore_errors=True)  # what an older build left there would go into the wheel
    building = ["--quiet", "--no-deps", "--no-build-isolation", f"--wheel-dir={folder}"]
    session.run(python, "-m", "pip", "wheel", *building, ".", ANTLR, external=True)
    shutil.rmtree("build", ignore_errors=True)
    project = PYPROJECT["project"]
    wanted = [need for need in project["dependencies"] if "--torch" in words or not need.startswith("torch")]
    # torch asks for a newer setuptools than venv of Python 3.11 brings, and pip would go looking for another torch.
    wanted += [*project["optional-dependencies"]["mpich"], "setuptools"]
    options = ["--quiet", "--constraint=constraints.txt", f"--find-links={folder}", f"--dest={folder}", "--only-binary=:all:"]
    session.run(python, "-m", "pip", "download", *options, *target, *wanted, external=True)
    shutil.copy("docs/Containerfile", folder)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.glob("*.whl"))]
    (folder / "SHA256SUMS").write_text("".join(sums))
