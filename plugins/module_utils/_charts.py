# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inline SVG charts. They stretch by percentages while text keeps its size, so they read on a phone and on a screen.

Colours are classes of ``_report_style``; every chart has a title that says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts
from ansible_collections.meshlab.istio.plugins.module_utils._html import Markup, tag

SERIES = 6
"""How many series colours the style has (classes s0 to s5)."""

_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Steps of a time axis, in seconds."""


EDGE = 0.08
"""Words around a place this near an edge could be cut on a phone."""


def bars(
    rows: Sequence[dict[str, Any]], *, title: str, unit: str = "", largest: float = 0, distinct: bool = False
) -> Markup:
    """Draw one horizontal bar a row, with its interval as a whisker where it has one.

    :param rows: dicts with label and value, optionally low and high, and text (shown instead of the value).
    :param unit: written behind each value.
    :param largest: the value of a full bar; by default the largest one.
    :param distinct: give each row a colour of its own.
    """
    full = largest or max([row.get("high", row["value"]) for row in rows] + [row["value"] for row in rows]) or 1
    drawn = []
    for index, row in enumerate(rows):
        top = index * 44
        words = row.get("text", f"{facts.number(row['value'])} {unit}".strip())
        drawn += [
            _text(row["label"], "0", top + 14),
            _text(words, "100%", top + 14, anchor="end", class_="strong"),
            _box("0", top + 21, "100%", 12, "track"),
            _box("0", top + 21, _at(row["value"] / full), 12, f"s{index % SERIES if distinct else 0}"),
        ]
        if "low" in row and "high" in row:
            low, high = _at(row["low"] / full), _at(row["high"] / full)
            drawn.append(tag("line", x1=low, x2=high, y1=top + 27, y2=top + 27, class_="whisker"))
            drawn += [tag("line", x1=end, x2=end, y1=top + 22, y2=top + 32, class_="whisker") for end in (low, high)]
    return _chart(title, len(rows) * 44 - 6, drawn)


def histogram(buckets: Sequence[dict[str, Any]], latency: dict[str, float]) -> Markup:
    """Draw how answers spread over latency, with p50, p95 and p99 as lines.

    :param buckets: dicts with le_ms (upper bound, None for none) and count (of this bucket alone), rising.
    :param latency: the percentiles, in milliseconds.
    """
    shown, below = _without_empty_ends(buckets, latency.get("min", 0.0))
    high = max(bucket["count"] for bucket in shown)
    count = len(shown)
    drawn: list[Markup] = [tag("line", x1="0", x2="100%", y1=170, y2=170, class_="axis")]
    every = -(-count // 8)
    words_over: list[Markup] = []
    for index, bucket in enumerate(shown):
        height = 100 * bucket["count"] / high
        if height:
            height = max(height, 2)
        bound = bucket["le_ms"]
        words = "more" if bound is None else facts.number(bound)
        box = _box(_at((index + 0.08) / count), 170 - height, _at(0.84 / count), height, "s0", radius=2)
        drawn.append(tag("g", tag("title", f"up to {words} ms: {bucket['count']} answers"), box))
        if count <= 12 and bucket["count"]:
            words_over.append(_text(facts.number(bucket["count"]), _at((index + 0.5) / count), 165 - height,
                                    anchor="middle", class_="halo"))  # fmt: skip
        if (count - 1 - index) % every == 0:
            where, anchor = _inside((index + 0.5) / count)
            drawn.append(_text(words, where, 187, anchor=anchor, class_="muted"))
    for row, key in enumerate(key for key in ("p50", "p95", "p99") if key in latency):
        place = _place(latency[key], shown, below)
        left = place < 0.5
        drawn.append(tag("line", x1=_at(place), x2=_at(place), y1=4 + row * 15, y2=170, class_="marker"))
        value = f"{key}  {facts.milliseconds(latency[key])}"
        beside: dict[str, Any] = {"anchor": "start", "dx": 5} if left else {"anchor": "end", "dx": -5}
        words_over.append(_text(value, _at(place), 13 + row * 15, class_="strong halo", **beside))
    drawn += words_over
    drawn.append(_text("latency up to, in milliseconds", "50%", 208, anchor="middle", class_="muted"))
    spread = ", ".join(f"{key} {facts.milliseconds(value)}" for key, value in latency.items())
    return _chart(f"Latency of the answers. {spread}", 214, drawn)


def gantt(stages: Sequence[dict[str, Any]]) -> Markup:
    """Draw when each stage of the run began and ended; stages that overlap stand above each other.

    :param stages: dicts with stage, start and end in seconds since the run's start.
    """
    total = max(stage["end"] for stage in stages) or 1
    longest = max(stage["end"] - stage["start"] for stage in stages)
    height = len(stages) * 36
    step = next((tick for tick in _TICKS if total / tick <= 5), _TICKS[-1])
    drawn = []
    for index in range(int(total / step) + 1):
        place = index * step / total
        drawn.append(tag("line", x1=_at(place), x2=_at(place), y1=0, y2=height, class_="grid"))
        where, anchor = _inside(place)
        drawn.append(_text(_clock(index * step), where, height + 15, anchor=anchor, class_="muted"))
    for index, stage in enumerate(stages):
        top, took = index * 36, stage["end"] - stage["start"]
        drawn += [
            _text(stage["stage"], "0", top + 13, class_="halo"),
            _text(facts.seconds(took), "100%", top + 13, anchor="end", class_="strong halo"),
            _box("0", top + 18, "100%", 10, "track"),
            _box(_at(stage["start"] / total), top + 18, _at(took / total), 10, "s1" if took == longest else "s0"),
        ]
    words = ", ".join(f"{stage['stage']} {facts.seconds(stage['end'] - stage['start'])}" for stage in stages)
    return _chart(f"Where the time of the run went. {words}", height + 20, drawn)


def line(points: Sequence[dict[str, float]], *, title: str, unit: str = "") -> Markup:
    """Draw a value over time.

    :param points: dicts with at (seconds) and value.
    :param unit: written behind the largest value.
    """
    start, end = points[0]["at"], points[-1]["at"]
    high = max(point["value"] for point in points) or 1
    width = (end - start) or 1
    path = " ".join(
        f"{(point['at'] - start) / width * 100:.2f},{100 - point['value'] / high * 100:.2f}" for point in points
    )
    curve = tag("polyline", points=path, class_="curve", vector_effect="non-scaling-stroke")
    drawn = [
        _text(f"{facts.number(high)} {unit}".strip(), "0", 12, class_="strong"),
        tag("line", x1="0", x2="100%", y1=24, y2=24, class_="grid"),
        tag("line", x1="0", x2="100%", y1=114, y2=114, class_="axis"),
        tag("svg", curve, x="0", y=24, width="100%", height=90, viewBox="0 0 100 100", preserveAspectRatio="none",
            overflow="visible"),
        _text(facts.seconds(start), "0", 131, class_="muted"),
        _text(facts.seconds(end), "100%", 131, anchor="end", class_="muted"),
    ]  # fmt: skip
    return _chart(title, 136, drawn)


def _chart(title: str, height: float, drawn: Iterable[Markup]) -> Markup:
    return tag("svg", tag("title", title), drawn, class_="chart", role="img", aria_label=title,
               width="100%", height=f"{height:g}")  # fmt: skip


def _text(words: str, x: str, y: float, *, anchor: str = "start", class_: str = "", dx: float = 0) -> Markup:
    return tag("text", words, x=x, y=f"{y:g}", dx=dx or None, text_anchor=anchor, class_=class_ or None)


def _box(x: str, y: float, width: str, height: float, class_: str, radius: float = 4) -> Markup:
    return tag("rect", x=x, y=f"{y:g}", width=width, height=f"{height:g}", rx=radius, class_=class_)


def _at(share: float) -> str:
    return f"{min(max(share, 0), 1) * 100:.2f}%"


def _inside(share: float) -> tuple[str, str]:
    """Return position and anchor of words around a place; so near an edge that they could be cut, they begin there."""
    if share < EDGE:
        return "0", "start"
    return ("100%", "end") if share > 1 - EDGE else (_at(share), "middle")


def _clock(value: int) -> str:
    if value < 60:
        return f"{value} s"
    return f"{value // 60} min" if value % 60 == 0 else f"{value // 60}:{value % 60:02d}"


def _without_empty_ends(buckets: Sequence[dict[str, Any]], least: float) -> tuple[Sequence[dict[str, Any]], float]:
    """Return the buckets from the first to the last that counted something, and where the first begins.

    :param least: the smallest value, which is where the first begins if no bucket comes before it.
    """
    filled = [index for index, bucket in enumerate(buckets) if bucket["count"]]
    below = buckets[filled[0] - 1]["le_ms"] if filled[0] else least
    return buckets[filled[0] : filled[-1] + 1], below


def _place(value: float, buckets: Sequence[dict[str, Any]], below: float) -> float:
    """Return where on the axis, 0 to 1, a latency lies; within a bucket it is taken as linear."""
    for index, bucket in enumerate(buckets):
        bound = bucket["le_ms"]
        if bound is None:
            return (index + 0.5) / len(buckets)
        if value <= bound:
            return (index + max(0.0, (value - below) / ((bound - below) or 1))) / len(buckets)
        below = bound
    return 1.0
