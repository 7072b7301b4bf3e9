# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells objects apart, and whose an object is: each rule, each request and each deletion must mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

Identity = tuple[str, str, str, str]
"""Group, kind, namespace ("" for none) and name: the same in whatever version of its kind an object is read."""

Address = tuple[str, str, str, "str | None"]
"""apiVersion, kind, name and namespace, as ``Cluster``'s methods take them."""


def group_of(api_version: str) -> str:
    """Return the API group of an apiVersion, "" for Kubernetes' own first one."""
    return api_version.rpartition("/")[0]


def identity(obj: Mapping[str, Any]) -> Identity:
    """Return what tells an object apart; of a manifest only after ``placed`` has settled its namespace."""
    metadata = obj["metadata"]
    return group_of(obj["apiVersion"]), obj["kind"], metadata.get("namespace") or "", metadata["name"]


def address(obj: Mapping[str, Any]) -> Address:
    """Return where requests about an object go."""
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace")


def applied_fields(obj: Mapping[str, Any], manager: str) -> Mapping[str, Any] | None:
    """Return which fields (``fieldsV1``) a field manager owns by server-side apply; None if it never applied this.

    The API server keeps that record itself: a controller or a user who copies an object, its labels too, is another
    manager there.
    """
    for entry in obj["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation"), entry.get("subresource") or "") == (manager, "Apply", ""):
            return entry.get("fieldsV1") or {}
    return None


def owns_label(fields: Mapping[str, Any] | None, label: str) -> bool:
    """Tell whether a label is among the fields that ``applied_fields`` returned."""
    metadata = (fields or {}).get("f:metadata") or {}
    return f"f:{label}" in (metadata.get("f:labels") or {})


def is_bare(obj: Mapping[str, Any]) -> bool:
    """Tell whether a manifest holds nothing but a name: of that the API server does not note who applied it."""
    return {*obj, *obj["metadata"]} <= {"apiVersion", "kind", "metadata", "name", "namespace"}
