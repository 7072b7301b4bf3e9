# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gateway_url_info as Ansible runs it, over real HTTP to loopback."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _gateway_url
from ansible_collections.meshlab.istio.plugins.modules import gateway_url_info
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from ansible_collections.meshlab.istio.tests.unit.plugins.gateways import (
    GATEWAY_API,
    cluster,
    gateway,
    node,
    pod,
    service,
)
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Authority, Reply, Server, free_port

TITLE = "<title>Simple Bookstore App</title>"


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that lets the module see a cluster."""

    def give(fake: FakeCluster) -> None:
        monkeypatch.setattr(_gateway_url, "Cluster", lambda _kubeconfig, _context: fake)

    return give


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, dict[str, Any]]:
    """Return exit code and result of the module."""
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        gateway_url_info.main()
    code = ended.value.code
    return int(code or 0), json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_url_that_answers(capsys: pytest.CaptureFixture[str], use: Any, check_mode: bool, address: str) -> None:
    with Server(lambda _seen: Reply(body=TITLE.encode()), address=address) as server:
        use(cluster(service(ingress=[{"ip": address}], http2=server.port)))
        code, result = run(
            capsys, host="tutorial.bookinfo.com", body=TITLE, path="/productpage?u=normal",
            _ansible_check_mode=check_mode,
        )  # fmt: skip
        shown = f"[{address}]" if ":" in address else address
        assert code == 0, result
        assert (result["changed"], result["cluster_exists"], result["method"]) == (False, True, "load_balancer_ip")
        assert (result["ingress_host"], result["ingress_port"]) == (address, server.port)
        assert result["gateway_url"] == f"{shown}:{server.port}"
        assert result["url"] == f"http://{shown}:{server.port}/productpage?u=normal"
        assert (result["passed_over"], result["commands"]) == ([], [])
        assert [(seen.path, seen.headers["host"]) for seen in server.seen] == [
            ("/productpage?u=normal", "tutorial.bookinfo.com")
        ]


def test_tls_by_the_name_of_the_host(capsys: pytest.CaptureFixture[str], use: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Server(context=authority.server_context("tutorial.bookinfo.com")) as server:
        use(cluster(service(ingress=[{"ip": "127.0.0.1"}], http2=80, https=server.port)))
        _code, result = run(capsys, scheme="https", host="tutorial.bookinfo.com", ca_path=authority.path)
        assert result["url"] == f"https://127.0.0.1:{server.port}/productpage"
        assert (result["ingress_port"], result["secure_ingress_port"]) == (80, server.port)
        assert server.server_names == ["tutorial.bookinfo.com"]


def test_each_wrong_answer_is_explained(capsys: pytest.CaptureFixture[str], use: Any) -> None:
    dead = free_port()
    with Server(lambda _seen: Reply(404)) as other, Server(lambda _seen: Reply(body=TITLE.encode())) as server:
        given = service(ingress=[{"ip": "127.0.0.1"}], http2=other.port)
        given["spec"]["ports"][0]["nodePort"] = dead
        use(cluster(given, node("one", InternalIP="127.0.0.1"), pod()))
        code, result = run(capsys, port_forward_url=server.url(), body=TITLE, timeout=5)
    assert code == 0, result
    assert (result["method"], result["gateway_url"]) == ("port_forward", f"127.0.0.1:{server.port}")
    assert (result["temporary"], result["secure_ingress_port"]) == (False, None)
    assert {each["method"]: each["reason"] for each in result["passed_over"]} == {
        "load_balancer_ip": "it answered 404, expected 200",
        "load_balancer_hostname": "the load balancer has an IP address but no host name",
        "gateway_api": "no Gateway of the Gateway API was named (option `gateway`)",
        "external_ip": "the Service has no externalIPs",
        "node_port": "nothing listens there (connection refused)",
        "host_network": "the pods of the Service use no port of their nodes (hostNetwork or hostPort)",
    }
    assert result["node_ports"] == {"http2": dead}


def test_a_port_forward_of_its_own_only_when_asked(
    capsys: pytest.CaptureFixture[str], use: Any, tmp_path: Path
) -> None:
    kubectl = tmp_path / "kubectl"
    with Server() as server:
        line = f"Forwarding from 127.0.0.1:{server.port} -> 8080"
        kubectl.write_text(f"#!{sys.executable}\nimport time\nprint({line!r}, flush=True)\ntime.sleep(60)\n")
        kubectl.chmod(0o755)
        use(cluster(service(kind="ClusterIP"), pod()))
        code, without = run(capsys, kubectl=str(kubectl), timeout=0)
        assert (code, without["passed_over"][-1]["method"]) == (1, "port_forward")
        code, result = run(
            capsys, kubectl=str(kubectl), methods=["node_port", "port_forward"], kubeconfig="/k", context="lab"
        )
    assert code == 0, result
    assert (result["method"], result["temporary"]) == ("port_forward", True)
    assert result["gateway_url"] == f"127.0.0.1:{server.port}"
    (command,) = result["commands"]
    assert command["cmd"] == (
        f"{kubectl} --kubeconfig=/k --context=lab --namespace=istio-system port-forward --address=127.0.0.1 "
        "-- service/istio-ingressgateway :80"
    )


@pytest.mark.parametrize(
    ("option", "namespace", "found"),
    [("tutorial/bookinfo-gateway", "istio-system", True), ("bookinfo-gateway", "tutorial", True),
     ("bookinfo-gateway", "istio-system", False)],
)  # fmt: skip
def test_a_gateway_by_name(
    capsys: pytest.CaptureFixture[str], use: Any, option: str, namespace: str, found: bool
) -> None:
    with Server() as server:
        fake = cluster()
        fake.teach(GATEWAY_API, "Gateway")
        fake.put(gateway(["127.0.0.1"], listeners=[("HTTP", server.port)]))
        use(fake)
        code, result = run(capsys, gateway=option, namespace=namespace)
    assert (code == 0) is found
    if found:
        assert (result["method"], result["node_ports"]) == ("gateway_api", {})
    else:
        assert "no Gateway istio-system/bookinfo-gateway" in result["msg"]


@pytest.mark.parametrize(
    "options",
    [{"host": "shop.lab.example"}, {"host": "shop.lab.example:8080"}, {"headers": {"Host": "shop.lab.example"}}],
)
def test_the_listener_for_the_host_is_asked(
    capsys: pytest.CaptureFixture[str], use: Any, options: dict[str, Any]
) -> None:
    with Server(lambda _seen: Reply(404)) as admin, Server() as shop:
        listeners = [("HTTP", admin.port, "admin.lab.example"), ("HTTP", shop.port, "shop.lab.example")]
        fake = cluster(gateway(["127.0.0.1"], listeners=listeners))
        fake.teach(GATEWAY_API, "Gateway")
        use(fake)
        code, result = run(capsys, gateway="tutorial/bookinfo-gateway", timeout=0, **options)
    assert (code, result["ingress_port"], result["passed_over"][2:]) == (0, shop.port, []), result
    assert admin.seen == []


def test_a_failure_returns_what_was_tried(capsys: pytest.CaptureFixture[str], use: Any) -> None:
    use(cluster(service(kind="ClusterIP"), pod(ready=True)))
    code, result = run(capsys, timeout=30)
    assert code == 1
    assert "and waiting would not help" in result["msg"]
    assert "1 of 1 pods of the Service are ready" in result["msg"]
    assert len(result["passed_over"]) == 7
    assert result["node_ports"] == {}


# -- check mode over a lab that is not there yet -----------------------------------------------------


@pytest.mark.parametrize("objects", [[], [service()], [service(ingress=[{"ip": "127.0.0.1"}], http2=free_port())]])
def test_check_mode_of_a_half_made_lab(capsys: pytest.CaptureFixture[str], use: Any, objects: list[Any]) -> None:
    use(cluster(*objects))
    code, result = run(capsys, _ansible_check_mode=True, timeout=60)
    assert code == 0
    assert (result["changed"], result["cluster_exists"], result["gateway_url"]) == (False, True, "")
    assert "istio-ingressgateway" in result["msg"]
    assert result["seconds"] < 1


def test_check_mode_without_a_cluster(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "kubeconfig")
    code, result = run(capsys, kubeconfig=missing, _ansible_check_mode=True)
    assert code == 0
    assert (result["changed"], result["cluster_exists"], result["gateway_url"]) == (False, False, "")
    assert missing in result["msg"]
    code, result = run(capsys, kubeconfig=missing)
    assert code == 1
    assert missing in result["msg"]


def test_check_mode_on_a_host_without_libraries(no_kubernetes: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, _ansible_check_mode=True)
    assert (code, result["cluster_exists"]) == (0, False)
    assert "does not have the Python libraries PyYAML yet" in result["msg"]
    code, result = run(capsys)
    assert (code, result["missing"]) == (1, ["yaml"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "productpage"}, "`path` must start with a slash"),
        ({"gateway": "/name"}, "`gateway` is NAMESPACE/NAME or NAME"),
        ({"gateway": "tutorial/"}, "`gateway` is NAMESPACE/NAME or NAME"),
        ({"port_forward_url": "localhost:8080"}, "'localhost:8080' is not a URL"),
        ({"methods": ["tunnel"]}, "value of methods must be one or more of"),
        ({"headers": {"bad name": "x"}}, "'bad name' cannot be sent"),
        ({"port_name": "web"}, "no port named web; it has: status-port, http2, https"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_bad_input(
    capsys: pytest.CaptureFixture[str], use: Any, options: dict[str, Any], words: str, check_mode: bool
) -> None:
    use(cluster(service()))
    code, result = run(capsys, _ansible_check_mode=check_mode, **options)
    assert code == 1
    assert words in result["msg"]
