# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says, read as kubectl reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, MeshlabError, NotYet
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import NoContext, access, chosen, parsed
from tests.unit.plugins.anything import damaged, quick

LAB: dict[str, Any] = {
    "current-context": "lab",
    "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://api:6443/", "certificate-authority": "ca.crt"}}],
    "users": [{"name": "u", "user": {"token": "t", "client-key": "/abs/key"}}],
}


def test_paths_are_relative_to_the_file() -> None:
    found = chosen({"/home/me/.kube/config": LAB}, None)
    assert (found.server, found.context) == ("https://api:6443", "lab")
    assert found.cluster["certificate-authority"] == "/home/me/.kube/ca.crt"
    assert found.user == {"token": "t", "client-key": "/abs/key"}
    assert not found.of_minikube


def test_it_is_read_as_all_yaml_is() -> None:
    text = b"{users: [{name: '08', user: {token: \"12345e7\"}}], clusters: null, a: 2026-11-29}"
    assert parsed(text) == {
        "users": [{"name": "08", "user": {"token": "12345e7"}}], "clusters": None, "a": "2026-11-29",
    }  # fmt: skip
    assert parsed(b"") is None
    for wrong in (b"a: [", b"\xff\xfe\xff", b"a: &a [*a]"):
        with pytest.raises(InputError, match="the kubeconfig"):
            parsed(wrong)


def test_several_files_of_which_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "b" / "second"
    second.parent.mkdir()
    first.write_text("{contexts: [{name: lab, context: {cluster: c, user: u}}], current-context: lab}")
    second.write_text(
        "{contexts: [{name: lab, context: {cluster: none}}], current-context: none, "
        "clusters: [{name: c, cluster: {server: 'https://a', certificate-authority: ca.crt}}], users: null}"
    )
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path}/missing:{second}")
    found = access()
    assert found.server == "https://a"
    assert found.cluster["certificate-authority"] == str(second.parent / "ca.crt")
    assert access(f"{first}:{second}").path == f"{first}:{second}"
    with pytest.raises(NoContext, match=r"no context other, only lab"):
        access(context="other")


def test_a_file_that_is_there_and_no_use(tmp_path: Path) -> None:
    path = tmp_path / "config"
    with pytest.raises(NotYet, match="there is no such file"):
        access(str(path))
    path.write_text("a: [")
    with pytest.raises(InputError, match="cannot be used: the kubeconfig is not YAML"):
        access(str(path))
    with pytest.raises(InputError, match="Is a directory"):
        access(str(tmp_path))


@pytest.mark.parametrize(
    ("extensions", "made"),
    [
        ([{"name": "cluster_info", "extension": {"provider": "minikube.sigs.k8s.io", "version": "v1.38.1"}}], True),
        ([{"name": "cluster_info", "extension": {"provider": "other"}}, "x", {"extension": None}], False),
        (None, False),
    ],
)
def test_minikube_leaves_its_name(extensions: Any, made: bool) -> None:
    cluster = {"server": "https://a", "extensions": extensions}
    assert chosen({"/k": {**LAB, "clusters": [{"name": "c", "cluster": cluster}]}}, None).of_minikube is made


@pytest.mark.parametrize("server", ["ftp://a", "https://", "https://a:x", "http://a:0", "https://[::1"])
def test_a_server_that_is_no_url(server: str) -> None:
    with pytest.raises(InputError, match="is not a URL with http or https"):
        chosen({"/k": {**LAB, "clusters": [{"name": "c", "cluster": {"server": server}}]}}, None)


@pytest.mark.parametrize(
    ("cluster", "server"), [({}, "http://a:8080"), ({"certificate-authority": "x"}, "https://a:8080")]
)
def test_a_server_without_a_scheme(cluster: dict[str, str], server: str) -> None:
    content = {**LAB, "clusters": [{"name": "c", "cluster": {"server": "a:8080", **cluster}}]}
    assert chosen({"/k": content}, None).server == server


@quick
@given(damaged(LAB))
def test_any_kubeconfig_is_read_or_refused_with_a_sentence(content: Any) -> None:
    try:
        found = chosen({"/k": content}, None)
    except MeshlabError:
        return
    assert found.server.startswith("http")
    assert os.path.isabs(found.folder or "/")
