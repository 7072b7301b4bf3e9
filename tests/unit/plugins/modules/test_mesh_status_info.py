# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mesh_status_info as Ansible runs it, on a stand-in of the cluster in which one thing at a time is broken.

istiod's list of proxies and Envoy's certificates were recorded on a lab (istiod 1.31-dev).
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _status, _status_mesh, _status_proxies
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import PodCommandError
from ansible_collections.meshlab.istio.plugins.module_utils._services import Systemctl
from ansible_collections.meshlab.istio.plugins.modules import mesh_status_info
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Reply, Server

Object = dict[str, Any]
FIXTURES = Path(__file__).parents[1] / "module_utils" / "fixtures" / "mesh"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
UP = "/api/v1/namespaces/istio-system/services/prometheus:9090/proxy/api/v1/query"
TARGETS = "/api/v1/namespaces/istio-system/services/prometheus:9090/proxy/api/v1/targets"
LOKI = "/api/v1/namespaces/istio-system/services/loki:3100/proxy"
ISTIOD_VERSION = "/api/v1/namespaces/istio-system/pods/istiod-1:15014/proxy/version"
ROOT = "-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n"
REFUSAL = (
    'The API server answered 400 (BadRequest): admission webhook "validation.istio.io" denied the request: '
    "configuration is invalid: HTTP route, redirect or direct_response is required"
)
NAMES = [
    "API server", "Nodes and pods", "Versions", "Envoy", "Pilot", "Citadel", "Galley", "Mixer, telemetry",
    "Mixer, policy", "Webhooks", "Addon loki", "Gateway's URL", "istioctl analyze", "Services",
]  # fmt: skip
PATIENT = 120.0
"""Seconds for a run that is to end by itself, on however slow a machine."""


