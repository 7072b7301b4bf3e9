# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module istioctl_tag: what it says it changes, what it runs, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_tag_task as task
from ansible_collections.meshlab.istio.plugins.module_utils._errors import Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read
from ansible_collections.meshlab.istio.plugins.modules import istioctl_tag
from tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.fake_istioctl import FIXTURES, FakeIstioctl, demo, without_nulls

Object = dict[str, Any]
TAG = (FIXTURES / "tag-prod.yaml").read_text()
DEFAULT_TAG = (FIXTURES / "tag.yaml").read_text()
WEBHOOK = "MutatingWebhookConfiguration istio-revision-tag-prod"
SERVICE = "Service istio-system/istiod-revision-tag-prod"


def control_plane(revision: str) -> list[Object]:
    """Return the injector and the service of a revision, as an install leaves them."""
    suffix = "" if revision == "default" else f"-{revision}"
    found = []
    for obj in demo():
        if obj["kind"] == "MutatingWebhookConfiguration" or (obj["kind"], obj["metadata"]["name"]) == (
            "Service", "istiod",
        ):  # fmt: skip
            obj["metadata"]["name"] += suffix
            obj["metadata"]["labels"]["istio.io/rev"] = revision
            found.append(obj)
    return found


def namespace(name: str, **labels: str) -> Object:
    named = {"istio.io/rev" if key == "rev" else key.replace("_", "-"): value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": named}}


@pytest.fixture
def fake(tmp_path: Path) -> FakeIstioctl:
    fake = FakeIstioctl(tmp_path / "i")
    fake.answer("tag generate prod", TAG)
    fake.answer("tag set prod")
    fake.answer("tag remove prod")
    return fake


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster = FakeCluster(namespace("istio-system"), *control_plane("default"), *control_plane("canary"))
    cluster.defaults = without_nulls
    monkeypatch.setattr(task, "Cluster", lambda _kubeconfig, _context: cluster)
    return cluster


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: said.append(text))
    return said


@pytest.fixture
def call(fake: FakeIstioctl, capsys: pytest.CaptureFixture[str], warned: list[str]) -> Any:
    """Run the module in this process; return its result."""

    def run(check: bool = False, **options: Any) -> dict[str, Any]:
        warned.clear()
        arguments = {
            "name": "prod", "path": fake.path, "context": "lab", **options, "_ansible_check_mode": check,
        }  # fmt: skip
        with patch_module_args(arguments), pytest.raises(SystemExit):
            istioctl_tag.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return result

    return run


def applied(cluster: FakeCluster, text: str = TAG) -> None:
    """Do what ``istioctl tag set`` does."""
    for obj in read(text, "x"):
        cluster.apply(obj, task.MANAGER)
    cluster.writes.clear()


