# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service graph as the mesh's own metrics tell it: who called whom, how often, with what share of errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

QUERY = (
    "sum by (source_app, destination_service_name, destination_principal, response_code) "
    '(istio_requests_total{reporter="source"})'
)

NOW = "time()"
"""Prometheus' own clock: this host's may differ."""

SCRAPED = 'min(timestamp(up{pod!=""})) or vector(time())'
"""When the pod that has waited longest was scraped last; now, where no target is a pod. A failed scrape counts too,
and a target that has gone is not waited for (Prometheus 3.10, scrape/scrape.go: report samples, stale markers)."""


def edges_of(samples: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn the answer to QUERY into edges.

    :param samples: mappings of ``labels`` and ``value``.
    :returns: for each pair: source, destination, requests (count so far), error_share (of codes from 500 on, and of
        requests without an answer, code 0), mtls (the server showed a SPIFFE identity). Sorted by source, destination.
    """
    found: dict[tuple[str, str], dict[str, float]] = {}
    for sample in samples:
        labels, count = sample["labels"], float(sample["value"])
        pair = (labels.get("source_app", "unknown"), labels.get("destination_service_name", "unknown"))
        edge = found.setdefault(pair, {"requests": 0.0, "errors": 0.0, "mtls": 0.0})
        edge["requests"] += count
        code = labels.get("response_code", "")
        if not code.isdigit() or int(code) == 0 or int(code) >= 500:
            edge["errors"] += count
        if labels.get("destination_principal", "").startswith("spiffe://"):
            edge["mtls"] += count
    return [
        {
            "source": source,
            "destination": destination,
            "requests": edge["requests"],
            "error_share": edge["errors"] / edge["requests"],
            "mtls": edge["mtls"] == edge["requests"],
        }
        for (source, destination), edge in sorted(found.items())
        if edge["requests"] > 0
    ]
