# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a scenario changed is as it was, also after an interruption."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _watch
from ansible_collections.meshlab.istio.plugins.module_utils._apply import apply, plan
from ansible_collections.meshlab.istio.plugins.module_utils._diff import normalise
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._patches import merged
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_undo import FIELD_MANAGER, NOTES, Undo, difference
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]
TREES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=1), inner, max_size=3), max_leaves=8,
)  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "RETRY_SECONDS", 0.02)


def config(name: str, **data: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    cluster.apply(config("there", a="1", b="2"), "meshlab.istio")
    return cluster


def change(cluster: FakeCluster, undo: Undo, *objects: Object) -> None:
    changes = plan(cluster, objects, FIELD_MANAGER)  # type: ignore[arg-type]
    undo.note(changes)
    apply(cluster, changes, FIELD_MANAGER)  # type: ignore[arg-type]


def silent(_text: str) -> None:
    return


def test_what_somebody_made_anew_under_the_same_name_is_left_alone(cluster: FakeCluster) -> None:
    undo = Undo(cluster, "default")  # type: ignore[arg-type]
    bare = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bare", "namespace": "default"}}
    change(cluster, undo, config("there", a="9"), config("new", x="1"), bare)
    for name in ("there", "new"):
        cluster.drop("v1", "ConfigMap", name, "default")
        cluster.apply(config(name, mine="yes"), "kubectl")
    later = Undo(cluster, "default")  # type: ignore[arg-type]
    restored, gone = later.put_back(5, silent)
    assert (restored, [obj["metadata"]["name"] for obj in gone]) == ([], ["bare"])
    for name in ("there", "new"):
        assert cluster.get("v1", "ConfigMap", name, "default")["data"] == {"mine": "yes"}


def test_made_objects_go_and_changed_ones_are_as_before_with_their_owners(cluster: FakeCluster) -> None:
    before = copy.deepcopy(cluster.get("v1", "ConfigMap", "there", "default"))
    undo = Undo(cluster, "default")  # type: ignore[arg-type]
    change(cluster, undo, config("there", a="9", c="3"), config("new", x="1"))
    change(cluster, undo, config("there", a="10"), config("new", x="2"))
    assert undo.made_here(config("new"))
    assert not undo.made_here(config("there"))
    restored, gone = undo.put_back(5, silent)
    assert [obj["metadata"]["name"] for obj in restored] == ["there"]
    assert [obj["metadata"]["name"] for obj in gone] == ["new"]
    after = cluster.get("v1", "ConfigMap", "there", "default")
    assert normalise(after) == normalise(before)
    assert after["metadata"]["managedFields"] == before["metadata"]["managedFields"]
    assert cluster.find("v1", "ConfigMap", "new", "default") is None
    assert cluster.find("v1", "ConfigMap", NOTES, "default") is None


def test_a_second_change_of_an_object_is_undone_with_the_first(cluster: FakeCluster) -> None:
    """The first may change no value, only whose it is; what others write in between stays."""
    undo = Undo(cluster, "default")  # type: ignore[arg-type]
    change(cluster, undo, config("there", a="1"))
    assert undo.notes[0]["patch"] == {}
    change(cluster, undo, config("there", a="4", c="new"))
    cluster.patch("v1", "ConfigMap", "there", "default", {"data": {"others": "x"}})
    change(cluster, undo, config("there", a="5", c="newer", d="newest"))
    later = Undo(cluster, "default")  # type: ignore[arg-type]
    assert later.notes == undo.notes
    later.put_back(5, silent)
    assert cluster.get("v1", "ConfigMap", "there", "default")["data"] == {"a": "1", "b": "2", "others": "x"}


def test_the_next_run_puts_back_what_an_interrupted_one_left(cluster: FakeCluster) -> None:
    change(cluster, Undo(cluster, "default"), config("there", a="9"), config("new"))  # type: ignore[arg-type]
    later = Undo(cluster, "default")  # type: ignore[arg-type]
    assert len(later.notes) == 2
    later.put_back(5, silent)
    assert cluster.get("v1", "ConfigMap", "there", "default")["data"] == {"a": "1", "b": "2"}
    assert cluster.find("v1", "ConfigMap", "new", "default") is None


def test_notes_are_written_before_the_change(cluster: FakeCluster) -> None:
    """An interruption between the two must find the notes."""
    change(cluster, Undo(cluster, "default"), config("new"))  # type: ignore[arg-type]
    applied = [name for verb, _kind, _namespace, name in cluster.writes if verb == "apply"]
    assert applied == ["there", NOTES, "new"]


def test_notes_stay_when_something_cannot_be_put_back(cluster: FakeCluster) -> None:
    undo = Undo(cluster, "default")  # type: ignore[arg-type]
    change(cluster, undo, config("there", a="9"))

    def refuse(verb: str, obj: Object) -> None:
        if verb == "patch":
            raise ClusterError("no", status=500)

    cluster.refuse = refuse
    with pytest.raises(ClusterError):
        undo.put_back(5, silent)
    assert cluster.find("v1", "ConfigMap", NOTES, "default") is not None


@given(TREES, TREES)
def test_the_difference_makes_the_former_of_the_later(now: Any, then: Any) -> None:
    assert merged(now, difference(now, then)) == then
