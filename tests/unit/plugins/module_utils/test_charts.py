# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts show the numbers that they are given, at the places that these have."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _charts as charts

Element = ElementTree.Element


def read(svg: str) -> Element:
    return ElementTree.fromstring(svg)  # noqa: S314


def words(root: Element) -> list[str]:
    return [text.text or "" for text in root.iter("text")]


def boxes(root: Element, class_: str | None = None) -> list[tuple[float, float]]:
    """Left edge and width, in percent, of every box that is no track."""
    return [
        (float(box.attrib["x"].rstrip("%")), float(box.attrib["width"].rstrip("%")))
        for box in root.iter("rect")
        if (box.attrib["class"] == class_ if class_ else box.attrib["class"] != "track")
    ]


def test_bars_are_as_long_as_their_values() -> None:
    root = read(charts.bars([{"label": "v1", "value": 90}, {"label": "v3", "value": 45}], title="t", unit="%"))
    assert boxes(root) == [(0, 100), (0, 50)]
    assert words(root) == ["v1", "90 %", "v3", "45 %"]


def test_bars_to_a_given_whole_in_colours_of_their_own() -> None:
    rows = [{"label": "v1", "value": 90, "text": "90 of 200"}, {"label": "v3", "value": 50}]
    root = read(charts.bars(rows, title="t", largest=200, distinct=True))
    assert boxes(root, "s0") == [(0, 45)]
    assert boxes(root, "s1") == [(0, 25)]
    assert words(root)[1] == "90 of 200"


def test_bar_with_an_interval_has_whiskers_inside_the_chart() -> None:
    root = read(charts.bars([{"label": "v3", "value": 10, "low": 5, "high": 20}], title="t"))
    assert boxes(root) == [(0, 50)]
    assert {(line.attrib["x1"], line.attrib["x2"]) for line in root.iter("line")} == {
        ("25.00%", "100.00%"), ("25.00%", "25.00%"), ("100.00%", "100.00%"),
    }  # fmt: skip


def test_bars_of_nothing_are_empty() -> None:
    assert boxes(read(charts.bars([{"label": "lost", "value": 0}], title="t"))) == [(0, 0)]


BUCKETS = [{"le_ms": bound, "count": count} for bound, count in ((10, 0), (20, 1), (30, 4), (40, 0), (50, 2), (60, 0))]


def test_histogram_shows_the_buckets_between_the_first_and_last_that_counted() -> None:
    root = read(charts.histogram(BUCKETS, {"p50": 25, "p95": 45}))
    heights = [float(box.attrib["height"]) for box in root.iter("rect")]
    assert heights == [25, 100, 0, 50]
    assert [word for word in words(root) if word.isdigit()] == ["20", "30", "40", "50", "1", "4", "2"]
    titles = [title.text for title in root.iter("title")]
    assert titles[0] == "Latency of the answers. p50 25 ms, p95 45 ms"
    assert "up to 30 ms: 4 answers" in titles


@pytest.mark.parametrize(
    ("latency", "place"),
    [(10, 0), (15, 12.5), (25, 37.5), (45, 87.5), (50, 100), (999, 100), (1, 0)],
)
def test_percentile_stands_where_its_bucket_says(latency: float, place: float) -> None:
    root = read(charts.histogram(BUCKETS, {"p50": latency}))
    marker = next(line for line in root.iter("line") if line.attrib["class"] == "marker")
    assert float(marker.attrib["x1"].rstrip("%")) == pytest.approx(place)


def test_first_bucket_begins_at_the_least_latency_if_none_is_before_it() -> None:
    root = read(charts.histogram([{"le_ms": 20, "count": 2}], {"min": 10, "p50": 15}))
    marker = next(line for line in root.iter("line") if line.attrib["class"] == "marker")
    assert marker.attrib["x1"] == "50.00%"


def test_all_answers_at_the_bound_of_one_bucket() -> None:
    assert read(charts.histogram([{"le_ms": 20, "count": 2}], {"min": 20, "p50": 20})) is not None


def test_bucket_without_an_upper_bound() -> None:
    root = read(charts.histogram([{"le_ms": 10, "count": 3}, {"le_ms": None, "count": 1}], {"p50": 5, "p99": 500}))
    assert "more" in words(root)
    marker = [line for line in root.iter("line") if line.attrib["class"] == "marker"][-1]
    assert marker.attrib["x1"] == "75.00%"


def test_many_buckets_keep_their_labels_apart() -> None:
    root = read(charts.histogram([{"le_ms": bound, "count": 1} for bound in range(1, 41)], {}))
    assert len(words(root)) <= 9
    assert "40" in words(root)


def test_gantt_places_overlapping_stages_in_time() -> None:
    stages: list[dict[str, Any]] = [
        {"stage": "minikube", "start": 0, "end": 50},
        {"stage": "istio", "start": 50, "end": 75},
        {"stage": "bookinfo", "start": 60, "end": 100},
    ]
    root = read(charts.gantt(stages))
    assert boxes(root, "s1") == [(0, 50)], "the longest stage has its own colour"
    assert boxes(root, "s0") == [(50, 25), (60, 40)]
    numbers = [word for word in words(root) if word[0].isdigit()]
    assert numbers == [
        "0 s",
        "30 s",
        "1 min",
        "1:30",
        "50 s",
        "25 s",
        "40 s",
    ]
    assert root.attrib["aria-label"] == "Where the time of the run went. minikube 50 s, istio 25 s, bookinfo 40 s"


def test_gantt_of_a_run_that_took_no_time() -> None:
    assert boxes(read(charts.gantt([{"stage": "a", "start": 0, "end": 0}]))) == [(0, 0)]


def test_gantt_last_tick_stays_inside() -> None:
    root = read(charts.gantt([{"stage": "a", "start": 0, "end": 61}]))
    tick = next(text for text in root.iter("text") if text.text == "1 min")
    assert tick.attrib["text-anchor"] == "end"


def test_line_reaches_from_corner_to_corner() -> None:
    root = read(charts.line([{"at": 5, "value": 0}, {"at": 15, "value": 50}], title="t", unit="requests/s"))
    assert next(root.iter("polyline")).attrib["points"] == "0.00,100.00 100.00,0.00"
    assert words(root) == ["50 requests/s", "5 s", "15 s"]


def test_line_of_one_point_at_nothing() -> None:
    root = read(charts.line([{"at": 5, "value": 0}], title="t"))
    assert next(root.iter("polyline")).attrib["points"] == "0.00,100.00"
