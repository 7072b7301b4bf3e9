# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of a scenario's steps does: one function a kind, and the stage on which they act."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils import _proxy_admin
from ansible_collections.meshlab.istio.plugins.module_utils._apply import apply, delete, plan, plan_absent
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError, NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._http import target
from ansible_collections.meshlab.istio.plugins.module_utils._load import Plan, generate
from ansible_collections.meshlab.istio.plugins.module_utils._manifests import placed, wanted
from ansible_collections.meshlab.istio.plugins.module_utils._mesh_call import call
from ansible_collections.meshlab.istio.plugins.module_utils._names import in_namespace
from ansible_collections.meshlab.istio.plugins.module_utils._outside_server import OutsideServer, address_towards
from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import is_ready, ready_pods
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_undo import FIELD_MANAGER, Undo
from ansible_collections.meshlab.istio.plugins.module_utils._throwaway_keys import Authority, Tokens
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for
from ansible_collections.meshlab.istio.plugins.module_utils._xds import ControlPlane, concerns

Measurement = dict[str, Any]

APPLY_SECONDS = 180.0
ACKNOWLEDGE_SECONDS = 30.0
EVICT_SECONDS = 300.0
EVICT_RETRY_SECONDS = 0.5
LONGEST_SECONDS = 900.0
"""Traffic that lasts as long as the steps beside it ends after this at the latest."""

_TOO_MANY_REQUESTS = 429
_REQUEST = ("host", "headers", "timeout", "ca_path", "client_cert", "client_key")


@dataclass
class Stage:
    """Where a scenario plays.

    :param namespace: of Bookinfo; objects without a namespace of their own go there.
    :param release_dir: Istio's release on this host, with samples/.
    :param folder: a private folder that goes with the scenario.
    :param values: what ``${NAME}`` in the data stands for; steps add to it.
    :param applied: every object that was applied, in order, for the report.
    :param used: certificates of proxies as earlier steps found them, by the steps' names.
    :param seen: names of pods as earlier steps found them, by the steps' names.
    :param counted: what proxies had counted in earlier steps, by the steps' names.
    """

    cluster: Cluster
    control_plane: ControlPlane
    undo: Undo
    namespace: str
    release_dir: str
    folder: Path
    values: dict[str, Any]
    progress: Progress
    applied: list[Object] = field(default_factory=list)
    used: dict[str, _proxy_admin.Certificates] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)
    counted: dict[str, Measurement] = field(default_factory=dict)
    outside: OutsideServer | None = None

    def close(self) -> None:
        """End what runs on this host."""
        if self.outside is not None:
            self.outside.close()


# -- actions -------------------------------------------------------------------------------------


def _apply(stage: Stage, step: Mapping[str, Any]) -> None:
    options = {
        "definition": step.get("objects"),
        "src": [os.path.join(stage.release_dir, "samples", name) for name in step.get("samples", [])],
        "label_selectors": step.get("select", []),
        "prune": None,
        "state": "present",
    }
    objects = placed(patched(wanted(options), step.get("patches", [])), stage.namespace, stage.cluster)
    before = stage.control_plane.nonces()
    changes = plan(stage.cluster, objects, FIELD_MANAGER)
    stage.undo.note(changes)
    stage.applied += objects
    done = apply(stage.cluster, changes, FIELD_MANAGER, timeout=APPLY_SECONDS, progress=stage.progress)
    others = [obj for obj in objects if not concerns(obj)]
    if others:
        wait_for(stage.cluster, others, APPLY_SECONDS, progress=stage.progress)
    if step.get("acknowledged", True):
        written = [change.after for change in done if change.changed and change.after]
        stored = [stage.cluster.get(*_key(obj)) for obj in written if concerns(obj)]
        stage.control_plane.wait(before, stored, [], ACKNOWLEDGE_SECONDS, stage.progress)


