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
from ansible_collections.meshlab.istio.plugins.module_utils._identity import address, applied_fields, identity, is_bare
from ansible_collections.meshlab.istio.plugins.module_utils._patches import difference, merged
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
        known = {identity(note["object"]): note for note in self.notes}
        for change in changes:
            earlier = known.get(identity(change.desired))
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
        return any(identity(note["object"]) == identity(obj) and note["patch"] is None for note in self.notes)

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
            live = self.cluster.find(*address(obj))
            if live is None or _of_others(note, live):
                continue
            if note["patch"] is None:
                progress(f"removing {obj['kind']} {obj['metadata']['name']}")
                self.cluster.delete(*address(obj))
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
        key = address(note["object"])
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


def _note(change: Change) -> Object:
    metadata = {key: change.desired["metadata"].get(key) for key in ("name", "namespace")}
    obj = {"apiVersion": change.desired["apiVersion"], "kind": change.desired["kind"], "metadata": metadata}
    if change.before is None:
        # What was applied for this can be told from what somebody makes later under the same name, unless it is bare.
        return {"object": obj, "patch": None, "applied": not is_bare(change.desired)}
    patch = difference(normalise(change.after), normalise(change.before))
    metadata = change.before["metadata"]
    return {"object": obj, "patch": patch, "owners": metadata.get("managedFields", []), "uid": metadata.get("uid")}


def _of_others(note: Mapping[str, Any], live: Object) -> bool:
    """Tell whether somebody has deleted the object since the note was made, and made another of the same name."""
    if note["patch"] is None:
        return bool(note.get("applied")) and applied_fields(live, FIELD_MANAGER) is None
    return note.get("uid") not in (None, live["metadata"].get("uid"))
