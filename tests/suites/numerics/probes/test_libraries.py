"""DeepGEMM and Transformer Engine against hand-written stand-ins that keep to their documented calls; neither was ever run."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest
import torch

from assay.harness.errors import NotApplicableError, RefusalError
from assay.suites.numerics.probes import libraries
from assay.suites.numerics.probes.box import Box
from assay.suites.numerics.probes.card import fingerprint
from assay.suites.numerics.probes.kernels import kernels, told
from assay.suites.numerics.probes.named import open_unit
from assay.suites.numerics.probes.real import on_device
from assay.suites.numerics.units.presets import preset


@pytest.fixture(autouse=True)
def on_this_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what says that it is on CUDA stay here."""
    monkeypatch.setattr(libraries, "on_device", lambda multiply, _, dtypes: on_device(multiply, "cpu", dtypes))


@pytest.fixture
def fake_deep_gemm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for DeepGEMM: H100's unit with its promotion every 128 products."""
    unit = preset("h100_fp8", promote=128)

    def fp8_gemm_nt(a: Any, b: Any, d: torch.Tensor, *, recipe: tuple[int, int, int]) -> None:
        assert recipe == (1, 1, 128)
        for (values, scales), rows in zip((a, b), d.shape, strict=True):
            assert values.dtype == torch.float8_e4m3fn
            assert values.is_contiguous()
            assert scales.shape == (rows, values.shape[1] // 128)
            assert scales.dtype == torch.float32
        assert d.dtype == torch.float32
        d.copy_(torch.from_numpy(unit.gemm(a[0].float().numpy(), b[0].float().numpy().T)))

    module = ModuleType("deep_gemm")
    module.fp8_gemm_nt = fp8_gemm_nt  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "deep_gemm", module)


@pytest.fixture(params=[False, True], ids=["new", "with workspace"])
def fake_transformer_engine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Stand in for Transformer Engine: H100's unit, promoted where the split accumulator is asked for."""
    units = {split: preset("h100_fp8", a="e5m2", b="e4m3", promote=128 if split else None) for split in (False, True)}

    class Float8Quantizer:
        def __init__(self, *, scale: torch.Tensor, amax: torch.Tensor, fp8_dtype: str) -> None:
            assert scale.item() == 1
            assert amax.item() == 0
            self.dtype = {"E4M3": torch.float8_e4m3fn, "E5M2": torch.float8_e5m2}[fp8_dtype]

        def __call__(self, values: torch.Tensor) -> torch.Tensor:
            return values.to(self.dtype)

    def multiplied(a: torch.Tensor, b: torch.Tensor, layout: str, split: bool) -> tuple[torch.Tensor, None, None, None]:  # noqa: FBT001
        assert layout == "TN"
        return torch.from_numpy(units[split].gemm(b.float().numpy(), a.float().numpy().T)), None, None, None

    def new(a: Any, b: Any, *, out_dtype: torch.dtype, layout: str, use_split_accumulator: bool) -> Any:
        assert out_dtype == torch.float32
        return multiplied(a, b, layout, use_split_accumulator)

    def old(a: Any, b: Any, workspace: torch.Tensor, *, out_dtype: torch.dtype, layout: str, use_split_accumulator: bool) -> Any:
        assert workspace.dtype == torch.uint8
        assert out_dtype == torch.float32
        return multiplied(a, b, layout, use_split_accumulator)

    parts = {
        "transformer_engine": {},
        "transformer_engine.pytorch": {},
        "transformer_engine.pytorch.cpp_extensions": {"general_gemm": old if request.param else new},
        "transformer_engine.pytorch.tensor": {},
        "transformer_engine.pytorch.tensor.float8_tensor": {"Float8Quantizer": Float8Quantizer},
        "transformer_engine_torch": {"DType": SimpleNamespace(kFloat8E4M3="E4M3", kFloat8E5M2="E5M2")},
    }
    for name, contents in parts.items():
        module = ModuleType(name)
        module.__dict__.update(contents)
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("fake_deep_gemm")
def test_deep_gemms_promotion_is_read_from_its_products() -> None:
    opened = open_unit("deep_gemm", a="", b="", device="cuda", architecture="", fast=True)
    assert (opened.a.name, opened.b.name, opened.emulated) == ("e4m3", "e4m3", False)
    assert "fp8_gemm_nt, scales of 1x128 on cuda" in opened.what
    card = fingerprint(Box(opened.gemm, opened.a, opened.b, k=256))
    assert (card.fused, card.bits, card.parts) == (32, 13, 128)
    with pytest.raises(RefusalError, match="multiple of 128"):
        opened.gemm(np.ones((4, 64), np.float32), np.ones((64, 4), np.float32))


@pytest.mark.usefixtures("fake_transformer_engine")
@pytest.mark.parametrize(("fast", "promote"), [(True, None), (False, 128)])
def test_transformer_engines_split_accumulator_is_a_promotion(*, fast: bool, promote: int | None) -> None:
    opened = open_unit("transformer_engine", a="e5m2", b="e4m3", device="cuda", architecture="", fast=fast)
    assert f"use_split_accumulator={not fast}" in opened.what
    box, source = Box(opened.gemm, opened.a, opened.b), np.random.default_rng(0)
    left, right = box.numbers(source, (8, 512)), box.numbers(source, (512, 16))
    wanted = preset("h100_fp8", a="e5m2", b="e4m3", promote=promote).gemm(left, right)
    assert np.array_equal(box.product(left, right).view(np.uint32), wanted.view(np.uint32))


def test_a_library_that_is_not_here_or_on_no_such_device_is_not_applicable() -> None:
    for name in libraries.LIBRARIES:
        with pytest.raises(NotApplicableError, match="set device=cuda"):
            open_unit(name, a="", b="", device="cpu", architecture="", fast=True)
        with pytest.raises(NotApplicableError, match=f"{name} cannot be imported here"):
            open_unit(name, a="", b="", device="cuda", architecture="", fast=True)
        with pytest.raises(RefusalError, match="e4m3"):
            open_unit(name, a="bf16", b="", device="cuda", architecture="", fast=True)


def test_kernels_are_named_without_those_that_only_move_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [("sm90_xmma_gemm_e4m3e4m3_f32", "CUDA"), ("Memcpy HtoD", "CUDA"), ("void at::native::vectorized_elementwise_kernel<4>", "CUDA")]

    class Profile:
        def __init__(self, **_: Any) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def events(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name=name, device_type=f"DeviceType.{kind}") for name, kind in [*seen, ("aten::mm", "CPU")]]

    monkeypatch.setattr(torch.profiler, "profile", Profile)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    called: list[int] = []
    assert kernels(lambda: called.append(1)) == ("sm90_xmma_gemm_e4m3e4m3_f32",)
    assert called == [1]
    assert told(lambda: None, "cuda") == "sm90_xmma_gemm_e4m3e4m3_f32"
    seen.clear()
    assert told(lambda: None, "cuda").startswith("not told")
    assert told(lambda: None, "cpu").startswith("not told")
