# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service graph: layers, arrows and labels follow from the measured edges alone."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._service_graph import Box, service_graph

Element = ElementTree.Element
BOOKINFO = [
    ("istio-ingressgateway", "productpage-v1"), ("productpage-v1", "details-v1"), ("productpage-v1", "reviews-v1"),
    ("productpage-v1", "reviews-v2"), ("productpage-v1", "reviews-v3"), ("reviews-v2", "ratings-v1"),
    ("reviews-v3", "ratings-v1"),
]  # fmt: skip


def draw(*edges: dict[str, Any]) -> Element:
    return ElementTree.fromstring(service_graph(edges, "Service graph"))  # noqa: S314


def edge(source: str, destination: str, **numbers: Any) -> dict[str, Any]:
    return {"source": source, "destination": destination, "requests": 10, **numbers}


def groups(root: Element, kind: str) -> list[Element]:
    return [group for group in root.iter("g") if group.attrib["class"].split()[0] == kind]


def title(group: Element) -> str:
    return group.findtext("title") or ""


def nodes(root: Element) -> dict[str, Box]:
    """Where each workload is drawn."""
    return {title(group): _box(next(group.iter("rect"))) for group in groups(root, "node")}


def _box(rect: Element) -> Box:
    x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
    return Box(x + width / 2, y + height / 2, width, height)


def tips(root: Element) -> dict[str, tuple[float, float]]:
    """The point of each arrow."""
    return {
        title(group).split(":")[0]: tuple(  # type: ignore[misc]
            float(number) for number in next(group.iter("polygon")).attrib["points"].split()[0].split(",")
        )
        for group in groups(root, "edge")
    }


def test_each_workload_is_below_its_callers() -> None:
    places = nodes(draw(*(edge(*pair) for pair in BOOKINFO)))
    assert len(places) == 7
    assert all(places[source].y < places[destination].y for source, destination in BOOKINFO)


def test_arrow_ends_on_the_workload_that_is_called() -> None:
    root = draw(*(edge(*pair) for pair in BOOKINFO))
    places, points = nodes(root), tips(root)
    for source, destination in BOOKINFO:
        x, y = points[f"{source} to {destination}"]
        box = places[destination]
        assert y == pytest.approx(box.y - box.height / 2)
        assert abs(x - box.x) <= box.width / 2


def test_arrows_at_one_workload_do_not_meet_in_a_point() -> None:
    points = tips(draw(*(edge(*pair) for pair in BOOKINFO)))
    assert points["reviews-v2 to ratings-v1"] != points["reviews-v3 to ratings-v1"]


def test_nothing_is_drawn_over_another_thing() -> None:
    root = draw(*(edge(*pair, rate=12.34, mtls=True, error_share=0.014) for pair in BOOKINFO))
    places = list(nodes(root).values())
    labels = [_box(next(group.iter("rect"))) for group in groups(root, "label")]
    assert len(labels) == len(BOOKINFO)
    assert not [pair for pair in combinations([*places, *labels], 2) if pair[0].overlaps(pair[1])]


def test_layers_are_ordered_so_that_arrows_do_not_cross() -> None:
    places = nodes(draw(edge("a", "x"), edge("b", "y"), edge("a2", "y"), edge("b2", "x")))
    callers = sorted(("a", "b", "a2", "b2"), key=lambda name: places[name].x)
    assert {frozenset(callers[:2]), frozenset(callers[2:])} == {frozenset({"a", "b2"}), frozenset({"b", "a2"})}


@pytest.mark.parametrize(
    ("numbers", "label", "told"),
    [
        ({"requests": 1200}, "1,200", "1,200 requests"),
        ({"requests": 98, "error_share": 0.143, "mtls": True}, "98 · 14.3 %",
         "98 requests, 14.3 % errors, mutual TLS"),
        ({"requests": 98, "error_share": 0, "mtls": False}, "98", "98 requests, 0 % errors, plain text"),
        ({"requests": 98, "mtls": False, "mtls_share": 0.5}, "98", "98 requests, mutual TLS for 50 %"),
        ({"requests": 98, "rate": 4.9}, "4.9/s", "98 requests, 4.9 requests a second"),
        ({"requests": 0, "rate": 0.0}, "idle", "idle"),
    ],
)  # fmt: skip
def test_label_and_title_say_what_was_measured(numbers: dict[str, Any], label: str, told: str) -> None:
    root = draw(edge("a", "b", **numbers))
    assert [group.findtext("text") for group in groups(root, "label")] == [label]
    assert [title(group) for group in groups(root, "edge")] == [f"a to b: {told}"]


