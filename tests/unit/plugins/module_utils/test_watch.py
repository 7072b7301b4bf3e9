# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of a cluster that watches keep: each event does its part, and only a lost watch is worth a new list."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _watch
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._watch import Store

KIND = ("v1", "Pod", "tutorial")


def pod(name: str, version: int, namespace: str = "tutorial") -> dict[str, Any]:
    """Return a pod; ``version`` is its resourceVersion."""
    return {"metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)}}


class Script:
    """A cluster whose watches yield what a test sends: an event, an exception to raise, or None to end the watch."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods = list(pods)
        self.lists: list[tuple[Any, ...]] = []
        self.watches: list[tuple[Any, ...]] = []
        self.unreachable = False
        self.events: queue.Queue[Any] = queue.Queue()

    def list_page(self, *key: Any) -> tuple[list[dict[str, Any]], str]:
        """Return the pods at version 10, later 20, 30, …"""
        self.lists.append(key)
        if self.unreachable:
            raise Unreachable("nobody there")
        return list(self.pods), str(10 * len(self.lists))

    def watch(self, *arguments: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what is sent."""
        self.watches.append(arguments)
        while (event := self.events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.setattr(_watch, "RETRY_SECONDS", 0.2)
    script = Script(pod("a", 5), pod("b", 6))
    yield script
    script.events.put(None)


def names(store: Store) -> set[str]:
    """Return the names of the copies."""
    return {each["metadata"]["name"] for each in store.all(*KIND)}


def until(store: Store, script: Script, *events: Any) -> None:
    """Send events, the last of which is news, and wait for that."""
    count = store.wait(-1, 0)
    for event in events:
        script.events.put(event)
    assert store.wait(count, 5) > count


def test_events_change_the_copy_without_another_list(script: Script) -> None:
    with Store(script) as store:  # type: ignore[arg-type]
        store.follow(*KIND)
        store.follow(*KIND)
        assert names(store) == {"a", "b"}
        until(store, script, ("ADDED", pod("c", 11)))
        assert names(store) == {"a", "b", "c"}
        until(store, script, ("MODIFIED", pod("c", 12)))
        assert store.find(*KIND, "c") == pod("c", 12)
        until(store, script, ("DELETED", pod("a", 13)), ("DELETED", pod("unheard-of", 14)))
        until(store, script, ("ADDED", pod("d", 15)))
        assert names(store) == {"b", "c", "d"}
    assert script.lists == [KIND]
    assert script.watches == [(*KIND, "10", _watch.WATCH_SECONDS)]


def test_a_watch_that_ends_goes_on_where_it_was(script: Script) -> None:
    """A bookmark moves that place and is no news."""
    with Store(script) as store:  # type: ignore[arg-type]
        store.follow(*KIND)
        until(store, script, ("ADDED", pod("c", 11)))
        count = store.wait(-1, 0)
        script.events.put(("BOOKMARK", {"metadata": {"resourceVersion": "99"}}))
        script.events.put(None)
        until(store, script, ("ADDED", pod("d", 100)))
        assert store.wait(-1, 0) == count + 1
    assert [watch[3] for watch in script.watches] == ["10", "99"]
    assert len(script.lists) == 1


def test_a_watch_that_ends_at_once_is_not_begun_again_at_once(script: Script) -> None:
    with Store(script) as store:  # type: ignore[arg-type]
        began = time.monotonic()
        for _ in range(3):
            script.events.put(None)
        store.follow(*KIND)
        until(store, script, ("ADDED", pod("c", 11)))
        assert 0.6 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    "lost", [("ERROR", {"kind": "Status", "code": 410}), ClusterError("dropped"), ("ADDED", {"metadata": {}})]
)
def test_a_watch_that_was_lost_is_made_good_by_a_list(script: Script, lost: Any) -> None:
    with Store(script) as store:  # type: ignore[arg-type]
        store.follow(*KIND)
        script.pods = [pod("z", 19)]
        until(store, script, lost)
        assert names(store) == {"z"}
        until(store, script, ("ADDED", pod("y", 21)))
        assert names(store) == {"y", "z"}
    assert [watch[3] for watch in script.watches] == ["10", "20"]


def test_what_does_not_answer_is_tried_until_it_does(script: Script) -> None:
    script.unreachable = True
    with Store(script) as store:  # type: ignore[arg-type]
        store.follow(*KIND)
        assert names(store) == set()
        script.unreachable = False
        until(store, script)
        assert names(store) == {"a", "b"}


def test_a_list_that_is_refused_is_an_error(script: Script) -> None:
    def refuse(*_key: Any) -> Any:
        raise ClusterError("forbidden")

    script.list_page = refuse  # type: ignore[method-assign]
    with Store(script) as store, pytest.raises(ClusterError, match="forbidden"):  # type: ignore[arg-type]
        store.follow(*KIND)


def test_after_the_end_nothing_is_taken_any_more(script: Script) -> None:
    before = set(threading.enumerate())
    with Store(script) as store:  # type: ignore[arg-type]
        store.follow(*KIND)
        (thread,) = set(threading.enumerate()) - before
        assert thread.daemon
    script.events.put(("ADDED", pod("late", 11)))
    thread.join(5)
    assert not thread.is_alive()
    assert names(store) == {"a", "b"}
    assert len(script.watches) == 1


def test_a_kind_is_listed_once(script: Script) -> None:
    store = Store(script)  # type: ignore[arg-type]
    assert (store.all(*KIND), store.find(*KIND, "a")) == ([], None)
    store.load(*KIND)
    store.load(*KIND)
    assert script.lists == [KIND]
    assert (store.find(*KIND, "a"), store.find(*KIND, "x")) == (pod("a", 5), None)
    assert store.find("v1", "Pod", None, "a") is None


def test_copies_of_the_whole_cluster_are_found_without_a_namespace(script: Script) -> None:
    """As objects that are in none: of two namespaces' objects of one name neither is meant."""
    script.pods = [{"metadata": {"name": "node", "resourceVersion": "1"}}, pod("a", 2, "x"), pod("a", 3, "y")]
    store = Store(script)  # type: ignore[arg-type]
    store.load("v1", "Node", None)
    assert store.find("v1", "Node", None, "node") == script.pods[0]
    assert store.find("v1", "Node", None, "a") is None
    assert len(store.all("v1", "Node", None)) == 3


def test_waiting_ends_with_the_time(script: Script) -> None:
    store = Store(script)  # type: ignore[arg-type]
    began = time.monotonic()
    assert store.wait(0, 0.1) == 0
    assert 0.1 <= time.monotonic() - began < 2
    assert store.wait(0, -5) == 0
    store.load(*KIND)
    assert store.wait(0, 5) == 1
    assert time.monotonic() - began < 2
