# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove one revision of Istio, or all of it, and say exactly what went and what stays.

The objects are chosen by istioctl's own rule (1.31.0-dev operator/pkg/uninstall/prune.go GetPrunedResources; 1.19.3
helmreconciler/prune.go) and deleted here: ``istioctl uninstall`` exits with 0 whether or not anything was there, does
not wait, refuses a half-made revision, and forgets kinds that its charts can create.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import diff_entry, reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_plan import Change, control_plane_version
from ansible_collections.meshlab.istio.plugins.module_utils._istio_tag import TAG
from ansible_collections.meshlab.istio.plugins.module_utils._namespaces import OF_ISTIOD, shortened
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_gone

Object = dict[str, Any]

ATTACHMENT = ("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition")
INJECTION = "istio-injection"
SHOWN = 20
HELM_RELEASE = "meta.helm.sh/release-name"
"""The annotation by which Helm knows what it installed (Helm 3, pkg/action/validate.go; not run here)."""

LEFT_BY_ISTIOD = {
    ("v1", "Secret"): ("istio-ca-secret", "cacerts"),
    ("coordination.k8s.io/v1", "Lease"): ("istio-gateway-deployment",),
}
"""What istiod itself writes into its namespace and no uninstall takes away (1.30.3
pilot/pkg/leaderelection/leaderelection.go:38-62, security/pkg/pki/ca/ca.go:50)."""

LEADER = "control-plane.alpha.kubernetes.io/leader"
"""Annotation of the ConfigMaps by which istiod's replicas choose who does a task: one a task, more with each release.
"""


@dataclass
class Removal:
    """What removing Istio does.

    :ivar doomed: live objects that are deleted, in that order.
    :ivar user_made: mesh resources that go with the CRDs.
    :ivar left_behind: references of what stays.
    """

    doomed: list[Object]
    user_made: list[Object]
    left_behind: list[str]
    installed: str | None = None
    warnings: list[str] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """Return before, after, diff, changed_objects, removed and left_behind of the module."""
        rows, diff, before = [], [], {}
        for obj in [*self.doomed, *self.user_made]:
            name, fields = reference(obj), Change(obj, None).fields
            rows += [{"object": name, **each} for each in fields]
            diff.append(diff_entry(name, fields))
            before[name] = {each["field"]: each["old"] for each in fields}
        return {
            "before": before,
            "after": {},
            "diff": diff,
            "changed_objects": rows,
            "removed": list(before),
            "left_behind": self.left_behind,
        }


def plan(cluster: Cluster, *, revision: str, namespace: str, purge: bool, remove_user_resources: bool) -> Removal:
    """Find what goes and what stays.

    :param revision: ``default`` for the one without a name; not read with ``purge``.
    :param purge: every revision, and with the CRDs every mesh resource that users made.
    :param remove_user_resources: do so even if there are any.
    :raises InputError: ``purge`` would take resources of users, and that was not asked for; or Helm installed it.
    """
    kinds = (*owned.CLUSTER_KINDS, *owned.NAMESPACED_KINDS, *owned.OLD_PRUNED_KINDS, *owned.FORGOTTEN_KINDS)
    found = owned.owned(cluster, (*kinds, ATTACHMENT, owned.CRD) if purge else kinds)
    if purge:
        doomed = found
    else:
        doomed = [
            obj
            for obj in found
            if owned.labels_of(obj).get(owned.REVISION) == revision and owned.labels_of(obj)[owned.COMPONENT] != "Base"
        ]
    _need_none_of_helm(doomed)
    instances = [obj for crd in doomed if crd["kind"] == owned.CRD[1] for obj in _instances(cluster, crd)]
    doomed = [*doomed, *filter(owned.is_state, instances)]
    gone = {owned.key_of(obj) for obj in doomed}
    user_made = [
        obj for obj in instances if owned.COMPONENT not in owned.labels_of(obj) and owned.key_of(obj) not in gone
    ]
    if user_made and not remove_user_resources:
        names = ", ".join(map(reference, user_made[:SHOWN]))
        more = f" and {len(user_made) - SHOWN} more" if len(user_made) > SHOWN else ""
        raise InputError(
            f"`purge` removes Istio's CRDs and with them {len(user_made)} resources that users made: {names}{more}. "
            "Save them first, then set `remove_user_resources: true` (with the collection's playbooks "
            "`-e istio_remove_user_resources=true`); or remove one revision without `purge`.",
            user_resources=[reference(obj) for obj in user_made],
        )
    removal = Removal(doomed, user_made, [], control_plane_version(found, None if purge else revision))
    removal.left_behind = _left_behind(cluster, namespace, gone, bases=not purge)
    if doomed:
        removal.warnings = _users(cluster, revision, purge)
    return removal


