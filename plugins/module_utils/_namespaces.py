# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would go with a namespace beside what is meant to go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference

Object = dict[str, Any]

OF_ISTIOD = ("istio-ca-root-cert", "istio-ca-crl")
"""The ConfigMaps that istiod puts into every namespace, and leaves there (istiod 1.31-dev was run)."""

EVERYWHERE = {
    ("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"), *(("ConfigMap", name) for name in OF_ISTIOD),
}  # fmt: skip
"""What Kubernetes and istiod put into every namespace."""

WITH_OTHERS = {"Event", "Endpoints"}
"""Kinds that come with other objects and do not name them as their owners."""

SHOWN = 5


def unused(cluster: Cluster, objects: Sequence[Object]) -> tuple[list[Object], list[str]]:
    """Return ``objects`` without the namespaces in which there is something else, and a sentence for each of these."""
    left, sentences = [], []
    for obj in objects:
        others = strangers(cluster, obj["metadata"]["name"], objects) if obj["kind"] == "Namespace" else []
        if others:
            more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
            sentences.append(f"{reference(obj)} stays, because these are in it: {', '.join(others[:SHOWN])}{more}.")
        else:
            left.append(obj)
    return left, sentences


def strangers(cluster: Cluster, namespace: str, objects: Sequence[Object]) -> list[str]:
    """Return references of what is in a namespace, is not among ``objects``, and would not go with what is there."""
    there = [
        obj
        for api_version, kind in cluster.kinds_in_namespaces()
        if kind not in WITH_OTHERS
        for obj in cluster.list(api_version, kind, namespace)
    ]
    ours = {_identity(obj) for obj in objects}
    known = {obj["metadata"].get("uid") for obj in there}
    return sorted(
        reference(obj)
        for obj in there
        if _identity(obj) not in ours
        and (obj["kind"], obj["metadata"]["name"]) not in EVERYWHERE
        and not any(owner["uid"] in known for owner in obj["metadata"].get("ownerReferences") or [])
    )


def _identity(obj: Object) -> tuple[str, str]:
    """Return what tells objects apart, whichever version of their kind they are written in."""
    return obj["apiVersion"].rpartition("/")[0], reference(obj)
