# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers from values, and verdicts from numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import (
    BUCKETS_MS,
    RELATIONS,
    check_hypothesis,
    histogram,
    judge,
    percentile,
    sentence,
    summary,
)

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)

MEASURED = {
    "sent": 100,
    "success_share": 0.98,
    "status": {"200": 98, "503": 2},
    "errors": {},
    "latency_ms": {"p99": 41.5, "max": None},
    "histogram": [{"le": 10.0, "count": 98}],
    "by_version": {"v1": 98},
    "version_share": None,
    "identity": "spiffe://cluster.local/ns/tutorial/sa/sleep",
    "strict": True,
}


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([15, 20, 35, 40, 50], 30, 20),  # the example of the nearest-rank definition
        ([15, 20, 35, 40, 50], 40, 20),
        ([15, 20, 35, 40, 50], 50, 35),
        ([15, 20, 35, 40, 50], 100, 50),
        ([15, 20, 35, 40, 50], 0, 15),
        ([7], 99, 7),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 1001)), 99.9, 999),
    ],
)
def test_percentiles_by_hand(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@given(VALUES, st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values: list[float], percent: int) -> None:
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_a_summary_by_hand() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    expected = {"min": 1, "mean": 100.5, "p50": 100, "p90": 180, "p95": 190, "p99": 198, "max": 200}
    assert summary(values) == expected
    assert list(summary(values)) == list(expected)
    assert summary([]) == dict.fromkeys(expected)
    assert summary([0.00049, 0.0016])["max"] == 0.002


def test_the_buckets_are_ten_a_decade() -> None:
    assert (BUCKETS_MS[0], BUCKETS_MS[10], BUCKETS_MS[20], BUCKETS_MS[-1]) == (0.1, 1.0, 10.0, 100_000.0)
    ratios = [after / before for before, after in zip(BUCKETS_MS, BUCKETS_MS[1:])]
    assert all(1.25 < ratio < 1.27 for ratio in ratios)


def test_a_histogram_by_hand() -> None:
    assert histogram([]) == []
    assert histogram([1.0, 1.0001, 1.9, 2e5]) == [
        {"le": 1.0, "count": 1},
        {"le": 1.26, "count": 1},
        {"le": 1.58, "count": 0},
        {"le": 2.0, "count": 1},
        *({"le": bound, "count": 0} for bound in BUCKETS_MS if bound > 2.0),
        {"le": None, "count": 1},
    ]


@given(VALUES)
def test_a_histogram_counts_every_value_below_its_bound(values: list[float]) -> None:
    buckets = histogram(values)
    assert sum(bucket["count"] for bucket in buckets) == len(values)
    assert buckets[0]["count"] > 0
    assert buckets[-1]["count"] > 0
    seen = 0
    for bucket in buckets:
        seen += bucket["count"]
        assert seen == sum(value <= (math.inf if bucket["le"] is None else bucket["le"]) for value in values)


@pytest.mark.parametrize(
    ("metric", "relation", "bound", "measured", "passed"),
    [
        ("sent", "==", 100, 100, True),
        ("sent", "==", 101, 100, False),
        ("sent", "!=", 100, 100, False),
        ("success_share", ">=", 0.98, 0.98, True),
        ("success_share", ">", 0.98, 0.98, False),
        ("success_share", "<=", 0.98, 0.98, True),
        ("success_share", "<", 0.98, 0.98, False),
        ("success_share", "between", [0.98, 1], 0.98, True),
        ("success_share", "between", [0.5, 0.98], 0.98, True),
        ("success_share", "between", [0.981, 1], 0.98, False),
        ("success_share", "between", [0, 0.97], 0.98, False),
        ("status.503", "==", 2, 2, True),
        ("status.500", "==", 0, 0, True),
        ("errors.timeout", ">", 0, 0, False),
        ("by_version.v2", "<", 1, 0, True),
        ("latency_ms.p99", "<", 50, 41.5, True),
        ("identity", "==", "spiffe://cluster.local/ns/tutorial/sa/sleep", MEASURED["identity"], True),
        ("strict", "==", True, True, True),
        # What was not measured, or has no order, never passes.
        ("latency_ms.p98", "<", 50, None, False),
        ("latency_ms.max", "<", 50, None, False),
        ("latency_ms.max", "!=", 50, None, False),
        ("latency_ms", "!=", 50, None, False),
        ("histogram", "!=", 0, None, False),
        ("version_share.v1", ">=", 0, None, False),
        ("sent.up", ">=", 0, None, False),
        ("nothing", "!=", 0, None, False),
        ("identity", "<", 5, MEASURED["identity"], False),
        ("strict", ">=", 0, True, False),
    ],
)
def test_a_verdict(metric: str, relation: str, bound: Any, measured: Any, passed: bool) -> None:
    hypothesis = {"metric": metric, "relation": relation, "bound": bound}
    assert judge(hypothesis, MEASURED) == {**hypothesis, "measured": measured, "passed": passed}


@pytest.mark.parametrize(
    ("relation", "bound", "words"),
    [
        ("=", 1, "'=' is not a relation; use one of < <= == != >= > between"),
        ("<", "5", "must be a number, not '5'"),
        ("<", True, "must be a number"),
        (">", None, "must be a number"),
        (">", math.nan, "must be a number"),
        ("between", 5, "a list of two numbers"),
        ("between", [5], "a list of two numbers"),
        ("between", [5, "6"], "a list of two numbers"),
        ("between", [6, 5], "the smaller one first"),
        ("==", [5], "must be one value"),
    ],
)
def test_a_hypothesis_that_makes_no_sense(relation: str, bound: Any, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("[", r"\[")):
        judge({"metric": "sent", "relation": relation, "bound": bound}, MEASURED)


@given(
    st.sampled_from(list(RELATIONS)),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=4),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=4),
)
def test_any_bound_and_any_measurement_get_a_verdict_or_a_sentence(relation: str, bound: Any, measured: Any) -> None:
    hypothesis = {"metric": "x", "relation": relation, "bound": bound}
    try:
        check_hypothesis(hypothesis)
    except InputError:
        return
    assert judge(hypothesis, {"x": measured})["passed"] in (True, False)