def _need_none_of_helm(doomed: list[Object]) -> None:
    """Refuse to remove what Helm installed: Istio's charts give it the same labels, and no istioctl made it."""
    theirs = [obj for obj in doomed if HELM_RELEASE in (obj["metadata"].get("annotations") or {})]
    if theirs:
        releases = sorted({obj["metadata"]["annotations"][HELM_RELEASE] for obj in theirs})
        raise InputError(
            f"Helm installed this Istio, by the releases {', '.join(releases)}, so it is not removed here: "
            f"{shortened([reference(obj) for obj in theirs])}. Remove it with `helm uninstall`.",
            user_resources=[reference(obj) for obj in theirs],
        )


def carry_out(cluster: Cluster, removal: Removal, timeout: float, progress: Callable[[str], None]) -> None:
    """Delete everything of the plan and wait until it is gone.

    :raises WaitError: something is still there after ``timeout`` seconds.
    """
    progress(f"removing {len(removal.doomed)} objects of Istio")
    owned.warm(cluster, removal.doomed)
    # Webhooks first, so that none refuses what follows; CRDs last, as instances may be in the list too.
    for group in (
        [obj for obj in removal.doomed if obj["kind"].endswith("WebhookConfiguration")],
        [obj for obj in removal.doomed if not obj["kind"].endswith(("WebhookConfiguration", owned.CRD[1]))],
        [obj for obj in removal.doomed if obj["kind"] == owned.CRD[1]],
    ):
        owned.parallel(lambda obj: _delete(cluster, obj), group)
    # Pods go with their controllers; and EnvoyFilters' kind goes with its CRD.
    lasting = [obj for obj in removal.doomed if "istio.io/" not in obj["apiVersion"]]
    wait_gone(cluster, lasting, timeout, progress=progress)


def _delete(cluster: Cluster, obj: Object) -> bool:
    metadata = obj["metadata"]
    return cluster.delete(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))


def _instances(cluster: Cluster, crd: Object) -> list[Object]:
    spec = crd["spec"]
    version = next(each["name"] for each in spec["versions"] if each.get("storage"))
    return owned.patiently(lambda: cluster.list(f"{spec['group']}/{version}", spec["names"]["kind"]))


def _left_behind(cluster: Cluster, namespace: str, gone: set[owned.Key], *, bases: bool) -> list[str]:
    """Return references of what Istio leaves in the cluster."""
    stays: list[Object] = []
    for (api_version, kind), names in LEFT_BY_ISTIOD.items():
        stays += [obj for name in names if (obj := cluster.find(api_version, kind, name, namespace)) is not None]
    stays += [
        obj
        for obj in cluster.list("v1", "ConfigMap", namespace)
        if obj["metadata"]["name"].startswith("istio-") and LEADER in (obj["metadata"].get("annotations") or {})
    ]
    for name in OF_ISTIOD:
        stays += cluster.list("v1", "ConfigMap", field_selector=f"metadata.name={name}")
    stays += [
        obj
        for obj in cluster.list("gateway.networking.k8s.io/v1", "GatewayClass")
        if str(obj["spec"].get("controllerName", "")).startswith("istio.io/")
    ]
    stays += [
        obj
        for api_version, kind in owned.CLUSTER_KINDS[:2]
        for obj in cluster.list(api_version, kind, label_selector=TAG)
        if owned.key_of(obj) not in gone
    ]
    if bases:
        stays += cluster.list(*owned.CRD, label_selector=owned.COMPONENT)
        stays += cluster.list("v1", "ServiceAccount", label_selector=f"{owned.COMPONENT}=Base")
    space = cluster.find("v1", "Namespace", namespace)
    return sorted({reference(obj) for obj in [*stays, *([space] if space else [])]})


def _users(cluster: Cluster, revision: str, purge: bool) -> list[str]:
    """Return warnings about namespaces whose pods were, or would be, injected by what goes."""
    tags = {
        owned.labels_of(obj)[TAG]
        for obj in cluster.list(*owned.CLUSTER_KINDS[0], label_selector=TAG)
        if purge or owned.labels_of(obj).get(owned.REVISION) == revision
    }
    names = []
    for space in cluster.list("v1", "Namespace"):
        labels = owned.labels_of(space)
        chosen = labels.get(owned.REVISION) or ("default" if labels.get(INJECTION) == "enabled" else None)
        if chosen is not None and (purge or chosen == revision or chosen in tags):
            names.append(space["metadata"]["name"])
    if not names:
        return []
    return [
        f"The namespaces {', '.join(sorted(names))} ask for injection by what is removed: sidecars that run there "
        "lose their control plane, and new pods get none. Point them to another revision, or take the label away."
    ]