class Lab:
    """A healthy lab, which a test then breaks."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.page = Reply(body=b"<title>Simple Bookstore App</title>")
        server.script = lambda _seen: self.page
        self.syncz = json.loads((FIXTURES / "syncz.json").read_text(encoding="utf-8"))[:2]
        self.syncz[0]["proxy"], self.syncz[1]["proxy"] = "gateway-1.istio-system", "shop-1.tutorial"
        self.looks = 0
        self.at_look: dict[int, Callable[[], None]] = {}
        self.until = datetime.now(timezone.utc) + timedelta(hours=20)
        self.identity = "spiffe://cluster.local/ns/tutorial/sa/shop"
        self.certificate_error: Exception | None = None
        self.taken: set[str] = {"AuthorizationPolicy", "Pod"}
        self.injects = True
        self.findings: list[Object] = [{"code": "IST0102", "level": "Info", "origin": "Namespace x", "message": "m"}]
        self.units = [
            ("meshlab-forward-gateway.service", f"gateway on 127.0.0.1:{server.port}", "active", "exec"),
            ("meshlab-tunnel-minikube.service", "minikube tunnel for the cluster minikube", "active", "exec"),
            ("meshlab-cluster-minikube.service", "minikube at boot", "inactive", "oneshot"),
        ]
        self.cluster = FakeCluster(*self._objects(server.port))
        self.cluster.teach("networking.istio.io/v1beta1", "VirtualService")
        self.cluster.teach("security.istio.io/v1beta1", "AuthorizationPolicy")
        self.cluster.refuse, self.cluster.defaults = self._refuse, self._inject
        requests = [
            {"metric": {"reporter": "source"}, "value": [1.0, "120"]},
            {"metric": {"reporter": "destination", "connection_security_policy": "mutual_tls"}, "value": [1.0, "60"]},
            {"metric": {"reporter": "destination", "connection_security_policy": "none"}, "value": [1.0, "20"]},
        ]
        self.cluster.answers = {
            ISTIOD_VERSION: b"1.31.0-dev-eed52ebb66ad-Clean",
            UP: {"status": "success", "data": {"resultType": "vector", "result": requests}},
            TARGETS: {"data": {"activeTargets": [{"labels": {"pod": "istiod-1"}, "health": "up"}]}},
            f"{LOKI}/ready": b"ready",
            f"{LOKI}/loki/api/v1/status/buildinfo": {"version": "3.6.5"},
        }

    def pod(self, name: str, namespace: str, *names: str, labels: Object | None = None, account: str = "") -> Object:
        return {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
            "spec": {"serviceAccountName": account or "default", "containers": [{"name": each} for each in names]},
            "status": {
                "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": each, "ready": True} for each in names],
            },
        }  # fmt: skip

    def change(self, kind: str, name: str, namespace: str | None, change: Callable[[Object], None]) -> None:
        api = "v1" if kind in ("Pod", "Node") else "admissionregistration.k8s.io/v1"
        obj = self.cluster.get(api, kind, name, namespace)
        change(obj)
        self.cluster.put(obj)

    def _objects(self, port: int) -> list[Object]:
        def configuration(kind: str, name: str) -> Object:
            calls = {"service": {"name": "istiod", "namespace": "istio-system"}}
            hook = {"name": "x", "clientConfig": {**calls, "caBundle": base64.b64encode(ROOT.encode()).decode()}}
            api = "admissionregistration.k8s.io/v1"
            return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "webhooks": [hook]}

        others = configuration("MutatingWebhookConfiguration", "somebody-elses")
        others["webhooks"][0]["clientConfig"] = {"url": "https://elsewhere", "caBundle": ""}
        return [
            *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
              for name in ("istio-system", "tutorial")),
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
             "status": {"conditions": [{"type": "Ready", "status": "True"}]}},
            self.pod("istiod-1", "istio-system", "discovery", labels={"app": "istiod", "istio.io/rev": "default"}),
            self.pod("gateway-1", "istio-system", "istio-proxy", account="shop"),
            self.pod("shop-1", "tutorial", "app", "istio-proxy", account="shop"),
            {**self.pod("job-1", "tutorial", "app"), "status": {"phase": "Succeeded"}},
            configuration("ValidatingWebhookConfiguration", "istiod-default-validator"),
            configuration("MutatingWebhookConfiguration", "istio-revision-tag-default"),
            others,
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"root-cert.pem": ROOT},
             "metadata": {"name": "istio-ca-root-cert", "namespace": "istio-system"}},
            {"apiVersion": "v1", "kind": "Service",
             "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
             "spec": {"type": "LoadBalancer", "ports": [{"name": "http2", "port": port}]},
             "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}},
        ]  # fmt: skip

    def _refuse(self, verb: str, obj: Object) -> None:
        if verb == "apply" and obj["kind"] not in self.taken:
            raise ClusterError(REFUSAL, status=400)

    def _inject(self, obj: Object) -> None:
        if obj["kind"] == "Pod" and obj["metadata"]["name"] == "meshlab-status" and self.injects:
            obj["spec"]["containers"].append({"name": "istio-proxy"})

    def run_in_pod(self, _cluster: Any, namespace: str, pod: str, container: str, command: list[str]) -> str:
        if command[-1] == "/debug/syncz":
            assert (namespace, pod, container) == ("istio-system", "istiod-1", "discovery")
            self.looks += 1
            self.at_look.get(self.looks, lambda: None)()
            return json.dumps(self.syncz)
        assert (container, command) == ("istio-proxy", ["pilot-agent", "request", "GET", "certs"])
        if self.certificate_error:
            raise self.certificate_error
        answer = json.loads((FIXTURES / "certs.json").read_text(encoding="utf-8"))
        for entry in answer["certificates"]:
            for certificate in entry.get("cert_chain", []):
                uri = self.identity.replace("/tutorial/", f"/{namespace}/")
                certificate["subject_alt_names"] = [{"uri": uri}]
                certificate["expiration_time"] = f"{self.until:%Y-%m-%dT%H:%M:%SZ}"
        return json.dumps(answer)

    def tool(self, name: str, answers: dict[str, str]) -> str:
        """Write a program that answers by its first argument."""
        cases = "".join(f"{first}) cat <<'END'\n{text}\nEND\n;;\n" for first, text in answers.items())
        path = self.folder / name
        path.write_text(f'#!/bin/sh\ncase "$1" in\n{cases}esac\n', encoding="utf-8")
        path.chmod(0o755)
        return str(path)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with Server() as server:
        lab = Lab(tmp_path, server)
        monkeypatch.setattr(_status_mesh, "run_in_pod", lab.run_in_pod)
        monkeypatch.setattr(_status_proxies, "run_in_pod", lab.run_in_pod)
        monkeypatch.setattr(_status_proxies, "LOOK_SECONDS", 0.01)
        monkeypatch.setattr(_status, "Cluster", lambda kubeconfig, context: lab.cluster)
        yield lab


@pytest.fixture
def status(lab: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Object]:
    def run(*, check: bool = False, **options: Any) -> Object:
        version = json.dumps({"clientVersion": {"version": "1.31.0-dev"}})
        istioctl = lab.tool("istioctl", {"version": version, "analyze": json.dumps(lab.findings, indent=1)})
        blocks = [f"Id={i}\nDescription={d}\nActiveState={a}\nType={t}" for i, d, a, t in lab.units]
        systemctl = lab.tool("systemctl", {"show": "\n\n".join(blocks)})
        monkeypatch.setattr(_status, "Systemctl", lambda: Systemctl(systemctl))
        arguments = {
            "istioctl": istioctl, "addons": ["loki"], "body": "<title>Simple Bookstore App</title>",
            "timeout": PATIENT, **options, "_ansible_check_mode": check,
        }  # fmt: skip
        with patch_module_args(arguments), pytest.raises(SystemExit):
            mesh_status_info.main()
        result: Object = json.loads(capsys.readouterr().out)
        return result

    return run


def by_name(result: Object) -> dict[str, Object]:
    return {row["name"]: row for row in result["checks"]}


def test_a_healthy_mesh(lab: Lab, status: Callable[..., Object]) -> None:
    result = status()
    assert result["problems"] == []
    assert [(row["name"], row["ok"]) for row in result["checks"]] == [(name, True) for name in NAMES]
    says = {row["name"]: row["says"] for row in result["checks"]}
    assert says["Nodes and pods"] == "1 of 1 nodes and 3 of 3 pods ready"
    assert says["Versions"] == "Kubernetes v1.34.4, istiod 1.31.0-dev, proxies 1.31.0-dev, istioctl 1.31.0-dev"
    assert says["Envoy"] == "2 of 2 proxies ready (1 sidecars, 1 gateways)"
    assert says["Pilot"] == "2 of 2 proxies acknowledged all that was sent"
    assert says["Citadel"].startswith("2 of 2 certificates seen, 2 identities such as spiffe://cluster.local/ns/istio-")
    assert "HTTP route, redirect or direct_response is required" in says["Galley"]
    assert "120 requests" in says["Mixer, telemetry"]
    assert says["Mixer, policy"].endswith("0 in force; 75% of the requests counted came by mutual TLS")
    assert "somebody-elses" not in says["Webhooks"]
    assert (result["ok"], result["changed"]) == (True, False)
    assert result["page"][0].startswith("The mesh works: 14 of 14 checks are well (")


def test_nothing_is_written(lab: Lab, status: Callable[..., Object]) -> None:
    before = sorted(lab.cluster.objects)
    status()
    assert lab.cluster.writes == []
    assert sorted(lab.cluster.objects) == before


def not_ready(obj: Object) -> None:
    obj["status"]["conditions"] = [{"type": "Ready", "status": "False"}]


def proxy_not_ready(obj: Object) -> None:
    not_ready(obj)
    obj["status"]["containerStatuses"][-1]["ready"] = False


BREAKS: dict[str, tuple[Callable[[Lab], Any], set[str], str]] = {
    "node": (lambda lab: lab.change("Node", "n", None, not_ready), {"Nodes and pods"}, "0 of 1 nodes"),
    "sidecar": (
        lambda lab: lab.change("Pod", "shop-1", "tutorial", proxy_not_ready),
        {"Envoy", "Nodes and pods"}, "1 of 2 proxies ready (1 sidecars, 1 gateways); not shop-1.tutorial",
    ),
    "old proxy": (
        lambda lab: lab.syncz[1].update(istio_version="1.28.2"),
        {"Versions"}, "proxies of 1.28.2 do not fit istiod 1.31.0-dev",
    ),
    "old istiod": (
        lambda lab: lab.cluster.answers.update({ISTIOD_VERSION: b"1.30.3-abc-Clean"}),
        {"Versions"}, "proxies of 1.31.0-dev do not fit istiod 1.30.3",
    ),
    "late": (
        lambda lab: lab.syncz[1]["resources"][LISTENER].update(acked="another"),
        {"Pilot"}, "1 of 2 proxies acknowledged all that was sent; shop-1.tutorial has not acknowledged Listener",
    ),
    "refused": (
        lambda lab: lab.syncz[1]["resources"][LISTENER].update(lastError="no such filter"),
        {"Pilot"}, "shop-1.tutorial refused it: no such filter",
    ),
    "not connected": (lambda lab: lab.syncz.pop(), {"Pilot"}, "1 of 2 proxies acknowledged all that was sent; shop-1"),
    "expired": (
        lambda lab: setattr(lab, "until", datetime.now(timezone.utc) - timedelta(hours=3)),
        {"Citadel"}, "its certificate ran out 3 h ago",
    ),
    "another's identity": (
        lambda lab: setattr(lab, "identity", "spiffe://cluster.local/ns/tutorial/sa/thief"),
        {"Citadel"}, "its identity is spiffe://cluster.local/ns/istio-system/sa/thief, not spiffe://…/ns/istio-system/",
    ),
    "mute proxy": (
        lambda lab: setattr(lab, "certificate_error", PodCommandError("pilot-agent ended with exit code 1: x")),
        {"Citadel"}, "0 of 2 certificates seen",
    ),
    "no validation": (lambda lab: lab.taken.add("VirtualService"), {"Galley"}, "no webhook refused it"),
    "no policy": (lambda lab: lab.taken.discard("AuthorizationPolicy"), {"Mixer, policy"}, "denied the request"),
    "no injection": (lambda lab: setattr(lab, "injects", False), {"Webhooks"}, "would not get its sidecar"),
    "another authority": (
        lambda lab: lab.change(
            "MutatingWebhookConfiguration", "istio-revision-tag-default", None,
            lambda obj: obj["webhooks"][0]["clientConfig"].update(caBundle=""),
        ),
        {"Webhooks"}, "istio-revision-tag-default do not trust the mesh's authority",
    ),
    "addon": (lambda lab: lab.cluster.answers.update({f"{LOKI}/ready": b"later"}), {"Addon loki"}, "it says 'later'"),
    "page": (
        lambda lab: setattr(lab, "page", Reply(body=b"something else")),
        {"Gateway's URL"}, "but without '<title>Simple Bookstore App</title>'",
    ),
    "dead forward": (
        lambda lab: lab.units.append(("meshlab-forward-kiali.service", "kiali on 127.0.0.1:1", "active", "exec")),
        {"Services"}, "forward-kiali http://127.0.0.1:1/ does not answer",
    ),
    "unwell forward": (
        lambda lab: setattr(lab, "page", Reply(status=502)),
        {"Services", "Gateway's URL"}, "/ answers 502",
    ),
    "failed service": (
        lambda lab: lab.units.append(("meshlab-tunnel-b.service", "tunnel", "failed", "exec")),
        {"Services"}, "tunnel-b is failed",
    ),
    "finding": (
        lambda lab: lab.findings.append(
            {"code": "IST0101", "level": "Error", "origin": "VirtualService a", "message": "b"}
        ),
        {"istioctl analyze"}, "1 errors, 0 warnings, 1 notes; IST0101 VirtualService a: b",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_said_and_nothing_else(lab: Lab, status: Callable[..., Object], name: str) -> None:
    damage, rows, says = BREAKS[name]
    damage(lab)
    result = status()
    assert {row["name"] for row in result["checks"] if row["ok"] is not True} == rows
    assert not result["ok"]
    assert not result.get("failed"), "the role decides whether the play fails"
    assert len(result["problems"]) == len(rows)
    assert any(says in problem for problem in result["problems"])
    assert result["page"][0].startswith(f"The mesh has {len(rows)} problems: {14 - len(rows)} of 14 checks are well (")


def test_galley_must_refuse_by_its_own_words(lab: Lab, status: Callable[..., Object]) -> None:
    """An API server that cannot call the webhook refuses too, and that proves nothing."""

    def cannot_call(verb: str, obj: Object) -> None:
        if verb == "apply" and obj["kind"] == "VirtualService":
            raise ClusterError('The API server answered 500: failed calling webhook "validation.istio.io"', status=500)

    lab.cluster.refuse = cannot_call
    row = by_name(status())["Galley"]
    assert (row["ok"], "failed calling webhook" in row["says"]) == (False, True)


def test_a_change_on_its_way_is_no_problem(lab: Lab, status: Callable[..., Object]) -> None:
    state = lab.syncz[1]["resources"][LISTENER]
    acked = state["acked"]
    state["acked"] = "another"
    lab.at_look[2] = lambda: state.update(acked=acked)
    assert by_name(status())["Pilot"]["ok"]
    assert lab.looks == 2


def test_without_traffic_telemetry_is_neither_proven_nor_disproved(lab: Lab, status: Callable[..., Object]) -> None:
    lab.cluster.answers[UP]["data"]["result"] = []
    result = status()
    assert by_name(result)["Mixer, telemetry"]["ok"] is None
    assert by_name(result)["Mixer, policy"]["says"].endswith("0 in force")
    assert result["ok"]
    assert result["page"][0].startswith("The mesh works: 13 of 14 checks are well, 1 could not be decided (")


def test_too_few_certificates_prove_nothing(
    lab: Lab, status: Callable[..., Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of each service account is enough; here a second one was not asked."""
    monkeypatch.setattr(_status_proxies, "side_by_side", lambda pods, ask, *_rest: [(pods[0], ask(pods[0]))])
    row = by_name(status())["Citadel"]
    assert (row["ok"], row["says"].endswith("; there was no time for those of tutorial/shop")) == (None, True)
    lab.cluster.drop("v1", "Pod", "shop-1", "tutorial")
    lab.cluster.put(lab.pod("gateway-2", "istio-system", "istio-proxy", account="shop"))
    row = by_name(status())["Citadel"]
    assert (row["ok"], row["says"].startswith("1 of 2 certificates seen")) == (True, True)


