# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gateway_url_info on a lab: each way into the mesh is found where it is the one that answers, failures explained."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.all.lab import Lab, Object, Result, until
from tests.lab import build

SPACE = "istio-system"
SERVICE = "istio-ingressgateway"
TUTORIAL = "tutorial"
BODY = "<title>Simple Bookstore App</title>"
TLS_NAME = "books.meshlab.test"
HOST = "shop.meshlab.test"
LB_NAME = "gateway.meshlab.test"
CA = "/root/books-ca.pem"
NOBODY = "127.0.0.2"
"""An address of the host at which nothing listens."""

Status = Callable[[list[Object]], None]


def find(lab: Lab, *options: str, fails: bool = False, **more: Any) -> Result:
    """Run the module."""
    return lab.ours("gateway_url_info", {"body": BODY, "timeout": 20, **more}, *options, fails=fails)


def address(lab: Lab, name: str = SERVICE, namespace: str = SPACE) -> str:
    """Return the cluster IP of a Service, which the host can reach."""
    return lab.kubectl("-n", namespace, "get", "service", name, "--output=jsonpath={.spec.clusterIP}")


def given(lab: Lab) -> bool:
    """Tell whether the gateway has the address that the tunnel gives it."""
    text = lab.kubectl("-n", SPACE, "get", "service", SERVICE, "--output=jsonpath={.status.loadBalancer}")
    return address(lab) in text


@pytest.fixture(scope="module", autouse=True)
def finished(lab: Lab) -> None:
    """The gateway has its address."""
    until(lambda: given(lab), 60, "the tunnel gives the gateway an address")


@pytest.fixture
def load_balancer(lab: Lab) -> Iterator[Status]:
    """What the test says is the load balancer: the tunnel rests. ``[]`` is none."""

    def write(ingress: list[Object]) -> None:
        # As a balancer outside the cluster: otherwise kube-proxy itself would answer at the address.
        ingress = [{**each, "ipMode": "Proxy"} if "ip" in each else each for each in ingress]
        patch = json.dumps({"status": {"loadBalancer": {"ingress": ingress or None}}})
        lab.kubectl("-n", SPACE, "patch", "service", SERVICE, "--subresource=status", "--type=merge", "--patch", patch)

    lab.ssh("systemctl stop meshlab-tunnel-minikube")
    try:
        yield write
    finally:
        lab.ssh(f"sed -i /{LB_NAME}/d /etc/hosts; systemctl stop meshlab-test-socat 2>/dev/null; "
                "systemctl start meshlab-tunnel-minikube")  # fmt: skip
        until(lambda: given(lab), 60, "the tunnel gives the gateway an address")


def reasons(result: Result) -> dict[str, str]:
    """Return why each way was passed over."""
    return {each["method"]: each["reason"] for each in result["passed_over"]}


def note(measured: dict[str, Any], result: Result) -> None:
    """Keep what a person would read."""
    for name in ("gateway_url", "method", "passed_over", "msg", "seconds"):
        if result.get(name) is not None:
            measured[name] = result[name]


# -- each way --------------------------------------------------------------------------------------


def test_load_balancer_ip(lab: Lab, measured: dict[str, Any]) -> None:
    found = find(lab)
    note(measured, found)
    assert (found["method"], found["gateway_url"]) == ("load_balancer_ip", f"{address(lab)}:80")
    assert (found["ingress_port"], found["secure_ingress_port"], found["passed_over"]) == (80, 443, [])


def test_load_balancer_hostname(lab: Lab, load_balancer: Status, measured: dict[str, Any]) -> None:
    lab.ssh(f"echo {address(lab)} {LB_NAME} >> /etc/hosts")
    load_balancer([{"hostname": LB_NAME}])
    found = find(lab)
    note(measured, found)
    assert (found["method"], found["gateway_url"]) == ("load_balancer_hostname", f"{LB_NAME}:80")
    assert reasons(found) == {"load_balancer_ip": "the load balancer has a host name but no IP address"}


def test_ipv6(lab: Lab, load_balancer: Status, measured: dict[str, Any]) -> None:
    lab.ssh("systemd-run --unit=meshlab-test-socat --collect socat "
            f"TCP6-LISTEN:80,bind=[::1],fork,reuseaddr TCP4:{address(lab)}:80")  # fmt: skip
    load_balancer([{"ip": "::1"}])
    found = find(lab)
    note(measured, found)
    assert (found["method"], found["gateway_url"], found["ingress_host"]) == ("load_balancer_ip", "[::1]:80", "::1")
    sent = lab.module("meshlab.istio.mesh_traffic", {"url": found["url"], "requests": 5})
    assert sent["status"] == {"200": 5}


