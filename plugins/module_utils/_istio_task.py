# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of the module istioctl_install: from its options to its result, in check mode and in earnest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_remove as removals
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
from ansible_collections.meshlab.istio.plugins.module_utils._istio_install import Installer
from ansible_collections.meshlab.istio.plugins.module_utils._istio_run import Run
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._namespaces import shortened
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries

LIBRARIES = ("yaml", "jmespath")


def present_or_absent(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module is asked for; return its result."""
    started = time.monotonic()
    options = module.params
    work = present if options["state"] == "present" else absent
    try:
        need_libraries(module, *LIBRARIES)
    except NotYet as error:
        # A host before its first run: nothing is there, so all is to be made.
        result = _nothing_there(options, None, error)
    else:
        result = work(options, check_mode=module.check_mode)
    return {**result, "seconds": round(time.monotonic() - started, 2)}


def present(options: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Install or change Istio, or say what that would do."""
    istioctl = Istioctl(options["path"], options["kubeconfig"], options["context"])
    document = _document(options)
    try:
        istioctl.resolve()
    except CommandError as error:
        if not check_mode:
            raise
        return _nothing_there(options, None, error)
    try:
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=check_mode)
        identity = cluster.get("v1", "Namespace", "kube-system")["metadata"]["uid"]
    except Unreachable as error:
        if not check_mode:
            raise
        return _nothing_there(options, istioctl, error)
    installer = Installer(
        istioctl, cluster, document, Run(identity),
        timeout=options["readiness_timeout"], failure_grace=options["failure_grace"], force=options["force"],
        adopt=options["adopt"], progress=Progress(options["progress_file"]),
    )  # fmt: skip
    warnings = installer.check_versions()
    if check_mode:
        plan, running = installer.plan(options["allow_downgrade"]), False
        joined = started = False
    else:
        plan, running, joined = installer.install(options["wait_for"], options["allow_downgrade"])
        started = plan.needs_install and not joined
    return {
        "changed": bool(plan.changes) and not joined,
        **(plans.Plan(plan.version, plan.revision, plan.namespace, []) if joined else plan).result(),
        "version": plan.installed,
        "installed": plan.installed is not None or started or joined,
        "istioctl_version": istioctl.version_text,
        "revision": plan.revision,
        "leftovers": [reference(change.object) for change in plan.leftovers],
        "running": running,
        "joined": joined,
        "cluster_exists": True,
        "commands": [*istioctl.log, *([installer.command()] if started else [])],
        "warnings": [*warnings, *istioctl.warnings, *plan.warnings],
    }


def absent(options: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Remove Istio, or say what that would do."""
    revision = options["revision"] or "default"
    try:
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=check_mode)
    except Unreachable as error:
        if not check_mode:
            raise
        return {
            "changed": False,
            **removals.Removal([], [], []).result(),
            "version": None,
            "installed": False,
            "revision": revision,
            "cluster_exists": False,
            "commands": [],
            "warnings": unknown(error),
        }
    removal = removals.plan(
        cluster, revision=revision, namespace=operators.namespace_of(_document(options)),
        purge=options["purge"], remove_user_resources=options["remove_user_resources"],
    )  # fmt: skip
    if removal.doomed and options["purge"] and not options["adopt"]:
        _need_ours(cluster, removal)
    if removal.doomed and not check_mode:
        removals.carry_out(cluster, removal, options["readiness_timeout"], Progress(options["progress_file"]))
    return {
        "changed": bool(removal.doomed),
        **removal.result(),
        "version": removal.installed,
        "installed": check_mode and removal.installed is not None,
        "revision": revision,
        "cluster_exists": True,
        "commands": [],
        "warnings": removal.warnings,
    }


def _need_ours(cluster: Cluster, removal: removals.Removal) -> None:
    """Refuse to remove all of an Istio of which nobody installed anything from here."""
    if Run(cluster.get("v1", "Namespace", "kube-system")["metadata"]["uid"]).installed_before():
        return
    raise InputError(
        f"This user never installed Istio into this cluster from here, so the one that is there may be yours: "
        f"{shortened([reference(obj) for obj in removal.doomed])}. Nothing of it was removed. Name the lab's own "
        "cluster (lab_context), or set `adopt: true` (with the collection's playbooks `-e istio_adopt=true`) to have "
        "it removed.",
        foreign=True,
    )


def _document(options: Mapping[str, Any]) -> dict[str, Any]:
    return operators.build(
        profile=options["profile"], filename=options["filename"], spec=options["spec"], revision=options["revision"],
        hub=options["hub"], tag=options["tag"], set_entries=options["set"],
    )  # fmt: skip


def _nothing_there(options: Mapping[str, Any], istioctl: Istioctl | None, reason: MeshlabError) -> dict[str, Any]:
    """Return what check mode says where no cluster can be asked: everything would be created.

    :param istioctl: renders what would be created; without one, the IstioOperator stands for it.
    """
    present_wanted = options["state"] == "present"
    changes: list[plans.Change] = []
    document: dict[str, Any] = {}
    if present_wanted and istioctl is not None:
        document = _document(options)
        changes = plans.without_cluster(istioctl, document, force=options["force"]).changes
    elif present_wanted:
        spec = {key: options[key] for key in ("profile", "revision", "hub", "tag", "set", "spec") if options[key]}
        stand_in = {"kind": "IstioOperator", "metadata": {"name": options["revision"] or "default"}, "spec": spec}
        changes = [plans.Change(None, stand_in)]
    warnings = unknown(reason) if isinstance(reason, Unreachable) else []
    plan = plans.Plan("", options["revision"] or "default", "", [], changes)
    result = {
        "changed": present_wanted,
        **plan.result(),
        "version": None,
        "installed": False,
        "revision": plan.revision,
        "cluster_exists": False,
        "commands": istioctl.log if istioctl else [],
        "warnings": warnings or [f"There is nothing to compare with, so all of Istio counts as new: {reason.message}"],
    }
    if istioctl is not None:
        result["istioctl_version"] = istioctl.version_text
    return {**result, "leftovers": [], "running": False, "joined": False}
