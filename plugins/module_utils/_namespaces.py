# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would go with a namespace, or with the definition of a kind, beside what is meant to go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._identity import identity
from ansible_collections.meshlab.istio.plugins.module_utils._istio_owned import patiently

Object = dict[str, Any]

OF_ISTIOD = ("istio-ca-root-cert", "istio-ca-crl")
"""The ConfigMaps that istiod puts into every namespace, and leaves there (istiod 1.31-dev was run)."""

EVERYWHERE = {
    ("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"), *(("ConfigMap", name) for name in OF_ISTIOD),
}  # fmt: skip
"""What Kubernetes and istiod put into every namespace."""

SHOWN = 5

FORBIDDEN = 403


def unused(
    cluster: Cluster,
    objects: Sequence[Object],
    *,
    beside: Sequence[Object] = (),
    definitions: bool = False,
) -> tuple[list[Object], list[str]]:
    """Return ``objects`` without what others use, and a sentence for each object that is left out.

    :param objects: what is about to be deleted. A namespace is used by what else is in it.
    :param beside: what is deleted at the same time and is not looked at.
    :param definitions: look at definitions of kinds too; one is used by other objects of its kind.
    """
    going = [*objects, *beside]
    left, sentences = [], []
    for obj in objects:
        others, where = [], ""
        if obj["kind"] == "Namespace":
            others, where = strangers(cluster, obj["metadata"]["name"], going), "are in it"
        elif definitions and obj["kind"] == "CustomResourceDefinition":
            others, where = instances(cluster, obj, going), "are of its kind"
        if others:
            sentences.append(f"{reference(obj)} stays, because these {where}: {shortened(others)}.")
        else:
            left.append(obj)
    return left, sentences


def shortened(names: Sequence[str]) -> str:
    """Return the first few of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def strangers(cluster: Cluster, namespace: str, objects: Sequence[Object]) -> list[str]:
    """Return references of what is in a namespace, is not among ``objects``, and would not go with what is there.

    A kind that this user may not list counts as one that has something there.
    """
    there: list[Object] = []
    hidden: list[str] = []
    for api_version, kind in cluster.kinds_in_namespaces():
        if kind == "Event":
            continue
        try:
            there += patiently(partial(cluster.list, api_version, kind, namespace))
        except ClusterError as error:
            if error.details.get("status") != FORBIDDEN:
                raise
            hidden.append(f"what this user may not list ({kind})")
    ours = {identity(obj) for obj in objects}
    known = {obj["metadata"].get("uid") for obj in there}
    services = {obj["metadata"]["name"] for obj in there if (obj["apiVersion"], obj["kind"]) == ("v1", "Service")}
    return sorted(
        reference(obj)
        for obj in there
        if identity(obj) not in ours
        and (obj["kind"], obj["metadata"]["name"]) not in EVERYWHERE
        # They come with their Service, and do not name it as their owner.
        and not (obj["kind"] == "Endpoints" and obj["metadata"]["name"] in services)
        and not any(owner["uid"] in known for owner in obj["metadata"].get("ownerReferences") or [])
    ) + sorted(hidden)


def instances(cluster: Cluster, definition: Object, objects: Sequence[Object]) -> list[str]:
    """Return references of the objects of a live definition's kind that are not among ``objects``."""
    spec = definition["spec"]
    version = next((each["name"] for each in spec["versions"] if each.get("served", True)), "")
    try:
        found = patiently(lambda: cluster.list(f"{spec['group']}/{version}", spec["names"]["kind"]))
    except ClusterError as error:
        if error.details.get("status") != FORBIDDEN:
            raise
        return [f"what this user may not list ({spec['names']['kind']})"]
    ours = {identity(obj) for obj in objects}
    return sorted(reference(obj) for obj in found if identity(obj) not in ours)
