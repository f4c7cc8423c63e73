"""What the command says about itself: help, version, configuration, completion."""

from __future__ import annotations

import importlib.util
import json
from importlib import metadata

import pytest
import yaml

from assay.harness.door.main import VERBS
from tests.door.place import TINY, TRACEBACK, Place


def test_help_names_every_verb_and_where_to_begin(place: Place) -> None:
    done = place.assay("--help")
    assert done.returncode == 0
    assert all(f"  {verb} " in done.stdout for verb in VERBS)
    assert "plan=smoke" in done.stdout


def test_nothing_said_is_bad_usage_with_help(place: Place) -> None:
    done = place.assay()
    assert done.returncode == 3
    assert "usage: assay" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(place: Place, verb: str) -> None:
    done = place.assay(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: assay {verb}")
    assert len(done.stdout.splitlines()) > 4
    assert TRACEBACK not in done.stderr


def test_run_documents_its_exit_codes(place: Place) -> None:
    text = place.assay("run", "--help").stdout
    assert all(f" {code} " in text for code in ("0", "1", "2", "3", "4", "130"))


def test_version_is_the_packages(place: Place) -> None:
    done = place.assay("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"assay {metadata.version('assay-harness')}")


def test_cfg_job_prints_the_composed_configuration_and_runs_nothing(place: Place) -> None:
    done = place.assay("run", *TINY, "--cfg", "job")
    config = yaml.safe_load(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [*config["suite"]] == ["all_reduce"]
    assert config["suite"]["all_reduce"]["axes"]["bytes"] == [8, 1024]
    assert "hydra" not in config
    assert not place.runs


@pytest.mark.parametrize(("what", "word"), [((), "suite: "), (("searchpath",), "conf"), (("defaults",), "suite/all_reduce")])
def test_info_tells_about_the_configuration(place: Place, what: tuple[str, ...], word: str) -> None:
    done = place.assay("run", "suite=[all_reduce]", "--info", *what)
    assert done.returncode == 0, done.stderr
    assert word in done.stdout
    assert not place.runs


def test_suites_lists_each_with_parameters_and_units(place: Place) -> None:
    rows = {line.split()[0]: line for line in place.assay("suites").stdout.splitlines()}
    assert {"fp8_gemm", "gemm", "all_reduce", "all_to_all"} <= set(rows)
    assert "bytes B" in rows["all_reduce"]
    assert "transport=loopback|mpi|gloo|nccl" in rows["all_reduce"]
    assert not any("cannot be used" in line for line in rows.values())


def test_doctor_names_what_it_looked_at(place: Place) -> None:
    done = place.assay("doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ready"] else 2)
    assert {"python", "mpiexec", "MPI library", "torch", "store"} <= {row["what"] for row in found["findings"]}
    assert all(row["seen"] for row in found["findings"])
    library = next(row for row in found["findings"] if row["what"] == "MPI library")
    assert library["ok"] == (importlib.util.find_spec("mpi4py") is not None), library


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("",), {"run", "plan", "show", "compare", "doctor"}),
        (("co",), {"compare", "completion"}),
        (("run", "--re"), {"--resume"}),
        (("run", "plan=sm"), {"plan=smoke"}),
        (("plan", "suite.all"), set()),
        (("completion", "z"), {"zsh"}),
        (("show", "la"), {"latest"}),
    ],
)
def test_completion_offers_what_fits(place: Place, words: tuple[str, ...], expected: set[str]) -> None:
    done = place.assay("__complete", *words)
    offered = done.stdout.split()
    assert (done.returncode, done.stderr) == (0, "")
    assert expected <= set(offered)
    assert all(word.startswith(words[-1]) for word in offered)


def test_completion_knows_the_keys_of_a_chosen_suite(place: Place) -> None:
    assert "suite.all_reduce.transport=" in place.assay("__complete", "run", "suite=[all_reduce]", "suite.all_reduce.tr").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_the_command_back(place: Place, shell: str) -> None:
    done = place.assay("completion", shell)
    assert done.returncode == 0
    assert "assay __complete" in done.stdout


def test_bash_takes_the_completion_script(place: Place) -> None:
    script = 'eval "$(assay completion bash)"; COMP_WORDS=(assay run plan=sm); COMP_CWORD=2; _assay 2>/dev/null; echo "${COMPREPLY[@]}"'
    from tests.conftest import BESIDE

    done = place.command("bash", "-c", f'PATH="{BESIDE}:$PATH"; {script}')
    assert done.stdout.split() == ["plan=smoke"]
