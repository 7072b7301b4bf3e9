# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module sidecars does: move namespaces to a revision, restart what has another sidecar, wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import changed_fields, diff_entry
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, Unreachable, WaitError
from ansible_collections.meshlab.istio.plugins.module_utils._injection import INJECTION, REVISION, Injectors, chosen
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._sidecars import Row, injected, outdated
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for

Object = dict[str, Any]

RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""Annotation of the pod template by which ``kubectl rollout restart`` makes it another one."""

MOVE_SECONDS = 10.0
"""The API server learns of a namespace's new label within a moment."""
LOOK_SECONDS = 0.1


@dataclass
class Plan:
    """What a call would do.

    :ivar moves: the namespaces that are to ask for another revision.
    :ivar restarts: the workloads to restart.
    :ivar under_way: those whose pods are being replaced already.
    """

    moves: list[Object] = field(default_factory=list)
    restarts: list[Row] = field(default_factory=list)
    under_way: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def result(self, revision: str | None) -> dict[str, Any]:
        """Return changed, before, after, diff and what they are about."""
        changes = [
            (f"Namespace {space['metadata']['name']}", changed_fields(space, _moved(space, str(revision))))
            for space in self.moves
        ] + [(row.name, row.fields) for row in self.restarts]
        return {
            "changed": bool(changes),
            "before": {name: {each["field"]: each["old"] for each in fields} for name, fields in changes},
            "after": {name: {each["field"]: each["new"] for each in fields} for name, fields in changes},
            "changed_objects": [{"object": name, **each} for name, fields in changes for each in fields],
            "diff": [diff_entry(name, fields) for name, fields in changes],
            "moved": [space["metadata"]["name"] for space in self.moves],
            "restarted": [row.shown() for row in self.restarts],
        }


def up_to_date(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module is asked for; return its result."""
    started = time.monotonic()
    options, check = module.params, module.check_mode
    plan, exists = Plan(), True
    try:
        need_libraries(module, "yaml")
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=check)
        plan = make(cluster, options["namespaces"], options["revision"], check=check)
        if not check:
            carry_out(cluster, plan, options, Progress(options["progress_file"]))
    except Unreachable as error:
        if not check:
            raise
        exists, plan.warnings = False, unknown(error)
    return {
        **plan.result(options["revision"]),
        "cluster_exists": exists,
        "seconds": round(time.monotonic() - started, 2),
        "warnings": plan.warnings,
    }


def make(cluster: Cluster, namespaces: Sequence[str], revision: str | None, *, check: bool) -> Plan:
    """Find out which namespaces are to be moved and which workloads restarted.

    :param revision: the revision or tag that the namespaces are to ask for; None leaves their labels as they are.
    :raises InputError: a namespace does not exist, or asks for a revision that is not installed.
    """
    plan = Plan()
    found = Injectors.of(cluster)
    spaces = [space for name in namespaces if (space := _space(cluster, name, check)) is not None]
    moved: dict[str, tuple[str, bool]] = {}
    for space in spaces:
        asked = revision or chosen(space)
        target = found.revision(asked)
        if asked and target is None:
            sentence = (
                f"The namespace {space['metadata']['name']} would get its sidecars from {asked}, which is neither a "
                f"revision nor a tag here, so its pods would get none. {found.sentence()}"
            )
            if not check:
                raise InputError(sentence)
            # An earlier task of the play may be what installs it.
            plan.warnings.append(sentence)
        if revision and chosen(space) != revision:
            plan.moves.append(space)
        if asked and (target is None or space in plan.moves):
            same = target is not None and target == found.revision(chosen(space))
            moved[space["metadata"]["name"]] = (target or asked, same)
    rows, warnings = outdated(cluster, [space["metadata"]["name"] for space in spaces], moved)
    plan.warnings += warnings
    for row in rows:
        obstacle = _obstacle(row.workload)
        if obstacle:
            plan.warnings.append(f"{row.name} has sidecars that are out of date, but {obstacle}.")
        elif row.under_way:
            plan.under_way.append(row)
        else:
            plan.restarts.append(row)
    return plan


def carry_out(cluster: Cluster, plan: Plan, options: Mapping[str, Any], progress: Callable[[str], None]) -> None:
    """Move, restart and wait.

    :raises WaitError: a workload did not become ready.
    """
    end = time.monotonic() + options["wait_timeout"]
    for space in plan.moves:
        labels = {REVISION: options["revision"], INJECTION: None}
        cluster.patch("v1", "Namespace", space["metadata"]["name"], None, {"metadata": {"labels": labels}})
    for space in plan.moves:
        _until_moved(cluster, space["metadata"]["name"], plan.restarts)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for row in plan.restarts:
        metadata = row.workload["metadata"]
        template = {"metadata": {"annotations": {RESTARTED: now}}}
        cluster.patch(
            "apps/v1", row.workload["kind"], metadata["name"], metadata["namespace"], {"spec": {"template": template}}
        )
    if plan.restarts:
        progress(f"restarted {len(plan.restarts)} workloads for new sidecars")
    waiting = [row.workload for row in [*plan.restarts, *plan.under_way]]
    if waiting and options["wait"]:
        wait_for(
            cluster, waiting, end - time.monotonic(), failure_grace=options["failure_grace"], progress=progress
        )  # fmt: skip


def _until_moved(cluster: Cluster, namespace: str, restarts: Sequence[Row]) -> None:
    """Wait until the API server sends the namespace's pods to its new revision's injector."""
    rows = [row for row in restarts if row.workload["metadata"]["namespace"] == namespace and row.wanted]
    end = time.monotonic() + MOVE_SECONDS
    for row in rows[:1]:
        while (got := injected(cluster, row.workload)) is None or got.revision != getattr(row.wanted, "revision", ""):
            if time.monotonic() >= end:
                raise WaitError(
                    f"{MOVE_SECONDS:g} s after the namespace {namespace} was moved, a new pod of {row.name} would "
                    f"still get {f'a sidecar of {got.revision}' if got else 'no sidecar'}. Nothing was restarted.",
                    failures=[], pending=[],
                )  # fmt: skip
            time.sleep(LOOK_SECONDS)


def _space(cluster: Cluster, name: str, check: bool) -> Object | None:
    space = cluster.find("v1", "Namespace", name)
    if space is None and not check:
        raise InputError(f"There is no namespace {name}.")
    return space


def _moved(space: Object, revision: str) -> Object:
    labels = {key: value for key, value in (space["metadata"].get("labels") or {}).items() if key != INJECTION}
    return {**space, "metadata": {**space["metadata"], "labels": {**labels, REVISION: revision}}}


def _obstacle(workload: Object) -> str:
    """Return why a restart would not replace a workload's pods, "" when it would."""
    spec = workload["spec"]
    if spec.get("paused"):
        return "its rollout is paused: kubectl rollout resume lets it go on"
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return "its pods are only replaced when somebody deletes them (updateStrategy OnDelete)"
    return ""