def test_a_host_without_systemd_supervises_nothing(
    lab: Lab, status: Callable[..., Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lab.tool
    monkeypatch.setattr(lab, "tool", lambda name, answers: "/missing" if name == "systemctl" else real(name, answers))
    result = status()
    assert (by_name(result)["Services"]["ok"], result["ok"]) == (None, True)


def test_a_revision_of_its_own_is_asked_by_its_label(lab: Lab, status: Callable[..., Object]) -> None:
    labels: dict[str, Object] = {}
    refuse = lab.cluster.refuse

    def seen(verb: str, obj: Object) -> None:
        labels[obj["kind"]] = obj["metadata"].get("labels") or {}
        refuse(verb, obj)

    lab.cluster.refuse = seen
    lab.change("Pod", "istiod-1", "istio-system", lambda pod: pod["metadata"]["labels"].update({"istio.io/rev": "b"}))
    status()
    assert labels == {"VirtualService": {"istio.io/rev": "b"}, "AuthorizationPolicy": {"istio.io/rev": "b"}, "Pod": {}}


def test_a_dead_api_server_is_said_once(
    lab: Lab, status: Callable[..., Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead() -> str:
        raise Unreachable("No Kubernetes API answers at https://stand-in:6443: refused. Is the cluster running?")

    monkeypatch.setattr(lab.cluster, "version", dead)
    result = status()
    assert result["problems"] == [
        "API server: No Kubernetes API answers at https://stand-in:6443: refused. Is the cluster running?"
    ]
    rows = by_name(result)
    assert [row["name"] for row in result["checks"]] == NAMES
    assert all(rows[name]["ok"] is None for name in NAMES[1:-1])
    assert rows["Services"]["ok"], "what is on the host is asked all the same"


def test_an_api_server_that_hangs_does_not_hold_the_page_up(
    lab: Lab, status: Callable[..., Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    monkeypatch.setattr(lab.cluster, "version", lambda: str(done.wait(600)))
    started = time.monotonic()
    result = status(timeout=1.0)
    assert time.monotonic() - started < 300
    done.set()
    assert by_name(result)["API server"]["says"].startswith("no answer within 0.")
    assert by_name(result)["Pilot"]["ok"] is None


def test_one_check_that_hangs_is_one_row(lab: Lab, status: Callable[..., Object]) -> None:
    done = threading.Event()
    lab.cluster.answers[f"{LOKI}/ready"] = lambda _query: done.wait(600)
    result = status(timeout=3.0)
    done.set()
    assert by_name(result)["Addon loki"]["says"].startswith("no answer within ")
    assert result["seconds"] < 300


def test_a_program_that_hangs_is_ended(lab: Lab, status: Callable[..., Object]) -> None:
    istioctl, number = lab.folder / "hanging", lab.folder / "pid"
    istioctl.write_text(
        f"#!/bin/sh\n[ \"$1\" = version ] && exec echo '{{}}'\necho $$ > {number}\nexec sleep 600\n", encoding="utf-8"
    )
    istioctl.chmod(0o755)
    row = by_name(status(istioctl=str(istioctl), timeout=3.0))["istioctl analyze"]
    assert row["ok"] is False
    assert row["says"].startswith(("istioctl analyze did not end within 2.7 s", "no answer within"))
    # What was not seen any more ends all the same, and the module's process waits for it.
    end = time.monotonic() + 120
    while Path(f"/proc/{number.read_text(encoding='utf-8').strip()}").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert time.monotonic() < end


def test_a_host_without_istioctl_leaves_that_out(lab: Lab, status: Callable[..., Object]) -> None:
    result = status(istioctl="/missing/istioctl")
    assert by_name(result)["istioctl analyze"]["ok"] is None
    assert by_name(result)["Versions"]["ok"]
    assert result["ok"]


@pytest.mark.parametrize("check", [False, True])
def test_without_a_cluster(
    lab: Lab, status: Callable[..., Object], monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    def none(kubeconfig: str | None, context: str | None) -> FakeCluster:
        raise Unreachable("The kubeconfig /x cannot be used.")

    monkeypatch.setattr(_status, "Cluster", none)
    result = status(check=check)
    assert result["problems"] == ["API server: The kubeconfig /x cannot be used."]
    assert [row["name"] for row in result["checks"]] == NAMES


@pytest.mark.usefixtures("no_kubernetes")
def test_check_mode_on_a_bare_host(lab: Lab, status: Callable[..., Object]) -> None:
    assert "does not have the Python libraries PyYAML yet" in status(check=True)["problems"][0]
