# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges of the service graph: summed, with what went wrong and what was encrypted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._graph import QUERY, edges_of

SPIFFE = "spiffe://cluster.local/ns/tutorial/sa/bookinfo-reviews"


def sample(value: float, code: str = "200", source: str = "productpage", to: str = "reviews", by: str = SPIFFE) -> Any:
    names = ("source_app", "destination_service_name", "response_code", "destination_principal")
    return {"labels": dict(zip(names, (source, to, code, by))), "value": value}


def test_requests_of_all_codes_are_one_edge() -> None:
    (edge,) = edges_of([sample(90), sample(6, "503"), sample(3, "404"), sample(1, "0")])
    assert edge == {
        "source": "productpage", "destination": "reviews", "requests": 100.0, "error_share": 0.07, "mtls": True,
    }  # fmt: skip


@pytest.mark.parametrize(("code", "share"), [("499", 0), ("500", 1), ("0", 1), ("", 1), ("302", 0)])
def test_what_counts_as_an_error(code: str, share: float) -> None:
    assert edges_of([sample(2, code)])[0]["error_share"] == share


def test_one_request_in_plain_text_is_no_mtls() -> None:
    assert edges_of([sample(99), sample(1, by="unknown")])[0]["mtls"] is False


def test_edges_come_in_order_and_an_edge_without_requests_is_none() -> None:
    found = edges_of([sample(1, to="z"), sample(0, to="idle"), sample(1, to="a"), sample(1, source="gateway", to="b")])
    assert [(edge["source"], edge["destination"]) for edge in found] == [
        ("gateway", "b"), ("productpage", "a"), ("productpage", "z"),
    ]  # fmt: skip


def test_labels_that_are_missing_are_unknown_and_the_query_asks_for_all_of_them() -> None:
    assert edges_of([{"labels": {}, "value": "2"}])[0]["source"] == "unknown"
    for label in sample(1)["labels"]:
        assert label in QUERY
