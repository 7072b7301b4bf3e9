# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install would change, found without changing anything.

``changed``, check mode and diff of istioctl_install all come from here. istioctl has no such mode: its ``--dry-run``
neither compares nor asks the API server, and up to 1.23 it even writes.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils._chosen import without_choices
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import changed_fields, diff_entry, reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    CommandError,
    InputError,
    NotFound,
)
from ansible_collections.meshlab.istio.plugins.module_utils._istio_tag import NOT_PRUNED, TAG, VALIDATOR, default_tag
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._namespaces import shortened
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read

Object = dict[str, Any]

FIELD_MANAGER = "istio-operator"
"""istioctl's own, in every release (operator/pkg/install/install.go; 1.19.3 helmreconciler/apply.go:36)."""

NEVER_MATCH = {"matchLabels": {"istio.io/deactivated": "never-match"}}
"""The selector by which istioctl silences the default injector once the tag ``default`` does its work
(istioctl/pkg/util NeverMatch)."""

TERMINATING = "because it is being terminated"
"""In the API server's refusal to create something in a namespace that is being deleted."""

LONG_TEXT = 2000
"""Characters from which on a text of several lines is shown as a checksum."""

_ADMISSION = "admissionregistration.k8s.io/v1"
_INJECTOR = (_ADMISSION, "MutatingWebhookConfiguration")
_VALIDATING = (_ADMISSION, "ValidatingWebhookConfiguration")


@dataclass(frozen=True)
class Change:
    """One object that differs.

    :param before: as it is, None when it is to be created.
    :param after: as it would be, None when it is to be deleted.
    :param by: ``istioctl`` or ``module``: who makes the change.
    """

    before: Object | None
    after: Object | None
    by: str = "istioctl"

    @property
    def object(self) -> Object:
        """Return whichever state exists, for its kind and name."""
        # A change has at least one side.
        return cast(Object, self.after if self.after is not None else self.before)

    @property
    def fields(self) -> list[dict[str, Any]]:
        """Return the fields that differ (``_diff.changed_fields``), and those inside a ConfigMap's documents."""
        fields = changed_fields(presentable(self.before), presentable(self.after))
        if self.object["kind"] != "ConfigMap" or self.before is None or self.after is None:
            return fields
        return [_brief(each) for each in changed_fields(_opened(self.before), _opened(self.after)) or fields]


@dataclass
class Plan:
    """What an install would do to a cluster.

    :ivar objects: every object of the installation as it will be when istiod has done its part.
    :ivar changes: those that differ from what is live, and what will be deleted.
    :ivar installed: version of the control plane of this revision that is there, None when there is none.
    """

    version: str
    revision: str
    namespace: str
    objects: list[Object]
    changes: list[Change] = field(default_factory=list)
    installed: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def needs_install(self) -> bool:
        """Tell whether ``istioctl install`` has anything to do."""
        return any(change.by == "istioctl" for change in self.changes)

    @property
    def leftovers(self) -> list[Change]:
        """Return the deletions that istioctl will never make itself."""
        return [change for change in self.changes if change.by == "module"]

    def result(self) -> dict[str, Any]:
        """Return before, after, diff and changed_objects of the module."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        diff: list[dict[str, Any]] = []
        for change in self.changes:
            name = reference(change.object)
            fields = change.fields
            rows += [{"object": name, **each} for each in fields]
            diff.append(diff_entry(name, fields))
            if change.before is not None:
                before[name] = {each["field"]: each["old"] for each in fields}
            if change.after is not None:
                after[name] = {each["field"]: each["new"] for each in fields}
        return {"before": before, "after": after, "changed_objects": rows, "diff": diff}


def rendered(istioctl: Istioctl, document: Mapping[str, Any], *, cluster_specific: bool, force: bool) -> list[Object]:
    """Return the manifests of an IstioOperator with the owner labels that an install adds to each.

    :raises InputError: this release would leave out one of two gateways of one name.
    :raises CommandError: istioctl refuses the document.
    """
    if not istioctl.has("lists of an overlay replace the profile's"):
        operators.need_names_apart(document, istioctl.version_text)
    with operators.written(document) as path:
        objects = istioctl.generate(path, cluster_specific=cluster_specific, force=force)
    labels = owner_labels(istioctl, document)
    for obj in objects:
        mine = obj["metadata"].setdefault("labels", {})
        mine.update({**labels, owned.COMPONENT: owned.component_of(obj)})
    return objects


def owner_labels(istioctl: Istioctl, document: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels by which istioctl knows what it installed from this document."""
    revision = operators.revision_of(document)
    name = document["metadata"].get("name")
    if istioctl.has("owner label installed-state"):
        name = "-".join(filter(None, ("installed-state", name, revision)))
    return owned.owner_labels(
        version=istioctl.version_text, revision=revision, namespace=operators.namespace_of(document), name=name
    )


