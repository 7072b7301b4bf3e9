# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module istioctl_tag does: a revision tag as it should be, and what changes for it, found first.

What ``istioctl tag set`` would store is what ``istioctl tag generate`` writes, applied in a dry run under the field
manager that it uses; what ``istioctl tag remove`` takes are the objects that carry the tag's label.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    CommandError,
    InputError,
    MeshlabError,
    NotYet,
    Unreachable,
)
from ansible_collections.meshlab.istio.plugins.module_utils._injection import DEFAULT, TAG, Injectors, chosen
from ansible_collections.meshlab.istio.plugins.module_utils._istio_tag import VALIDATOR, generated
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries

Object = dict[str, Any]

MANAGER = "istio-ci"
"""In whose name ``istioctl tag set`` applies (1.31.0-dev pkg/kube/client.go:1306 ssapplyYAML)."""

ADMISSION = "admissionregistration.k8s.io/v1"
TAG_SECONDS = 60.0
"""``tag set`` analyses the cluster first, and from 1.28 on never ends where the API server dies meanwhile."""

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass
class Wanted:
    """What a call would change.

    :ivar revision: what the tag points to now, None when there is no such tag.
    :ivar injectors: what injects on this cluster.
    """

    revision: str | None
    injectors: Injectors
    changes: list[plans.Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def present_or_absent(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module is asked for; return its result."""
    started = time.monotonic()
    options, check = module.params, module.check_mode
    if not NAME.fullmatch(options["name"]):
        raise InputError(f"{options['name']!r} cannot be a tag: it is the value of a label, such as prod-stable.")
    istioctl = Istioctl(options["path"], options["kubeconfig"], options["context"])
    try:
        need_libraries(module, "yaml")
        if check and options["state"] == "present":
            istioctl.resolve()
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=check)
    except (NotYet, Unreachable, CommandError) as error:
        if not check:
            raise
        result = _nothing_there(options, error)
    else:
        result = _ensure(options, istioctl, cluster, check=check)
    return {**result, "name": options["name"], "seconds": round(time.monotonic() - started, 2)}


def _ensure(options: Mapping[str, Any], istioctl: Istioctl, cluster: Cluster, *, check: bool) -> dict[str, Any]:
    work = set_tag if options["state"] == "present" else remove_tag
    wanted = work(options, istioctl, cluster, check=check)
    version = {"istioctl_version": istioctl.version_text} if options["state"] == "present" else {}
    return {
        "changed": bool(wanted.changes),
        **_shown(wanted.changes),
        "revision_before": wanted.revision,
        "revisions": sorted(wanted.injectors.revisions),
        "namespaces": users(cluster, options["name"]),
        **version,
        "cluster_exists": True,
        "commands": istioctl.log,
        "warnings": [*istioctl.warnings, *wanted.warnings],
    }


def set_tag(options: Mapping[str, Any], istioctl: Istioctl, cluster: Cluster, *, check: bool) -> Wanted:
    """Let the tag point to the revision, or say what that would change.

    :raises InputError: the revision is not installed, or the tag is another's and ``overwrite`` was not asked for.
    :raises CommandError: istioctl refuses.
    """
    name, revision, namespace = options["name"], options["revision"], options["istio_namespace"]
    found = Injectors.of(cluster)
    wanted = Wanted(_revision_of(found.tags.get(name)), found)
    _may_be_set(name, revision, wanted, overwrite=options["overwrite"])
    if revision not in found.revisions:
        sentence = f"Revision {revision} is not installed, so no tag can point to it. {found.sentence()}"
        if not check:
            raise InputError(sentence)
        # An earlier task of the play may be what installs it.
        wanted.warnings.append(sentence)
        wanted.changes.append(plans.Change(None, _stand_in(name, revision)))
        return wanted
    services = [
        obj
        for obj in cluster.list("v1", "Service", namespace, label_selector=f"{owned.REVISION}={revision},app=istiod")
        if TAG not in owned.labels_of(obj)
    ]
    objects = generated(
        istioctl, name, found.revisions[revision], services[0] if services else None,
        cluster.find(ADMISSION, "ValidatingWebhookConfiguration", VALIDATOR),
        namespace=namespace, auto_inject=options["auto_inject_namespaces"],
    )  # fmt: skip
    owned.warm(cluster, objects)
    pairs = owned.parallel(lambda obj: plans.compare(cluster, obj, {}, MANAGER), objects)
    if name == DEFAULT and DEFAULT in found.revisions:
        # The default revision's own injector would inject the same pods; istioctl silences it.
        pairs.append((found.revisions[DEFAULT], plans.silenced(found.revisions[DEFAULT])))
    wanted.changes = [plans.Change(before, after) for before, after in pairs if plans.differ(before, after)]
    if wanted.changes and not check:
        # Without --overwrite it refuses a tag that is there; whether that is meant was asked above. Without
        # --skip-confirmation it ends with 0 and has done nothing where it would ask.
        arguments = ["tag", "set", name, "--revision", revision, "--overwrite", "--skip-confirmation"]
        arguments += ["--istioNamespace", namespace]
        if options["auto_inject_namespaces"]:
            arguments.append("--auto-inject-namespaces")
        istioctl.run([*arguments, *istioctl.cluster_arguments], timeout=TAG_SECONDS)
    return wanted


def remove_tag(options: Mapping[str, Any], istioctl: Istioctl, cluster: Cluster, *, check: bool) -> Wanted:
    """Remove the tag, or say what that would change.

    :raises InputError: namespaces are injected by it, and ``force`` was not given.
    """
    name, namespace = options["name"], options["istio_namespace"]
    found = Injectors.of(cluster)
    wanted = Wanted(_revision_of(found.tags.get(name)), found)
    selector = f"{TAG}={name}"
    kinds = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    doomed = [obj for kind in kinds for obj in cluster.list(ADMISSION, kind, label_selector=selector)]
    doomed += cluster.list("v1", "Service", namespace, label_selector=selector)
    using = users(cluster, name)
    if doomed and using:
        sentence = (
            f"The tag {name} injects into the namespaces {', '.join(using)}: without it their new pods get no sidecar"
        )
        if not options["force"]:
            raise InputError(f"{sentence}. Move them to another revision or tag first, or set `force`.")
        wanted.warnings.append(f"{sentence}.")
    wanted.changes = [plans.Change(obj, None) for obj in doomed]
    if doomed and not check:
        if name in found.tags:
            istioctl.run(
                ["tag", "remove", name, "--skip-confirmation", "--istioNamespace", namespace,
                 *istioctl.cluster_arguments], timeout=TAG_SECONDS,
            )  # fmt: skip
        for obj in doomed:
            # Older releases leave the validating webhook and the service behind.
            metadata = obj["metadata"]
            cluster.delete(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
    return wanted


def users(cluster: Cluster, name: str) -> list[str]:
    """Return the names of the namespaces that ask for injection by a tag."""
    spaces = cluster.list("v1", "Namespace")
    return sorted(space["metadata"]["name"] for space in spaces if chosen(space) == name)


def _may_be_set(name: str, revision: str, wanted: Wanted, *, overwrite: bool) -> None:
    if overwrite:
        return
    if wanted.revision not in (None, revision):
        raise InputError(
            f"The tag {name} points to revision {wanted.revision}. Set `overwrite` to point it to {revision}."
        )
    if name in wanted.injectors.revisions and name != DEFAULT:
        raise InputError(
            f"{name} is the name of an installed revision, so that a tag of this name would inject the same pods. Give "
            "the tag another name, or set `overwrite`."
        )


def _revision_of(webhook: Object | None) -> str | None:
    return None if webhook is None else owned.labels_of(webhook).get(owned.REVISION)


def _stand_in(name: str, revision: str) -> Object:
    labels = {owned.REVISION: revision, TAG: name}
    return {
        "apiVersion": ADMISSION, "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": f"istio-revision-tag-{name}", "labels": labels},
    }  # fmt: skip


def _shown(changes: Iterable[plans.Change]) -> dict[str, Any]:
    changes = list(changes)
    gone = [reference(change.object) for change in changes if change.after is None]
    return {**plans.Plan("", "", "", [], changes).result(), "removed": gone}


def _nothing_there(options: Mapping[str, Any], reason: MeshlabError) -> dict[str, Any]:
    """Return what check mode says where no cluster, or no istioctl, can be asked."""
    present = options["state"] == "present"
    warnings = unknown(reason) if isinstance(reason, Unreachable) else []
    if present and not warnings:
        warnings = [f"There is nothing to compare with, so the tag counts as new: {reason.message}"]
    return {
        "changed": present,
        **_shown([plans.Change(None, _stand_in(options["name"], options["revision"]))] if present else []),
        "revision_before": None,
        "revisions": [],
        "namespaces": [],
        "cluster_exists": False,
        "commands": [],
        "warnings": warnings,
    }
