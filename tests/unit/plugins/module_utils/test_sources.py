# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests are read as Kubernetes reads them, and a bad one is named."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._sources import checked, load, missing_files
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Reply, Server, free_port

ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n"
TWO = ONE.replace("one", "two")
AS_OBJECT: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}
ROUND: dict[str, Any] = {}
ROUND["b"] = ROUND
ROUND_LIST: list[Any] = []
ROUND_LIST.append(ROUND_LIST)


def names(objects: list[dict]) -> list[str]:
    return [obj["metadata"]["name"] for obj in objects]


def sha256(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_definitions_of_every_form() -> None:
    as_object = read(TWO, "x")[0]
    assert names(load(f"# comment\n---\n{ONE}---\n---\n{TWO}", [])) == ["one", "two"]
    assert names(load([ONE, as_object], [])) == ["one", "two"]
    assert names(load(as_object, [])) == ["two"]
    assert names(load({"apiVersion": "v1", "kind": "List", "items": [as_object]}, [])) == ["two"]
    assert load({"apiVersion": "v1", "kind": "ConfigMapList", "items": None}, []) == []
    assert load("", []) == []
    assert load(None, []) == []


def test_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(TWO)
    (tmp_path / "a.yml").write_text(ONE)
    (tmp_path / "c.json").write_text(json.dumps([read(ONE.replace("one", "three"), "x")[0]]))
    (tmp_path / "README.md").write_text("not a manifest: [")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.yaml").write_text("neither: [")
    assert names(load(None, [str(tmp_path)])) == ["one", "two", "three"]
    assert names(
        load(TWO, [{"path": str(tmp_path / "a.yml"), "checksum": sha256(ONE).upper().replace("SHA", "sha")}])
    ) == [
        "two",
        "one",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-23", "2026-11-23"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("12:30", "12:30"),
        ("1:2:3.5", "1:2:3.5"),
        ("=", "="),
        ("0755", 0o755),
        ("3", 3),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ('"3"', "3"),
    ],
)
def test_scalars_as_kubernetes_reads_them(text: str, value: object) -> None:
    assert read(f"a: {text}", "x") == [{"a": value}]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("a: [", "definition is not YAML"),
        ("a: \x00", "definition is not YAML"),
        ("just text", "definition holds str 'just text'"),
        ("kind: A\nmetadata: {name: x}", "has no apiVersion"),
        ("apiVersion: v1\nmetadata: {name: x}", "has no kind"),
        ("apiVersion: v1\nkind: A", "has no metadata.name"),
        ("apiVersion: v1\nkind: A\nmetadata: {generateName: x-}", "has no metadata.name"),
        ("apiVersion: v1\nkind: A\nmetadata: name", "has no metadata.name"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: 5}", "has no metadata.name"),
        ([3], "definition holds int '3'"),
        ({"apiVersion": "v1", "kind": "AList", "items": 3}, "definition holds int '3'"),
        (ONE + "  namespace: [a]", "metadata.namespace of ConfigMap one in definition is not text"),
        (ONE + "  labels: [a]", "metadata.labels of ConfigMap one in definition is not a mapping"),
        (ONE + "  labels: {a: [b]}", "metadata.labels of ConfigMap one in definition is not a mapping"),
        (AS_OBJECT | {"binaryData": {"a": b"hi"}}, "ConfigMap one in definition holds what JSON has no form for"),
        (AS_OBJECT | {"data": {"a", "b"}}, "holds what JSON has no form for"),
        (AS_OBJECT | {"data": ROUND}, "holds what JSON has no form for: Circular"),
        (AS_OBJECT | {"data": {"a": math.nan}}, "holds what JSON has no form for"),
        (ROUND_LIST, "nested too deeply, or holds itself"),
        (ONE + "data: &a {b: *a}", "definition is not YAML .*: line 5, column 14: the value of &a holds itself"),
        (ONE + "data: {a: .nan}", "definition is not YAML .*: line 5, column 11: JSON has no infinity and no NaN"),
        ("[" * 5000, "definition is not YAML"),
        ("{[a]: b}", "definition is not YAML"),
        (ONE + "---\n" + ONE + "data: {a: b}\n", "ConfigMap one is defined twice"),
    ],
)
def test_what_is_no_manifest(definition: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(definition, [])


def test_a_repetition_is_left_out() -> None:
    assert names(load(ONE, [])) == names(load([ONE, ONE], []))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/does/not/exist.yaml", "cannot be read on this host: .*No such file"),
        ("http://127.0.0.1/x.yaml", "Give the .checksum."),
        ({"url": "file:///etc/passwd", "checksum": "sha256:0"}, "not a URL that starts with http"),
        ({"checksum": "sha256:0"}, "An entry of .src. is a path"),
        ({"path": "x", "sha": "y"}, "An entry of .src. is a path"),
        ({"path": ["x"]}, "An entry of .src. is a path"),
        ({"url": 5, "checksum": "sha256:0"}, "An entry of .src. is a path"),
        ({"path": "x", "checksum": 5}, "An entry of .src. is a path"),
        ({"path": None}, "An entry of .src. is a path"),
        ("a\x00b", "cannot be read on this host"),
        ("~\x00b", "cannot be read on this host"),
        ({"url": "http://127.0.0.1/a b", "checksum": "sha256:0"}, "cannot be fetched from this host"),
    ],
)
def test_sources_that_cannot_be_used(source: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(None, [source])


def test_a_wrong_checksum_a_directory_with_one_and_a_binary_file(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(ONE)
    with pytest.raises(InputError, match=r"not sha256:00. Nothing of it was used"):
        load(None, [{"path": str(file), "checksum": "sha256:00"}])
    with pytest.raises(InputError, match="is a directory"):
        load(None, [{"path": str(tmp_path), "checksum": "sha256:00"}])
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        load(None, [str(file)])


def test_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(lambda seen: Reply(body=ONE.encode(), status=200 if seen.path == "/one.yaml" else 404)) as server:
        good = {"url": server.url("/one.yaml"), "checksum": sha256(ONE)}
        assert names(load(None, [good])) == ["one"]
        with pytest.raises(InputError, match="has the checksum"):
            load(None, [{**good, "checksum": sha256(TWO)}])
        with pytest.raises(InputError, match=r"cannot be fetched from this host: .*404"):
            load(None, [{**good, "url": server.url("/two.yaml")}])
    with pytest.raises(InputError, match="cannot be fetched"):
        load(None, [{"url": f"http://127.0.0.1:{free_port()}/x", "checksum": "sha256:0"}])


def test_a_url_whose_body_is_no_text_or_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    binary = b"\xff\xfe"
    with Server(lambda seen: Reply(body=binary)) as server:
        wanted = "sha256:" + hashlib.sha256(binary).hexdigest()
        with pytest.raises(InputError, match=r"/x cannot be read as text"):
            load(None, [{"url": server.url("/x"), "checksum": wanted}])
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    with Server(lambda seen: Reply(raw=cut)) as server, pytest.raises(InputError, match=r"cannot be fetched"):
        load(None, [{"url": server.url("/x"), "checksum": "sha256:0"}])


def test_files_that_are_not_there_yet(tmp_path: Path) -> None:
    there = tmp_path / "there.yaml"
    there.touch()
    sources = [str(there), "/no/file", {"path": "/no/other"}, {"path": ["x"]}, {"path": None}, {"url": "http://a/b"}]
    assert missing_files([*sources, "http://a/c", 3]) == ["/no/file", "/no/other", "3"]


@given(st.one_of(st.text(), st.text(alphabet="-:[]{}|>&*!#%@`'\"\n\t ab0", max_size=40)))
def test_no_text_makes_it_stumble(text: str) -> None:
    with contextlib.suppress(InputError):
        load(text, [])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "name", "items", "spec"]), inner)
        ),
    )
)
def test_no_object_makes_it_stumble(value: object) -> None:
    with contextlib.suppress(InputError):
        for obj in load(value, []):
            checked(obj, "x")


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    monkeypatch.delattr(yaml, "CSafeLoader")
    assert read("a: 12:30", "x") == [{"a": "12:30"}]