def make(istioctl: Istioctl, cluster: Cluster, document: Mapping[str, Any], *, force: bool = False) -> Plan:
    """Find out what ``istioctl install`` with this document would change on a cluster.

    :raises CommandError: istioctl refuses the document.
    :raises InputError: a component's namespace does not exist.
    :raises ClusterError: the API server refuses a dry run for another reason than a missing namespace or kind.
    """
    labels = owner_labels(istioctl, document)
    namespace = operators.namespace_of(document)
    plan = Plan(istioctl.version_text, labels[owned.REVISION], namespace, [])
    kinds: tuple[tuple[str, str], ...] = owned.PRUNED_KINDS
    if istioctl.has("prunes Istio's own kinds"):
        kinds = (*kinds, *owned.OLD_PRUNED_KINDS)

    # istioctl computes on one core while the API server is asked; each takes half a second or more.
    with ThreadPoolExecutor(max_workers=1) as pool:
        rendering = pool.submit(rendered, istioctl, document, cluster_specific=True, force=force)
        found = owned.owned(cluster, (*kinds, *owned.FORGOTTEN_KINDS))
        live = {owned.key_of(obj): obj for obj in found}
        plan.installed = control_plane_version(found, plan.revision)
        if cluster.find("v1", "Namespace", namespace) is None:
            plan.changes.append(Change(None, _namespace(document, namespace)))
        manifests = rendering.result()
        _need_namespaces(cluster, manifests, namespace)
        owned.warm(cluster, manifests)
        tagging = pool.submit(_tag, istioctl, document, manifests, live, labels)
        injectors = [obj for obj in manifests if obj["kind"] == _INJECTOR[1]]
        others = [obj for obj in manifests if obj["kind"] != _INJECTOR[1]]
        pairs = owned.parallel(lambda obj: compare(cluster, obj, live), others)
        tagged, problem = tagging.result()
    plan.warnings += problem
    if tagged:
        injectors = [silenced(obj) for obj in injectors]
    pairs += owned.parallel(lambda obj: compare(cluster, obj, live), [*injectors, *tagged])
    plan.objects = [after for _before, after in pairs]
    plan.changes += [Change(before, after) for before, after in pairs if differ(before, after)]

    pruned = set(kinds)
    listed = [obj for obj in found if (obj["apiVersion"], obj["kind"]) in pruned]
    plan.changes += [Change(obj, None) for obj in owned.prunable(listed, manifests, labels, NOT_PRUNED)]
    others_live = {owned.labels_of(obj).get(owned.REVISION) for obj in found if _is_istiod(obj)} - {plan.revision}
    if all(_only_taken_over(change, others_live) for change in plan.changes):
        # What revisions share carries the name of the one installed last; installing again would only flip it.
        plan.changes = []

    left = owned.leftovers(found, plan.objects, labels, NOT_PRUNED)
    if not istioctl.has("CRD istiooperators"):
        current = [obj for obj in found if owned.labels_of(obj).get(owned.REVISION) != plan.revision]
        left += owned.obsolete_crd(cluster, current)
    plan.changes += [Change(obj, None, by="module") for obj in left]
    return plan


