# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to put back what a scenario changes, noted in the cluster before each change.

The notes are a ConfigMap, so that the next run, from whatever host, puts back what an interrupted one left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._apply import Change
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._diff import normalise
from ansible_collections.meshlab.istio.plugins.module_utils._patches import merged
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for, wait_gone

FIELD_MANAGER = "meshlab.istio.scenario"
NOTES = "meshlab-scenario"


class Undo:
    """The notes of one run.

    :param namespace: where the ConfigMap is.
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.notes: list[Object] = self._read()

    def note(self, changes: Iterable[Change]) -> None:
        """Remember how to undo changes that are about to be made, of an object all of them together."""
        known = {_identity(note["object"]): note for note in self.notes}
        for change in changes:
            earlier = known.get(_identity(change.desired))
            if not change.changed:
                continue
            if earlier is None:
                self.notes.append(_note(change))
            elif earlier["patch"] is not None and change.before is not None:
                then = merged(normalise(change.before), earlier["patch"])
                earlier["patch"] = difference(normalise(change.after), then)
        self._write()

    def made_here(self, obj: Object) -> bool:
        """Tell whether an object is there only because the scenario made it."""
        return any(_identity(note["object"]) == _identity(obj) and note["patch"] is None for note in self.notes)

    def put_back(self, timeout: float, progress: Callable[[str], None]) -> tuple[list[Object], list[Object]]:
        """Undo everything that is noted, the last change first, and wait until it is done.

        :returns: the objects that have their former values again, and those that are gone.
        :raises ClusterError: the API server refuses something; the notes stay.
        :raises WaitError: something was not ready, or not gone, in time; the notes stay.
        """
        restored: list[Object] = []
        leaving: list[Object] = []
        for note in reversed(self.notes):
            obj = note["object"]
            live = self.cluster.find(*_identity(obj))
            if live is None:
                continue
            if note["patch"] is None:
                progress(f"removing {obj['kind']} {obj['metadata']['name']}")
                self.cluster.delete(*_identity(obj))
                leaving.append(live)
            else:
                progress(f"putting {obj['kind']} {obj['metadata']['name']} back")
                restored.append(self._restored(note))
        if restored:
            wait_for(self.cluster, restored, timeout, progress=progress)
        if leaving:
            wait_gone(self.cluster, leaving, timeout, progress=progress)
        self.notes = []
        self._write()
        return restored, leaving

    def _restored(self, note: Mapping[str, Any]) -> Object:
        """Give an object its former values, and then their former owners, which the first request changes."""
        key = _identity(note["object"])
        self.cluster.patch(*key, note["patch"])
        return self.cluster.patch(*key, {"metadata": {"managedFields": note["owners"]}})

    def _read(self) -> list[Object]:
        found = self.cluster.find("v1", "ConfigMap", NOTES, self.namespace)
        notes: list[Object] = json.loads(found["data"]["undo"]) if found else []
        return notes

    def _write(self) -> None:
        if not self.notes:
            self.cluster.delete("v1", "ConfigMap", NOTES, self.namespace)
            return
        metadata = {"name": NOTES, "namespace": self.namespace}
        data = {"undo": json.dumps(self.notes)}
        self.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}, FIELD_MANAGER)


def difference(now: Any, then: Any) -> Any:
    """Return the merge patch (RFC 7386) that makes ``then`` of ``now``."""
    if not isinstance(now, Mapping) or not isinstance(then, Mapping):
        return then
    patch = {key: None for key in now if key not in then}
    for key, value in then.items():
        if key not in now:
            patch[key] = value
        elif now[key] != value:
            patch[key] = difference(now[key], value)
    return patch


def _note(change: Change) -> Object:
    metadata = {key: change.desired["metadata"].get(key) for key in ("name", "namespace")}
    obj = {"apiVersion": change.desired["apiVersion"], "kind": change.desired["kind"], "metadata": metadata}
    if change.before is None:
        return {"object": obj, "patch": None}
    patch = difference(normalise(change.after), normalise(change.before))
    return {"object": obj, "patch": patch, "owners": change.before["metadata"].get("managedFields", [])}


def _identity(obj: Object) -> tuple[str, str, str, str | None]:
    return obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace")
