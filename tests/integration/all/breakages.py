# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to break each scenario on purpose: its configuration, never what it expects."""

from __future__ import annotations

from typing import Any

Patches = list[dict[str, Any]]


def _replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def _object(step: int, number: int, path: str) -> str:
    return f"/steps/{step}/apply/objects/{number}/spec/{path}"


BREAKAGES: dict[str, tuple[str, Patches]] = {
    "load-balancing": (
        "always the same for one user",
        [_replace(_object(5, 0, "trafficPolicy/loadBalancer"), {"simple": "RANDOM"})],
    ),
    "canary": (
        "one in ten",
        [_replace(_object(1, 1, "http/0/route/0/weight"), 80), _replace(_object(1, 1, "http/0/route/1/weight"), 20)],
    ),
    "ab-testing": ("cookie of group b", [{"op": "remove", "path": _object(1, 1, "http/0/match/1")}]),
    "faults": ("three in ten fail", [_replace(_object(0, 0, "http/1/fault/abort/percentage/value"), 10)]),
    "timeouts": ("reviews may take 0.5 s", [{"op": "remove", "path": _object(5, 0, "http/0/timeout")}]),
    "retries": ("with retries", [_replace(_object(3, 0, "http/0/retries"), {"attempts": 0})]),
    "circuit-breaker": (
        "one connection, one waiting",
        [_replace(_object(2, 0, "trafficPolicy/connectionPool"), {"tcp": {"maxConnections": 1000}})],
    ),
    "mirroring": ("version 2", [_replace(_object(1, 1, "http/0/mirrorPercentage/value"), 50)]),
    "mtls": ("plaintext is refused", [_replace(_object(2, 0, "mtls/mode"), "PERMISSIVE")]),
    "access-control": ("not the guest", [{"op": "remove", "path": _object(4, 0, "rules/0/from")}]),
    # The policy that asks for a token is missing.
    "jwt": ("none, and one is asked for", [{"op": "remove", "path": "/steps/6"}]),
    "egress": ("unknown to the mesh", [_replace(_object(2, 0, "outboundTrafficPolicy/mode"), "ALLOW_ANY")]),
    "rate-limit": (
        "limited",
        [_replace(_object(1, 0, "configPatches/0/patch/value/typed_config/token_bucket/max_tokens"), 20)],
    ),
    # A budget that lets all pods go at once.
    "recovery": ("while a workload is drained", [_replace(_object(0, 0, "maxUnavailable"), 3)]),
    "gateway-tls": ("mutual, without a certificate", [_replace(_object(4, 0, "servers/0/tls/mode"), "SIMPLE")]),
    # Certificates of one service live for a day, and nobody waits for that.
    "certificate-rotation": (
        "after",
        [
            _replace(
                _object(0, 0, "template"),
                {"metadata": {"annotations": {"proxy.istio.io/config": "proxyMetadata: {SECRET_TTL: 24h}"}}},
            ),
            _replace("/steps/2/during/0/within", 5),
        ],
    ),
    "control-plane-outage": (
        "no istiod is left",
        [_replace(_object(0, 0, "replicas"), 1), _replace("/steps/1/within", 5)],
    ),
}
"""Scenario → the step that then fails, and operations of a JSON patch on its data."""
