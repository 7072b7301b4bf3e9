# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One installation of Istio through its life on a real cluster; each test goes on from where the one before ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.all import istio
from tests.integration.all.lab import Lab, Object, until
from tests.integration.all.snapshot import happened, rows, snapshot

MESH = "ConfigMap istio-system/istio"
VALUES = "ConfigMap istio-system/values"
WORKLOADS = "move-me"
CANARY = "canary"


pytestmark = pytest.mark.usefixtures("whole_lab_afterwards")


@pytest.fixture(scope="module", autouse=True)
def installed(lab: Lab) -> None:
    """Begin with these tests' own installation, also when they go on where they were interrupted."""
    istio.install(lab)


def changed_lines(result: dict[str, Any]) -> list[str]:
    """Return the lines of a diff as a person reads it, with the object in front."""
    return [
        f"{entry['after_header']} {sign} {line}"
        for entry in result["diff"]
        for sign, side in (("-", "before"), ("+", "after"))
        for line in entry[side].splitlines()
    ]


def without_pods(result: dict[str, Any]) -> set[str]:
    """Return what a removal names, but for pods, which a snapshot does not hold."""
    return {name for name in result["removed"] if not name.startswith("Pod ")}


def sidecars(lab: Lab) -> list[str]:
    """Return the revision of the sidecar of each running pod of the workloads' namespace."""
    pods = json.loads(lab.kubectl("-n", WORKLOADS, "get", "pods", "--output=json"))["items"]
    live = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return [json.loads(pod["metadata"]["annotations"]["sidecar.istio.io/status"])["revision"] for pod in live]


def tag(lab: Lab, *options: str, **more: Any) -> dict[str, Any]:
    """Run the module istioctl_tag for the tag of these tests."""
    return lab.ours("istioctl_tag", {"name": "prod", "path": lab.istioctl, **more}, *options)


def renew(lab: Lab, *options: str, **more: Any) -> dict[str, Any]:
    """Run the module sidecars for the workloads' namespace."""
    return lab.ours("sidecars", {"namespaces": [WORKLOADS], **more}, *options)


def is_renewed(result: dict[str, Any]) -> bool:
    """Tell whether the only workload, and nothing else, was restarted."""
    return [row["object"] for row in result["restarted"]] == [f"Deployment {WORKLOADS}/sleep"]


def test_purge_leaves_nothing_that_carries_its_labels(lab: Lab, measured: dict[str, Any]) -> None:
    before = snapshot(lab)
    predicted = istio.install(lab, "--check", "--diff", state="absent", purge=True, remove_user_resources=True)
    done = istio.install(lab, "--diff", state="absent", purge=True, remove_user_resources=True)
    after = snapshot(lab)
    gone = {row for row in happened(before, after) if row[1] == "" and row[3] == "null"}
    assert without_pods(predicted) == without_pods(done) == {row[0] for row in gone}
    again = istio.install(lab, state="absent", purge=True)
    assert (again["changed"], again["removed"]) == (False, [])
    measured.update(removed=len(gone), left_behind=again["left_behind"], remove_seconds=done["seconds"])


def test_install(lab: Lab, measured: dict[str, Any]) -> None:
    predicted = istio.install(lab, "--check", "--diff")
    before = snapshot(lab)
    done = istio.install(lab)
    assert happened(before, snapshot(lab)) == rows(predicted)
    assert (done["changed"], done["installed"], done["running"], istio.started(done)) == (True, True, False, True)
    hooks = json.loads(lab.kubectl("get", "validatingwebhookconfigurations", "--output=json"))["items"]
    policies = {hook["failurePolicy"] for obj in hooks for hook in obj["webhooks"]}
    assert policies == {"Fail"}
    measured.update(objects=len(predicted["diff"]), install_seconds=done["seconds"])


def test_no_change(lab: Lab, measured: dict[str, Any]) -> None:
    before = snapshot(lab)
    again = istio.install(lab, "--diff")
    assert (again["changed"], again["diff"], istio.started(again)) == (False, [], False)
    assert happened(before, snapshot(lab)) == set()
    measured.update(seconds_of_the_task=again["seconds"], commands=[each["cmd"] for each in again["commands"]])


@pytest.mark.parametrize(
    ("entry", "old", "new"),
    [("/dev/null", "/dev/stdout", "/dev/null"), ("", "/dev/null", "/dev/stdout")],
    ids=["change a value", "remove a value"],
)
def test_the_diff_shows_that_field_and_no_other(
    entry: str, old: str, new: str, lab: Lab, measured: dict[str, Any]
) -> None:
    """The mesh's configuration, and what istioctl keeps of the values: merged ones, and those that were given.

    Without the entry the profile's own value is back.
    """
    options = {"set": [f"meshConfig.accessLogFile={entry}"]} if entry else {}
    predicted = istio.install(lab, "--check", "--diff", **options)
    before = snapshot(lab)
    done = istio.install(lab, "--diff", **options)
    given = f'data.original-values.meshConfig: {{"accessLogFile": "{entry or old}"}}'
    assert changed_lines(predicted) == changed_lines(done)
    assert sorted(changed_lines(done)) == sorted([
        f"{MESH} - data.mesh.accessLogFile: {old}", f"{MESH} + data.mesh.accessLogFile: {new}",
        f"{VALUES} - data.merged-values.meshConfig.accessLogFile: {old}",
        f"{VALUES} + data.merged-values.meshConfig.accessLogFile: {new}", f"{VALUES} {'+' if entry else '-'} {given}",
    ])  # fmt: skip
    assert happened(before, snapshot(lab)) == rows(predicted)
    assert istio.started(done)
    measured.update(diff=changed_lines(done), install_seconds=done["seconds"])