def test_several_addresses(lab: Lab, load_balancer: Status, measured: dict[str, Any]) -> None:
    load_balancer([{"ip": NOBODY}, {"ip": address(lab)}])
    found = find(lab)
    note(measured, found)
    assert found["gateway_url"] == f"{address(lab)}:80"
    assert found["passed_over"] == [{
        "method": "load_balancer_ip", "address": f"{NOBODY}:80",
        "reason": "nothing listens there (connection refused)",
    }]  # fmt: skip


def test_node_port_when_there_is_no_load_balancer(lab: Lab, load_balancer: Status, measured: dict[str, Any]) -> None:
    load_balancer([])
    found = find(lab)
    note(measured, found)
    port = found["node_ports"]["http2"]
    assert (found["method"], found["gateway_url"]) == ("node_port", f"{lab.variables['ansible_host']}:{port}")
    assert "minikube tunnel" in reasons(found)["load_balancer_ip"]


def test_node_port_when_the_load_balancer_does_not_answer(
    lab: Lab, load_balancer: Status, measured: dict[str, Any]
) -> None:
    load_balancer([{"ip": NOBODY}])
    found = find(lab)
    note(measured, found)
    assert found["method"] == "node_port"
    assert reasons(found)["load_balancer_ip"] == "nothing listens there (connection refused)"


def test_port_forward_that_runs_already(lab: Lab, measured: dict[str, Any]) -> None:
    found = find(lab, methods=["port_forward"], port_forward_url=["http://127.0.0.1:8080"])
    note(measured, found)
    assert (found["method"], found["gateway_url"], found["temporary"]) == ("port_forward", "127.0.0.1:8080", False)


def test_port_forward_of_its_own(lab: Lab, measured: dict[str, Any]) -> None:
    found = find(lab, methods=["port_forward"])
    note(measured, found)
    assert (found["method"], found["temporary"]) == ("port_forward", True)
    assert found["ingress_host"] == "127.0.0.1"
    assert f":{found['ingress_port']}" not in lab.ssh("ps ax -o args | grep '[p]ort-forward'")


def test_host_network(lab: Lab, measured: dict[str, Any]) -> None:
    labels = {"app": "on-the-host"}
    image = lab.kubectl("-n", TUTORIAL, "get", "deployment", "productpage-v1",
                        "--output=jsonpath={.spec.template.spec.containers[0].image}")  # fmt: skip
    lab.apply([
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "on-the-host", "namespace": "default"},
         "spec": {"selector": labels, "ports": [{"name": "http2", "port": 80, "targetPort": 9099}]}},
        {"apiVersion": "v1", "kind": "Pod",
         "metadata": {"name": "on-the-host", "namespace": "default", "labels": labels},
         "spec": {"hostNetwork": True, "terminationGracePeriodSeconds": 0,
                  "containers": [{"name": "app", "image": image, "args": ["9099"],
                                  "ports": [{"containerPort": 9099}]}]}},
    ])  # fmt: skip
    try:
        found = find(lab, namespace="default", service="on-the-host", path="/health", body=None, timeout=60)
        note(measured, found)
        host = lab.variables["ansible_host"]
        assert (found["method"], found["gateway_url"]) == ("host_network", f"{host}:9099")
        assert "type ClusterIP" in reasons(found)["load_balancer_ip"]
    finally:
        lab.kubectl("-n", "default", "delete", "service/on-the-host", "pod/on-the-host")