def test_a_verdict_in_words() -> None:
    verdict = judge({"metric": "status.200", "relation": "==", "bound": 100}, MEASURED)
    assert sentence(verdict) == "status.200 == 100 (measured 98)"
    verdict = judge({"metric": "latency_ms.max", "relation": "<", "bound": 5}, MEASURED)
    assert sentence(verdict) == "latency_ms.max < 5 (nothing was measured)"


@pytest.mark.parametrize(
    ("count", "share", "passed"), [(98, 0.98, True), (98, 0.9, True), (98, 0.5, False), (98, 1, False)]
)
def test_a_share_is_held_to_the_exact_test(count: int, share: float, passed: bool) -> None:
    hypothesis = {"metric": "by_version.v1", "relation": "binomial", "bound": {"share": share, "of": "sent"}}
    verdict = judge(hypothesis, MEASURED)
    assert (verdict["measured"], verdict["trials"], verdict["passed"]) == (count, 100, passed)
    assert verdict["interval"][0] < 0.98 < verdict["interval"][1]
    assert sentence(verdict).startswith(f"by_version.v1 binomial {share} of sent (measured 98 of 100, p ")


@pytest.mark.parametrize("of", ["gone", "latency_ms.p99", "status.503"])
def test_a_share_of_what_was_not_counted_never_passes(of: str) -> None:
    hypothesis = {"metric": "by_version.v1", "relation": "binomial", "bound": {"share": 0.5, "of": of}}
    assert judge(hypothesis, MEASURED)["passed"] is False


@pytest.mark.parametrize("bound", [0.5, {"share": 0.5}, {"share": 2, "of": "sent"}, {"share": 0.5, "of": 3}])
def test_a_share_needs_to_be_one_and_of_something(bound: Any) -> None:
    with pytest.raises(InputError, match="a mapping of `share`"):
        check_hypothesis({"metric": "x", "relation": "binomial", "bound": bound})


def test_a_name_may_have_dots() -> None:
    measured = {"identities": {"spiffe://cluster.local/sa": 3}, "by_name": {"a.example": 2}}
    for metric, bound in (("identities.spiffe://cluster.local/sa", 3), ("by_name.a.example", 2), ("by_name.b.c", 0)):
        assert judge({"metric": metric, "relation": "==", "bound": bound}, measured)["passed"] is True
