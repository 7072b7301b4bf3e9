# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects an Istio installation owns: owner labels, what istioctl prunes, what it forgets."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, TypeVar

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotFound

Object = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace, name: what istioctl itself tells objects apart by (operator/pkg/manifest ObjectHash)."""

MANAGED = "operator.istio.io/managed"
VERSION = "operator.istio.io/version"
COMPONENT = "operator.istio.io/component"
REVISION = "istio.io/rev"
OWNER = "install.operator.istio.io/owning-resource"
OWNER_NAMESPACE = "install.operator.istio.io/owning-resource-namespace"
NO_OWNER = "unknown"
"""What the charts write where the IstioOperator has no name."""

READER = "istio-reader-service-account"
COMPONENTS = ("Base", "Pilot", "IngressGateways", "EgressGateways", "Cni", "Ztunnel")

CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
NAMESPACED_KINDS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Pod"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("policy/v1", "PodDisruptionBudget"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.istio.io/v1alpha3", "EnvoyFilter"),
)
CLUSTER_KINDS = (
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
)
PRUNED_KINDS = (*NAMESPACED_KINDS, *CLUSTER_KINDS)
"""What every istioctl lists to prune (1.31.0-dev operator/pkg/uninstall/prune.go:37-80)."""

OLD_PRUNED_KINDS = (
    ("v1", "PersistentVolumeClaim"),
    ("networking.istio.io/v1beta1", "DestinationRule"),
    ("networking.istio.io/v1beta1", "Gateway"),
    ("networking.istio.io/v1beta1", "VirtualService"),
    ("security.istio.io/v1beta1", "PeerAuthentication"),
)
"""What istioctl up to 1.23 lists as well (1.19.3 operator/pkg/helmreconciler/prune.go:51-106)."""

FORGOTTEN_KINDS = (
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
)
"""What the charts can create and no istioctl prunes or uninstalls."""

BUSY_TRIES = 10
BUSY_SECONDS = 1.0

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def key_of(obj: Mapping[str, Any]) -> Key:
    """Return kind, namespace ("" for none) and name of an object."""
    metadata = obj["metadata"]
    return obj["kind"], metadata.get("namespace") or "", metadata["name"]


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of an object, {} for none."""
    labels: dict[str, str] = obj["metadata"].get("labels") or {}
    return labels


def owner_labels(*, version: str, revision: str, namespace: str, name: str | None) -> dict[str, str]:
    """Return the labels that an install puts on everything (1.31.0-dev operator/pkg/install/install.go getOwnerLabels).

    :param version: istioctl's own version.
    :param revision: the empty string for the one without a name.
    :param name: metadata.name of the IstioOperator, or what an older release uses for it.
    """
    labels = {
        MANAGED: "Reconcile",
        VERSION: version,
        OWNER_NAMESPACE: namespace,
        REVISION: revision or "default",
    }
    if name:
        labels[OWNER] = name
    return labels


def is_state(obj: Mapping[str, Any]) -> bool:
    """Tell whether this is the IstioOperator in which istioctl up to 1.23 notes what it installed, not a user's.

    1.19.3 operator/cmd/mesh/install.go:273-295 savedIOPName; one for each name and revision.
    """
    group = obj["apiVersion"].partition("/")[0]
    return group == "install.istio.io" and str(obj["metadata"]["name"]).startswith("installed-state")


def component_of(obj: Mapping[str, Any]) -> str:
    """Return the component that an object of the rendered manifests belongs to.

    The charts label most of them. Of the others, CRDs and the reader's account are in Base, the rest in Pilot
    (seen in both chart trees, 1.19.3 and 1.30.3).
    """
    if obj["kind"] == "CustomResourceDefinition":
        return "Base"
    if obj["kind"] == "ServiceAccount" and obj["metadata"]["name"].startswith(READER):
        return "Base"
    return labels_of(obj).get(COMPONENT, "Pilot")


