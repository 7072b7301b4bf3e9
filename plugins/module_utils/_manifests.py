# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a set of manifests to the state that is asked for: load, plan, apply or delete, wait."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    NotFound,
    NotYet,
    Unreachable,
)
from ansible_collections.meshlab.istio.plugins.module_utils._identity import (
    Identity,
    applied_fields,
    group_of,
    identity,
    is_bare,
    owns_label,
)
from ansible_collections.meshlab.istio.plugins.module_utils._namespaces import FORBIDDEN, shortened, unused
from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._select import selector
from ansible_collections.meshlab.istio.plugins.module_utils._sendable import sendable
from ansible_collections.meshlab.istio.plugins.module_utils._sources import checked, load, missing_files, once
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
    objects = prepared(objects, options["patches"], options["namespace"], cluster, end)
    if options["prune"]:
        objects = [_labelled(obj, options["prune"]) for obj in objects]
    absent = options["state"] == "absent"
    if cluster is None:
        changes = [Change(obj, None, None if absent else sendable(obj)) for obj in objects]
        return {**_result(changes, started, 0.0, cluster_exists=False), "warnings": warnings}
    if absent:
        objects, warnings = _without_kept(cluster, objects, options, end)
    work = _ensure_absent if absent else _ensure_present
    done = work(cluster, objects, options, end, check, progress)
    return {**_result(done.changes, started, done.waited, cluster_exists=True), "warnings": [*warnings, *done.warnings]}


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


def prepared(
    objects: Sequence[Object],
    patches: Sequence[Mapping[str, Any]],
    namespace: str | None,
    cluster: Cluster | None,
    end: float = 0.0,
) -> list[Object]:
    """Return the objects as they are planned: patched, each in its namespace, each once.

    :param end: as for ``placed``.
    :raises InputError: see ``placed``, ``patched`` and ``once``.
    """
    objects = patched(placed(objects, namespace, cluster, end), patches)
    # A patch may have moved an object, and only now two that are one are the same.
    return once(placed([checked(obj, "an object after its patches") for obj in objects], namespace, cluster, end))


