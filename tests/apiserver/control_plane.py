# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server on loopback, with someone who plays kubelet, Deployment controller and istiod.

Nothing runs in it, but every object is stored, defaulted, validated and owned by fields as on any cluster, which is
all that "what would an install change?" depends on. The programs are those that the sealed lab builds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from tests.lab import build, parts
from tests.lab.cache import CACHE

NAMESPACE = "istio-system"
ADMISSION = "admissionregistration.k8s.io/v1"
GUEST = "guest"
"""A user, and the context of that name, who may do nothing until a test gives it a role."""


PROGRAMS = {
    name: CACHE / "build" / build.go_key(part) / name
    for part in parts.GO_PARTS
    for name in part.programs.values()
    if name in ("etcd", "kube-apiserver", "kube-controller-manager", "istioctl")
}


class ControlPlane:
    """etcd, API server and garbage collector; a context manager that gives the kubeconfig's path."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> str:
        ports = [_free_port() for _ in range(4)]
        token, key = secrets.token_hex(16), self.directory / "sa.key"
        guest = secrets.token_hex(16)
        (self.directory / "tokens").write_text(f"{token},admin,admin,system:masters\n{guest},{GUEST},{GUEST}\n")
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        client, peer = (f"http://127.0.0.1:{port}" for port in ports[:2])
        self._start("etcd", f"--data-dir={self.directory}/etcd", f"--listen-client-urls={client}",
                    f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
                    f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
                    "--unsafe-no-fsync")  # fmt: skip
        self._start("kube-apiserver", f"--etcd-servers={client}", "--bind-address=127.0.0.1",
                    f"--secure-port={ports[2]}", f"--cert-dir={self.directory}/certs",
                    "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
                    f"--token-auth-file={self.directory}/tokens", "--disable-admission-plugins=ServiceAccount",
                    "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}",
                    f"--service-account-signing-key-file={key}", "--endpoint-reconciler-type=none",
                    "--advertise-address=127.0.0.1")  # fmt: skip
        kubeconfig = self.directory / "kubeconfig"
        server = {"server": f"https://127.0.0.1:{ports[2]}", "insecure-skip-tls-verify": True}
        kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": server}],
            "users": [{"name": "lab", "user": {"token": token}}, {"name": GUEST, "user": {"token": guest}}],
            "contexts": [
                {"name": "lab", "context": {"cluster": "lab", "user": "lab"}},
                {"name": GUEST, "context": {"cluster": "lab", "user": GUEST}},
            ],
        }))  # fmt: skip
        self._until_ready(str(kubeconfig))
        self._start("kube-controller-manager", f"--kubeconfig={kubeconfig}", "--bind-address=127.0.0.1",
                    f"--secure-port={ports[3]}", f"--cert-dir={self.directory}/kcm", "--leader-elect=false",
                    "--controllers=garbage-collector-controller,namespace-controller,endpoints-controller")  # fmt: skip
        return str(kubeconfig)

    def __exit__(self, *_unused: object) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def _start(self, name: str, *arguments: str) -> None:
        with (self.directory / f"{name}.log").open("wb") as log:
            self.processes.append(subprocess.Popen([PROGRAMS[name], *arguments], stdout=log, stderr=log))

    @staticmethod
    def _until_ready(kubeconfig: str) -> None:
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                Cluster(kubeconfig).get("v1", "Namespace", "kube-system")
                return
            except ClusterError:
                time.sleep(0.3)
        raise RuntimeError("the API server did not come up")


class Controllers(threading.Thread):
    """Makes every Deployment ready at once, gives webhooks their certificate and closes the validating ones.

    :ivar broken: names of Deployments that stay as they are.
    :ivar fault: what ended the thread before it was told to end.
    """

    def __init__(self, kubeconfig: str, ca_file: Path) -> None:
        super().__init__(daemon=True)
        self.cluster = Cluster(kubeconfig)
        self.bundle = base64.b64encode(ca_file.read_bytes()).decode()
        self.ended = threading.Event()
        self.broken: set[str] = set()
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            self._play()
        except BaseException as fault:
            self.fault = fault
            raise

    def _play(self) -> None:
        while not self.ended.wait(0.2):
            try:
                deployments = self.cluster.list("apps/v1", "Deployment", NAMESPACE)
                for obj in deployments:
                    if obj["metadata"]["name"] not in self.broken:
                        self._roll_out(obj)
                if any(obj["metadata"]["name"].startswith("istiod") for obj in deployments):
                    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
                        for obj in self.cluster.list(ADMISSION, kind):
                            self._patch_webhooks(obj)
            except ClusterError:
                # Somebody else wrote first, or it is gone: look again.
                continue

    def _roll_out(self, obj: dict[str, Any]) -> None:
        metadata, spec = obj["metadata"], obj["spec"]
        digest = hashlib.sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[:8]
        name, replicas = f"{metadata['name']}-{digest}", spec.get("replicas", 1)
        live = self.cluster.find("apps/v1", "ReplicaSet", name, NAMESPACE)
        if live is None:
            template = json.loads(json.dumps(spec["template"]))
            template["metadata"]["labels"]["pod-template-hash"] = digest
            owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"],
                     "controller": True}  # fmt: skip
            live = self.cluster.apply({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"name": name, "namespace": NAMESPACE, "ownerReferences": [owner],
                             "labels": template["metadata"]["labels"]},
                "spec": {"replicas": replicas, "template": template,
                         "selector": {"matchLabels": {**spec["selector"]["matchLabels"], "pod-template-hash": digest}}},
            }, "deployment-controller")  # fmt: skip
        if live["spec"]["replicas"] != replicas:
            self.cluster.patch("apps/v1", "ReplicaSet", name, NAMESPACE, {"spec": {"replicas": replicas}})
        numbers = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas"), replicas)
        if live.get("status", {}).get("readyReplicas") != replicas:
            self._status("replicasets", name, numbers)
        status = obj.get("status", {})
        if status.get("observedGeneration") != metadata["generation"] or status.get("readyReplicas") != replicas:
            self._status("deployments", metadata["name"], {
                **numbers, "updatedReplicas": replicas, "observedGeneration": metadata["generation"],
            })  # fmt: skip

    def _status(self, plural: str, name: str, status: dict[str, Any]) -> None:
        self._send("PATCH", f"/apis/apps/v1/namespaces/{NAMESPACE}/{plural}/{name}/status", {"status": status},
                   "application/merge-patch+json")  # fmt: skip

    def _patch_webhooks(self, obj: dict[str, Any]) -> None:
        before = json.dumps(obj["webhooks"])
        for hook in obj["webhooks"]:
            hook["clientConfig"]["caBundle"] = self.bundle
            if obj["kind"].startswith("Validating"):
                hook["failurePolicy"] = "Fail"
        if json.dumps(obj["webhooks"]) != before:
            obj["metadata"].pop("managedFields", None)
            plural = obj["kind"].lower() + "s"
            self._send("PUT", f"/apis/{ADMISSION}/{plural}/{obj['metadata']['name']}", obj, "application/json",
                       fieldManager="pilot-discovery")  # fmt: skip

    def _send(self, method: str, path: str, body: dict[str, Any], content_type: str, **query: str) -> None:
        """Write what Cluster has no business writing: status, and objects as a whole."""
        headers = {"Content-Type": content_type}
        self.cluster._ask(method, path, query, headers=headers, body=json.dumps(body).encode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