def owned(cluster: Cluster, kinds: Sequence[tuple[str, str]]) -> list[Object]:
    """Return every live object of ``kinds`` that carries a component label, of whatever version and revision."""
    known = [kind for kind in kinds if _known(cluster, kind)]
    pages = parallel(lambda kind: cluster.list(kind[0], kind[1], label_selector=COMPONENT), known)
    return [obj for page in pages for obj in page]


def prunable(
    live: Iterable[Object], desired: Sequence[Object], labels: Mapping[str, str], not_pruned: str
) -> list[Object]:
    """Return what ``install`` deletes: owned by this version and revision, and not in the manifests any more.

    :param live: what ``owned`` found for the release's kinds.
    :param desired: the rendered objects with owner labels.
    :param labels: ``owner_labels``.
    :param not_pruned: the label whose value "true" protects an object.
    """
    kept = {(component_of(obj), key_of(obj)) for obj in desired}
    return [
        obj
        for obj in live
        if labels.items() <= labels_of(obj).items()
        and labels_of(obj).get(COMPONENT) in COMPONENTS
        and labels_of(obj).get(not_pruned) != "true"
        and (labels_of(obj)[COMPONENT], key_of(obj)) not in kept
    ]


def leftovers(
    live: Iterable[Object], desired: Sequence[Object], labels: Mapping[str, str], not_pruned: str
) -> list[Object]:
    """Return what another version of this revision left behind and no istioctl will ever prune.

    The version is part of istioctl's selector: after 1.19 to 1.30 three PodDisruptionBudgets stay, which block a drain.
    """
    wanted = {key_of(obj) for obj in desired}
    same = {key: value for key, value in labels.items() if key not in (VERSION, OWNER)}
    # Up to 1.23 everything was owned by this name; afterwards only a name in the IstioOperator tells owners apart.
    owners = {labels.get(OWNER, NO_OWNER), "installed-state", f"installed-state-{labels[REVISION]}"}
    return [
        obj
        for obj in live
        if same.items() <= labels_of(obj).items()
        and labels_of(obj).get(OWNER, NO_OWNER) in owners
        and labels_of(obj).get(VERSION, labels[VERSION]) != labels[VERSION]
        and labels_of(obj).get(not_pruned) != "true"
        and key_of(obj) not in wanted
    ]


def obsolete_crd(cluster: Cluster, live: Iterable[Object]) -> list[Object]:
    """Return the CRD of IstioOperator that 1.23 and older left, if nothing needs it any more.

    It stays as long as a control plane of such a release runs, or an IstioOperator exists that a user made.
    """
    crd = cluster.find(*CRD, "istiooperators.install.istio.io")
    if crd is None or COMPONENT not in labels_of(crd):
        return []
    for obj in live:
        version = labels_of(obj).get(VERSION, "")
        if obj["kind"] == "Deployment" and version.startswith("1.") and int("0" + version.split(".")[1][:2]) <= 23:
            return []
    instances = patiently(lambda: cluster.list("install.istio.io/v1alpha1", "IstioOperator"))
    return [crd] if all(map(is_state, instances)) else []


def parallel(work: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
    """Call ``work`` for all items ``patiently``, eight at a time, and return the answers in order.

    The first error is raised.
    """
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda item: patiently(lambda: work(item)), items))


def patiently(work: Callable[[], Answer]) -> Answer:
    """Call ``work``, again if the API server asks for it (429: the storage of a new kind is not up yet)."""
    for _attempt in range(BUSY_TRIES):
        try:
            return work()
        except ClusterError as error:
            if error.details.get("status") != 429:
                raise
        time.sleep(BUSY_SECONDS)
    return work()


def warm(cluster: Cluster, objects: Iterable[Mapping[str, Any]]) -> None:
    """Look up the kinds of ``objects`` once, before threads ask for them; an unknown kind is no error here."""
    for kind in sorted({(obj["apiVersion"], obj["kind"]) for obj in objects}):
        _known(cluster, kind)


def _known(cluster: Cluster, kind: tuple[str, str]) -> bool:
    """Tell whether the cluster has a kind."""
    try:
        cluster.is_namespaced(*kind)
    except NotFound:
        return False
    return True
