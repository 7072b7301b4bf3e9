# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local copy of some of a cluster's objects that watches keep up to date: one thread a kind and namespace."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable

Object = dict[str, Any]
Kind = tuple[str, str, "str | None"]
"""apiVersion, kind, and the namespace (None: the whole cluster)."""

WATCH_SECONDS = 240
"""How long one watch request lives; the API server's own habit is 5 to 10 minutes."""

RETRY_SECONDS = 1.0
"""Between two tries to list again after a watch was lost."""


class Store:
    """The copy. A context manager: leaving it lets the threads end.

    :param cluster: where the objects are.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._kinds: dict[Kind, dict[tuple[str, str], Object]] = {}
        self._versions: dict[Kind, str] = {}
        self._followed: set[Kind] = set()
        self._ended = threading.Event()
        self._news = threading.Condition()
        self._count = 0

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._ended.set()

    def load(self, api_version: str, kind: str, namespace: str | None) -> None:
        """List a kind once, if that has not happened yet.

        :raises ClusterError: the list was refused, or nothing answered.
        """
        if (api_version, kind, namespace) not in self._kinds:
            self._list((api_version, kind, namespace))

    def follow(self, api_version: str, kind: str, namespace: str | None) -> None:
        """List a kind and keep the copy up to date from then on.

        When nothing answers just now, the thread goes on trying: a wait outlives a restart of the API server.

        :raises ClusterError: the list was refused.
        """
        key = (api_version, kind, namespace)
        if key in self._followed:
            return
        with contextlib.suppress(Unreachable):
            self.load(*key)
        self._followed.add(key)
        threading.Thread(target=self._watch, args=(key,), daemon=True).start()

    def all(self, api_version: str, kind: str, namespace: str | None) -> list[Object]:
        """Return the copies of a kind that was loaded or followed with the same arguments, else []."""
        with self._news:
            return list(self._kinds.get((api_version, kind, namespace), {}).values())

    def find(self, api_version: str, kind: str, namespace: str | None, name: str) -> Object | None:
        """Return one copy, or None."""
        with self._news:
            return self._kinds.get((api_version, kind, namespace), {}).get((namespace or "", name))

    def wait(self, count: int, seconds: float) -> int:
        """Wait until something has changed since the ``count`` that an earlier call returned; return the new one."""
        with self._news:
            self._news.wait_for(lambda: self._count != count, timeout=max(0.0, seconds))
            return self._count

    # -- inside ----------------------------------------------------------------------------------

    def _list(self, key: Kind) -> None:
        items, version = self.cluster.list_page(*key)
        with self._news:
            self._kinds[key] = {_name(item): item for item in items}
            self._versions[key] = version
            self._count += 1
            self._news.notify_all()

    def _watch(self, key: Kind) -> None:
        while not self._ended.is_set():
            try:
                if not self._versions.get(key):
                    self._list(key)
                self._take_events(key)
            except (ClusterError, ValueError, KeyError, TypeError, AttributeError):
                # Dropped, refused, unknown kind, or of another form: whatever was missed is in a new list.
                self._versions[key] = ""
                self._ended.wait(RETRY_SECONDS)

    def _take_events(self, key: Kind) -> None:
        started = time.monotonic()
        for verb, obj in self.cluster.watch(*key, self._versions[key], WATCH_SECONDS):
            if self._ended.is_set():
                return
            if verb == "ERROR":
                # 410 Gone: the version is too old to go on from.
                self._versions[key] = ""
                break
            self._versions[key] = obj["metadata"]["resourceVersion"]
            if verb == "BOOKMARK":
                continue
            with self._news:
                if verb == "DELETED":
                    self._kinds[key].pop(_name(obj), None)
                else:
                    self._kinds[key][_name(obj)] = obj
                self._count += 1
                self._news.notify_all()
        if time.monotonic() - started < RETRY_SECONDS:
            self._ended.wait(RETRY_SECONDS)


def _name(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]