def test_rate_is_enough() -> None:
    root = draw({"source": "a", "destination": "b", "rate": 3.21})
    assert groups(root, "label")[0].findtext("text") == "3.21/s"
    assert title(groups(root, "edge")[0]) == "a to b: 3.21 requests a second"


@pytest.mark.parametrize(("mtls", "kind"), [(True, "lock"), (False, "lock open")])
def test_lock_is_closed_only_for_mutual_tls(mtls: bool, kind: str) -> None:
    assert [path.attrib["class"] for path in groups(draw(edge("a", "b", mtls=mtls)), "label")[0].iter("path")] == [kind]


def test_no_lock_where_the_transport_is_not_known() -> None:
    assert not list(groups(draw(edge("a", "b")), "label")[0].iter("path"))


def test_edge_without_any_number_has_no_label() -> None:
    assert groups(draw({"source": "a", "destination": "b"}), "label") == []


def test_errors_and_silence_look_different() -> None:
    root = draw(edge("a", "b", error_share=0.5), edge("a", "c", requests=0, rate=0.0), edge("a", "d"))
    assert [group.attrib["class"] for group in groups(root, "edge")] == ["edge bad", "edge idle", "edge"]


def test_thickness_grows_with_requests() -> None:
    root = draw(edge("a", "b", requests=1), edge("a", "c", requests=100))
    thin, thick = (float(next(group.iter("path")).attrib["stroke-width"]) for group in groups(root, "edge"))
    assert thin < thick == 4.5


def test_who_is_not_called_by_anyone_is_marked() -> None:
    kinds = {title(group): group.attrib["class"] for group in groups(draw(edge("a", "b")), "node")}
    assert kinds == {"a": "node root", "b": "node"}


def test_version_has_a_line_of_its_own() -> None:
    root = draw(edge("productpage-v1", "mongodb"))
    assert [[text.text for text in group.iter("text")] for group in groups(root, "node")] == [
        ["productpage", "v1"], ["mongodb"],
    ]  # fmt: skip


def test_long_name_is_shortened_and_whole_in_its_title() -> None:
    name = "a-workload-with-quite-a-long-name"
    root = draw(edge("a", name))
    shown = groups(root, "node")[1].findtext("text") or ""
    assert shown.endswith("…")
    assert name.startswith(shown[:-1])
    assert name in nodes(root)


def test_long_arrow_runs_beside_the_layers_between() -> None:
    root = draw(edge("a", "b"), edge("b", "c"), edge("a", "c"))
    places = nodes(root)
    assert places["a"].y < places["b"].y < places["c"].y
    path = next(next(group.iter("path")) for group in groups(root, "edge") if title(group).startswith("a to c"))
    vertical = re.search(r" ([\d.]+),[\d.]+ V", path.attrib["d"])
    assert vertical is not None
    assert abs(float(vertical.group(1)) - places["b"].x) > places["b"].width / 2


def test_cycle_is_drawn_with_one_arrow_upwards() -> None:
    root = draw(edge("gateway", "a"), edge("a", "b"), edge("b", "a"))
    places, points = nodes(root), tips(root)
    assert places["gateway"].y < places["a"].y < places["b"].y
    assert points["b to a"][1] == pytest.approx(places["a"].y + places["a"].height / 2)
    assert points["a to b"][1] == pytest.approx(places["b"].y - places["b"].height / 2)
    assert points["a to b"][0] != points["b to a"][0]


def test_wide_layer_makes_the_drawing_wider() -> None:
    root = draw(*(edge("a", f"b{number}") for number in range(9)))
    assert root.attrib["viewBox"].split()[2] == "810"
    assert not [pair for pair in combinations(nodes(root).values(), 2) if pair[0].overlaps(pair[1])]
