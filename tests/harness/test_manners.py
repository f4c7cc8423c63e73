"""Others at work: refused, or marked when shared on purpose; nobody there, and nothing is said."""

from __future__ import annotations

import pytest

from assay.harness.errors import RefusalError
from assay.harness.manners import admit


@pytest.mark.parametrize("share", [True, False])
def test_nobody_there_and_nothing_is_said(share: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert admit([], share=share) == ()


def test_neighbours_are_refused_by_name() -> None:
    with pytest.raises(RefusalError, match=r"job 7 of alice \(train\) on n3.*--share"):
        admit(["job 7 of alice (train) on n3"], share=False)


def test_shared_on_purpose_marks_every_number() -> None:
    assert admit([f"job {n}" for n in range(5)], share=True) == ("shared with job 0, job 1, job 2 and 2 more",)
