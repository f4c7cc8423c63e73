"""What a user may set, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.units.held import held
from assay.suites.numerics.units.options import DEFAULTS, changed, make, option_names
from assay.suites.numerics.units.presets import preset

TYPES = {
    "e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2, "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e5m2fnuz": ml_dtypes.float8_e5m2fnuz, "e3m2": ml_dtypes.float6_e3m2fn, "e2m3": ml_dtypes.float6_e2m3fn,
    "e2m1": ml_dtypes.float4_e2m1fn, "fp16": np.float16, "bf16": ml_dtypes.bfloat16,
}  # fmt: skip


def test_configurations_words_make_the_unit_that_they_say() -> None:
    unit = make(fused="8", bits="21", align="rz", promote="none", nan="0x7fc00000", late="false", out="e8m13")
    assert (unit.fused, unit.bits, unit.align, unit.promote, unit.nan, unit.late) == (8, 21, "rz", None, 0x7FC00000, False)
    assert (unit.a, unit.b) == ("e4m3", "e4m3")
    assert make(a="e5m2").b == "e5m2"
    assert changed(unit, promote="128").promote == 128
    assert set(option_names()) == set(DEFAULTS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lanes": 8}, r"no such option of an emulated unit \(got 'lanes'\).*fused"),
        ({"fused": 0}, r"unit\.fused: not accepted \(got 0\)\. Accepted: a whole number from 1 to 1024"),
        ({"fused": "many"}, r"unit\.fused: .*'many'"),
        ({"bits": True}, r"unit\.bits: .*True"),
        ({"promote": -1}, r"unit\.promote: .*Accepted: none, or a whole number"),
        ({"align": "up"}, r"unit\.align: .*'up'.*rz, rne, rd, ru, rna"),
        ({"a": "fp8"}, r"unit\.a: .*'fp8'.*e4m3, e5m2"),
        ({"out": "e9m3"}, r"unit\.out: .*'e9m3'.*eXmY"),
        ({"late": "perhaps"}, r"unit\.late: .*'perhaps'.*true, false"),
        ({"order": [0, 2]}, r"unit\.order: .*natural, strided, pairs, or a list"),
        ({"family": "fma"}, r"unit\.fused: .*set fused=1"),
        ({"promote": 40}, r"unit\.promote: .*multiple of 32"),
        ({"period": 40}, r"unit\.period: .*multiple of ways \* fused = 32"),
        ({"late": True, "promote": 32}, r"unit\.period: .*length of one instruction"),
        ({"scale": "e8m0"}, r"unit\.scale: .*block scales"),
        ({"family": "st_fdpa"}, r"unit\.scale: .*set scale="),
        ({"fused": 1024, "bits": 45}, r"unit\.bits: .*58 bits"),
    ],
)
def test_what_cannot_be_is_refused_with_the_value_and_the_way_out(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        make(**options)


def test_an_unknown_unit_is_refused_with_those_there_are() -> None:
    with pytest.raises(RefusalError, match=r"h200_fp8.*h100_fp8"):
        preset("h200_fp8")


@pytest.mark.parametrize("name", list(TYPES))
def test_every_code_of_a_format_is_held_and_its_neighbours_are_not(name: str) -> None:
    kind = TYPES[name]
    width = {"fp16": 16, "bf16": 16, "e3m2": 6, "e2m3": 6, "e2m1": 4}.get(name, 8)
    codes = np.arange(2**width, dtype=np.uint16 if width == 16 else np.uint8).view(kind).astype(np.float32)
    form = FORMATS[name]
    assert np.array_equal(held(codes, form, where="A"), codes, equal_nan=True)
    assert form.largest == np.max(codes[np.isfinite(codes)])
    positive = np.unique(codes[np.isfinite(codes) & (codes > 0)]).astype(np.float64)
    for wrong in (*((positive[1:] + positive[:-1]) / 2)[:: max(1, len(positive) // 40)], positive[0] / 2, positive[-1] * 1.5):
        with pytest.raises(RefusalError, match="no value of"):
            held(np.array([wrong]), form, where="A")


def test_the_first_value_that_does_not_fit_is_named_with_its_place() -> None:
    a = np.ones((4, 8), np.float32)
    a[2, 5], a[3, 0] = 1.01, 7e9
    with pytest.raises(RefusalError, match=r"A: element \[2, 5\] is no value of e4m3 .*got 1.00999"):
        preset("h100_fp8").gemm(a, np.ones((8, 4)))
    with pytest.raises(RefusalError, match=r"B: element \[0, 1\] is no value of fp32"):
        preset("mi300_fp32").gemm(np.ones((1, 1)), np.array([[1.0, 1 + 2.0**-40]]))


def test_infinities_are_refused_where_a_format_has_none() -> None:
    for name, ok in (("e4m3", False), ("e5m2", True), ("e2m1", False)):
        if ok:
            held(np.array([np.inf]), FORMATS[name], where="A")
        else:
            with pytest.raises(RefusalError, match="no value"):
                held(np.array([np.inf]), FORMATS[name], where="A")


def test_shapes_and_scales_that_do_not_fit_are_refused() -> None:
    unit = preset("h100_fp8")
    with pytest.raises(RefusalError, match=r"A is .M, K., B is .K, N."):
        unit.gemm(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(RefusalError, match="C has not the shape"):
        unit.gemm(np.ones((2, 3)), np.ones((3, 2)), np.ones(2))
    with pytest.raises(RefusalError, match="scales need block scales"):
        unit.gemm(np.ones((2, 3)), np.ones((3, 2)), a_scales=np.ones((2, 1)))
    with pytest.raises(RefusalError, match="needs 2 scales along k"):
        preset("h100_fp8", promote=128).gemm(np.ones((2, 256)), np.ones((256, 2)), a_scales=np.ones((2, 1)))
    with pytest.raises(RefusalError, match=r"scales of A: family=gst_fdpa needs block scales"):
        preset("b200_nvf4").gemm(np.ones((2, 64)), np.ones((64, 2)))


def test_arrays_of_torch_and_ml_dtypes_are_taken_as_they_are() -> None:
    source = torch.Generator().manual_seed(0)
    a, b = (torch.randn(shape, generator=source).to(torch.float8_e4m3fn) for shape in ((5, 64), (64, 6)))
    unit = preset("h100_fp8")
    wanted = unit.gemm(a.float().numpy(), b.float().numpy())
    assert (unit.gemm(a, b) == wanted).all()
    assert (unit.gemm(*(x.float().numpy().astype(ml_dtypes.float8_e4m3fn) for x in (a, b))) == wanted).all()