@pytest.fixture(scope="module")
def tls(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The bookstore under a name of its own, with a certificate, and under another name without."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={TLS_NAME}",
         "-addext", f"subjectAltName=DNS:{TLS_NAME}", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    key, certificate = ((folder / name).read_text() for name in ("key.pem", "cert.pem"))
    lab.write(CA, certificate)
    gateway = {"apiVersion": "networking.istio.io/v1", "kind": "Gateway"}
    route = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService"}
    to_page = [{"route": [{"destination": {"host": "productpage", "port": {"number": 9080}}}]}]
    objects: list[Object] = [
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
         "metadata": {"name": "books", "namespace": SPACE}, "stringData": {"tls.key": key, "tls.crt": certificate}},
        {**gateway, "metadata": {"name": "books", "namespace": TUTORIAL}, "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [{"hosts": [TLS_NAME], "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
                         "tls": {"mode": "SIMPLE", "credentialName": "books"}}]}},
        {**gateway, "metadata": {"name": "shop", "namespace": TUTORIAL}, "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [{"hosts": [HOST], "port": {"number": 80, "name": "http", "protocol": "HTTP"}}]}},
        {**route, "metadata": {"name": "books", "namespace": TUTORIAL},
         "spec": {"hosts": [TLS_NAME], "gateways": ["books"], "http": to_page}},
        {**route, "metadata": {"name": "shop", "namespace": TUTORIAL}, "spec": {
            "hosts": [HOST], "gateways": ["shop"],
            "http": [{"match": [{"uri": {"exact": "/shop"}}], "rewrite": {"uri": "/productpage"}, **to_page[0]}]}},
    ]  # fmt: skip
    lab.apply(objects)
    yield
    lab.kubectl("-n", TUTORIAL, "delete", "gateways.networking.istio.io/books", "gateways.networking.istio.io/shop",
                "virtualservices.networking.istio.io/books", "virtualservices.networking.istio.io/shop")  # fmt: skip
    lab.kubectl("-n", SPACE, "delete", "secret", "books")


def test_tls_port(lab: Lab, tls: None, measured: dict[str, Any]) -> None:
    found = find(lab, scheme="https", host=TLS_NAME, ca_path=CA)
    note(measured, found)
    assert (found["method"], found["gateway_url"]) == ("load_balancer_ip", f"{address(lab)}:443")
    assert found["url"].startswith("https://")


def test_a_certificate_that_is_not_trusted(lab: Lab, tls: None, measured: dict[str, Any]) -> None:
    refused = find(lab, scheme="https", host=TLS_NAME, timeout=0, fails=True)
    note(measured, refused)
    assert "certificate is not trusted" in reasons(refused)["load_balancer_ip"]


def test_a_name_that_the_gateway_does_not_serve(lab: Lab, tls: None, measured: dict[str, Any]) -> None:
    """Envoy closes the connection of a client that names no server it knows."""
    refused = find(lab, scheme="https", host="other.meshlab.test", ca_path=CA, timeout=0, fails=True)
    note(measured, refused)
    assert reasons(refused)["load_balancer_ip"]


def test_host_header(lab: Lab, tls: None, measured: dict[str, Any]) -> None:
    found = find(lab, host=HOST, path="/shop")
    note(measured, found)
    assert found["gateway_url"] == f"{address(lab)}:80"
    refused = find(lab, path="/shop", timeout=0, fails=True)
    assert "404" in reasons(refused)["load_balancer_ip"]
    measured["without the header"] = refused["msg"]


# -- the Gateway API -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gateway_api(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The kinds of the Gateway API, out of the module that Istio's go.mod names, and a Gateway with a route."""
    environment = {**build.go_environment(), "GOMODCACHE": str(tmp_path_factory.mktemp("modules"))}
    done = subprocess.run(
        [str(build.go_toolchain()), "mod", "download", "-json", "sigs.k8s.io/gateway-api"], check=True,
        cwd=Path(build.__file__).parent / "go" / "istio", env={**os.environ, **environment}, capture_output=True,
        text=True,
    )  # fmt: skip
    folder = Path(json.loads(done.stdout)["Dir"]) / "config" / "crd" / "standard"
    kinds = [*folder.glob("*gatewayclasses.yaml"), *folder.glob("*_gateways.yaml"), *folder.glob("*httproutes.yaml"),
             *folder.glob("*referencegrants.yaml")]  # fmt: skip
    assert len(kinds) == 4
    text = "\n---\n".join(path.read_text() for path in kinds)
    lab.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    lab.kubectl("wait", "crds/gateways.gateway.networking.k8s.io", "--for=condition=Established", "--timeout=30s")
    kind = {"apiVersion": "gateway.networking.k8s.io/v1"}
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    lab.apply([
        {**kind, "kind": "Gateway", "metadata": {"name": "books", "namespace": TUTORIAL},
         "spec": {"gatewayClassName": "istio", "listeners": [listener]}},
        {**kind, "kind": "Gateway", "metadata": {"name": "nobodys", "namespace": TUTORIAL},
         "spec": {"gatewayClassName": "unknown", "listeners": [listener]}},
        {**kind, "kind": "HTTPRoute", "metadata": {"name": "books", "namespace": TUTORIAL},
         "spec": {"parentRefs": [{"name": "books"}],
                  "rules": [{"backendRefs": [{"name": "productpage", "port": 9080}]}]}},
    ])  # fmt: skip
    yield
    lab.kubectl("-n", TUTORIAL, "delete", "gateways.gateway.networking.k8s.io", "books", "nobodys")
    lab.kubectl("delete", "crds", "--ignore-not-found", *(
        f"{name}.gateway.networking.k8s.io" for name in ("gateways", "gatewayclasses", "httproutes", "referencegrants")
    ))  # fmt: skip