def placed(objects: Sequence[Object], namespace: str | None, cluster: Cluster | None, end: float = 0.0) -> list[Object]:
    """Return ``objects`` each in the namespace in which the API server keeps it.

    One of a namespaced kind that names no namespace gets ``namespace``. One of a cluster-scoped kind loses the
    namespace that it names, as the API server drops it.

    :param end: until when a busy API server is asked again, in seconds of time.monotonic().
    :raises InputError: an object needs a namespace, but none was given.
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
        metadata = obj["metadata"]
        if not _is_namespaced(obj, scopes, cluster, end):
            metadata = {key: value for key, value in metadata.items() if key != "namespace"}
        elif not metadata.get("namespace"):
            if not namespace:
                raise InputError(f"{reference(obj)} names no namespace. Give `namespace`.")
            metadata = {**metadata, "namespace": namespace}
        result.append({**obj, "metadata": metadata})
    return result


def owned(
    cluster: Cluster, owner: str, objects: Sequence[Object], options: Mapping[str, Any], end: float
) -> tuple[list[Object], list[str]]:
    """Return the live objects of a set that are not among ``objects``, and sentences about what was left out.

    An object is of the set if the field manager gave it the owner label. One that somebody copied with that label, or a
    controller made for one of ours, such as the Endpoints of a Service, is not.

    :param owner: the name of the set.
    :param end: as for ``placed``.
    """
    kinds = {(obj["apiVersion"], obj["kind"]) for obj in objects}
    kinds |= {(api_version, kind) for api_version, names in PRUNED_KINDS for kind in names.split()}
    namespaces = sorted({obj["metadata"].get("namespace") or "" for obj in objects} | {options["namespace"] or ""})
    look = _Look(cluster, f"{OWNER_LABEL}={owner}", [name for name in namespaces if name], end)
    known = {identity(obj) for obj in objects}
    found: dict[Identity, Object] = {}
    strange: dict[Identity, str] = {}
    for api_version, kind in sorted(kinds):
        for obj in look.all(api_version, kind):
            if identity(obj) in known or obj["metadata"].get("ownerReferences"):
                continue
            if owns_label(applied_fields(obj, options["field_manager"]), OWNER_LABEL):
                # Each version of a kind lists the same objects.
                found.setdefault(identity(obj), obj)
            elif other := _applied_by(obj):
                strange[identity(obj)] = f"{reference(obj)} (applied by {other})"
    sentences = look.sentences()
    if strange:
        sentences.append(
            f"These carry the label {OWNER_LABEL}={owner}, which {options['field_manager']} did not give them, so they "
            f"stay: {shortened(list(strange.values()))}."
        )
    return list(found.values()), sentences


# -- inside --------------------------------------------------------------------------------------


@dataclass
class _Done:
    changes: list[Change]
    waited: float
    warnings: list[str]


class _Look:
    """Lists kinds in the whole cluster; where this user may not, in the namespaces of the set, or not at all."""

    def __init__(self, cluster: Cluster, selector: str, namespaces: Sequence[str], end: float) -> None:
        self.cluster = cluster
        self.selector = selector
        self.namespaces = namespaces
        self.end = end
        self.partly: list[str] = []
        self.hidden: list[str] = []

    def all(self, api_version: str, kind: str) -> list[Object]:
        try:
            return self._list(api_version, kind, None)
        except ClusterError as error:
            if error.details.get("status") != FORBIDDEN:
                raise
        try:
            if self.namespaces and self.cluster.is_namespaced(api_version, kind):
                found = [obj for name in self.namespaces for obj in self._list(api_version, kind, name)]
                self.partly.append(kind)
                return found
        except ClusterError as error:
            if error.details.get("status") != FORBIDDEN:
                raise
        self.hidden.append(kind)
        return []

    def sentences(self) -> list[str]:
        places = {
            f"was looked for only in {', '.join(self.namespaces)}": self.partly,
            "was not looked for": self.hidden,
        }
        return [
            f"To prune, {', '.join(dict.fromkeys(kinds))} {where}, as this user may not list all of them."
            for where, kinds in places.items()
            if kinds
        ]

    def _list(self, api_version: str, kind: str, namespace: str | None) -> list[Object]:
        request = partial(self.cluster.list, api_version, kind, namespace, label_selector=self.selector)
        return patiently(self.end, request)


def _applied_by(obj: Object) -> str:
    """Return who wrote an object by server-side apply, "" if nobody did."""
    entries = obj["metadata"].get("managedFields") or []
    return next((entry["manager"] for entry in entries if entry["operation"] == "Apply"), "")


def _without_kept(
    cluster: Cluster, objects: list[Object], options: Mapping[str, Any], end: float
) -> tuple[list[Object], list[str]]:
    """Return what is to be deleted, without what the options keep, and sentences about what stays."""
    sentences: list[str] = []
    if options["only_applied"]:
        live = {
            identity(change.desired): change.before
            for change in plan_absent(cluster, objects, timeout=end - time.monotonic())
        }
        others = [
            obj
            for obj in objects
            if (there := live[identity(obj)]) is not None
            and not (is_bare(obj) and _says_nothing(there))
            and applied_fields(there, options["field_manager"]) is None
        ]
        objects = [obj for obj in objects if obj not in others]
        if others:
            names = shortened([reference(obj) for obj in others])
            sentences.append(
                f"These stay, because {options['field_manager']} never applied them: {names}. They only have the names "
                "of the set. Delete them by hand if they are to go."
            )
    if options["keep_used_namespaces"]:
        objects, kept = unused(cluster, objects)
        sentences += kept
    return objects, sentences


def _says_nothing(live: Object) -> bool:
    """Tell whether a live object may have been applied with nothing but a name: what holds data was not."""
    return not (live.get("data") or live.get("binaryData"))


def _need_none_of_others(changes: Sequence[Change], manager: str) -> None:
    """Refuse to write to objects that are there and that the field manager never applied.

    A namespace only gets labels, and may be anybody's. Of what has nothing but a name, nothing would be changed.
    """
    strange = [
        change.name
        for change in changes
        if change.before is not None
        and change.desired["kind"] != "Namespace"
        and not is_bare(change.desired)
        and not _written_by_one_of(change.before, manager)
    ]
    if strange:
        raise InputError(
            f"These are there already, and {manager} never applied them, so they may be yours: {shortened(strange)}. "
            "Nothing was written. Remove or rename them, choose another namespace, or set `adopt: true` (with the "
            "collection's playbooks `-e bookinfo_adopt=true` or `-e addons_adopt=true`) to have them changed, and "
            "removed with the rest later.",
            objects=strange,
        )


def _written_by_one_of(live: Object, manager: str) -> bool:
    """Tell whether a field manager wrote an object, or one that is named after it, as a scenario's is.

    A run that was interrupted while it took an object over has written it, and not applied it yet.
    """
    return any(
        f"{entry.get('manager')}.".startswith(f"{manager}.") for entry in live["metadata"].get("managedFields") or []
    )


def _ensure_present(
    cluster: Cluster,
    objects: list[Object],
    options: Mapping[str, Any],
    end: float,
    check: bool,
    progress: Callable[[str], None],
) -> _Done:
    manager = options["field_manager"]
    changes = plan(
        cluster, objects, manager, recreate=options["recreate"], timeout=end - time.monotonic(),
        expected=options["expected_namespaces"] if check else (),
    )  # fmt: skip
    warnings = _unserved(changes, check=check)
    if not options["adopt"]:
        _need_none_of_others(changes, manager)
    surplus: list[Change] = []
    if options["prune"]:
        found, left_out = owned(cluster, options["prune"], objects, options, end)
        found, kept = unused(cluster, found, definitions=True)
        surplus = plan_absent(cluster, found, timeout=end - time.monotonic())
        warnings += [*left_out, *kept]
    if check:
        return _Done([*changes, *surplus], 0.0, warnings)
    changes = apply(cluster, changes, manager, timeout=end - time.monotonic(), progress=progress)
    delete(cluster, surplus, timeout=end - time.monotonic() if options["wait"] else None, progress=progress)
    waited = 0.0
    if options["wait"]:
        done = wait_for(
            cluster, objects, end - time.monotonic(),
            failure_grace=options["failure_grace"], conditions=options["wait_conditions"], progress=progress,
        )  # fmt: skip
        waited = done["seconds"]
        warnings += done["warnings"]
    return _Done([*changes, *surplus], waited, warnings)


def _unserved(changes: Sequence[Change], *, check: bool) -> list[str]:
    """Return warnings about kinds that the cluster does not know and no definition of the set brings.

    :raises ClusterError: there is one, and this is no check mode, in which an earlier task would have brought it.
    """
    defined = {
        (spec.get("group"), (spec.get("names") or {}).get("kind"))
        for change in changes
        if change.desired["kind"] == "CustomResourceDefinition" and (spec := change.desired.get("spec") or {})
    }
    unknown = [
        change
        for change in changes
        if change.unserved and (group_of(change.desired["apiVersion"]), change.desired["kind"]) not in defined
    ]
    if not unknown:
        return []
    names = shortened([f"{change.name} ({change.desired['apiVersion']})" for change in unknown])
    if check:
        return [f"The cluster does not know the kinds of these objects yet, so they count as new: {names}."]
    raise NotFound(
        f"The cluster does not know the kinds of these objects: {names}. Nothing was written. Apply the "
        "CustomResourceDefinition first, or correct apiVersion and kind.",
        reason="UnknownKind",
    )


def _ensure_absent(
    cluster: Cluster,
    objects: list[Object],
    options: Mapping[str, Any],
    end: float,
    check: bool,
    progress: Callable[[str], None],
) -> _Done:
    warnings: list[str] = []
    if options["prune"]:
        found, left_out = owned(cluster, options["prune"], objects, options, end)
        found, kept = unused(cluster, found, beside=objects, definitions=True)
        objects = [*objects, *found]
        warnings = [*left_out, *kept]
    changes = plan_absent(cluster, objects, timeout=end - time.monotonic())
    started = time.monotonic()
    if not check:
        delete(cluster, changes, timeout=end - started if options["wait"] else None, progress=progress)
    return _Done(changes, time.monotonic() - started, warnings)


def _is_namespaced(obj: Object, scopes: Mapping[tuple[str, str], bool], cluster: Cluster | None, end: float) -> bool:
    group, kind = group_of(obj["apiVersion"]), obj["kind"]
    if (group, kind) in scopes:
        return scopes[(group, kind)]
    if cluster is None:
        return kind not in CLUSTER_SCOPED
    try:
        return patiently(end, partial(cluster.is_namespaced, obj["apiVersion"], kind))
    except NotFound:
        # Its definition comes with something that isn't there yet.
        return kind not in CLUSTER_SCOPED


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