def _need_namespaces(cluster: Cluster, manifests: Sequence[Object], made: str) -> None:
    """Raise InputError for a namespace that is missing: istioctl makes ``made`` alone."""
    brought = {obj["metadata"]["name"] for obj in manifests if obj["kind"] == "Namespace"} | {made, None}
    placed: dict[str, list[str]] = {}
    for obj in manifests:
        namespace = obj["metadata"].get("namespace")
        if namespace not in brought:
            placed.setdefault(namespace, []).append(reference(obj))
    for namespace, names in sorted(placed.items()):
        if cluster.find("v1", "Namespace", namespace) is None:
            raise InputError(
                f"The namespace {namespace} does not exist, and istioctl would stop half-way at {shortened(names)}, as "
                f"it makes no namespace but {made}. Nothing was changed. Make the namespace first."
            )


def without_cluster(istioctl: Istioctl, document: Mapping[str, Any], *, force: bool = False) -> Plan:
    """Return the plan for a cluster that does not exist yet: everything would be created."""
    objects = rendered(istioctl, document, cluster_specific=False, force=force)
    plan = Plan(istioctl.version_text, owner_labels(istioctl, document)[owned.REVISION],
                operators.namespace_of(document), objects)  # fmt: skip
    plan.changes = [Change(None, obj) for obj in objects]
    return plan


def control_plane_version(found: Sequence[Object], revision: str | None) -> str | None:
    """Return the version label of the istiod of a revision among live objects, None when there is none.

    :param revision: None for any; that of the first by name is returned then.
    """
    for obj in sorted(found, key=owned.key_of):
        labels = owned.labels_of(obj)
        if _is_istiod(obj) and revision in (None, labels.get(owned.REVISION)):
            return labels.get(owned.VERSION)
    return None


def differ(before: Object | None, after: Object | None) -> bool:
    """Tell whether a person would call the two states different."""
    return bool(changed_fields(presentable(before), presentable(after)))


def presentable(obj: Object | None) -> Object | None:
    """Return a copy without what istiod alone writes and with the schemas of a CRD cut down to a checksum.

    caBundle is patched into every webhook by istiod and rotated with its certificate: never an install's doing.
    """
    if obj is None:
        return None
    if obj["kind"] == "CustomResourceDefinition":
        result = copy.copy(obj)
        result["spec"] = {**obj["spec"], "versions": [_digest(each) for each in obj["spec"]["versions"]]}
        return result
    if obj["kind"].endswith("WebhookConfiguration"):
        result = copy.deepcopy(obj)
        for webhook in result.get("webhooks") or []:
            webhook["clientConfig"].pop("caBundle", None)
        return result
    return obj


def silenced(injector: Object) -> Object:
    """Return the default revision's own injector as istioctl leaves it where the tag ``default`` does its work."""
    labels = owned.labels_of(injector)
    if labels.get(owned.REVISION) != "default" or TAG in labels:
        return injector
    result = copy.deepcopy(injector)
    for webhook in result["webhooks"]:
        webhook["namespaceSelector"] = webhook["objectSelector"] = NEVER_MATCH
    return result


def _fail_closed(obj: Object, live: Object | None) -> Object:
    """Every install renders Ignore (or leaves the field out), and istiod sets Fail as soon as it can validate."""
    policies = {each["name"]: each.get("failurePolicy") for each in (live or {}).get("webhooks") or []}
    result = copy.deepcopy(obj)
    for webhook in result["webhooks"]:
        if webhook.get("failurePolicy", "Ignore") == "Ignore":
            webhook["failurePolicy"] = policies.get(webhook["name"]) or "Fail"
    return result


