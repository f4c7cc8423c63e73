"""Suite and model files: they name what exists, and their numbers follow from the published dimensions."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.harness.params import schema
from assay.harness.targets import resolve

CONF = Path(__file__).parents[2] / "conf"
SUITES = sorted((CONF / "suite").glob("*.yaml"))
SUITE_KEYS = {"target", "summary", "version", "align", "limits", "units", "ranks", "budget", "axes"}


def read(path: Path) -> Any:
    """Read one YAML file as it stands."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_suite_file_fits_its_function(path: Path) -> None:
    name, content = path.stem, read(path)
    assert path.read_text(encoding="utf-8").splitlines()[0] == f"# @package suite.{name}"
    function = resolve(content["target"], where=name)
    assert (function.__name__, function.__module__) == (name, f"assay.suites.{name}")
    parameters = schema(function)
    named = {key for key in content if key not in SUITE_KEYS} | {axis for axis in content["axes"] if axis != "layer"}
    assert named <= set(parameters)
    assert set(content["units"]) <= set(parameters)
    needs = inspect.getmodule(function).needs  # type: ignore[union-attr]
    assert [*inspect.signature(needs).parameters] == [*parameters, "nranks"]


def derived(model: dict[str, Any]) -> list[tuple[int, int]]:
    """Give n and k of a layer's projections and of one expert from the model's dimensions (attention: DeepSeek-V2 paper 2.1)."""
    dim, heads, q_rank, kv_rank = model["dim"], model["n_heads"], model["q_lora_rank"], model["kv_lora_rank"]
    query, key_value = (
        heads * (model["qk_nope_head_dim"] + model["qk_rope_head_dim"]),
        heads * (model["qk_nope_head_dim"] + model["v_head_dim"]),
    )
    down = kv_rank + model["qk_rope_head_dim"]
    first = [(q_rank + down, dim), (query, q_rank)] if q_rank else [(query, dim), (down, dim)]
    output, experts = (dim, heads * model["v_head_dim"]), [(2 * model["moe_inter_dim"], dim), (dim, model["moe_inter_dim"])]
    return [*first, (key_value, kv_rank), output, *experts]


@pytest.mark.parametrize("name", ["deepseek_v3", "deepseek_v2", "deepseek_v2_lite"])
def test_linear_layers_follow_from_the_dimensions(name: str) -> None:
    model = read(CONF / "model" / f"{name}.yaml")
    assert model["name"] == name
    assert [(row["n"], row["k"]) for row in model["linear"]] == derived(model)
    assert len({row["layer"] for row in model["linear"]}) == 6


def test_the_shapes_of_v3_are_deepgemms_table() -> None:
    table = {(2112, 7168), (24576, 1536), (32768, 512), (7168, 16384), (4096, 7168), (7168, 2048)}
    assert {(row["n"], row["k"]) for row in read(CONF / "model" / "deepseek_v3.yaml")["linear"]} == table


@pytest.mark.parametrize(
    ("name", "billions", "active"), [("deepseek_v3", 671, 37), ("deepseek_v2", 236, 21), ("deepseek_v2_lite", 15.7, 2.4)]
)
def test_the_dimensions_add_up_to_the_published_parameter_counts(name: str, billions: float, active: float) -> None:
    model = read(CONF / "model" / f"{name}.yaml")
    attention = sum(n * k for n, k in derived(model)[:-2])
    expert, dense = 3 * model["dim"] * model["moe_inter_dim"], 3 * model["dim"] * model["inter_dim"]
    moe, rest = model["n_layers"] - model["n_dense_layers"], 2 * model["vocab_size"] * model["dim"]
    fixed = model["n_layers"] * attention + model["n_dense_layers"] * dense + moe * model["n_routed_experts"] * model["dim"] + rest

    def total(routed: int) -> float:
        return (fixed + moe * (routed + model["n_shared_experts"]) * expert) / 1e9

    assert total(model["n_routed_experts"]) == pytest.approx(billions, rel=0.01)
    assert total(model["n_activated_experts"]) == pytest.approx(active, rel=0.12)
