"""Rosner's test against his own example, against one outlier's known distribution, and on pairs with and without hiccups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.results.hiccups import criticals, kept, without

# Vitamin E in plasma, 54 men (Rosner 1983, table 1; also NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.17.3).
ROSNER = """
-0.25 0.68 0.94 1.15 1.20 1.26 1.26 1.34 1.38 1.43 1.49 1.49 1.55 1.56 1.58 1.65 1.69 1.70 1.76 1.77 1.81 1.91 1.94 1.96 1.99 2.06 2.09 2.10
2.14 2.15 2.23 2.24 2.26 2.35 2.37 2.40 2.47 2.54 2.62 2.64 2.90 2.92 2.92 2.93 3.21 3.26 3.30 3.59 3.68 4.30 4.64 5.34 5.42 6.01
"""


def test_published_example() -> None:
    values = np.array([[float(word) for word in ROSNER.split()]])
    assert values.shape == (1, 54)
    np.testing.assert_allclose(
        criticals(54, 10, 0.05), [3.158, 3.151, 3.143, 3.136, 3.128, 3.120, 3.111, 3.103, 3.094, 3.085], rtol=0, atol=0.001
    )
    left = without(values, most=10, alpha=0.05)
    assert sorted(values[~left]) == [5.34, 5.42, 6.01]  # neither the first nor the second farthest is over its own critical value


def test_one_outlier_is_grubbs_test() -> None:
    # The largest |x - mean| / s over a bound is the largest of n Studentised deviations over it, each a function of t (Grubbs 1950).
    (bound,) = criticals(10, 1, 0.05)
    studentised = bound * np.sqrt(8 * 10 / (81 - 10 * bound**2))
    assert 20 * stats.t.sf(studentised, 8) == pytest.approx(0.05)


def test_hiccups_go_whatever_their_number_side_or_order() -> None:
    rng = np.random.default_rng(1)
    rows = 0.01 * rng.standard_normal((500, 10))
    spiked = rows.copy()
    spiked[:, 2] += 0.3
    spiked[:, 5] += 0.25
    spiked[:, 9] -= 0.2
    assert (~kept(spiked))[:, [2, 5, 9]].mean() > 0.99
    assert (~kept(rows)).any(axis=1).mean() < 0.04
    order = rng.permutation(10)
    np.testing.assert_array_equal(kept(spiked[:, order]), kept(spiked)[:, order])


def test_no_more_than_a_third_and_nothing_of_few() -> None:
    row = np.array([[0.0, 0.001, -0.001, 0.0005, -0.0005, 9.0, 9.1, -9.2, 9.3, 0.0002]])
    assert (~kept(row)).sum() <= 3
    assert kept(np.array([[0.0, 0.001, -0.001, 9.0]])).all()
    assert kept(np.zeros((1, 10))).all()  # a coarse clock's equal readings
    assert (~kept(np.array([[0.0] * 9 + [1.0]]))).sum() == 1