def test_a_new_value_comes_and_goes(lab: Lab, measured: dict[str, Any]) -> None:
    """A field that no profile has: it appears, and removed from the spec it goes."""
    shown = []
    for options in ({"set": ["meshConfig.connectTimeout=7s"]}, {}):
        done = istio.install(lab, "--diff", **options)
        assert {row[0] for row in rows(done)} == {MESH, VALUES}
        shown.append(changed_lines(done))
    measured["diff"] = shown
    assert all("connectTimeout" in line for lines in shown for line in lines)
    assert [line.replace(" + ", " - ") for line in shown[0]] == shown[1]


def test_upgrade_in_place_and_no_downgrade(lab: Lab, measured: dict[str, Any]) -> None:
    """With a stand-in for the next release: the same istioctl under another version."""
    following = istio.next_release(lab)
    predicted = istio.install(lab, "--check", "--diff", path=following)
    before = snapshot(lab)
    done = istio.install(lab, path=following)
    assert happened(before, snapshot(lab)) == rows(predicted)
    assert (done["version"], done["istioctl_version"]) == (lab.variables["istio_version"], istio.NEXT_VERSION)
    refused = istio.install(lab, fails=True)
    assert "that would be a downgrade" in refused["msg"]
    assert "allow_downgrade" in refused["msg"]
    back = istio.install(lab, allow_downgrade=True)
    assert back["changed"]
    measured.update(objects=len(predicted["diff"]), refusal=refused["msg"])


def test_sidecars_after_an_upgrade_in_place(lab: Lab, measured: dict[str, Any]) -> None:
    """The injector has another image, here the same under another name; workloads keep theirs until a restart."""
    istio.prepare(lab)
    workloads(lab)
    assert not renew(lab)["changed"]
    for options in ({"hub": istio.OTHER_REGISTRY}, {}):
        istio.install(lab, **options)
        predicted = renew(lab, "--check", "--diff")
        done = renew(lab, "--diff")
        assert rows(predicted) == rows(done)
        assert is_renewed(done)
        hub = options.get("hub", lab.variables["istio_hub"])
        image = f"{hub}/proxyv2:{lab.variables['istio_tag']}"
        assert done["restarted"][0]["after"] == {"revision": "default", "image": image}
        assert not renew(lab)["changed"]
    measured.update(diff=changed_lines(done), seconds=done["seconds"])


def test_a_canary_control_plane_beside_the_old_one(lab: Lab, measured: dict[str, Any]) -> None:
    workloads(lab)
    assert sidecars(lab) == ["default"]
    options = {"profile": "minimal", "revision": CANARY}
    predicted = istio.install(lab, "--check", "--diff", **options)
    before = snapshot(lab)
    done = istio.install(lab, **options)
    assert happened(before, snapshot(lab)) == rows(predicted)
    assert done["installed"]
    # Neither revision wants to install again because of what both share.
    for again in (istio.install(lab, **options), istio.install(lab)):
        assert (again["changed"], istio.started(again)) == (False, False)
    assert sidecars(lab) == ["default"]
    measured.update(objects=len(predicted["diff"]), install_seconds=done["seconds"])


def test_a_namespace_moves_to_a_tag_of_the_canary(lab: Lab, measured: dict[str, Any]) -> None:
    predicted = tag(lab, "--check", "--diff", revision=CANARY)
    before = snapshot(lab)
    done = tag(lab, revision=CANARY)
    assert happened(before, snapshot(lab)) == rows(predicted) == rows(done)
    assert not tag(lab, revision=CANARY)["changed"]
    assert sidecars(lab) == ["default"]
    foreseen = renew(lab, "--check", "--diff", revision="prod")
    moved = renew(lab, "--diff", revision="prod")
    assert rows(foreseen) == rows(moved)
    assert (moved["moved"], is_renewed(moved), sidecars(lab)) == ([WORKLOADS], True, [CANARY])
    assert not renew(lab, revision="prod")["changed"]
    # A tag of the user's is no drift of either revision.
    for options in ({}, {"profile": "minimal", "revision": CANARY}):
        assert not istio.install(lab, "--check", **options)["changed"]
    refused = lab.ours("istioctl_tag", {"name": "prod", "path": lab.istioctl, "state": "absent"}, fails=True)
    assert WORKLOADS in refused["msg"]
    measured.update(
        revision_of_the_sidecar=sidecars(lab), tag_seconds=done["seconds"], move_seconds=moved["seconds"],
        diff=changed_lines(moved),
    )  # fmt: skip


