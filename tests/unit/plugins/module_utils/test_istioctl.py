# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The istioctl binary and its version, and what it would make of the tag default."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_tag as tags
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_versions import Version
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from tests.unit.plugins.fake_istioctl import FIXTURES, FakeIstioctl, demo

OBJECT = "apiVersion: v1\nkind: A\nmetadata: {name: a}\n"


def test_the_version_is_asked_once_and_never_of_the_cluster(tmp_path: Path) -> None:
    fake = FakeIstioctl(tmp_path / "i")
    tool = fake.tool()
    assert tool.version_text == "1.31.0-dev"
    assert tool.version == Version(1, 31, 0, False, "dev")
    assert tool.release.minor == 31
    assert tool.warnings == []
    assert fake.calls("version") == [["version", "--remote=false", "--output", "json"]]


@pytest.mark.parametrize("text", ["1.99.0", "unknown"])
def test_a_release_newer_than_the_table_is_its_newest_row(tmp_path: Path, text: str) -> None:
    tool = FakeIstioctl(tmp_path / "i", text).tool()
    assert tool.release.minor == 31
    assert tool.has("default tag has a Service")
    assert bool(tool.warnings) is (text != "unknown")


@pytest.mark.parametrize(
    "output",
    ["", "{}", "[]", "null", "Client version: x", '{"clientVersion": null}', '{"clientVersion": {"version": null}}'],
)
def test_something_else_under_the_name_is_refused(tmp_path: Path, output: str) -> None:
    fake = FakeIstioctl(tmp_path / "i")
    fake.answer("version", output)
    with pytest.raises(CommandError, match="Is it really istioctl"):
        _ = fake.tool().version_text


def test_a_missing_binary_names_the_remedy() -> None:
    with pytest.raises(CommandError, match="full path in `path`"):
        Istioctl("/nowhere/istioctl").resolve()


def test_notices_before_the_manifests_are_skipped(tmp_path: Path) -> None:
    fake = FakeIstioctl(tmp_path / "i")
    fake.answer("manifest generate", f"Istio may not work on this: [x]\n{OBJECT}---\n---\n{OBJECT.replace('A', 'B')}")
    assert [obj["kind"] for obj in fake.tool().generate("iop", cluster_specific=True, force=True)] == ["A", "B"]
    assert fake.calls("manifest generate") == [
        ["manifest", "generate", "--filename", "iop", "--cluster-specific",
         "--kubeconfig", "/nowhere/kubeconfig", "--context", "lab", "--force"]
    ]  # fmt: skip
    fake.tool().generate("iop", cluster_specific=False)
    assert fake.calls("manifest generate")[1] == ["manifest", "generate", "--filename", "iop"]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("apiVersion: [", "is not YAML"),
        ("Nothing to do.", "where a Kubernetes object belongs"),
        ("apiVersion: v1\nkind: A\n", "no metadata.name"),
        (OBJECT + "---\nkind: A", "no apiVersion"),
        (OBJECT + "data: {a: .inf}", "JSON has no infinity"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, output: str, words: str) -> None:
    fake = FakeIstioctl(tmp_path / "i")
    fake.answer("manifest generate", output)
    with pytest.raises(CommandError, match=rf"not the manifests it was asked for: .*{words}") as caught:
        fake.tool().generate("iop", cluster_specific=False)
    assert caught.value.details["stdout"] == output


def test_the_tag_gets_the_labels_that_an_install_gives_it(tmp_path: Path) -> None:
    fake = FakeIstioctl(tmp_path / "i")
    injector = next(obj for obj in demo() if obj["kind"] == "MutatingWebhookConfiguration")
    service = next(obj for obj in demo() if obj["metadata"]["name"] == "istiod" and obj["kind"] == "Service")
    objects = tags.default_tag(
        fake.tool(), injector, service, None, {"operator.istio.io/version": "x"}, namespace="mesh", auto_inject=True
    )
    assert [obj["kind"] for obj in objects] == [
        "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "Service"
    ]  # fmt: skip
    assert objects[2]["metadata"]["namespace"] == "istio-system"
    for obj in objects:
        labels = obj["metadata"]["labels"]
        assert labels["operator.istio.io/version"] == "x"
        assert labels["operator.istio.io/component"] == "Pilot"
        assert labels["install.operator.istio.io/owning-resource"] == "unknown"
        assert labels["install.operator.istio.io/owning-resource-not-pruned"] == "true"
    (call,) = fake.calls("tag generate")
    assert call[:5] == ["tag", "generate", "default", "--revision", "default"]
    assert "--auto-inject-namespaces" in call
    assert not Path(call[-1]).exists()


def test_a_tag_without_objects_is_an_error(tmp_path: Path) -> None:
    fake = FakeIstioctl(tmp_path / "i")
    fake.answer("tag generate default", "")
    injector = {"metadata": {"labels": {"istio.io/rev": "default"}}}
    with pytest.raises(CommandError, match="no objects"):
        tags.default_tag(fake.tool(), injector, {}, {"kind": "X"}, {}, namespace="n", auto_inject=False)


def test_the_loopback_api_answers_as_client_go_wants_it() -> None:
    with tags._served({"/version": {"major": "1"}}) as kubeconfig:
        config = json.loads(Path(kubeconfig).read_text())
        url = config["clusters"][0]["cluster"]["server"]
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/version?timeout=15s") as answer:
            assert json.load(answer) == {"major": "1"}
        for path, code in (("/api", 404), ("/x?watch=true&sendInitialEvents=true", 422)):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(url + path)
            assert caught.value.code == code
            caught.value.close()
        watch = urllib.request.urlopen(f"{url}/x?watch=true")
        assert watch.status == 200
    assert watch.read() == b""
    watch.close()
    assert FIXTURES.exists()
