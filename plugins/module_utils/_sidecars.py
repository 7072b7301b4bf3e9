# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose sidecars are out of date: what the injector would give a workload's pods now, and what they run with.

The injector is asked itself: a pod made from the workload's template is sent to the API server as a dry run. A sidecar
is told from another by the revision that injected it and by its image, which is its version.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._istio_owned import parallel
from ansible_collections.meshlab.istio.plugins.module_utils._pods import WORKLOADS
from ansible_collections.meshlab.istio.plugins.module_utils._trouble import pods_of
from ansible_collections.meshlab.istio.plugins.module_utils._watch import Store

Object = dict[str, Any]

PROXY = "istio-proxy"
STATUS = "sidecar.istio.io/status"
"""Annotation in which the injector notes what it did (1.31.0-dev pkg/kube/inject/inject.go SidecarInjectionStatus)."""
INJECT = "sidecar.istio.io/inject"
MANAGER = "meshlab-sidecars"

OBSERVE_SECONDS = 5.0
"""A controller sees a change of its workload within a moment; until then no pod is of the present template."""
LOOK_SECONDS = 0.1
NAME_LENGTH = 230


class Sidecar(NamedTuple):
    """A sidecar; an empty image is one that is not known."""

    revision: str
    image: str


@dataclass(frozen=True)
class Row:
    """One workload with pods whose sidecar is not the one that they would get now.

    :param now: the sidecars of those pods, each once; None stands for a pod without one.
    :param wanted: what they would get, None for no sidecar.
    :param pods: how many pods these are.
    :param under_way: they are pods of an earlier template, which the workload's controller replaces already.
    """

    workload: Object
    now: tuple[Sidecar | None, ...]
    wanted: Sidecar | None
    pods: int
    under_way: bool

    @property
    def name(self) -> str:
        """How the workload is called in messages and results."""
        return reference(self.workload)

    @property
    def fields(self) -> list[dict[str, Any]]:
        """Return what differs, as ``_diff.changed_fields`` does."""
        rows = []
        for field in Sidecar._fields:
            new = getattr(self.wanted, field, None)
            old = ", ".join(sorted({getattr(sidecar, field, "none") for sidecar in self.now}))
            if new != "" and old != (new or "none"):
                rows.append({"field": f"sidecar.{field}", "old": None if old == "none" else old, "new": new})
        return rows

    def shown(self) -> dict[str, Any]:
        """Return the row as a module's result has it."""
        before = [sidecar._asdict() if sidecar else None for sidecar in self.now]
        after = self.wanted._asdict() if self.wanted else None
        return {"object": self.name, "pods": self.pods, "before": before, "after": after}


def outdated(
    cluster: Cluster, namespaces: Iterable[str], moved: dict[str, tuple[str, bool]] | None = None
) -> tuple[list[Row], list[str]]:
    """Return the workloads of the namespaces whose pods' sidecars are out of date, and warnings.

    :param moved: namespaces that are about to ask for another revision: that revision, and whether it is the one that
        injects there already, only asked for by another name.
    """
    rows: list[Row] = []
    warnings: list[str] = []
    with Store(cluster) as store:
        seen = [(workload, *_live_pods(workload, store)) for workload in _workloads(cluster, namespaces, store)]
        running = [(workload, newest, older) for workload, newest, older in seen if newest or older]
        answers = parallel(
            lambda each: _would_get(cluster, each[0], (moved or {}).get(each[0]["metadata"]["namespace"])), running
        )
    for (workload, newest, older), answer in zip(running, answers):
        if isinstance(answer, ClusterError):
            warnings.append(f"Which sidecar the pods of {reference(workload)} would get is not known: {answer.message}")
            continue
        for pods, under_way in ((newest, False), (older, True)):
            stale = [sidecar for sidecar in map(of_pod, pods) if not _same(sidecar, answer)]
            if stale:
                now = tuple(sorted(set(stale), key=lambda sidecar: sidecar or Sidecar("", "")))
                rows.append(Row(workload, now, answer, len(stale), under_way))
                break
    return rows, warnings


def of_pod(pod: Object) -> Sidecar | None:
    """Return the sidecar that was injected into a pod; None for none, and for a proxy that came with its template."""
    status = (pod["metadata"].get("annotations") or {}).get(STATUS)
    spec = pod["spec"]
    images = [
        container["image"]
        for container in [*(spec.get("initContainers") or []), *spec["containers"]]
        if container["name"] == PROXY
    ]
    if status is None or not images:
        return None
    try:
        noted = json.loads(status)
    except ValueError:
        noted = None
    return Sidecar(str(noted.get("revision") or "default") if isinstance(noted, dict) else "", images[0])


