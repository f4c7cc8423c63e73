"""The dense product and the calibration made of it."""

from __future__ import annotations

import pytest
import torch

from assay.harness.errors import NotApplicableError, RefusalError
from assay.suites.calibrate import calibrate
from assay.suites.calibrate import needs as calibrate_needs
from assay.suites.gemm import gemm, needs
from tests.fakes import context, run_once

GIVEN = {"m": 64, "n": 2112, "k": 7168, "layer": "", "dtype": "bf16", "layout": "nt", "seed": 0, "nranks": 1}


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("layout", ["nt", "nn", "tn"])
def test_healthy_products_are_silent_in_every_layout(dtype: str, layout: str) -> None:
    for m, n, k in ((33, 70, 300), (1, 1, 1), (5, 1200, 64)):
        answer = run_once(gemm(context(), m=m, n=n, k=k, dtype=dtype, layout=layout))  # type: ignore[arg-type]
        assert answer.ok, answer.reason
        assert answer.tested == m * n


def test_layouts_multiply_the_same_numbers() -> None:
    results = []
    for layout in ("nt", "nn", "tn"):
        made = gemm(context(), m=9, n=11, k=64, dtype="fp32", layout=layout)  # type: ignore[arg-type]
        made.step()
        results.append(made.result())  # type: ignore[misc]
    assert torch.allclose(results[0], results[1], rtol=1e-4)
    assert torch.allclose(results[0], results[2], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_planted_faults_are_found_at_their_place(dtype: str) -> None:
    made = gemm(context(), m=16, n=64, k=256, dtype=dtype)  # type: ignore[arg-type]
    assert run_once(made).ok
    made.result()[7, 5] = -made.result()[7, 5] - 1  # type: ignore[misc]
    assert made.check().where == "row 7, column 5"
    made.step()
    assert made.check().ok
    made.result()[3] *= -1  # type: ignore[misc]
    assert made.check().where.startswith("row 3, column ")


def test_volume_is_what_a_gemm_moves_and_computes() -> None:
    made = gemm(context(), m=16, n=64, k=256, dtype="bf16")
    assert made.volume.flops == 2 * 16 * 64 * 256
    assert made.volume.memory_nbytes == 2 * (16 * 256 + 64 * 256 + 16 * 64)
    assert made.volume.resource == "matrix_bf16"
    assert made.volume.bus_factor is None


def test_formats_and_layouts_that_the_device_lacks_are_not_applicable() -> None:
    with pytest.raises(NotApplicableError, match="dtype=fp8"):
        gemm(context(), m=16, n=16, k=16, dtype="fp8")
    with pytest.raises(NotApplicableError, match="layout"):
        gemm(context(("fp8",)), m=16, n=16, k=16, dtype="fp8", layout="tn")


@pytest.mark.parametrize(("changes", "where"), [({"m": 0}, "m"), ({"dtype": "fp8", "k": 100}, "k"), ({"dtype": "fp8", "n": 7}, "n")])
def test_shapes_that_cannot_be_are_refused(changes: dict[str, object], where: str) -> None:
    with pytest.raises(RefusalError) as caught:
        needs(**(GIVEN | changes))  # type: ignore[arg-type]
    assert caught.value.where == where
    assert "Take" in caught.value.fix or "Set" in caught.value.fix


@pytest.mark.parametrize("resource", ["memory", "link", "matrix_fp32", "matrix_bf16"])
def test_each_limit_is_checked_and_says_what_it_moves(resource: str) -> None:
    made = calibrate(context(), resource=resource, bytes=4096, size=64)  # type: ignore[arg-type]
    assert run_once(made).ok
    volume = made.volume
    moved = {"memory": volume.memory_nbytes == 8192, "link": volume.message_nbytes == 4096 and volume.bus_factor is None}
    assert moved.get(resource, volume.flops == 2 * 64**3 and volume.resource == resource)
    made.result().reshape(-1)[5] = -77  # type: ignore[misc]
    answer = made.check()
    assert not answer.ok
    assert answer.where in {"element 5", "row 0, column 5"}


def test_a_limit_without_a_format_is_not_applicable_and_odd_sizes_are_refused() -> None:
    with pytest.raises(NotApplicableError):
        calibrate(context(), resource="matrix_fp8", size=64)
    for resource, changes, where in (("memory", {"bytes": 6}, "bytes"), ("matrix_fp8", {"size": 100}, "size")):
        with pytest.raises(RefusalError) as caught:
            calibrate_needs(**({"resource": resource, "bytes": 4096, "size": 64, "seed": 0, "nranks": 1} | changes))  # type: ignore[arg-type]
        assert caught.value.where == where
