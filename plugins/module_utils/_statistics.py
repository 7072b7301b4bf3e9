# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From measured values to numbers and verdicts: exact percentiles, a histogram with fixed buckets, one judge."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils import _binomial
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

PERCENTILES = (50, 90, 95, 99)

BUCKETS_MS = tuple(float(f"{10 ** (step / 10):.3g}") for step in range(-10, 51))
"""Upper bounds in milliseconds, ten a decade from 0.1 ms to 100 s: the same for every run, so that
histograms of different runs and hosts can be laid over each other and added."""

COUNTS = frozenset({"status", "errors", "by_version", "version_share", "by_name"})
"""Measurements that count kinds of events: a kind that is not listed was seen no times."""

RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
    "between": lambda measured, bound: bool(bound[0] <= measured <= bound[1]),
    "binomial": lambda measured, bound: bool(
        _binomial.p_value(measured, bound["of"], bound["share"]) >= _binomial.SIGNIFICANCE
    ),
}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest of the ``ordered`` values that at least ``percent`` % of them do not exceed.

    This is the nearest-rank definition: the result is a value that was measured, never an interpolation.

    :raises ValueError: there are no values.
    """
    if not ordered:
        raise ValueError("there are no values")
    return ordered[max(math.ceil(percent * len(ordered) / 100), 1) - 1]


def summary(values: Sequence[float]) -> dict[str, float | None]:
    """Return min, mean, max and the PERCENTILES (as p50, …) of ``values``; each is None if there are none."""
    ordered = sorted(values)
    names = ["min", "mean", *(f"p{percent}" for percent in PERCENTILES), "max"]
    if not ordered:
        return dict.fromkeys(names)
    found = [ordered[0], math.fsum(ordered) / len(ordered)]
    found += [percentile(ordered, percent) for percent in PERCENTILES]
    return {name: round(value, 3) for name, value in zip(names, [*found, ordered[-1]])}


def histogram(values_ms: Sequence[float]) -> list[dict[str, Any]]:
    """Count ``values_ms`` by BUCKETS_MS.

    :returns: ``{"le": upper bound in ms, "count": n}`` for every bucket from the first to the last with a
        value in it, in order; the bound is None for values above the largest.
    """
    counts = [0] * (len(BUCKETS_MS) + 1)
    for value in values_ms:
        counts[bisect_left(BUCKETS_MS, value)] += 1
    used = [index for index, count in enumerate(counts) if count]
    if not used:
        return []
    bounds: list[float | None] = [*BUCKETS_MS, None]
    return [{"le": bounds[index], "count": counts[index]} for index in range(used[0], used[-1] + 1)]


def check_hypothesis(hypothesis: Mapping[str, Any]) -> None:
    """Raise InputError if ``hypothesis`` (metric, relation, bound) cannot be judged, whatever is measured."""
    relation, bound = hypothesis["relation"], hypothesis["bound"]
    if relation not in RELATIONS:
        raise InputError(f"{relation!r} is not a relation; use one of {' '.join(RELATIONS)}.")
    if relation == "binomial":
        fits = isinstance(bound, dict) and set(bound) == {"share", "of"} and isinstance(bound["of"], str)
        fits = fits and _is_number(bound["share"]) and 0 <= bound["share"] <= 1
        wanted = "a mapping of `share` (0 to 1) and `of` (the metric that counts the trials)"
    elif relation == "between":
        fits = isinstance(bound, list) and len(bound) == 2 and all(map(_is_number, bound)) and bound[0] <= bound[1]
        wanted = "a list of two numbers, the smaller one first"
    elif relation in ("==", "!="):
        fits, wanted = not isinstance(bound, (list, dict)), "one value"
    else:
        fits, wanted = _is_number(bound), "a number"
    if not fits:
        raise InputError(f"The bound of {hypothesis['metric']!r} {relation} must be {wanted}, not {bound!r}.")


def judge(hypothesis: Mapping[str, Any], measurements: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whether what was measured is what was expected.

    :param hypothesis: ``metric`` (a key of the measurements; dots lead into nested ones, as in
        ``latency_ms.p99`` or ``status.503``), ``relation`` (one of RELATIONS) and ``bound``. The bound of
        ``binomial`` is the ``share`` of the trials, which the metric ``of`` counts, that should be in ``metric``.
    :param measurements: names and values, as the load generator or a scenario returns them.
    :returns: the hypothesis with ``measured`` and ``passed``; for ``binomial`` also ``trials``, the exact ``p`` and
        the ``interval`` of the share. What was not measured (``measured`` is None) or has no order never passes.
    :raises InputError: the hypothesis makes no sense.
    """
    check_hypothesis(hypothesis)
    metric, relation, bound = hypothesis["metric"], hypothesis["relation"], hypothesis["bound"]
    measured = look_up(metric, measurements)
    if relation == "binomial":
        return _judge_share(metric, measured, bound, look_up(bound["of"], measurements))
    comparable = measured is not None if relation in ("==", "!=") else _is_number(measured)
    passed = comparable and RELATIONS[relation](measured, bound)
    return {"metric": metric, "relation": relation, "bound": bound, "measured": measured, "passed": passed}


def sentence(verdict: Mapping[str, Any]) -> str:
    """Say in words what ``judge`` returned."""
    measured = "nothing was measured" if verdict["measured"] is None else f"measured {verdict['measured']}"
    if "p" in verdict:
        low, high = verdict["interval"]
        measured += f" of {verdict['trials']}, p {verdict['p']:.2g}, share {low:.3f} to {high:.3f}"
    bound = verdict["bound"]
    if verdict["relation"] == "binomial":
        bound = f"{bound['share']} of {bound['of']}"
    return f"{verdict['metric']} {verdict['relation']} {bound} ({measured})"


def look_up(metric: str, measurements: Mapping[str, Any]) -> Any:
    """Return the value of a metric (see ``judge``), None if it was not measured."""
    name, _dot, rest = metric.partition(".")
    value = measurements.get(name)
    if not rest:
        return value if not isinstance(value, (dict, list)) else None
    if not isinstance(value, Mapping):
        return None
    if rest in value and not isinstance(value[rest], (dict, list)):
        # A name may have dots of its own, such as that of an identity.
        return value[rest]
    return value.get(rest, 0) if name in COUNTS else look_up(rest, value)


def _judge_share(metric: str, count: Any, bound: Mapping[str, Any], trials: Any) -> dict[str, Any]:
    verdict = {"metric": metric, "relation": "binomial", "bound": bound, "measured": count, "passed": False}
    whole = isinstance(count, int) and isinstance(trials, int) and 0 <= count <= trials and trials > 0
    if not whole:
        return verdict
    return {
        **verdict,
        "trials": trials,
        "p": _binomial.p_value(count, trials, bound["share"]),
        "interval": list(_binomial.interval(count, trials)),
        "passed": RELATIONS["binomial"](count, {**bound, "of": trials}),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)
