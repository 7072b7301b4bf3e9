# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches follow RFC 7386 and RFC 6902, and one that fits nothing is an error."""

from __future__ import annotations

import json

import pytest
import yaml

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._patches import merged, patched
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read


def config(name: str = "c", namespace: str | None = "n", **data: object) -> dict:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


# The table of RFC 7386, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: object, patch: object, expected: object) -> None:
    assert merged(target, patch) == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/data/x", "value": 1}, {"list": ["a", "b"], "a/b": "s", "x": 1}),
        ({"op": "add", "path": "/data/list/1", "value": "z"}, {"list": ["a", "z", "b"], "a/b": "s"}),
        ({"op": "add", "path": "/data/list/-", "value": "z"}, {"list": ["a", "b", "z"], "a/b": "s"}),
        ({"op": "remove", "path": "/data/list/0"}, {"list": ["b"], "a/b": "s"}),
        ({"op": "remove", "path": "/data/a~1b"}, {"list": ["a", "b"]}),
        ({"op": "replace", "path": "/data/list/0", "value": "z"}, {"list": ["z", "b"], "a/b": "s"}),
        ({"op": "move", "from": "/data/list/0", "path": "/data/first"}, {"list": ["b"], "a/b": "s", "first": "a"}),
        ({"op": "copy", "from": "/data/list", "path": "/data/two"},
         {"list": ["a", "b"], "a/b": "s", "two": ["a", "b"]}),
        ({"op": "test", "path": "/data/list/0", "value": "a"}, {"list": ["a", "b"], "a/b": "s"}),
    ],
)  # fmt: skip
def test_json_patch(operation: dict, expected: dict) -> None:
    original = config(list=["a", "b"], **{"a/b": "s"})
    (result,) = patched([original], [{"kind": "ConfigMap", "patch": [operation]}])
    assert result["data"] == expected
    assert original["data"]["list"] == ["a", "b"], "the original is left alone"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/data/none"},
        {"op": "replace", "path": "/data/none", "value": 1},
        {"op": "replace", "path": "/data/list/7", "value": 1},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "test", "path": "/data/list/0", "value": "b"},
        {"op": "add", "path": "data", "value": 1},
        {"op": "fly", "path": "/data"},
        {"op": "add", "path": "/data/x"},
        "no operation",
    ],
)
def test_an_operation_that_does_not_fit_names_the_object(operation: object) -> None:
    with pytest.raises(InputError, match="ConfigMap n/c"):
        patched([config(list=["a"])], [{"kind": "ConfigMap", "patch": [operation]}])


def test_name_and_namespace_choose() -> None:
    objects = [config("a"), config("b"), config("a", "m")]
    patch = {"data": {"x": "1"}}
    hit = [bool(obj["data"]) for obj in patched(objects, [{"kind": "ConfigMap", "name": "a", "patch": patch}])]
    assert hit == [True, False, True]
    entry = {"kind": "ConfigMap", "name": "a", "namespace": "m", "patch": patch}
    assert [bool(obj["data"]) for obj in patched(objects, [entry])] == [False, False, True]
    assert all(obj["data"] for obj in patched(objects, [{"kind": "ConfigMap", "patch": patch}]))


def test_a_patch_that_fits_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="fits none of the 1 objects"):
        patched([config()], [{"kind": "ConfigMap", "name": "other", "patch": {}}])


def test_a_patch_is_a_mapping_or_a_list() -> None:
    with pytest.raises(InputError, match="mapping"):
        patched([config()], [{"kind": "ConfigMap", "patch": "replicas: 3"}])


def test_a_document_inside_of_a_text() -> None:
    text = "global:\n  scrape_interval: 15s\nscrape_configs:\n- job_name: a\n  time: 12:30\n"
    entries = [
        {"kind": "ConfigMap", "inside": "/data/prometheus.yml", "patch": {"global": {"scrape_interval": "5s"}}},
        {"kind": "ConfigMap", "inside": "/data/prometheus.yml",
         "patch": [{"op": "add", "path": "/scrape_configs/0/relabel", "value": [{"regex": "envoy_(istio_.*)"}]}]},
    ]  # fmt: skip
    (result,) = patched([config(**{"prometheus.yml": text})], entries)
    assert yaml.safe_load(result["data"]["prometheus.yml"]) == {
        "global": {"scrape_interval": "5s"},
        "scrape_configs": [{"job_name": "a", "time": "12:30", "relabel": [{"regex": "envoy_(istio_.*)"}]}],
    }


@pytest.mark.parametrize(
    ("inside", "message"),
    [("/data/none", "There is no"), ("/data/two", "2 YAML documents"), ("/data/bad", "not YAML")],
)
def test_inside_of_what_is_no_document(inside: str, message: str) -> None:
    obj = config(two="a: 1\n---\nb: 2\n", bad="a: [")
    with pytest.raises(InputError, match=message):
        patched([obj], [{"kind": "ConfigMap", "inside": inside, "patch": {}}])


def test_a_document_inside_of_a_text_keeps_the_types_that_kubectl_reads() -> None:
    """Each is text in quotes, and each was written without them, or read as something else."""
    texts = ["12345e7", "y", "n", "08", "0o644", "1e-3", "12:30", "2026-12-24", "=", "1_000", ".5", "null", "<<"]
    inside = json.dumps({"texts": texts}) + "\n"
    bare = "octal: 0o644\nfloat: 1e-3\ntime: 12:30\nday: 2026-12-24\nequals: =\nzero: 08\nyes: y\n9000: port\nnull: a\n"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": inside, "b": bare}}
    entries = [{"kind": "ConfigMap", "inside": f"/data/{key}", "patch": {"new": "off"}} for key in "ab"]
    with pytest.raises(InputError, match=r"^/data/b of ConfigMap c is not YAML .*: line 9, column 1: .* null as a key"):
        patched([config], entries)
    config["data"]["b"] = bare.replace("null: a\n", "")
    (found,) = patched([config], entries)
    assert read(found["data"]["a"], "a") == [{"texts": texts, "new": "off"}]
    assert found["data"]["b"] == (
        "octal: 420\nfloat: 0.001\ntime: '12:30'\nday: '2026-12-24'\nequals: '='\nzero: 8\n'true': true\n'9000': port\n"
        "new: 'off'\n"
    )
