# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diff shows the fields that differ, nothing that the server adds, and no secret."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._diff import (
    changed_fields,
    diff_entry,
    normalise,
    reference,
    shown,
)

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "a",
        "namespace": "n",
        "uid": "1",
        "resourceVersion": "5",
        "generation": 2,
        "creationTimestamp": "2026-11-23T19:00:00Z",
        "managedFields": [{"manager": "x"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "labels": {"app.kubernetes.io/name": "a"},
    },
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [
                    {"name": "app", "image": "i:1", "args": ["a", "b"]},
                    {"name": "side", "image": "s:1"},
                ]
            }
        },
    },
    "status": {"replicas": 1},
}


def test_reference_names_kind_namespace_and_name() -> None:
    assert reference(DEPLOYMENT) == "Deployment n/a"
    assert reference({"kind": "Namespace", "metadata": {"name": "n"}}) == "Namespace n"


def test_normalise_drops_what_only_the_server_writes() -> None:
    assert normalise(DEPLOYMENT)["metadata"] == {
        "name": "a",
        "namespace": "n",
        "labels": {"app.kubernetes.io/name": "a"},
    }
    assert "status" not in normalise(DEPLOYMENT)
    assert normalise(None) == {}
    assert normalise({"kind": "List", "items": []}) == {"kind": "List", "items": []}


def test_normalise_leaves_the_original_alone() -> None:
    original = copy.deepcopy(DEPLOYMENT)
    original["metadata"]["annotations"]["mine"] = "1"
    before = copy.deepcopy(original)
    normalise(original)["spec"]["replicas"] = 7
    assert original == before


def test_other_annotations_stay() -> None:
    obj = copy.deepcopy(DEPLOYMENT)
    obj["metadata"]["annotations"]["mine"] = "1"
    assert normalise(obj)["metadata"]["annotations"] == {"mine": "1"}


def changed(path: list, value: object) -> dict:
    obj = copy.deepcopy(DEPLOYMENT)
    holder = obj
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return obj


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["spec", "replicas"], 3, {"field": "spec.replicas", "old": 1, "new": 3}),
        (
            ["spec", "template", "spec", "containers", 1, "image"],
            "s:2",
            {"field": "spec.template.spec.containers[name=side].image", "old": "s:1", "new": "s:2"},
        ),
        (
            ["spec", "template", "spec", "containers", 0, "args", 1],
            "c",
            {"field": "spec.template.spec.containers[name=app].args[1]", "old": "b", "new": "c"},
        ),
        (
            ["metadata", "labels", "app.kubernetes.io/name"],
            "b",
            {"field": 'metadata.labels["app.kubernetes.io/name"]', "old": "a", "new": "b"},
        ),
        (["spec", "paused"], True, {"field": "spec.paused", "old": None, "new": True}),
        (["spec", "replicas"], {"odd": 1}, {"field": "spec.replicas", "old": 1, "new": {"odd": 1}}),
    ],
)
def test_one_changed_field_is_the_only_one(path: list, value: object, expected: dict) -> None:
    assert changed_fields(DEPLOYMENT, changed(path, value)) == [expected]


def test_server_written_fields_and_status_are_no_change() -> None:
    other = changed(["metadata", "resourceVersion"], "6")
    other["status"] = {"replicas": 7}
    assert changed_fields(DEPLOYMENT, other) == []


def test_added_and_removed_list_items() -> None:
    other = copy.deepcopy(DEPLOYMENT)
    containers = other["spec"]["template"]["spec"]["containers"]
    containers[1] = {"name": "new", "image": "n:1"}
    found = {change["field"].rpartition("containers")[2]: change for change in changed_fields(DEPLOYMENT, other)}
    assert found["[name=side]"]["new"] is None
    assert found["[name=new]"]["old"] is None


