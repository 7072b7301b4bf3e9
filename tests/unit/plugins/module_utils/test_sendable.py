# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests that can be applied again and again, and what is said of those that cannot."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._sendable import problems, sendable

Object = dict[str, Any]


def secret(**more: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": "n"}, **more}


def test_string_data_becomes_data() -> None:
    given = secret(data={"a": "eA==", "b": "eA=="}, stringData={"b": "ü", "c": ""})
    assert sendable(given) == secret(data={"a": "eA==", "b": "w7w=", "c": ""})
    assert "stringData" in given
    assert sendable(secret(stringData=None)) == secret(data={})
    other = {**secret(stringData={"a": "b"}), "apiVersion": "example.com/v1"}
    assert sendable(other) is other


@pytest.mark.parametrize("data", [{"a": 1}, {"a": None}, [], "text"])
def test_string_data_that_is_no_text(data: Any) -> None:
    with pytest.raises(InputError, match=r"stringData(\.a)? of Secret n/app is not text"):
        sendable(secret(stringData=data))


@pytest.mark.parametrize("name", ["resourceVersion", "uid", "managedFields"])
def test_what_binds_a_manifest_to_one_moment(name: str) -> None:
    obj = secret()
    assert sendable({**obj, "metadata": {**obj["metadata"], name: None}})
    with pytest.raises(InputError, match=rf"Secret n/app has metadata.{name}, .* Take metadata.{name} out"):
        sendable({**obj, "metadata": {**obj["metadata"], name: "217"}})


# Recorded from Kubernetes 1.34.4.
UNTYPED = "The API server answered 500 (InternalError): failed to create typed patch object (n/d; apps/v1, Kind=D): "
SAID = [
    (
        '.spec.template.spec.containers[name="c"].env: duplicate entries for key [name="JAVA_OPTS"]',
        ["spec.template.spec.containers[name=c].env has the item with name=JAVA_OPTS twice"],
    ),
    (
        "errors:\n  .spec.http[0].timout: field not declared in schema\n  .spec.hots: field not declared in schema",
        ["spec.http[0].timout is not a field of D (apps/v1)", "spec.hots is not a field of D (apps/v1)"],
    ),
    (
        '.spec.containers[name="c"].ports: expected list, got &{map[containerPort:1]}',
        ["spec.containers[name=c].ports must be of the type list"],
    ),
    ("something new", []),
]


@pytest.mark.parametrize(("said", "plain"), SAID)
def test_a_wrong_form_in_plain_words(said: str, plain: list[str]) -> None:
    obj = {"apiVersion": "apps/v1", "kind": "D", "metadata": {"name": "d"}}
    assert problems(UNTYPED + said, obj) == plain
    assert problems(said, obj) == [], "somebody else's words"
