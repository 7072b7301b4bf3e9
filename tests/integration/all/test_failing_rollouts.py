# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts that fail: how soon it is said, beside what others need. Rollouts that only look so: not given up.

The others (`istioctl install`, `kubernetes.core.k8s` with `wait`) are given CAP seconds, and all their cases at once:
they spend that time asleep. Our modules run one case after the other.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.all import rollouts
from tests.integration.all.lab import KUBECONFIG, PYTHON, Lab, Result, until
from tests.integration.all.rollouts import FAILING, LEAST, PASSING, Rollout

CAP = 120
FINAL_SECONDS = 10.0
"""Within these the task has ended with the reason, once the cluster has said it for the first time."""
STARTUP_SECONDS = 5.0
"""At most this long after the trouble began the module begins to wait."""

Seconds = dict[str, float]


@pytest.fixture(scope="module", autouse=True)
def stand_ins(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run registry and webhook on the host, and leave nothing of these tests behind."""
    forget(lab)
    folder = tmp_path_factory.mktemp("webhook")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=webhook",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    certificate = (folder / "cert.pem").read_text()
    lab.write("/root/webhook.pem", (folder / "key.pem").read_text() + certificate)
    lab.write("/root/registry.py", Path(__file__).with_name("registry.py").read_text())
    lab.ssh("ctr -n k8s.io images export /root/image.tar registry.k8s.io/pause:3.10.1")
    lab.ssh("systemd-run --unit=meshlab-test-registry --collect /usr/bin/python3 /root/registry.py /root/image.tar "
            f"{LEAST['slow_pull']} /root/webhook.pem")  # fmt: skip
    lab.ssh("mkdir -p /etc/containerd/certs.d/registry.meshlab.test:5000; "
            "grep -q 'config_path = \"\"' /etc/containerd/config.toml && "
            "sed -i 's#config_path = \"\"#config_path = \"/etc/containerd/certs.d\"#' /etc/containerd/config.toml && "
            "systemctl restart containerd; true")  # fmt: skip
    lab.write("/etc/containerd/certs.d/registry.meshlab.test:5000/hosts.toml",
              # Without the second line containerd 1.6.20 asks by TLS all the same.
              'server = "http://registry.meshlab.test:5000"\n[host."http://registry.meshlab.test:5000"]\n')  # fmt: skip
    lab.apply([deny(certificate)])
    yield
    forget(lab)


def deny(certificate: str) -> rollouts.Object:
    """Return the webhook that denies every pod in namespaces with a label."""
    authority = base64.b64encode(certificate.encode()).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "meshlab-test-deny"},
        "webhooks": [{
            "name": "deny.meshlab.test", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"url": "https://127.0.0.1:9443/", "caBundle": authority},
            "namespaceSelector": {"matchLabels": {rollouts.DENY: "yes"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        }],
    }  # fmt: skip


def forget(lab: Lab) -> None:
    """Remove what these tests make."""
    lab.ssh("systemctl stop meshlab-test-registry 2>/dev/null; systemctl start kubelet; "
            "sed -i /registry.meshlab.test/d /etc/hosts; "
            "ctr -n k8s.io images rm localhost:5000/slow:1 registry.meshlab.test:5000/quick:1 2>/dev/null; "
            "true")  # fmt: skip
    lab.kubectl("delete", "validatingwebhookconfiguration", "meshlab-test-deny", "--ignore-not-found")
    lab.kubectl("delete", "namespaces", "--selector=meshlab.test/rollouts", "--ignore-not-found", "--wait=false")
    until(lambda: not lab.kubectl("get", "namespaces", "--selector=meshlab.test/rollouts", "--output=name"), 300,
          "the namespaces of earlier runs are gone")  # fmt: skip


def space(kind: str, by: str) -> str:
    """Return the name of a namespace for one case and one tool."""
    return f"{kind}-{by}".replace("_", "-")


# -- the others ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """What a tool said in the end.

    :param seconds: until then.
    :param failed: whether it said that the rollout failed.
    """

    seconds: float
    failed: bool
    text: str


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that something took, and what it returned."""
    started = time.monotonic()
    found = work()
    return time.monotonic() - started, found


def kubernetes_core(lab: Lab, kind: str, rollout: Rollout) -> Word:
    """Apply and wait with kubernetes.core.k8s."""
    task = {
        "kubernetes.core.k8s": {
            "definition": rollouts.deployment(rollout, space(kind, "k8s")), "kubeconfig": KUBECONFIG,
            "wait": True, "wait_timeout": CAP,
        },
        "vars": {"ansible_python_interpreter": PYTHON},
    }  # fmt: skip
    seconds, (result,) = timed(lambda: lab.tasks([task]))
    return Word(seconds, bool(result.get("failed")), str(result.get("msg", "")))


def istioctl(lab: Lab, documents: Mapping[str, rollouts.Object]) -> dict[str, Word]:
    """Install gateways with istioctl itself, all at once.

    :param documents: the IstioOperator of each case.
    """
    for kind, document in documents.items():
        lab.write(f"/root/rollout-{kind}.yaml", json.dumps(document))
    install = f"{lab.istioctl} install -y -f rollout-$kind.yaml --readiness-timeout {CAP}s > rollout-$kind.txt 2>&1"
    lab.ssh(
        f"for kind in {' '.join(documents)}; do ("
        f"began=$(date +%s%N); {install}; code=$?; echo $code $(( $(date +%s%N) - began )) > rollout-$kind.end"
        ") & done; wait"
    )
    found = {}
    for kind in documents:
        code, nanoseconds = lab.ssh(f"cat rollout-{kind}.end").split()
        found[kind] = Word(int(nanoseconds) / 1e9, code != "0", lab.ssh(f"tail -n 6 rollout-{kind}.txt"))
    return found


def operator(lab: Lab, kind: str, rollout: Rollout) -> rollouts.Object:
    """Return the IstioOperator that istioctl gets."""
    namespace, hub, tag = space(kind, "istioctl"), lab.variables["istio_hub"], lab.variables["istio_tag"]
    spec = {**rollouts.operator(rollout, namespace, hub, tag), "revision": namespace}
    return {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": spec}


@pytest.fixture(scope="module")
def others(lab: Lab, stand_ins: None) -> Callable[[str, str], Word]:
    """Let a tool have all its cases at once, when its first result is asked for; return each result."""
    found: dict[str, dict[str, Word]] = {}

    def by_istioctl() -> dict[str, Word]:
        return istioctl(lab, {kind: operator(lab, kind, rollout) for kind, rollout in FAILING.items()})

    def by_kubernetes_core() -> dict[str, Word]:
        with ThreadPoolExecutor(max_workers=len(FAILING)) as pool:
            words = pool.map(lambda item: kubernetes_core(lab, *item), FAILING.items())
            return dict(zip(FAILING, words, strict=True))

    def result(by: str, kind: str) -> Word:
        if by not in found:
            lab.apply([obj for name, each in FAILING.items() for obj in each.namespace(space(name, by))])
            found[by] = {"istioctl": by_istioctl, "k8s": by_kubernetes_core}[by]()
        return found[by][kind]

    return result


# -- ours ------------------------------------------------------------------------------------------


def apply(lab: Lab, kind: str, rollout: Rollout, *, fails: bool) -> tuple[float, Result]:
    """Apply and wait with our module."""
    arguments = {"definition": rollouts.deployment(rollout, space(kind, "ours")), "wait_timeout": 300,
                 "failure_grace": rollout.grace}  # fmt: skip
    return timed(lambda: lab.ours("manifests", arguments, fails=fails))


def install(lab: Lab, kind: str, rollout: Rollout) -> tuple[float, Result]:
    """Install the gateway with our module."""
    namespace, hub, tag = space(kind, "install"), lab.variables["istio_hub"], lab.variables["istio_tag"]
    arguments = {"path": lab.istioctl, "spec": rollouts.operator(rollout, namespace, hub, tag), "revision": namespace,
                 "profile": "empty", "failure_grace": rollout.grace}  # fmt: skip
    return timed(lambda: lab.ours("istioctl_install", arguments, fails=True))


class Appearance(threading.Thread):
    """Watches for the first time that the cluster itself says the reason, from outside the modules.

    :ivar at: when that was, in seconds of time.monotonic(); None while it was not said.
    """

    def __init__(self, lab: Lab, namespace: str, reason: str) -> None:
        super().__init__(daemon=True)
        self.lab, self.namespace, self.reason = lab, namespace, re.compile(reason)
        self.at: float | None = None
        self.ended = threading.Event()

    def run(self) -> None:
        while self.at is None and not self.ended.wait(0.2):
            if any(self.reason.fullmatch(word) for word in self.words()):
                self.at = time.monotonic()

    def words(self) -> Iterator[str]:
        """Yield every reason that is said in the namespace."""
        for event in self.lab.cluster.list("v1", "Event", self.namespace):
            yield event.get("reason", "")
        for pod in self.lab.cluster.list("v1", "Pod", self.namespace):
            for condition in pod["status"].get("conditions", []):
                yield condition.get("reason", "")
            for container in pod["status"].get("containerStatuses", []):
                for state in container["state"], container.get("lastState", {}):
                    for detail in state.values():
                        yield detail.get("reason", "")

    def seconds_ago(self) -> float:
        """Return the seconds since then."""
        self.ended.set()
        self.join()
        assert self.at is not None, f"nobody but the module saw {self.reason.pattern}"
        return time.monotonic() - self.at


@pytest.mark.parametrize("kind", FAILING)
def test_a_rollout_that_fails_is_named(kind: str, lab: Lab, measured: dict[str, Any]) -> None:
    rollout = FAILING[kind]
    lab.apply([obj for by in ("ours", "install") for obj in rollout.namespace(space(kind, by))])
    for by, where, work in (
        ("manifests", "ours", lambda: apply(lab, kind, rollout, fails=True)),
        ("istioctl_install", "install", lambda: install(lab, kind, rollout)),
    ):
        appearance = Appearance(lab, space(kind, where), rollout.reason)
        appearance.start()
        seconds, result = work()
        since = appearance.seconds_ago()
        first = result["failures"][0]
        measured[by] = {
            "seconds": round(seconds, 1), "seconds_after_the_cluster_said_so": round(since, 1),
            "reason": first["reason"], "message": result["msg"], "load": os.getloadavg()[0],
        }  # fmt: skip
        assert re.fullmatch(rollout.reason, first["reason"]), result["msg"]
        assert "Deployment" in first["object"]
        assert first["advice"]
        assert not rollout.final or since <= FINAL_SECONDS, result["msg"]
    if kind == "crash":
        assert "the disk is missing" in " ".join(first["log"])
    if kind not in ("quota", "denied"):
        assert first["pod"], "the pod is named"


@pytest.mark.parametrize("kind", FAILING)
@pytest.mark.parametrize("by", ["k8s", "istioctl"])
def test_what_others_need(
    kind: str, by: str, lab: Lab, others: Callable[[str, str], Word], measured: dict[str, Any]
) -> None:
    word = others(by, kind)
    measured.update(
        seconds=round(word.seconds, 1), capped=word.failed and word.seconds >= CAP, cap=CAP, failed=word.failed,
        said=word.text,
    )  # fmt: skip
    assert word.text or not word.failed


# -- what only looks so ---------------------------------------------------------------------------


@contextlib.contextmanager
def name_unknown(lab: Lab) -> Iterator[None]:
    """The registry's name is known only after a while."""
    with _later(LEAST["dns"], lambda: lab.ssh("echo 127.0.0.1 registry.meshlab.test >> /etc/hosts")):
        yield


@contextlib.contextmanager
def node_not_ready(lab: Lab) -> Iterator[None]:
    """The kubelet is stopped until the node counts as lost, and comes back after a while."""
    query = 'jsonpath={.items[0].status.conditions[?(@.type=="Ready")].status}'
    lab.ssh("systemctl stop kubelet")
    try:
        until(lambda: lab.ssh(f"kubectl get nodes -o '{query}'") != "True", 120, "the node is lost")
        with _later(LEAST["node_not_ready"], lambda: lab.ssh("systemctl start kubelet")):
            yield
    finally:
        lab.ssh("systemctl start kubelet")


@contextlib.contextmanager
def no_injector(lab: Lab) -> Iterator[None]:
    """Nothing is behind the injector's webhook, and comes back after a while."""

    def replicas(count: int) -> None:
        lab.kubectl("-n", "istio-system", "scale", "deployment", "istiod", f"--replicas={count}")

    replicas(0)
    try:
        lab.kubectl("-n", "istio-system", "wait", "pods", "--selector=app=istiod", "--for=delete", "--timeout=60s")
        with _later(LEAST["webhook_coming_up"], lambda: replicas(1)):
            yield
    finally:
        replicas(1)


@contextlib.contextmanager
def _later(seconds: float, work: Callable[[], Any]) -> Iterator[None]:
    """Do something in the background after a while; it has been done at the end."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(lambda: (time.sleep(seconds), work()))
        yield
        future.result()


TROUBLES = {"dns": name_unknown, "node_not_ready": node_not_ready, "webhook_coming_up": no_injector}


@pytest.mark.parametrize("kind", PASSING)
def test_a_rollout_that_only_looks_so_is_not_given_up(kind: str, lab: Lab, measured: dict[str, Any]) -> None:
    rollout = PASSING[kind]
    lab.apply(rollout.namespace(space(kind, "ours")))
    with TROUBLES.get(kind, contextlib.nullcontext)(lab):
        seconds, result = apply(lab, kind, rollout, fails=False)
    measured.update(seconds=round(seconds, 1), waited=result["waited"]["seconds"])
    status = json.loads(lab.kubectl("-n", space(kind, "ours"), "get", "deployment", "app", "--output=json"))["status"]
    assert status["readyReplicas"] == 1
    assert result["waited"]["seconds"] >= LEAST[kind] - STARTUP_SECONDS