def test_order_of_named_items_counts() -> None:
    other = copy.deepcopy(DEPLOYMENT)
    other["spec"]["template"]["spec"]["containers"].reverse()
    assert changed_fields(DEPLOYMENT, other) == [
        {"field": "spec.template.spec.containers[].name", "old": ["app", "side"], "new": ["side", "app"]}
    ]


def test_an_object_that_appears_or_goes_is_one_change() -> None:
    appeared = changed_fields(None, DEPLOYMENT)
    assert [change["field"] for change in appeared] == [""]
    assert appeared[0]["old"] is None
    assert appeared[0]["new"] == normalise(DEPLOYMENT)
    gone = changed_fields(DEPLOYMENT, None)
    assert gone == [{"field": "", "old": normalise(DEPLOYMENT), "new": None}]
    assert changed_fields(None, None) == []


def test_values_of_secrets_are_never_shown() -> None:
    def secret(value: str) -> dict:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": value}}

    found = changed_fields(secret("b25l"), secret("dHdv"))
    assert found == [{"field": "data.k", "old": "(redacted)", "new": "(redacted, changed)"}]
    assert "b25l" not in str(shown(secret("b25l")))
    assert "b25l" not in str(changed_fields(None, secret("b25l")))
    added = changed_fields({**secret("b25l"), "data": {}}, secret("b25l"))
    assert added == [{"field": "data.k", "old": None, "new": "(redacted)"}]


def test_a_password_in_another_kind_is_hidden_but_its_change_is_not() -> None:
    def config(value: str) -> dict:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"password": value}}

    assert changed_fields(config("one"), config("two")) == [
        {"field": "data.password", "old": "(redacted)", "new": "(redacted, changed)"}
    ]


def test_a_config_maps_values_are_shown() -> None:
    def config(value: str) -> dict:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"mode": value}}

    assert changed_fields(config("one"), config("two")) == [{"field": "data.mode", "old": "one", "new": "two"}]


@pytest.mark.parametrize(
    ("path", "old", "new", "field"),
    [
        (["stringData"], {"k": "one"}, {"k": "two"}, "stringData.k"),
        (["data"], {"k": "b25l"}, {"k": "dHdv"}, "data.k"),
    ],
)
def test_both_places_of_a_secrets_values_are_hidden(path: list, old: dict, new: dict, field: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    assert changed_fields({**secret, path[0]: old}, {**secret, path[0]: new}) == [
        {"field": field, "old": "(redacted)", "new": "(redacted, changed)"}
    ]
    assert changed_fields(secret, {**secret, path[0]: new}) == [
        {"field": path[0], "old": None, "new": {"k": "(redacted)"}}
    ]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "API_TOKEN"])
def test_a_secret_in_an_environment_variable_is_told_by_the_variables_name(name: str) -> None:
    def workload(value: str) -> dict:
        env = [{"name": "MODE", "value": value}, {"name": name, "value": value}]
        return changed(["spec", "template", "spec", "containers", 0, "env"], env)

    found = changed_fields(workload("hunter2"), workload("hunter3"))
    place = "spec.template.spec.containers[name=app].env"
    assert found == [
        {"field": f"{place}[name=MODE].value", "old": "hunter2", "new": "hunter3"},
        {"field": f"{place}[name={name}].value", "old": "(redacted)", "new": "(redacted, changed)"},
    ]


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("password.txt", 'data["password.txt"]'),
        ("example.com/private-key", 'data["example.com/private-key"]'),
        ("my/password", 'data["my/password"]'),
    ],
)
def test_a_secret_is_told_by_its_whole_key(key: str, field: str) -> None:
    def config(value: str) -> dict:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": {key: value, "mode": "a"}}

    assert changed_fields(config("hunter2"), config("hunter3")) == [
        {"field": field, "old": "(redacted)", "new": "(redacted, changed)"}
    ]


