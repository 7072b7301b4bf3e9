# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml on a lab that is to be upgraded: the new revision, the tag, the namespace, then the workloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plays import rehearsal

ISTIO = "1.30.3"
OUTDATED = {"object": "Deployment tutorial/details-v1", "pods": 3, "before": [None], "after": None}
STEPS = ("istioctl_install", "istioctl_tag", "workloads_info", "sidecars", "kubernetes.core.k8s_exec")


def test_by_revision_and_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    going = {"metadata": {"name": "sleep-0", "deletionTimestamp": "2026-11-25T12:00:00Z"}}
    answers = {
        "workloads_info": {"pods": [], "outdated": [OUTDATED]},
        "kubernetes.core.k8s_info": {"resources": [going, {"metadata": {"name": "sleep-1"}}]},
    }
    for name, answer in answers.items():
        monkeypatch.setitem(rehearsal.ANSWERS, name, answer)
    calls = rehearsal.Rehearsal(tmp_path).run(
        ISTIO, istio_version=ISTIO, istio_revision="1-30", bookinfo_revision="prod",
        istio_tags=[{"name": "prod", "revision": "1-30"}, {"name": "old", "revision": "default"}],
    )  # fmt: skip
    steps = [call for call in calls if call.action in STEPS]
    assert [step.action for step in steps] == [
        "istioctl_install", "istioctl_tag", "istioctl_tag", "istioctl_install", "workloads_info", "sidecars",
        "workloads_info", "kubernetes.core.k8s_exec",
    ]  # fmt: skip
    assert steps[0].args["revision"] == steps[3].args["revision"] == "1-30"
    assert [(tag.args["name"], tag.args["revision"], tag.args["overwrite"]) for tag in steps[1:3]] == [
        ("prod", "1-30", True), ("old", "default", True),
    ]  # fmt: skip
    assert (steps[5].args["namespaces"], steps[5].args["revision"]) == (["tutorial"], "prod")
    assert steps[7].args["pod"] == "sleep-1"
    bookinfo = [call for call in calls if call.action == "manifests"][-1]
    assert bookinfo.args["definition"]["metadata"]["labels"] == {"istio.io/rev": "prod"}
