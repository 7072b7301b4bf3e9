# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name reaches what it names, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _names
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._sources import checked

NO_NAMES = (".", "..", "", "a/b", "../x", "a%2fb", "/", "a" * 254, None, 7)


@pytest.mark.parametrize("value", NO_NAMES)
def test_what_is_no_name(value: Any) -> None:
    with pytest.raises(InputError, match="cannot be a name in Kubernetes"):
        _names.segment(value)


@pytest.mark.parametrize("value", [*NO_NAMES, "A", "a.b", "-a", "a_b", "a" * 64, "a\n"])
def test_what_is_no_namespace(value: Any) -> None:
    with pytest.raises(InputError, match="cannot be the name of a namespace"):
        _names.in_namespace("v1", value, "pods")


@pytest.mark.parametrize("value", ["../../api/v1", "v1/", "/v1", "apps/v1/x", "a//v1", "", ".", "../v1", None, "V1"])
def test_what_is_no_api_version(value: Any) -> None:
    with pytest.raises(InputError, match="cannot be an apiVersion"):
        _names.api_root(value)


@given(st.text())
def test_any_name_is_one_segment_or_refused(text: str) -> None:
    try:
        path = _names.in_namespace("apps/v1", "n", "deployments", text)
    except InputError:
        return
    assert path.isascii()
    assert path.count("/") == "/apis/apps/v1/namespaces/n/deployments/".count("/")
    assert unquote(path).endswith(f"/{text}")
    assert not {"?", "#", " "} & set(path)
    assert _names.one_place(path) == path


@pytest.mark.parametrize("path", ["", "version", "/api/../x", "/api/%2e%2e/x", "/a//b", "/a/.", "/a/%2E", "/./a"])
def test_a_path_that_leads_elsewhere(path: str) -> None:
    with pytest.raises(InputError, match="is no path of the API"):
        _names.one_place(path)


def test_paths_that_lead_where_they_say() -> None:
    assert _names.one_place("/") == "/"
    assert _names.one_place("/api/v1/namespaces/n/services/a:80/proxy/") == "/api/v1/namespaces/n/services/a:80/proxy/"
    assert _names.one_place("/api/v1/a b?") == "/api/v1/a%20b%3F"
    assert _names.through_service("n", "kiali", 20001) == "/api/v1/namespaces/n/services/kiali:20001/proxy"
    # RBAC's names may hold colons.
    assert _names.segment("system:node") == "system:node"
    for service in ("a/../../secrets", "a:80", "A", "..", "a?b"):
        with pytest.raises(InputError, match="cannot be the name of a service"):
            _names.through_service("n", service, 80)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"metadata": {"name": "."}}, "'.' cannot be a name"),
        ({"metadata": {"name": "a", "namespace": "../kube-system"}}, "namespace"),
        ({"apiVersion": "../v1"}, "apiVersion"),
    ],
)
def test_a_manifest_is_refused_before_anything_is_asked(wrong: dict[str, Any], words: str) -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert checked(obj, "a.yaml") == obj
    with pytest.raises(InputError, match=words) as raised:
        checked({**obj, **wrong}, "a.yaml")
    assert "a.yaml" in raised.value.message
