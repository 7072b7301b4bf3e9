# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact binomial test and interval, held against values that R's binom.test gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils._binomial import interval, p_value


@pytest.mark.parametrize(
    ("count", "trials", "share", "expected"),
    [
        (3, 10, 0.5, 0.34375),
        (0, 10, 0.5, 0.001953125),
        (97, 1000, 0.1, 0.7922142),
        (140, 1000, 0.1, 5.86789e-05),
        (10, 10, 1, 1.0),
        (9, 10, 1, 0.0),
        (0, 10, 0, 1.0),
    ],
)
def test_p_value(count: int, trials: int, share: float, expected: float) -> None:
    assert p_value(count, trials, share) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("count", "trials", "significance", "low", "high"),
    [
        (3, 10, 0.05, 0.06673951, 0.6524529),
        (0, 10, 0.05, 0.0, 0.3084971),
        (10, 10, 0.05, 0.6915029, 1.0),
        (97, 1000, 0.001, 0.06881649, 0.1313818),
    ],
)
def test_interval(count: int, trials: int, significance: float, low: float, high: float) -> None:
    assert interval(count, trials, significance) == pytest.approx((low, high), rel=1e-6)


@given(st.integers(1, 300).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
@settings(deadline=None, max_examples=50)
def test_the_interval_holds_the_counted_share(counted: tuple[int, int]) -> None:
    count, trials = counted
    low, high = interval(count, trials)
    assert 0 <= low <= count / trials <= high <= 1
    assert p_value(count, trials, count / trials) > 0.5