def _remove(stage: Stage, step: Mapping[str, Any]) -> None:
    objects = placed(step["objects"], stage.namespace, stage.cluster)
    for obj in objects:
        if not stage.undo.made_here(obj):
            raise InputError(f"{reference(obj)} was not made by this scenario, so it is not removed.")
    before = stage.control_plane.nonces()
    changes = plan_absent(stage.cluster, objects)
    delete(stage.cluster, changes, timeout=APPLY_SECONDS, progress=stage.progress)
    stage.control_plane.wait(before, [], objects, ACKNOWLEDGE_SECONDS, stage.progress)


def _delete(stage: Stage, step: Mapping[str, Any]) -> None:
    """Delete what a controller makes anew, so that nothing has to be put back."""
    kind, namespace = step["kind"], step.get("namespace", stage.namespace)
    versions = {"Pod": "v1", "ReplicaSet": "apps/v1"}
    if kind not in versions:
        raise InputError(f"{kind} cannot be deleted by a scenario; {' and '.join(versions)} can.")
    found = stage.cluster.list(versions[kind], kind, namespace, label_selector=step["select"])
    owned = [obj for obj in found if obj["metadata"].get("ownerReferences") and _alive(obj)]
    chosen = owned[: step.get("count", len(owned))]
    if not chosen:
        raise NotFound(f"There is no {kind} of a controller with the labels {step['select']} in {namespace}.")
    for obj in chosen:
        stage.progress(f"deleting {reference(obj)}")
        stage.cluster.delete(
            versions[kind], kind, obj["metadata"]["name"], namespace,
            propagation="Background", grace_seconds=step.get("grace_seconds"),
        )  # fmt: skip


