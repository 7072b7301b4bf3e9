# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a set of manifests to the state that is asked for: load, plan, apply or delete, wait."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._apply import (
    INTERCEPTORS,
    Change,
    apply,
    delete,
    patiently,
    plan,
    plan_absent,
)
from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, NotFound, NotYet, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._namespaces import unused
from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._select import selector
from ansible_collections.meshlab.istio.plugins.module_utils._sources import checked, load, missing_files
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for

Object = dict[str, Any]

OWNER_LABEL = "meshlab.istio/owner"

CLUSTER_SCOPED = {
    "Namespace", "Node", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass", "RuntimeClass",
    "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "GatewayClass", "CSIDriver", *INTERCEPTORS,
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "CertificateSigningRequest",
}  # fmt: skip
"""Kinds without a namespace, for a cluster that cannot be asked yet."""

PRUNED_KINDS = (
    ("v1", "ConfigMap PersistentVolumeClaim Pod Secret Service ServiceAccount ResourceQuota LimitRange Namespace"),
    ("apps/v1", "DaemonSet Deployment StatefulSet"),
    ("batch/v1", "CronJob Job"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "Ingress NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole ClusterRoleBinding Role RoleBinding"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration ValidatingWebhookConfiguration"),
    ("networking.istio.io/v1", "DestinationRule Gateway ServiceEntry Sidecar VirtualService WorkloadEntry"),
    ("networking.istio.io/v1alpha3", "EnvoyFilter"),
    ("security.istio.io/v1", "AuthorizationPolicy PeerAuthentication RequestAuthentication"),
    ("telemetry.istio.io/v1", "Telemetry"),
    ("gateway.networking.k8s.io/v1", "Gateway GRPCRoute HTTPRoute"),
)
"""Where ``prune`` looks, besides the kinds that the manifests name themselves."""

_PRESENCE = {
    True: {"field": "", "old": "absent", "new": "present"},
    False: {"field": "", "old": "present", "new": "absent"},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module ``manifests`` documents and return its return values."""
    absent = missing_files(module.params["src"]) if module.check_mode else []
    if absent:
        return _not_yet(module.params, f"This host does not have {', '.join(absent)} yet.")
    try:
        need_libraries(module, "yaml", *(["jmespath"] if module.params["wait_conditions"] else []))
    except NotYet as error:
        return _not_yet(module.params, error.message)
    return ensure(module.params, check=module.check_mode, progress=Progress(module.params["progress_file"]))


def _not_yet(options: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return check mode's answer on a host that an earlier task would first bring the manifests or the libraries to."""
    present = options["state"] == "present"
    return {
        "changed": present,
        "cluster_exists": False,
        "objects": [],
        "changed_objects": [],
        "diff": [
            {"before": "", "after": "".join(f"all objects of {source}\n" for source in options["src"] if present)}
        ],
        "waited": {"seconds": 0.0},
        "warnings": [f"All manifests count as new. {reason}"] if present else [],
    }


def ensure(options: Mapping[str, Any], *, check: bool, progress: Callable[[str], None]) -> dict[str, Any]:
    """Bring the cluster to the state of ``options``, or say what that would change.

    :param options: the module's options under their names.
    :param check: only say what would be done.
    :returns: the module's return values.
    :raises InputError, ClusterError, WaitError: see the steps.
    """
    started = time.monotonic()
    objects = wanted(options)
    warnings: list[str] = []
    cluster: Cluster | None = None
    try:
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=check)
    except Unreachable as error:
        if not check:
            raise
        # The play would make or start the cluster first; then everything would be new.
        warnings = unknown(error)
    end = started + options["wait_timeout"]
    objects = placed(objects, options["namespace"], cluster, end)
    objects = [checked(obj, "an object after its patches") for obj in patched(objects, options["patches"])]
    if options["prune"]:
        objects = [_labelled(obj, options["prune"]) for obj in objects]
    if cluster is None:
        changes = [Change(obj, None, obj if options["state"] == "present" else None) for obj in objects]
        return {**_result(changes, started, 0.0, cluster_exists=False), "warnings": warnings}
    kept: list[str] = []
    if options["state"] == "absent" and options["keep_used_namespaces"]:
        objects, kept = unused(cluster, objects)
    work = _ensure_absent if options["state"] == "absent" else _ensure_present
    changes, waited = work(cluster, objects, options, end, check, progress)
    return {**_result(changes, started, waited, cluster_exists=True), "warnings": kept}


def wanted(options: Mapping[str, Any]) -> list[Object]:
    """Return the objects of ``definition`` and ``src`` that fulfil ``label_selectors``.

    :raises InputError: nothing is left although a state without ``prune`` needs something to act on.
    """
    chosen = selector(options["label_selectors"])
    loaded = load(options["definition"], options["src"])
    objects = [obj for obj in loaded if chosen(obj["metadata"].get("labels") or {})]
    if not objects and not (options["prune"] and options["state"] == "absent"):
        raise InputError(
            f"None of the {len(loaded)} objects fulfils label_selectors {options['label_selectors']}."
            if loaded
            else "There is no object in `definition` and `src`.",
        )
    return objects


def placed(objects: Sequence[Object], namespace: str | None, cluster: Cluster | None, end: float = 0.0) -> list[Object]:
    """Return ``objects`` with ``namespace`` for each one of a namespaced kind that names none.

    :param end: until when a busy API server is asked again, in seconds of time.monotonic().

    :raises InputError: such an object is there, but no namespace was given.
    """
    scopes = {}
    for obj in objects:
        if obj["kind"] == "CustomResourceDefinition":
            # One that does not say what it defines can be deleted by its name; a creation the API server refuses.
            with contextlib.suppress(KeyError, TypeError):
                spec = obj["spec"]
                scopes[(spec["group"], spec["names"]["kind"])] = spec["scope"] == "Namespaced"
    result = []
    for obj in objects:
        if not obj["metadata"].get("namespace") and _is_namespaced(obj, scopes, cluster, end):
            if not namespace:
                raise InputError(f"{reference(obj)} names no namespace. Give `namespace`.")
            obj = {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}  # noqa: PLW2901
        result.append(obj)
    return result


def owned(cluster: Cluster, owner: str, objects: Sequence[Object], end: float) -> list[Object]:
    """Return the live objects with the owner label that are not among ``objects``; ``end`` as for ``placed``."""
    kinds = {(obj["apiVersion"], obj["kind"]) for obj in objects}
    kinds |= {(api_version, kind) for api_version, names in PRUNED_KINDS for kind in names.split()}
    known = {_identity(obj) for obj in objects}
    found: dict[tuple[str, str], Object] = {}
    for api_version, kind in sorted(kinds):
        request = partial(cluster.list, api_version, kind, label_selector=f"{OWNER_LABEL}={owner}")
        for obj in patiently(end, request):
            if _identity(obj) not in known and not obj["metadata"].get("ownerReferences"):
                # Each version of a kind lists the same objects.
                found.setdefault(_identity(obj), obj)
    return list(found.values())


# -- inside --------------------------------------------------------------------------------------


def _ensure_present(
    cluster: Cluster,
    objects: list[Object],
    options: Mapping[str, Any],
    end: float,
    check: bool,
    progress: Callable[[str], None],
) -> tuple[list[Change], float]:
    manager = options["field_manager"]
    changes = plan(cluster, objects, manager, recreate=options["recreate"], timeout=end - time.monotonic())
    found = owned(cluster, options["prune"], objects, end) if options["prune"] else []
    surplus = plan_absent(cluster, found, timeout=end - time.monotonic())
    if check:
        return [*changes, *surplus], 0.0
    changes = apply(cluster, changes, manager, timeout=end - time.monotonic(), progress=progress)
    delete(cluster, surplus, timeout=end - time.monotonic() if options["wait"] else None, progress=progress)
    waited = 0.0
    if options["wait"]:
        waited = wait_for(
            cluster, objects, end - time.monotonic(),
            failure_grace=options["failure_grace"], conditions=options["wait_conditions"], progress=progress,
        )["seconds"]  # fmt: skip
    return [*changes, *surplus], waited


def _ensure_absent(
    cluster: Cluster,
    objects: list[Object],
    options: Mapping[str, Any],
    end: float,
    check: bool,
    progress: Callable[[str], None],
) -> tuple[list[Change], float]:
    if options["prune"]:
        objects = [*objects, *owned(cluster, options["prune"], objects, end)]
    changes = plan_absent(cluster, objects, timeout=end - time.monotonic())
    started = time.monotonic()
    if not check:
        delete(cluster, changes, timeout=end - started if options["wait"] else None, progress=progress)
    return changes, time.monotonic() - started


def _is_namespaced(obj: Object, scopes: Mapping[tuple[str, str], bool], cluster: Cluster | None, end: float) -> bool:
    group, kind = obj["apiVersion"].rpartition("/")[0], obj["kind"]
    if (group, kind) in scopes:
        return scopes[(group, kind)]
    if cluster is None:
        return kind not in CLUSTER_SCOPED
    try:
        return patiently(end, partial(cluster.is_namespaced, obj["apiVersion"], kind))
    except NotFound:
        # Its definition comes with something that isn't there yet.
        return kind not in CLUSTER_SCOPED


def _identity(obj: Object) -> tuple[str, str]:
    """Return what tells live objects apart, whichever version of their kind they are read in."""
    return obj["apiVersion"].rpartition("/")[0], reference(obj)


def _labelled(obj: Object, owner: str) -> Object:
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), OWNER_LABEL: owner}}}


def _result(changes: Sequence[Change], started: float, waited: float, *, cluster_exists: bool) -> dict[str, Any]:
    changed = [change for change in changes if change.changed]
    return {
        "changed": bool(changed),
        "objects": [{"object": change.name, "changed": change.changed} for change in changes],
        "changed_objects": [
            {"object": change.name, **(field if field["field"] else _PRESENCE[change.before is None])}
            for change in changed
            for field in change.fields
        ],
        "diff": [change.diff() for change in changed],
        "waited": {"seconds": round(waited, 2)},
        "cluster_exists": cluster_exists,
        "seconds": round(time.monotonic() - started, 2),
    }