def test_a_tag_that_is_pointed_elsewhere_takes_its_namespaces_along(lab: Lab, measured: dict[str, Any]) -> None:
    """To the default revision and back: the workloads follow by a restart, found by the tag alone."""
    refused = lab.ours("istioctl_tag", {"name": "prod", "path": lab.istioctl, "revision": "default"}, fails=True)
    assert "points to revision canary" in refused["msg"]
    missing = {"name": "prod", "path": lab.istioctl, "revision": "1-0", "overwrite": True}
    assert "Installed are canary, default" in lab.ours("istioctl_tag", missing, fails=True)["msg"]
    for revision in ("default", CANARY):
        predicted = tag(lab, "--check", "--diff", revision=revision, overwrite=True)
        before = snapshot(lab)
        assert tag(lab, revision=revision, overwrite=True)["changed"]
        assert happened(before, snapshot(lab)) == rows(predicted)
        done = renew(lab)
        assert (is_renewed(done), sidecars(lab)) == (True, [revision])
    assert not renew(lab)["changed"]
    measured["refusal"] = refused["msg"]


def test_the_old_revision_goes(lab: Lab, measured: dict[str, Any]) -> None:
    predicted = istio.install(lab, "--check", "--diff", state="absent", revision="default")
    before = snapshot(lab)
    done = istio.install(lab, state="absent", revision="default")
    gone = {row[0] for row in happened(before, snapshot(lab)) if row[1] == "" and row[3] == "null"}
    assert without_pods(predicted) == without_pods(done) == gone
    assert "Deployment istio-system/istiod" in gone
    assert not renew(lab)["changed"]
    # The canary goes on injecting.
    lab.kubectl("-n", WORKLOADS, "delete", "pods", "--all")
    lab.kubectl("-n", WORKLOADS, "rollout", "status", "deployment", "sleep", "--timeout=120s")
    assert sidecars(lab) == [CANARY]
    again = istio.install(lab, state="absent", revision="default")
    assert (again["changed"], again["removed"]) == (False, [])
    measured.update(removed=sorted(gone), remove_seconds=done["seconds"])


def test_removing_a_revision_in_use_warns(lab: Lab, measured: dict[str, Any]) -> None:
    predicted = lab.tasks([{"meshlab.istio.istioctl_install": {
        **istio.arguments(lab, state="absent", revision=CANARY), "kubeconfig": "/root/.kube/config",
    }}], "--check")[0]  # fmt: skip
    assert any(WORKLOADS in warning for warning in predicted.get("warnings", []))
    measured["warnings"] = predicted["warnings"]


def test_absent(lab: Lab, measured: dict[str, Any]) -> None:
    lab.kubectl("delete", "namespace", WORKLOADS)
    lab.apply([virtual_service()])
    refused = istio.install(lab, fails=True, state="absent", purge=True)
    assert "VirtualService default/mine" in refused["msg"]
    assert lab.kubectl("get", "virtualservices", "-n", "default", "--output=name").strip()
    done = istio.install(lab, state="absent", purge=True, remove_user_resources=True)
    assert "Deployment istio-system/istiod-canary" in done["removed"]
    labelled = lab.kubectl("get", "all,configmaps,crds,clusterroles,clusterrolebindings,mutatingwebhookconfigurations",
                           "--all-namespaces", "--selector=operator.istio.io/component", "--output=name")  # fmt: skip
    assert labelled == ""
    # A tag that a user made is theirs: it is named, not taken.
    assert "MutatingWebhookConfiguration istio-revision-tag-prod" in done["left_behind"]
    removed = tag(lab, state="absent")["removed"]
    assert "MutatingWebhookConfiguration istio-revision-tag-prod" in removed
    assert not tag(lab, state="absent")["changed"]
    measured.update(refusal=refused["msg"], left_behind=done["left_behind"], removed=len(done["removed"]))


def workloads(lab: Lab) -> None:
    """Make a namespace with a deployment that the default revision injects."""
    metadata = {"name": WORKLOADS, "labels": {"istio-injection": "enabled"}}
    lab.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, deployment()])
    lab.kubectl("-n", WORKLOADS, "rollout", "status", "deployment", "sleep", "--timeout=120s")
    until(lambda: len(sidecars(lab)) == 1, 60, "one pod")


def deployment() -> Object:
    labels = {"app": "sleep"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "sleep", "namespace": WORKLOADS},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "sleep", "image": "docker.io/curlimages/curl:8.16.0",
                                    "command": ["sleep", "infinity"]}],
                },
            },
        },
    }  # fmt: skip


def virtual_service() -> Object:
    return {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "mine", "namespace": "default"},
        "spec": {"hosts": ["mine.example.com"], "http": [{"directResponse": {"status": 204}}]},
    }  # fmt: skip
