# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact binomial test and the exact interval of a share, from the standard library alone."""

from __future__ import annotations

import math
from typing import Callable

SIGNIFICANCE = 0.001
"""A share is refused when what was counted would be rarer than this if the share were right."""

_ROUNDING = 1 + 1e-7
"""Outcomes that are as likely as the counted one must not be left out for want of the last digits."""

_HALVINGS = 50


def p_value(count: int, trials: int, share: float) -> float:
    """Return how likely an outcome at most as likely as ``count`` of ``trials`` is when each succeeds with ``share``.

    This is the two-sided exact test by the method of small probabilities: nothing is approximated by a normal curve.
    """
    limit = _probability(count, trials, share) * _ROUNDING
    outcomes = (_probability(number, trials, share) for number in range(trials + 1))
    return min(1.0, math.fsum(value for value in outcomes if value <= limit))


def interval(count: int, trials: int, significance: float = SIGNIFICANCE) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) confidence interval of a share, at 1 - ``significance``."""
    tail = significance / 2
    low = _root(lambda share: _at_least(count, trials, share) - tail) if count else 0.0
    high = _root(lambda share: tail - _at_most(count, trials, share)) if count < trials else 1.0
    return low, high


def _probability(count: int, trials: int, share: float) -> float:
    if share in (0, 1):
        return float(count == trials * share)
    ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    return math.exp(ways + count * math.log(share) + (trials - count) * math.log1p(-share))


def _at_least(count: int, trials: int, share: float) -> float:
    return math.fsum(_probability(number, trials, share) for number in range(count, trials + 1))


def _at_most(count: int, trials: int, share: float) -> float:
    return math.fsum(_probability(number, trials, share) for number in range(count + 1))


def _root(rising: Callable[[float], float]) -> float:
    """Return where a function that rises from below 0 to above it between 0 and 1 is 0."""
    low, high = 0.0, 1.0
    for _halving in range(_HALVINGS):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
