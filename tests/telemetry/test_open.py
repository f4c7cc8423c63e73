"""From facts to an adapter, or to a reason in words."""

from __future__ import annotations

import pytest

from assay.harness.errors import RefusalError
from assay.harness.telemetry.open import check_name, chosen
from assay.harness.telemetry.protocol import NoTelemetryError


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"kind": "cuda", "name": "NVIDIA H100 80GB HBM3"}, "nvml"),
        ({"kind": "cuda", "name": "AMD Instinct MI300X"}, "amdsmi"),
        ({"kind": "cuda", "vendor": "amd", "name": ""}, "amdsmi"),
        ({"kind": "cuda"}, "nvml"),
    ],
)
def test_auto_goes_by_the_device(facts: dict[str, str], kind: str) -> None:
    assert chosen("auto", facts) == kind
    assert chosen("acme", facts) == "acme"


@pytest.mark.parametrize(
    ("name", "facts", "words"), [("auto", {"kind": "cpu"}, "cpu"), ("auto", {"kind": "npu"}, "'npu'"), ("none", {"kind": "cuda"}, "none")]
)
def test_without_telemetry_there_is_a_reason(name: str, facts: dict[str, str], words: str) -> None:
    with pytest.raises(NoTelemetryError, match=words):
        chosen(name, facts)


def test_a_name_that_nothing_brings_is_refused() -> None:
    assert check_name("auto") == "auto"
    with pytest.raises(RefusalError) as refused:
        check_name("nvlm")
    assert (refused.value.value, refused.value.where) == ("nvlm", "site.telemetry")
    assert "nvml" in refused.value.fix
