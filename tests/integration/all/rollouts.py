# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twelve kinds of rollouts that fail, and five that only look so, as data: a pod, and what its namespace holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

SHELL = "docker.io/curlimages/curl:8.16.0"
"""An image of the lab with a shell; its program runs as root."""
DENY = "meshlab.test/deny"
"""Namespaces with this label are those of the webhook that denies everything."""
DEFAULT_GRACE = 120
GRACE = 30
"""Seconds that a passing trouble may last (``failure_grace``): by default, and where nothing else ends a wait."""


@dataclass(frozen=True)
class Rollout:
    """One kind of failing rollout.

    :param title: as the table in the documentation calls it.
    :param reason: the word with which the wait must end.
    :param container: laid over the pod's container.
    :param pod: laid over the pod.
    :param objects: what else is in its namespace.
    :param grace: seconds that a passing trouble may last.
    :param final: it cannot become ready, and nothing has to be tried several times to know so.
    """

    title: str
    reason: str
    container: Object = field(default_factory=dict)
    pod: Object = field(default_factory=dict)
    objects: tuple[Object, ...] = ()
    labels: Object = field(default_factory=dict)
    grace: float = DEFAULT_GRACE
    final: bool = True

    def pod_spec(self) -> Object:
        """Return the pod."""
        container = {"name": "app", "image": SHELL, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "infinity"]}
        return {"terminationGracePeriodSeconds": 0, "containers": [{**container, **self.container}], **self.pod}

    def namespace(self, name: str) -> list[Object]:
        """Return the namespace with what it holds."""
        labels = {"meshlab.test/rollouts": "yes", **self.labels}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        return [
            space,
            *({**obj, "metadata": {**obj["metadata"], "namespace": name}} for obj in self.objects),
        ]


def _sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def _variable(source: str, name: str, key: str) -> Object:
    return {"env": [{"name": "VALUE", "valueFrom": {source: {"name": name, "key": key}}}]}


PROBED = {"readinessProbe": {"exec": {"command": ["ls", "/ready"]}, "initialDelaySeconds": 60}}
"""Not ready for as long as it runs: a container without a probe is ready from its start until it ends."""

FAILING = {
    "never_pulled": Rollout(
        "missing image, pull policy Never", "ErrImageNeverPull",
        {"image": "localhost:5000/nothing:1", "imagePullPolicy": "Never"},
    ),
    "image_not_found": Rollout(
        "image not found", "ErrImagePull|ImagePullBackOff", {"image": "localhost:5000/nothing:1"}
    ),
    "non_root": Rollout(
        "runAsNonRoot, image runs as root", "CreateContainerConfigError", {"securityContext": {"runAsNonRoot": True}}
    ),
    "no_config_map": Rollout(
        "missing ConfigMap", "CreateContainerConfigError", {"envFrom": [{"configMapRef": {"name": "nowhere"}}]}
    ),
    "no_secret_key": Rollout(
        "missing key of a Secret", "CreateContainerConfigError", _variable("secretKeyRef", "there", "missing"),
        objects=({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "there"}, "stringData": {"other": "x"}},),
    ),
    "quota": Rollout(
        "quota", "FailedCreate",
        objects=({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
                  "spec": {"hard": {"pods": "0"}}},),
    ),
    "memory": Rollout(
        "unschedulable: more memory than any node has", "Unschedulable",
        {"resources": {"requests": {"memory": "900Gi"}}},
    ),
    "crash": Rollout(
        "crash", "Error|CrashLoopBackOff", {"command": _sh("echo the disk is missing; exit 3"), **PROBED}, final=False
    ),
    "readiness": Rollout(
        "failing readiness probe", "Unhealthy", {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 2}},
        grace=GRACE, final=False,
    ),
    "out_of_memory": Rollout(
        "out of memory", "OOMKilled",
        {"command": _sh("x=$(seq 1 100000000)"), "resources": {"limits": {"memory": "32Mi"}}, **PROBED}, final=False,
    ),
    "claim": Rollout(
        "pending claim", "FailedBinding|Unschedulable",
        pod={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
        objects=({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                  "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},),
    ),
    "denied": Rollout("denied by a webhook", "FailedCreate", labels={DENY: "yes"}),
}  # fmt: skip

CRASHES_TWICE = _sh(
    "n=$(cat /data/n 2>/dev/null || echo 0); echo $((n + 1)) > /data/n; [ $n -ge 2 ] || exit 1; exec sleep infinity"
)
PASSING = {
    "slow_pull": Rollout("slow pull", "", {"image": "localhost:5000/slow:1", "command": ["/pause"]}),
    "dns": Rollout(
        "the registry's name does not resolve at first", "",
        {"image": "registry.meshlab.test:5000/quick:1", "command": ["/pause"]},
    ),
    "node_not_ready": Rollout("the node is not ready at first", ""),
    "two_crashes": Rollout(
        "two crashes, then fine", "",
        {"command": CRASHES_TWICE, "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        {"volumes": [{"name": "data", "emptyDir": {}}]},
    ),
    "webhook_coming_up": Rollout("the injector's webhook is coming up", "", labels={"istio-injection": "enabled"}),
}  # fmt: skip

LEAST = {"slow_pull": 40.0, "dns": 15.0, "node_not_ready": 15.0, "two_crashes": 10.0, "webhook_coming_up": 15.0}
"""Seconds that each of these lasts, so that a wait that ends much sooner has not met it.

Of the crashes it is the kubelet's first back-off.
"""


def deployment(rollout: Rollout, namespace: str, name: str = "app") -> Object:
    """Return a Deployment of the pod."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": rollout.pod_spec()},
        },
    }  # fmt: skip


def operator(rollout: Rollout, namespace: str, hub: str, tag: str) -> Object:
    """Return what stands under `spec` of an IstioOperator whose only gateway has the pod, by an overlay."""
    patch = {"path": "spec.template.spec", "value": rollout.pod_spec()}
    gateway = {
        "name": "app", "namespace": namespace, "enabled": True,
        "k8s": {"overlays": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "patches": [patch]}]},
    }  # fmt: skip
    return {"hub": hub, "tag": tag, "profile": "empty", "components": {"ingressGateways": [gateway]}}