def test_a_new_tag(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    predicted = call(check=True, revision="canary")
    assert fake.calls("tag set") == []
    done = call(revision="canary")
    same = ("changed", "before", "after", "changed_objects", "diff", "revision_before", "revisions")
    assert [predicted[key] for key in same] == [done[key] for key in same]
    assert (done["changed"], done["revision_before"], done["revisions"]) == (True, None, ["canary", "default"])
    assert set(done["after"]) == {WEBHOOK, SERVICE}
    labels = done["after"][WEBHOOK][""]["metadata"]["labels"]
    assert (labels["istio.io/rev"], labels["istio.io/tag"]) == ("canary", "prod")
    assert not any("operator.istio.io" in label for label in labels), "the tag is its user's"
    (arguments,) = fake.calls("tag set")
    assert arguments == [
        "tag", "set", "prod", "--revision", "canary", "--overwrite", "--skip-confirmation",
        "--istioNamespace", "istio-system", "--context", "lab",
    ]  # fmt: skip
    assert [entry["cmd"].split(" --")[0].rsplit("/", 1)[1] for entry in done["commands"]] == [
        "istioctl tag generate prod", "istioctl tag set prod", "istioctl version",
    ]  # fmt: skip
    assert cluster.writes == [], "istioctl is what writes"


def test_the_second_run_changes_nothing(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    applied(cluster)
    # istiod rotates its certificate.
    hook = cluster.get("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "istio-revision-tag-prod")
    hook["webhooks"][0]["clientConfig"]["caBundle"] = "b3RoZXI="
    cluster.put(hook)
    cluster.put(namespace("tutorial", rev="prod"))
    result = call(revision="canary")
    assert (result["changed"], result["diff"], result["revision_before"]) == (False, [], "canary")
    assert result["namespaces"] == ["tutorial"]
    assert fake.calls("tag set") == []


def test_a_tag_of_another_revision_needs_overwrite(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    applied(cluster)
    fake.answer("tag generate prod", TAG.replace("canary", "default"))
    for check in (True, False):
        refused = call(check=check, revision="default")
        assert refused["msg"] == (
            "The tag prod points to revision canary. Set `overwrite` to point it to default."
        )  # fmt: skip
    assert fake.calls("tag") == []
    done = call(revision="default", overwrite=True)
    assert (done["changed"], done["revision_before"]) == (True, "canary")
    assert done["before"][WEBHOOK]['metadata.labels["istio.io/rev"]'] == "canary"
    assert done["after"][WEBHOOK]['metadata.labels["istio.io/rev"]'] == "default"
    assert len(fake.calls("tag set")) == 1


def test_an_edited_tag_is_mended_without_overwrite(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    applied(cluster)
    hook = cluster.get("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "istio-revision-tag-prod")
    hook["webhooks"][0]["failurePolicy"] = "Ignore"
    cluster.put(hook)
    result = call(revision="canary")
    (row,) = result["changed_objects"]
    assert (row["object"], row["old"], row["new"]) == (WEBHOOK, "Ignore", "Fail")
    assert row["field"].endswith(".failurePolicy")
    assert len(fake.calls("tag set")) == 1


def test_a_revision_that_is_not_installed(
    cluster: FakeCluster, fake: FakeIstioctl, call: Any, warned: list[str]
) -> None:
    applied(cluster)
    refused = call(revision="1-31", overwrite=True)
    assert refused["msg"] == (
        "Revision 1-31 is not installed, so no tag can point to it. Installed are canary, default, and there are the "
        "tags prod."
    )
    predicted = call(check=True, revision="1-31", overwrite=True)
    assert (predicted["changed"], predicted["cluster_exists"], warned) == (True, True, [refused["msg"]])
    assert fake.calls("tag") == []


def test_no_revision_at_all(monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    monkeypatch.setattr(task, "Cluster", lambda _kubeconfig, _context: FakeCluster())
    assert "meshlab.istio.istioctl_install installs one" in call(revision="default")["msg"]


def test_a_tag_with_the_name_of_a_revision(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    refused = call(name="canary", revision="default")
    assert "canary is the name of an installed revision" in refused["msg"]
    assert fake.calls("tag") == []


@pytest.mark.parametrize("name", ["--force", "Prod", "a.b", "a" * 64, ""])
def test_a_name_that_is_no_label(cluster: FakeCluster, fake: FakeIstioctl, call: Any, name: str) -> None:
    assert "cannot be a tag" in call(name=name, revision="default")["msg"]
    assert cluster.requests == []


def test_the_tag_default_silences_the_default_revision(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    fake.answer("tag generate default", DEFAULT_TAG.replace("istio.io/rev: default", "istio.io/rev: canary"))
    fake.answer("tag set default")
    result = call(name="default", revision="canary", auto_inject_namespaces=True)
    assert set(result["after"]) == {
        "MutatingWebhookConfiguration istio-revision-tag-default",
        "ValidatingWebhookConfiguration istiod-default-validator",
        "Service istio-system/istiod-revision-tag-default",
        "MutatingWebhookConfiguration istio-sidecar-injector",
    }
    assert all(
        value == {"istio.io/deactivated": "never-match"}
        for field, value in result["after"]["MutatingWebhookConfiguration istio-sidecar-injector"].items()
        if field.endswith("matchLabels")
    )
    (arguments,) = fake.calls("tag set")
    assert "--auto-inject-namespaces" in arguments


def test_absent(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    """The stand-in for istioctl removes nothing, so that all is left to the module."""
    applied(cluster)
    predicted = call(check=True, state="absent")
    assert cluster.writes == []
    done = call(state="absent")
    assert predicted["changed_objects"] == done["changed_objects"]
    assert (done["changed"], done["removed"], done["after"]) == (True, [WEBHOOK, SERVICE], {})
    assert "istioctl_version" not in done
    assert fake.calls("tag remove") == [
        ["tag", "remove", "prod", "--skip-confirmation", "--istioNamespace", "istio-system", "--context", "lab"]
    ]
    again = call(state="absent")
    assert (again["changed"], again["removed"]) == (False, [])
    assert len(fake.calls("tag remove")) == 1


def test_what_is_left_of_a_tag_goes_without_istioctl(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    applied(cluster)
    cluster.drop("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "istio-revision-tag-prod")
    assert call(state="absent")["removed"] == [SERVICE]
    assert fake.calls("tag") == []


def test_a_tag_in_use_stays(cluster: FakeCluster, fake: FakeIstioctl, call: Any, warned: list[str]) -> None:
    applied(cluster)
    cluster.put(namespace("tutorial", rev="prod"))
    cluster.put(namespace("other", rev="prod", istio_injection="enabled"))
    for check in (True, False):
        refused = call(check=check, state="absent")
        assert refused["msg"].startswith("The tag prod injects into the namespaces tutorial: without it their new pods")
    assert fake.calls("tag") == []
    assert call(state="absent", force=True)["changed"]
    assert "tutorial" in warned[0]


def test_istioctl_that_fails(cluster: FakeCluster, fake: FakeIstioctl, call: Any) -> None:
    fake.answer("tag set prod", stderr="Error: no\n", rc=1)
    result = call(revision="canary")
    assert result["failed"]
    assert "Error: no" in result["msg"]


# -- check mode where nothing can be asked ------------------------------------------------------------


def test_no_istioctl_yet(cluster: FakeCluster, call: Any, warned: list[str]) -> None:
    result = call(check=True, revision="canary", path="/missing/istioctl")
    assert (result["changed"], result["cluster_exists"], set(result["after"])) == (True, False, {WEBHOOK})
    assert "counts as new" in warned[0]
    assert call(revision="canary", path="/missing/istioctl")["failed"]


def test_no_cluster_yet(call: Any, tmp_path: Path) -> None:
    nowhere = {"kubeconfig": str(tmp_path / "none")}
    assert call(check=True, revision="canary", **nowhere)["changed"]
    assert not call(check=True, state="absent", **nowhere)["changed"]
    assert call(revision="canary", **nowhere)["failed"]


def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, call: Any, warned: list[str]) -> None:
    def stopped(_kubeconfig: str, _context: str) -> None:
        raise Unreachable("No Kubernetes API answers.")

    monkeypatch.setattr(task, "Cluster", stopped)
    assert not call(check=True, state="absent")["changed"]
    assert "is not known" in warned[0]
    assert call(state="absent")["failed"]


@pytest.mark.usefixtures("no_kubernetes")
def test_a_bare_host(call: Any) -> None:
    result = call(check=True, revision="canary")
    assert (result["changed"], result["cluster_exists"]) == (True, False)
