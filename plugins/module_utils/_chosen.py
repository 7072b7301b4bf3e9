# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server chooses when it stores an object, so that no dry run can predict it.

A dry run answers with a choice of its own: of node ports, Kubernetes 1.34.4 gave 32769 where the real run gave 30756.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

CHOSEN = ("clusterIP", "clusterIPs", "healthCheckNodePort")
"""Fields of a Service's spec; each of its ports has a nodePort beside them."""


def without_choices(after: Object, before: Mapping[str, Any] | None, desired: Mapping[str, Any]) -> Object:
    """Return ``after`` without the addresses and ports that the API server chose, or would choose, for this change.

    What was there before the change, or is asked for, stays.

    :param after: the object as it was stored, or as a dry run says.
    :param before: the object before that; without one, nothing is taken away.
    :param desired: the manifest.
    """
    if after["kind"] != "Service" or before is None or not after.get("spec"):
        return after
    given = [_spec(before), _spec(desired)]
    spec = {key: value for key, value in after["spec"].items() if key not in CHOSEN or any(key in one for one in given)}
    if "ports" in spec:
        asked = {_name(port) for one in given for port in one.get("ports") or [] if port.get("nodePort")}
        spec["ports"] = [port if _name(port) in asked else _closed(port) for port in spec["ports"]]
    return {**after, "spec": spec}


def _spec(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    return obj.get("spec") or {}


def _name(port: Mapping[str, Any]) -> tuple[Any, Any]:
    return port.get("port"), port.get("protocol", "TCP")


def _closed(port: Mapping[str, Any]) -> Object:
    return {key: value for key, value in port.items() if key != "nodePort"}