def compare(
    cluster: Cluster, obj: Object, live: Mapping[owned.Key, Object], manager: str = FIELD_MANAGER
) -> tuple[Object | None, Object]:
    """Return an object as it is and as an install leaves it, by the API server's own reckoning.

    :param live: objects that were read already.
    :param manager: the field manager in whose name it is applied.
    """
    before = live.get(owned.key_of(obj))
    if before is None:
        metadata = obj["metadata"]
        before = cluster.find(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
    wanted = _fail_closed(obj, before) if obj["kind"] == _VALIDATING[1] else obj
    try:
        return before, without_choices(cluster.apply(wanted, manager, dry_run=True), before, wanted)
    except ClusterError as error:
        # Its namespace or its kind comes with the install; a namespace that is going will be made anew.
        if not isinstance(error, NotFound) and TERMINATING not in error.message:
            raise
        return before, wanted


def _tag(
    istioctl: Istioctl,
    document: Mapping[str, Any],
    manifests: Sequence[Object],
    live: Mapping[owned.Key, Object],
    labels: Mapping[str, str],
) -> tuple[list[Object], list[str]]:
    """Return the objects of the tag ``default``, none when this installation does not get it, and warnings.

    Rule: 1.31.0-dev operator/pkg/webhook/webhook.go detectIfTagWebhookIsNeeded; 1.19.3 reconciler.go:612.
    """
    exists = any(
        kind == _INJECTOR[1] and owned.labels_of(obj).get(TAG) == "default"
        for (kind, _where, _name), obj in live.items()
    )
    own_way = operators.value_of(document, "global", "operatorManageWebhooks") is True
    if own_way or (exists and operators.revision_of(document)):
        return [], []
    revision = labels[owned.REVISION]
    injectors = [each for each in manifests if _is(each, _INJECTOR[1], "sidecar-injector", revision)]
    services = [each for each in manifests if _is(each, "Service", "istiod", revision)]
    if len(injectors) != 1 or len(services) != 1:
        return [], []
    injector = copy.deepcopy(injectors[0])
    bundles = {
        each["name"]: each["clientConfig"].get("caBundle")
        for each in (live.get(owned.key_of(injector)) or {}).get("webhooks") or []
    }
    for webhook in injector["webhooks"]:
        if bundles.get(webhook["name"]):
            webhook["clientConfig"]["caBundle"] = bundles[webhook["name"]]
    try:
        objects = default_tag(
            istioctl, injector, services[0], live.get((_VALIDATING[1], "", VALIDATOR)), labels,
            namespace=operators.namespace_of(document),
            auto_inject=operators.value_of(document, "sidecarInjectorWebhook", "enableNamespacesByDefault") is True,
        )  # fmt: skip
    except CommandError as error:
        return [], [f"The tag default cannot be predicted, and an install leaves it out then: {error.message}"]
    return objects, []


def _is(obj: Object, kind: str, app: str, revision: str) -> bool:
    labels = owned.labels_of(obj)
    return (
        obj["kind"] == kind
        and labels.get("app") == app
        and labels.get(owned.REVISION) == revision
        and TAG not in labels
    )


def _is_istiod(obj: Object) -> bool:
    return obj["kind"] == "Deployment" and owned.labels_of(obj).get("app") == "istiod"


def _only_taken_over(change: Change, others: set[str | None]) -> bool:
    """Tell whether nothing but the revision's name differs in an object that another live revision shares."""
    if change.before is None or change.after is None or owned.component_of(change.after) != "Base":
        return False
    label = f'metadata.labels["{owned.REVISION}"]'
    return [(each["field"], each["old"] in others) for each in change.fields] == [(label, True)]


def _namespace(document: Mapping[str, Any], name: str) -> Object:
    """Return the namespace that istioctl creates when it is missing (operator/pkg/util CreateNamespace)."""
    space: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    network = operators.value_of(document, "global", "network")
    if network:
        space["metadata"]["labels"] = {"topology.istio.io/network": network}
    return space


def _opened(config_map: Object) -> Object:
    """Return a ConfigMap with each value that is a YAML or JSON mapping parsed."""
    data = {key: _parsed(text) for key, text in (config_map.get("data") or {}).items()}
    return {**config_map, "data": data}


def _parsed(text: str) -> Any:
    try:
        documents = read(text, "a value")
    except InputError:
        return text
    return documents[0] if len(documents) == 1 and isinstance(documents[0], dict) else text


def _brief(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return a changed field with each long text as a checksum, such as the templates of the sidecar injector."""
    return {
        key: _checksum(value) if isinstance(value, str) and "\n" in value and len(value) > LONG_TEXT else value
        for key, value in field.items()
    }


def _checksum(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _digest(version: Mapping[str, Any]) -> dict[str, Any]:
    """Return a version of a CRD with its schema as a checksum; whole it is 70 kB of noise in a diff."""
    text = json.dumps(version.get("schema"), sort_keys=True)
    return {**version, "schema": _checksum(text)}