def injected(cluster: Cluster, workload: Object) -> Sidecar | None:
    """Return the sidecar that a pod of the workload would get if it was made now.

    :raises ClusterError: the API server would not take such a pod.
    """
    metadata, template = workload["metadata"], workload["spec"]["template"]
    own = {key: value for key, value in (template.get("metadata") or {}).items() if key in ("labels", "annotations")}
    spec = dict(template["spec"])
    claims = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates") or []]
    if claims:
        # Its controller gives each pod these volumes.
        named = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
        spec["volumes"] = [*(each for each in spec.get("volumes") or [] if each["name"] not in claims), *named]
    pod = {
        "apiVersion": "v1", "kind": "Pod", "spec": spec,
        "metadata": {**own, "name": f"{metadata['name'][:NAME_LENGTH]}-{MANAGER}", "namespace": metadata["namespace"]},
    }  # fmt: skip
    return of_pod(cluster.apply(pod, MANAGER, dry_run=True))


# -- inside --------------------------------------------------------------------------------------


def _workloads(cluster: Cluster, namespaces: Iterable[str], store: Store) -> list[Object]:
    """Return the live workloads as their controllers have seen them, and load what tells which pods are theirs."""
    found = []
    end = time.monotonic() + OBSERVE_SECONDS
    for namespace in namespaces:
        for kind in WORKLOADS:
            for workload in cluster.list("apps/v1", kind, namespace):
                current: Object | None = workload
                while current is not None and _unseen(current) and time.monotonic() < end:
                    time.sleep(LOOK_SECONDS)
                    current = cluster.find("apps/v1", kind, workload["metadata"]["name"], namespace)
                if current is not None:
                    found.append(current)
        for api_version, kind in (("v1", "Pod"), ("apps/v1", "ReplicaSet")):
            store.load(api_version, kind, namespace)
    return found


def _unseen(workload: Object) -> bool:
    seen: int = workload.get("status", {}).get("observedGeneration", 0)
    generation: int = workload["metadata"].get("generation", 0)
    return seen < generation


def _live_pods(workload: Object, store: Store) -> tuple[list[Object], list[Object]]:
    """Return the pods of the workload's present template, and those of earlier ones, that are not on their way out."""
    namespace = workload["metadata"]["namespace"]
    owners = {workload["metadata"].get("uid")}
    owners |= {
        each["metadata"].get("uid")
        for each in store.all("apps/v1", "ReplicaSet", namespace)
        if _owners(each) & owners
    }  # fmt: skip
    newest = [pod for pod in pods_of(workload, store) if _alive(pod)]
    names = {pod["metadata"]["name"] for pod in newest}
    older = [
        pod
        for pod in store.all("v1", "Pod", namespace)
        if _owners(pod) & owners and pod["metadata"]["name"] not in names and _alive(pod)
    ]
    return newest, older


def _owners(obj: Object) -> set[str | None]:
    return {owner.get("uid") for owner in obj["metadata"].get("ownerReferences") or []}


def _alive(pod: Object) -> bool:
    ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not ended and "deletionTimestamp" not in pod["metadata"]


def _would_get(cluster: Cluster, workload: Object, moved: tuple[str, bool] | None) -> Sidecar | ClusterError | None:
    """Return what new pods would get, or why that cannot be told."""
    if moved is not None and not moved[1]:
        # Another revision's injector cannot be asked before the namespace asks for it, but for its name.
        return None if _opted_out(workload["spec"]["template"]) else Sidecar(moved[0], "")
    try:
        return injected(cluster, workload)
    except Unreachable:
        raise
    except ClusterError as error:
        if error.details.get("status") == 429:
            raise
        return error


def _opted_out(template: Object) -> bool:
    """Tell whether no injector touches such a pod (1.31.0-dev pkg/kube/inject/inject.go injectRequired)."""
    metadata = template.get("metadata") or {}
    said = {(metadata.get(part) or {}).get(INJECT) for part in ("labels", "annotations")}
    return "false" in said or bool(template["spec"].get("hostNetwork"))


def _same(now: Sidecar | None, wanted: Sidecar | None) -> bool:
    if now is None or wanted is None:
        return now is wanted
    return now.revision == wanted.revision and wanted.image in ("", now.image)
