# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""istioctl_install on a real cluster: what ``--check --diff`` predicts is what the real run then changes.

Each case starts from what the one before left, so that fields, objects and whole components come and go.
"""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from tests.integration.all import istio
from tests.integration.all.lab import Lab
from tests.integration.all.snapshot import Row, happened, rows, snapshot

SPECS = 24
ENTRIES = (
    "values.pilot.env.FOO=a", "values.pilot.env.FOO=b", "values.pilot.autoscaleEnabled=true",
    "components.egressGateways[0].enabled=false", "components.ingressGateways[0].enabled=false",
    "components.ingressGateways[1].name=extra", "meshConfig.accessLogFile=/dev/null",
    "meshConfig.outboundTrafficPolicy.mode=REGISTRY_ONLY", "values.global.imagePullPolicy=IfNotPresent",
    "values.pilot.resources.requests.cpu=50m", "values.pilot.traceSampling=33.5",
    "values.global.logging.level=default:debug", "tag=1.30", f"hub={istio.OTHER_REGISTRY}",
    "values.pilot.replicaCount=2", "components.pilot.k8s.hpaSpec.maxReplicas=3",
    "values.sidecarInjectorWebhook.rewriteAppHTTPProbe=false",
    "values.sidecarInjectorWebhook.enableNamespacesByDefault=true",
    "values.global.proxy.resources.limits.memory=512Mi",
    "values.gateways.istio-ingressgateway.autoscaleEnabled=true", "values.global.operatorManageWebhooks=true",
    "values.global.configValidation=false", "values.pilot.nodeSelector.disk=ssd",
    "values.global.networkPolicy.enabled=true", "profile=minimal", "profile=default",
)  # fmt: skip
SMALL = "values.pilot.resources.requests.cpu=20m"
"""Replicas of istiod, old and new ones together, fit on two cores also as other profiles ask for them."""
GONE_SECONDS = 20.0
"""istioctl does not wait for what it deletes."""


pytestmark = pytest.mark.usefixtures("whole_lab_afterwards")


@pytest.fixture(scope="module", autouse=True)
def images(lab: Lab) -> None:
    """Have the images under the names that the cases ask for."""
    istio.prepare(lab)


@pytest.mark.parametrize("number", range(SPECS))
def test_what_is_predicted_is_what_happens(number: int, lab: Lab, measured: dict[str, Any]) -> None:
    chance = random.Random(number)  # noqa: S311 - cases, not secrets
    entries = [SMALL, *chance.sample(ENTRIES, chance.randint(1, 4))]
    hostile = istio.HOSTILE[number % len(istio.HOSTILE)]
    if lab.kubectl("-n", istio.NAMESPACE, "get", "deployment", "istiod", "istio-ingressgateway", "--ignore-not-found",
                   "--output=name").count("/") == 2:  # fmt: skip
        hostile(lab)
    predicted = istio.install(lab, "--check", "--diff", set=entries)
    before = snapshot(lab)
    done = istio.install(lab, set=entries)
    after = settled(lab, before, rows(predicted))
    measured.update(
        set=entries, hostile=hostile.__name__, rows=len(rows(predicted)), objects=len(predicted["diff"]),
        install_seconds=done["seconds"], check_seconds=predicted["seconds"],
    )  # fmt: skip
    assert happened(before, after) == rows(predicted)
    assert rows(done) == rows(predicted)
    assert (predicted["changed"], done["changed"]) == (bool(rows(predicted)),) * 2
    again = istio.install(lab, set=entries)
    assert (again["changed"], istio.started(again), rows(again)) == (False, False, set())


def settled(lab: Lab, before: dict[Any, Any], expected: set[Row]) -> dict[Any, Any]:
    """Return the cluster once it is as expected, or as it is when what istioctl deletes had time to go."""
    end = time.monotonic() + GONE_SECONDS
    while True:
        after = snapshot(lab)
        if happened(before, after) == expected or time.monotonic() > end:
            return after
        time.sleep(1)