def _evict(stage: Stage, step: Mapping[str, Any]) -> None:
    """Evict every pod of a workload as ``kubectl drain`` does, as fast as its disruption budget allows."""
    end = time.monotonic() + step.get("seconds", EVICT_SECONDS)
    for pod in ready_pods(stage.cluster, stage.namespace, step["select"]):
        name = pod["metadata"]["name"]
        stage.progress(f"evicting {name}")
        path = in_namespace("v1", stage.namespace, "pods", name, "eviction")
        metadata = {"name": name, "namespace": stage.namespace}
        while True:
            try:
                stage.cluster.post(path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
                break
            except ClusterError as error:
                if error.details.get("status") != _TOO_MANY_REQUESTS or time.monotonic() > end:
                    raise
            time.sleep(EVICT_RETRY_SECONDS)


def _tokens(stage: Stage, step: Mapping[str, Any]) -> None:
    signer, stranger = Tokens(_made(stage.folder / "ours")), Tokens(_made(stage.folder / "strange"))
    stage.values["jwks"] = signer.public()
    for name, claims in step["claims"].items():
        stage.values[f"token_{name}"] = signer.token(claims)
    first = next(iter(step["claims"].values()))
    stage.values["token_expired"] = signer.token(first, lifetime=-3600)
    stage.values["token_forged"] = stranger.token(first)


def _certificates(stage: Stage, step: Mapping[str, Any]) -> None:
    authority = Authority(stage.folder)
    authority.certificate("server", step["server"])
    authority.certificate("client")
    for name in ("ca", "server", "client"):
        stage.values[f"{name}_path"] = str(stage.folder / name)
        stage.values[f"{name}_crt"] = (stage.folder / f"{name}.crt").read_text(encoding="ascii")
    stage.values["server_key"] = (stage.folder / "server.key").read_text(encoding="ascii")


def _serve_outside(stage: Stage, _step: Mapping[str, Any]) -> None:
    stage.outside = OutsideServer(address_towards(stage.cluster))
    stage.values.update(outside_address=stage.outside.address, outside_port=stage.outside.port)


# -- measurements --------------------------------------------------------------------------------


def _traffic(stage: Stage, step: Mapping[str, Any], beside: Callable[[], None] | None = None) -> Measurement:
    """Send requests through the gateway; with ``beside``, until it returns and at least as long as ``duration``.

    :returns: what the load generator measured, and ``lost``: requests that were not answered as expected.
    """
    options = dict(step)
    options.setdefault("host", stage.values.get("host"))
    asked = target(options.pop("url", stage.values["url"]), **{k: options.pop(k) for k in _REQUEST if k in options})
    body = options.pop("body_contains", "").encode()
    pattern = options.pop("version_pattern", None)
    load = Plan(body_contains=body, version_pattern=re.compile(pattern.encode()) if pattern else None, **options)
    if beside is None:
        return _with_lost(generate(asked, load, stage.progress))
    least = load.duration or 0.0
    load = Plan(**{**vars(load), "requests": None, "duration": LONGEST_SECONDS})
    stop, result = threading.Event(), {}
    sender = threading.Thread(target=lambda: result.update(generate(asked, load, Progress(), stop)))
    started = time.monotonic()
    sender.start()
    try:
        beside()
        stop.wait(max(0.0, started + least - time.monotonic()))
    finally:
        stop.set()
        sender.join()
    return _with_lost(result)


def _with_lost(measured: Measurement) -> Measurement:
    return {**measured, "lost": measured["sent"] - measured["succeeded"]} if measured else measured


def _call(stage: Stage, step: Mapping[str, Any]) -> Measurement:
    return call(stage.cluster, stage.namespace, step)


def _clusters(stage: Stage, step: Mapping[str, Any]) -> Measurement:
    """Count endpoints and requests: all since the endpoints are known, or those after the step ``since``."""
    namespace = step.get("namespace", stage.namespace)
    found = _proxy_admin.clusters(stage.cluster, namespace, step["select"], step["prefix"])
    stage.counted[step["name"]] = found
    before = stage.counted.get(step.get("since", ""), {})
    return {**found, **{name: found[name] - before.get(name, 0) for name in _proxy_admin.COUNTERS}}


def _certificates_used(stage: Stage, step: Mapping[str, Any]) -> Measurement:
    now = _proxy_admin.certificates(stage.cluster, stage.namespace, step.get("select", ""))
    stage.used[step["name"]] = now
    return _proxy_admin.compared(now, stage.used.get(step.get("since", ""), {}))


def _pods(stage: Stage, step: Mapping[str, Any]) -> Measurement:
    """Count pods: all, ready ones, and those (``kept``) that were there already in the step ``since``."""
    namespace = step.get("namespace", stage.namespace)
    found = stage.cluster.list("v1", "Pod", namespace, label_selector=step["select"])
    names = {pod["metadata"]["name"] for pod in found}
    stage.seen[step["name"]] = names
    kept = names & stage.seen.get(step.get("since", ""), set())
    return {"pods": len(found), "ready": sum(is_ready(pod) for pod in found), "kept": len(kept)}


def _outside_hits(stage: Stage, _step: Mapping[str, Any]) -> Measurement:
    hits = stage.outside.hits if stage.outside else Counter[str]()
    return {"hits": sum(hits.values()), "by_name": dict(hits)}


ACTIONS: dict[str, Callable[[Stage, Mapping[str, Any]], None]] = {
    "apply": _apply, "remove": _remove, "delete": _delete, "evict": _evict, "tokens": _tokens,
    "certificates": _certificates, "serve_outside": _serve_outside,
}  # fmt: skip
MEASUREMENTS: dict[str, Callable[..., Measurement]] = {
    "traffic": _traffic, "call": _call, "clusters": _clusters, "certificates_used": _certificates_used,
    "pods": _pods, "outside_hits": _outside_hits,
}  # fmt: skip
REMEMBERED = frozenset({"certificates_used", "clusters", "pods"})
"""Measurements to which a later step can refer with ``since``; they are given the step's ``name``."""


def _alive(obj: Object) -> bool:
    """Tell whether an object is in use: not on its way out, and not an old ReplicaSet that was scaled to zero."""
    return "deletionTimestamp" not in obj["metadata"] and obj.get("spec", {}).get("replicas", 1) > 0


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _key(obj: Object) -> Sequence[Any]:
    return obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace")
