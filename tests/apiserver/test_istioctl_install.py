# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""istioctl_install against a real API server and the real istioctl: what it predicts is what happens.

About ten seconds a case: `make apiserver` and `make test` run those marked short, `make test-all` runs all of them.
"""

from __future__ import annotations

import copy
import json
import random
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_remove as removals
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._istio_install import Installer
from ansible_collections.meshlab.istio.plugins.module_utils._istio_run import Run
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from tests.apiserver.control_plane import NAMESPACE, PROGRAMS, Controllers

TIMEOUT = 300
"""Seconds that an installation may take: ten on an idle machine, minutes on one with other work."""

Object = dict[str, Any]
Row = tuple[str, str, str, str]

SPECS = 24
SHORT = 3
"""As many of them are short: nobody interferes, then somebody edits a field, then somebody scales."""
ENTRIES = [
    "values.pilot.env.FOO=a", "values.pilot.env.FOO=b", "values.pilot.autoscaleEnabled=true",
    "components.egressGateways[0].enabled=false", "components.ingressGateways[0].enabled=false",
    "components.ingressGateways[1].name=extra", "meshConfig.accessLogFile=/dev/null",
    "meshConfig.outboundTrafficPolicy.mode=REGISTRY_ONLY", "values.global.imagePullPolicy=IfNotPresent",
    "values.pilot.resources.requests.cpu=50m", "values.pilot.traceSampling=33.5",
    "values.global.logging.level=default:debug", "tag=1.30", "hub=example.com/mesh", "values.pilot.replicaCount=2",
    "components.pilot.k8s.hpaSpec.maxReplicas=3", "values.sidecarInjectorWebhook.rewriteAppHTTPProbe=false",
    "values.sidecarInjectorWebhook.enableNamespacesByDefault=true",
    "values.global.proxy.resources.limits.memory=512Mi",
    "values.gateways.istio-ingressgateway.autoscaleEnabled=true", "values.global.operatorManageWebhooks=true",
    "values.global.configValidation=false", "values.pilot.nodeSelector.disk=ssd",
    "values.global.networkPolicy.enabled=true", "profile=minimal", "profile=default",
    "values.telemetry.v2.prometheus.enabled=false",
]  # fmt: skip


def tool(kubeconfig: str) -> Istioctl:
    return Istioctl(str(PROGRAMS["istioctl"]), kubeconfig)


def operator(*entries: str, **options: Any) -> Object:
    return operators.build(profile="demo", set_entries=entries, **options)


def install(cluster: Cluster, document: Object, runs: Path, wait: str = "all") -> tuple[plans.Plan, bool, bool]:
    assert cluster.kubeconfig is not None
    installer = Installer(
        tool(cluster.kubeconfig), cluster, document, Run("uid", str(runs)),
        timeout=TIMEOUT, failure_grace=TIMEOUT, progress=lambda _text: None,
    )  # fmt: skip
    return installer.install(wait, allow_downgrade=True)


def plan(cluster: Cluster, document: Object) -> plans.Plan:
    assert cluster.kubeconfig is not None
    return plans.make(tool(cluster.kubeconfig), cluster, document)


def snapshot(cluster: Cluster) -> dict[owned.Key, Object]:
    kinds = (*owned.PRUNED_KINDS, *owned.FORGOTTEN_KINDS, owned.CRD)
    return {owned.key_of(obj): obj for obj in owned.owned(cluster, kinds)}


def rows(changes: list[plans.Change]) -> set[Row]:
    """Return what changes; of an object that appears or goes only that it does."""
    found = set()
    for change in changes:
        for each in change.fields:
            whole = each["field"] == ""
            old, new = (
                json.dumps("there" if whole and each[side] is not None else each[side], sort_keys=True)
                for side in ("old", "new")
            )
            found.add((reference(change.object), each["field"], old, new))
    return found


def happened(before: dict[owned.Key, Object], after: dict[owned.Key, Object]) -> set[Row]:
    return rows([plans.Change(before.get(key), after.get(key)) for key in {*before, *after}])


def until_gone(cluster: Cluster, changes: list[plans.Change]) -> None:
    """istioctl does not wait for what it deletes."""
    end = time.monotonic() + TIMEOUT
    for change in changes:
        obj = change.object
        place = obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace")
        while change.after is None and cluster.find(*place) is not None and time.monotonic() < end:
            time.sleep(0.1)


def edit_field(cluster: Cluster) -> None:
    body = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}
    cluster.patch("apps/v1", "Deployment", "istiod", NAMESPACE, body)


def scale(cluster: Cluster) -> None:
    cluster.patch("apps/v1", "Deployment", "istiod", NAMESPACE, {"spec": {"replicas": 4}})


def edit_labels(cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/name": "other", "mine": "yes"}
    cluster.patch("v1", "Service", "istiod", NAMESPACE, {"metadata": {"labels": labels}})


def edit_configuration(cluster: Cluster) -> None:
    cluster.patch("v1", "ConfigMap", "istio", NAMESPACE, {"data": {"mesh": "accessLogFile: /x\n", "mine": "1"}})


def delete(cluster: Cluster) -> None:
    cluster.delete("v1", "ConfigMap", "istio-sidecar-injector", NAMESPACE)


def leave_something(cluster: Cluster) -> None:
    version = tool(cluster.kubeconfig or "").version_text
    for name, by in (("of-an-old-version", "1.19.3"), ("no-longer-rendered", version)):
        labels = owned.owner_labels(version=by, revision="", namespace=NAMESPACE, name=None)
        cluster.apply({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {**labels, owned.COMPONENT: "Pilot"}},
            "spec": {"minAvailable": 0, "selector": {"matchLabels": {"a": "b"}}},
        }, "test")  # fmt: skip


def edit_webhook(cluster: Cluster) -> None:
    obj = copy.deepcopy(cluster.find(*owned.CLUSTER_KINDS[0], "istio-revision-tag-default"))
    if obj is not None:
        for hook in obj["webhooks"]:
            hook["objectSelector"] = {"matchLabels": {"never": "never"}}
        obj["metadata"].pop("managedFields")
        cluster.apply(obj, "test")


def nothing(_cluster: Cluster) -> None:
    """Nobody interferes."""


HOSTILE: list[Callable[[Cluster], None]] = [
    nothing, edit_field, scale, edit_labels, edit_configuration, delete, leave_something, edit_webhook
]  # fmt: skip


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[pytest.mark.short] if number < SHORT else []) for number in range(SPECS)]
)
def test_what_is_predicted_is_what_happens(number: int, cluster: Cluster, tmp_path_factory: Any) -> None:
    chance = random.Random(number)  # noqa: S311 - cases, not secrets
    document = operator(*chance.sample(ENTRIES, chance.randint(0, 4)))
    if cluster.find("apps/v1", "Deployment", "istiod", NAMESPACE) is not None:
        HOSTILE[number % len(HOSTILE)](cluster)
        time.sleep(1)
    before = snapshot(cluster)
    predicted = plan(cluster, document)
    install(cluster, document, tmp_path_factory.getbasetemp() / "runs")
    until_gone(cluster, predicted.changes)
    wanted = {row for row in rows(predicted.changes) if not row[0].startswith("Namespace ")}
    assert wanted == happened(before, snapshot(cluster))
    assert rows(plan(cluster, document).changes) == set()


def test_control_plane_first_then_the_rest(cluster: Cluster, controllers: Controllers, tmp_path: Path) -> None:
    install(cluster, operator(), tmp_path)
    controllers.broken = {"istio-ingressgateway"}
    document = operator("values.global.proxy.logLevel=info", "components.ingressGateways[0].k8s.replicaCount=3")
    done, running, joined = install(cluster, document, tmp_path, "control_plane")
    assert (bool(done.changes), running, joined) == (True, True, False)
    controllers.broken.clear()
    _plan, running, joined = install(cluster, document, tmp_path)
    assert (running, joined) == (False, True)
    assert rows(plan(cluster, document).changes) == set()


@pytest.mark.short
def test_a_canary_revision_comes_and_goes(cluster: Cluster, tmp_path: Path) -> None:
    install(cluster, operator(), tmp_path)
    canary = operators.build(profile="minimal", revision="canary")
    install(cluster, canary, tmp_path)
    assert rows(plan(cluster, canary).changes) == set()
    assert rows(plan(cluster, operator()).changes) == set(), "what revisions share is no reason to install again"
    gone = removals.plan(cluster, revision="canary", namespace=NAMESPACE, purge=False, remove_user_resources=False)
    removals.carry_out(cluster, gone, TIMEOUT, lambda _text: None)
    assert "Deployment istio-system/istiod-canary" in gone.result()["removed"]
    assert cluster.find("apps/v1", "Deployment", "istiod", NAMESPACE) is not None
    everything = removals.plan(cluster, revision="default", namespace=NAMESPACE, purge=True, remove_user_resources=True)
    removals.carry_out(cluster, everything, TIMEOUT, lambda _text: None)
    assert snapshot(cluster) == {}
    again = removals.plan(cluster, revision="default", namespace=NAMESPACE, purge=True, remove_user_resources=False)
    assert again.doomed == []
