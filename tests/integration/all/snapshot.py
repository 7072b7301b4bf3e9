# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is in a cluster, read with kubectl, and what differs between two such readings.

Not read with the modules' own code: what it should have seen and did not is meant to be found.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils._chosen import without_choices
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from tests.integration.all.lab import Lab, Object

Row = tuple[str, str, str, str]
"""Object, field, old and new value; of an object that appears or goes only that it does."""

NOT_READ = {
    "events", "events.events.k8s.io", "pods", "replicasets.apps", "controllerrevisions.apps", "endpoints",
    "endpointslices.discovery.k8s.io", "leases.coordination.k8s.io", "nodes", "componentstatuses",
    "ipaddresses.networking.k8s.io", "apiservices.apiregistration.k8s.io",
}  # fmt: skip
"""What controllers and the API server write all the time, and nobody installs."""

MADE_BY_OTHERS = {
    ("ConfigMap", "istio-ca-root-cert"): "istiod, in every namespace",
    ("ConfigMap", "kube-root-ca.crt"): "the controller manager, in every namespace",
    ("Secret", "istio-ca-secret"): "istiod, when it starts for the first time",
    ("ServiceAccount", "default"): "the controller manager, in every namespace",
}
"""Kind and name of objects that come as a consequence → whose work they are."""

LEADER = "control-plane.alpha.kubernetes.io/leader"
"""Annotation of the ConfigMaps by which istiod's replicas choose a leader for each of their tasks."""

ROLLOUT = 'metadata.annotations["deployment.kubernetes.io/revision"]'
"""The Deployment controller counts rollouts here."""


def snapshot(lab: Lab) -> dict[owned.Key, Object]:
    """Return every object of the cluster by kind, namespace and name."""
    names = lab.kubectl("api-resources", "--verbs=list,get", "--output=name").split()
    wanted = ",".join(name for name in names if name not in NOT_READ)
    items = json.loads(lab.kubectl("get", wanted, "--all-namespaces", "--ignore-not-found", "--output=json"))["items"]
    found = {owned.key_of(obj): obj for obj in items}
    assert ("Namespace", "", "kube-system") in found
    return {
        key: obj
        for key, obj in found.items()
        if (obj["kind"], obj["metadata"]["name"]) not in MADE_BY_OTHERS
        and LEADER not in obj["metadata"].get("annotations", {})
    }


def rows(result: dict[str, Any]) -> set[Row]:
    """Return what a module says that it changes or would change."""
    return {_row(each["object"], each["field"], each["old"], each["new"]) for each in result["changed_objects"]}


def happened(before: dict[owned.Key, Object], after: dict[owned.Key, Object]) -> set[Row]:
    """Return what differs between two snapshots, but for what controllers did about it."""
    found = set()
    for key in {*before, *after}:
        now = after.get(key)
        change = plans.Change(before.get(key), without_choices(now, before.get(key), {}) if now else None)
        for each in change.fields:
            if each["field"] == ROLLOUT or (each["field"] == "spec.replicas" and _autoscaled(change.object, after)):
                continue
            found.add(_row(reference(change.object), each["field"], each["old"], each["new"]))
    return found


def _autoscaled(obj: Object, everything: dict[owned.Key, Object]) -> bool:
    """Tell whether an autoscaler decides how many replicas an object has."""
    kind, namespace, name = owned.key_of(obj)
    return any(
        scaler["spec"]["scaleTargetRef"]["kind"] == kind and scaler["spec"]["scaleTargetRef"]["name"] == name
        for (what, where, _name), scaler in everything.items()
        if what == "HorizontalPodAutoscaler" and where == namespace
    )


def _row(name: str, field: str, old: Any, new: Any) -> Row:
    def text(value: Any) -> str:
        return json.dumps("there" if field == "" and value is not None else value, sort_keys=True)

    return name, field, text(old), text(new)
