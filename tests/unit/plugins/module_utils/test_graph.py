# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges of the service graph: summed, with what went wrong and what was encrypted, in all or since a time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._graph import QUERY, counts_of, edges_of, size_of_kialis

SPIFFE = "spiffe://cluster.local/ns/tutorial/sa/bookinfo-reviews"
NAMES = ("source_app", "destination_service_name", "response_code", "destination_principal", "instance")


def sample(
    value: float, code: str = "200", source: str = "productpage", to: str = "reviews", by: str = SPIFFE, pod: str = "a"
) -> Any:
    return {"labels": dict(zip(NAMES, (source, to, code, by, pod))), "value": value}


def total(*samples: Any) -> list[dict[str, Any]]:
    return edges_of(counts_of(samples))


def since(before: list[Any], after: list[Any], seconds: float = 10.0) -> list[dict[str, Any]]:
    return edges_of(counts_of(after), counts_of(before), seconds)


def test_requests_of_all_codes_and_pods_are_one_edge() -> None:
    (edge,) = total(sample(80), sample(10, pod="b"), sample(6, "503"), sample(3, "404"), sample(1, "0"))
    assert edge == {
        "source": "productpage", "destination": "reviews", "requests": 100.0, "error_share": 0.07,
        "mtls_share": 1.0, "mtls": True,
    }  # fmt: skip


@pytest.mark.parametrize(("code", "share"), [("499", 0), ("500", 1), ("0", 1), ("", 1), ("302", 0)])
def test_what_counts_as_an_error(code: str, share: float) -> None:
    assert total(sample(2, code))[0]["error_share"] == share


def test_one_request_in_plain_text_is_no_mtls() -> None:
    (edge,) = total(sample(99), sample(1, by="unknown"))
    assert (edge["mtls"], edge["mtls_share"]) == (False, 0.99)


def test_edges_come_in_order_and_an_edge_without_requests_is_none() -> None:
    found = total(sample(1, to="z"), sample(0, to="idle"), sample(1, to="a"), sample(1, source="gateway", to="b"))
    assert [(edge["source"], edge["destination"]) for edge in found] == [
        ("gateway", "b"), ("productpage", "a"), ("productpage", "z"),
    ]  # fmt: skip


def test_labels_that_are_missing_are_unknown_and_the_query_asks_for_all_of_them() -> None:
    assert total({"labels": {}, "value": "2"})[0]["source"] == "unknown"
    for label in NAMES:
        assert label in QUERY


def test_since_a_time_only_what_came_after_it_counts() -> None:
    """Errors and plain text of before colour nothing, those of after count in full."""
    before = [sample(40), sample(60, "503", by="unknown")]
    (edge,) = since(before, [sample(120), sample(60, "503", by="unknown"), sample(20, "500")], 25.0)
    assert edge == {
        "source": "productpage", "destination": "reviews", "requests": 100.0, "rate": 4.0, "error_share": 0.2,
        "mtls_share": 1.0, "mtls": True,
    }  # fmt: skip


def test_an_edge_without_requests_since_then_is_idle_and_has_no_shares() -> None:
    before = [sample(7, "503", to="ratings")]
    idle, new = since(before, [*before, sample(5)])
    assert idle == {"source": "productpage", "destination": "ratings", "requests": 0.0, "rate": 0.0}
    assert (new["destination"], new["requests"], new["rate"]) == ("reviews", 5.0, 0.5)


def test_a_counter_that_began_again_counts_from_0_and_takes_nothing_from_others() -> None:
    before = [sample(1000, pod="a"), sample(50, "503", pod="a"), sample(10, pod="b")]
    (edge,) = since(before, [sample(30, pod="a"), sample(20, pod="b")])
    assert (edge["requests"], edge["error_share"]) == (40.0, 0.0)


def test_a_pod_that_is_new_counts_in_full_and_one_that_is_gone_not_at_all() -> None:
    (edge,) = since([sample(500, pod="gone"), sample(10)], [sample(10), sample(8, pod="new")])
    assert edge["requests"] == 8.0


def test_only_pods_that_are_gone_leave_no_edge() -> None:
    assert since([sample(500, pod="gone")], []) == []


def test_a_clock_that_stood_still_gives_no_rate() -> None:
    assert "rate" not in since([], [sample(1)], 0.0)[0]


def test_size_of_kialis_graph_is_without_the_boxes_around_nodes() -> None:
    """The form of Kiali's own graph/api/testdata/test_versioned_app_graph.expected."""

    def node(kind: str, **more: Any) -> Any:
        return {"data": {"id": "472bfb370dd24116b28b534e453ef044", "nodeType": kind, "namespace": "tutorial", **more}}

    edge = {"data": {"id": "e", "source": "a", "target": "b", "traffic": {"protocol": "http", "rates": {"http": "1"}}}}
    answer = {
        "timestamp": 1523364075, "duration": 60, "graphType": "versionedApp",
        "elements": {
            "nodes": [node("box", isBox="app"), node("app", app="reviews", version="v1"), node("service")],
            "edges": [edge],
        },
    }  # fmt: skip
    assert size_of_kialis(answer) == {"nodes": 2, "edges": 1}
    assert size_of_kialis({"elements": {"nodes": None, "edges": None}}) == {"nodes": 0, "edges": 0}