def test_gateway_api(lab: Lab, gateway_api: None, measured: dict[str, Any]) -> None:
    found = find(lab, gateway=f"{TUTORIAL}/books", methods=["gateway_api"], timeout=90)
    note(measured, found)
    assert (found["method"], found["ingress_port"]) == ("gateway_api", 80)
    by_its_service = find(lab, gateway=f"{TUTORIAL}/books", methods=["load_balancer_ip"], timeout=60)
    assert by_its_service["gateway_url"] == f"{address(lab, 'books-istio', TUTORIAL)}:80"


def test_a_gateway_that_no_controller_takes(lab: Lab, gateway_api: None, measured: dict[str, Any]) -> None:
    refused = find(lab, gateway=f"{TUTORIAL}/nobodys", timeout=2, fails=True)
    note(measured, refused)
    assert "no Service belongs to the Gateway" in reasons(refused)["load_balancer_ip"]
    assert "the Gateway has no address yet" in reasons(refused)["gateway_api"]
    unknown = find(lab, gateway=f"{TUTORIAL}/missing", timeout=2, fails=True)
    assert "There is no Gateway tutorial/missing" in unknown["msg"]
    assert "books" in unknown["msg"]


# -- failures --------------------------------------------------------------------------------------

MISTAKES = {
    "no such namespace": ({"namespace": "nowhere"}, "its namespace does not exist"),
    "no such service": ({"service": "ingress"}, f", {SERVICE}, istiod"),
    "no such port": ({"port_name": "web"}, "has no port named web; it has: status-port, http2, https"),
    "not found": ({"path": "/nothing", "timeout": 0}, "404"),
    "another page": ({"body": "Simple Shoe Shop", "timeout": 0}, "Simple Shoe Shop"),
    "never a way": ({"service": "istiod", "port_name": "http-monitoring"}, "waiting would not help"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained_at_once(mistake: str, lab: Lab, measured: dict[str, Any]) -> None:
    options, sentence = MISTAKES[mistake]
    refused = find(lab, fails=True, **options)
    note(measured, refused)
    assert sentence in refused["msg"]
    checked = find(lab, "--check", fails="port" in mistake, **options)
    assert mistake == "no such port" or checked["gateway_url"] == ""


def test_a_gateway_without_pods(lab: Lab, measured: dict[str, Any]) -> None:
    lab.kubectl("-n", SPACE, "scale", "deployment", SERVICE, "--replicas=0")
    try:
        until(lambda: not lab.kubectl("-n", SPACE, "get", "pods", f"--selector=app={SERVICE}", "--output=name"), 60,
              "no pod is left")  # fmt: skip
        refused = find(lab, timeout=2, fails=True)
        note(measured, refused)
        assert "0 of 0 pods of the Service are ready" in refused["msg"]
        assert set(reasons(refused)) >= {"load_balancer_ip", "node_port"}
    finally:
        lab.kubectl("-n", SPACE, "scale", "deployment", SERVICE, "--replicas=1")
    # It is waited for: the pod is on its way.
    assert find(lab, timeout=60)["method"] == "load_balancer_ip"


def test_no_cluster(lab: Lab, measured: dict[str, Any]) -> None:
    lab.ssh("sed 's#server: .*#server: https://127.0.0.1:1#' /root/.kube/config > /root/dead.kubeconfig")
    refused = find(lab, kubeconfig="/root/dead.kubeconfig", fails=True)
    note(measured, refused)
    assert "127.0.0.1:1" in refused["msg"]
    assert not find(lab, "--check", kubeconfig="/root/dead.kubeconfig")["cluster_exists"]