def test_true_is_not_1() -> None:
    """An object of a kind that takes anything; to Python they are equal."""
    before, after = ({"metadata": {}, "spec": {"a": [{"b": value}]}} for value in (1, True))
    assert changed_fields(before, after) == [{"field": "spec.a[0].b", "old": 1, "new": True}]
    assert changed_fields({"spec": {"a": 1}}, {"spec": {"a": 1.0}}) == []


def test_null_is_the_same_as_absent() -> None:
    assert changed_fields(changed(["spec", "paused"], None), DEPLOYMENT) == []
    assert changed_fields(DEPLOYMENT, changed(["spec", "paused"], None)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (["a"], ["a", "b"], [{"field": "spec.x[1]", "old": None, "new": "b"}]),
        (["a", "b"], ["a"], [{"field": "spec.x[1]", "old": "b", "new": None}]),
        (["a"], "a", [{"field": "spec.x", "old": ["a"], "new": "a"}]),
        ("a", ["a"], [{"field": "spec.x", "old": "a", "new": ["a"]}]),
        # As soon as one list has items without a name of their own, places are what tells them apart.
        (
            [{"name": "a", "v": 1}],
            [{"name": "a", "v": 1}, {"name": "a", "v": 2}],
            [{"field": "spec.x[1]", "old": None, "new": {"name": "a", "v": 2}}],
        ),
        (
            [{"name": "a", "v": 1}],
            [{"name": "a", "v": 2}, "b"],
            [{"field": "spec.x[0].v", "old": 1, "new": 2}, {"field": "spec.x[1]", "old": None, "new": "b"}],
        ),
        ([{"name": 1, "v": 1}], [{"name": 1, "v": 2}], [{"field": "spec.x[0].v", "old": 1, "new": 2}]),
        # Other items are a change of their own, not one of the order.
        (
            [{"name": "a"}, {"name": "b"}],
            [{"name": "b"}, {"name": "c"}],
            [
                {"field": "spec.x[name=a]", "old": {"name": "a"}, "new": None},
                {"field": "spec.x[name=c]", "old": None, "new": {"name": "c"}},
            ],
        ),
    ],
)
def test_lists(old: object, new: object, expected: list) -> None:
    assert changed_fields(changed(["spec", "x"], old), changed(["spec", "x"], new)) == expected


@pytest.mark.parametrize(("key", "field"), [("a.b", 'spec["a.b"]'), ("a/b", 'spec["a/b"]'), ("ab", "spec.ab")])
def test_keys_that_a_path_could_not_hold_are_quoted(key: str, field: str) -> None:
    assert [change["field"] for change in changed_fields(DEPLOYMENT, changed(["spec", key], 1))] == [field]


def test_diff_entry_has_the_changed_fields_only() -> None:
    entry = diff_entry("Deployment n/a", changed_fields(DEPLOYMENT, changed(["spec", "replicas"], 3)))
    assert entry == {
        "before_header": "Deployment n/a",
        "after_header": "Deployment n/a",
        "before": "spec.replicas: 1\n",
        "after": "spec.replicas: 3\n",
    }


def test_diff_entry_of_a_new_object_is_the_object_in_a_stable_order() -> None:
    new = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}}
    created = diff_entry("Namespace n", changed_fields(None, new))
    assert created["before"] == ""
    assert created["after"].splitlines() == [
        "{",
        '  "apiVersion": "v1",',
        '  "kind": "Namespace",',
        '  "metadata": {',
        '    "name": "n"',
        "  }",
        "}",
    ]


def test_diff_entry_has_a_line_for_each_value_that_is_there() -> None:
    fields = [
        {"field": "spec.new", "old": None, "new": {"b": 1, "a": "x"}},
        {"field": "spec.text", "old": "one", "new": "two"},
        {"field": "spec.gone", "old": True, "new": None},
    ]
    entry = diff_entry("Deployment n/a", fields)
    assert entry["before"] == "spec.text: one\nspec.gone: true\n"
    assert entry["after"] == 'spec.new: {"a": "x", "b": 1}\nspec.text: two\n'
