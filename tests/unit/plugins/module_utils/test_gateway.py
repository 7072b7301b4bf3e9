# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search: the first address that answers, why the others were passed over, and what is worth waiting for."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _gateway
from ansible_collections.meshlab.istio.plugins.module_utils._entrance import Wanted
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    CommandError,
    InputError,
    NotFound,
    Unreachable,
)
from ansible_collections.meshlab.istio.plugins.module_utils._gateway import METHODS, NoAnswer, Search, nothing
from ansible_collections.meshlab.istio.plugins.module_utils._port_forward import Kubectl
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from ansible_collections.meshlab.istio.tests.unit.plugins.gateways import (
    GATEWAY_API,
    cluster,
    gateway,
    gateway_service,
    node,
    pod,
    service,
)

NAMES = {"http": "http2", "https": "https"}
CLASSIC = Wanted("istio-system", "istio-ingressgateway", None, NAMES)
MODERN = Wanted("tutorial", None, "bookinfo-gateway", NAMES)
SILENT = Progress()
REFUSED = "nothing listens there"


class World:
    """Which addresses answer; stands in for HTTP."""

    def __init__(self, *answering: str, delay: float = 0.0) -> None:
        self.answering = set(answering)
        self.delay = delay
        self.asked: list[str] = []

    def prove(self, url: str) -> str | None:
        self.asked.append(url)
        time.sleep(self.delay)
        return None if re.sub(r"^https?://(.*?)/.*", r"\1", url) in self.answering else REFUSED


class PretendKubectl(Kubectl):
    """Forwards to port 41327 or refuses."""

    def __init__(self, refusal: str | None = None) -> None:
        super().__init__("kubectl")
        self.refusal = refusal
        self.running = False
        self.asked: list[tuple[str, str, int]] = []

    @contextlib.contextmanager
    def port_forward(self, namespace: str, resource: str, port: int) -> Iterator[int]:
        self.asked.append((namespace, resource, port))
        if self.refusal:
            raise CommandError(self.refusal, cmd=[], rc=1, stdout="", stderr="")
        self.running = True
        try:
            yield 41327
        finally:
            self.running = False


def search(
    fake: FakeCluster, world: World, wanted: Wanted = CLASSIC, *, timeout: float = 0, **options: Any
) -> dict[str, Any]:
    arguments = {"scheme": "http", "path": "/productpage", **options}
    return Search(fake, wanted, prove=world.prove, **arguments).run(timeout, SILENT)  # type: ignore[arg-type]


def everything() -> FakeCluster:
    """A cluster in which every method but the Gateway API has addresses."""
    return cluster(
        service(ingress=[{"ip": "10.96.1.2"}, {"ip": "fd00::2"}, {"hostname": "lb.example"}]),
        node("one", InternalIP="10.77.0.6", ExternalIP="203.0.113.6"),
        pod(hostNetwork=True),
    )


def test_the_tutorials_way() -> None:
    fake = cluster(service(ingress=[{"ip": "10.96.184.12"}]))
    assert search(fake, World("10.96.184.12:80")) == {
        "ingress_host": "10.96.184.12",
        "ingress_port": 80,
        "secure_ingress_port": 443,
        "gateway_url": "10.96.184.12:80",
        "url": "http://10.96.184.12:80/productpage",
        "method": "load_balancer_ip",
        "temporary": False,
        "passed_over": [],
        "node_ports": {"status-port": 31380, "http2": 31381, "https": 31382},
    }


@pytest.mark.parametrize(
    ("answering", "method", "port", "secure_port", "passed_over"),
    [
        ("10.96.1.2:80", "load_balancer_ip", 80, 443, 0),
        ("[fd00::2]:80", "load_balancer_ip", 80, 443, 1),
        ("lb.example:80", "load_balancer_hostname", 80, 443, 2),
        ("203.0.113.6:31381", "node_port", 31381, 31382, 5),
        ("10.77.0.6:31381", "node_port", 31381, 31382, 6),
        ("10.77.0.6:8080", "host_network", 8080, 8443, 7),
        ("127.0.0.1:8080", "port_forward", 8080, None, 8),
    ],
)
def test_the_first_that_answers_in_the_order_of_the_design(
    answering: str, method: str, port: int, secure_port: int | None, passed_over: int
) -> None:
    found = search(everything(), World(answering), forwards=[("127.0.0.1", 8080)])
    assert (found["gateway_url"], found["method"], found["temporary"]) == (answering, method, False)
    assert (found["ingress_port"], found["secure_ingress_port"]) == (port, secure_port)
    before = [
        {"method": "load_balancer_ip", "address": "10.96.1.2:80", "reason": REFUSED},
        {"method": "load_balancer_ip", "address": "[fd00::2]:80", "reason": REFUSED},
        {"method": "load_balancer_hostname", "address": "lb.example:80", "reason": REFUSED},
        {"method": "gateway_api", "address": "",
         "reason": "no Gateway of the Gateway API was named (option `gateway`)"},
        {"method": "external_ip", "address": "", "reason": "the Service has no externalIPs"},
        {"method": "node_port", "address": "203.0.113.6:31381", "reason": REFUSED},
        {"method": "node_port", "address": "10.77.0.6:31381", "reason": REFUSED},
        {"method": "host_network", "address": "10.77.0.6:8080", "reason": REFUSED},
    ]  # fmt: skip
    assert found["passed_over"] == before[:passed_over]


def two_shops(*, host: str = "") -> tuple[FakeCluster, Wanted]:
    """Return a cluster with a Gateway for two host names on two ports, and who looks for one of them."""
    fake = cluster(gateway(["10.96.1.9"], listeners=[("HTTP", 18097, "admin.lab.example"),
                                                     ("HTTP", 18099, "shop.lab.example")]))  # fmt: skip
    fake.teach(GATEWAY_API, "Gateway")
    return fake, replace(MODERN, host=host)


@pytest.mark.parametrize("host", ["shop.lab.example", "Shop.Lab.Example", ""])
def test_the_listener_that_answers_need_not_be_the_first(host: str) -> None:
    """Only the first one's port had been asked, whatever the host."""
    fake, wanted = two_shops(host=host)
    world = World("10.96.1.9:18099")
    found = search(fake, world, wanted)
    assert (found["gateway_url"], found["ingress_port"], found["method"]) == ("10.96.1.9:18099", 18099, "gateway_api")
    assert len(world.asked) == (1 if host else 2), "the one for the host is asked first"


def test_tls_that_is_passed_on_is_asked_by_https() -> None:
    fake = cluster(gateway(["10.96.1.9"], listeners=[("TLS", 18443, "bank.lab.example")]))
    fake.teach(GATEWAY_API, "Gateway")
    found = search(fake, World("10.96.1.9:18443"), replace(MODERN, host="bank.lab.example"), scheme="https")
    assert (found["gateway_url"], found["secure_ingress_port"], found["ingress_port"]) == (
        "10.96.1.9:18443", 18443, None,
    )  # fmt: skip


def test_addresses_that_somebody_gave_the_service() -> None:
    given = service(kind="ClusterIP")
    given["spec"]["externalIPs"] = ["192.0.2.1", "fd00::7"]
    found = search(cluster(given), World("[fd00::7]:80"))
    assert (found["gateway_url"], found["method"], found["secure_ingress_port"]) == ("[fd00::7]:80", "external_ip", 443)


@pytest.mark.parametrize(("scheme", "key"), [("http", "ingress_port"), ("https", "secure_ingress_port")])
def test_the_only_port_of_a_service_needs_no_name(scheme: str, key: str) -> None:
    given = service(ingress=[{"ip": "10.96.1.2"}], web=8000)
    del given["spec"]["ports"][0]["name"]
    found = search(cluster(given), World("10.96.1.2:8000"), scheme=scheme)
    assert (found["gateway_url"], found[key]) == ("10.96.1.2:8000", 8000)


def test_port_forwards_to_each_port_of_a_gateway() -> None:
    fake, wanted = two_shops()
    made = gateway_service()
    made["spec"]["ports"] = [{"name": "a", "port": 18097}, {"name": "b", "port": 18099}]
    fake.put(made)
    kubectl = PretendKubectl()
    with pytest.raises(NoAnswer):
        search(fake, World(), wanted, methods=["port_forward"], kubectl=kubectl)
    assert kubectl.asked == [("tutorial", "service/bookinfo-gateway-istio", port) for port in (18097, 18099)]


def test_tls_asks_the_secure_port() -> None:
    found = search(everything(), World("10.77.0.6:31382"), scheme="https", path="/p?u=x")
    assert (found["url"], found["gateway_url"]) == ("https://10.77.0.6:31382/p?u=x", "10.77.0.6:31382")
    assert (found["ingress_port"], found["secure_ingress_port"]) == (31381, 31382)


def test_methods_and_their_order_are_the_users() -> None:
    world = World("10.77.0.6:8080", "10.96.1.2:80", "203.0.113.6:31381")
    assert search(everything(), world, methods=["host_network", "load_balancer_ip"])["method"] == "host_network"
    assert search(everything(), world, methods=["gateway_api", "node_port"])["method"] == "node_port"
    assert world.asked == ["http://10.77.0.6:8080/productpage", "http://203.0.113.6:31381/productpage"]


def test_a_way_without_the_port_is_not_asked() -> None:
    given = service(ingress=[{"ip": "10.96.1.2"}])
    del given["spec"]["ports"][2]["nodePort"]
    world = World("10.77.0.6:8443")
    fake = cluster(given, node("one", InternalIP="10.77.0.6"), pod(hostNetwork=True))
    found = search(fake, world, scheme="https", methods=["node_port", "host_network"])
    assert found["passed_over"] == [
        {"method": "node_port", "address": "10.77.0.6", "reason": "it has no port for https"}
    ]
    assert world.asked == ["https://10.77.0.6:8443/productpage"]


def test_a_gateway_of_the_gateway_api() -> None:
    fake = cluster(gateway_service(ingress=[{"ip": "10.96.1.9"}]))
    fake.teach(GATEWAY_API, "Gateway")
    fake.put(gateway(["10.96.1.10"]))
    found = search(fake, World("10.96.1.10:80"), MODERN)
    assert (found["method"], found["gateway_url"], found["secure_ingress_port"]) == (
        "gateway_api",
        "10.96.1.10:80",
        None,
    )
    assert found["node_ports"] == {"status-port": 31380, "listener-80": 31381}


# -- port-forward ------------------------------------------------------------------------------------


def test_a_port_forward_of_our_own_lives_for_the_probe() -> None:
    kubectl = PretendKubectl()
    world = World("127.0.0.1:41327")
    running: list[bool] = []

    def prove(url: str) -> str | None:
        running.append(kubectl.running)
        return world.prove(url)

    found = Search(
        everything(), CLASSIC, scheme="https", path="/", prove=prove, methods=["port_forward"], kubectl=kubectl
    ).run(0, SILENT)  # type: ignore[arg-type]
    assert (found["gateway_url"], found["temporary"], found["secure_ingress_port"]) == ("127.0.0.1:41327", True, 41327)
    assert found["ingress_port"] is None
    assert kubectl.asked == [("istio-system", "service/istio-ingressgateway", 443)]
    assert running == [True]
    assert not kubectl.running


def test_a_running_port_forward_comes_before_our_own() -> None:
    kubectl = PretendKubectl()
    found = search(
        everything(), World("127.0.0.1:8080"), methods=["port_forward"], kubectl=kubectl, forwards=[("127.0.0.1", 8080)]
    )
    assert (found["gateway_url"], found["temporary"], kubectl.asked) == ("127.0.0.1:8080", False, [])


def test_a_port_forward_that_does_not_come_about_is_a_reason() -> None:
    with pytest.raises(NoAnswer) as caught:
        search(everything(), World(), methods=["port_forward"], kubectl=PretendKubectl("kubectl was not found"))
    assert caught.value.details["passed_over"] == [
        {"method": "port_forward", "address": "", "reason": "kubectl was not found"}
    ]


def test_a_port_forward_needs_a_service() -> None:
    fake = cluster()
    fake.teach(GATEWAY_API, "Gateway")
    fake.put(gateway())
    with pytest.raises(NoAnswer, match="port_forward: no Service belongs to the Gateway"):
        search(fake, World(), MODERN, methods=["port_forward"], kubectl=PretendKubectl())
    made = gateway_service()
    made["spec"]["ports"].pop()
    fake.put(made)
    with pytest.raises(NoAnswer, match="the Service bookinfo-gateway-istio has no port for http yet"):
        search(fake, World(), MODERN, methods=["port_forward"], kubectl=PretendKubectl())


# -- waiting -----------------------------------------------------------------------------------------


def test_an_address_that_appears_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gateway, "POLL_SECONDS", 0.02)
    fake = cluster(service())
    path = tmp_path / "progress"
    tunnel = threading.Timer(
        0.2, fake.status, ("v1", "Service", "istio-ingressgateway", "istio-system"),
        {"loadBalancer": {"ingress": [{"ip": "10.96.1.2"}]}},
    )  # fmt: skip
    tunnel.start()
    found = Search(fake, CLASSIC, scheme="http", path="/", prove=World("10.96.1.2:80").prove).run(
        10, Progress(str(path))
    )  # type: ignore[arg-type]
    assert found["method"] == "load_balancer_ip"
    assert found["passed_over"] == []
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["text"].startswith(
        "No way into the mesh answers yet: load_balancer_ip: the Service has no load balancer address yet; on minikube"
    )


def test_an_answer_that_comes_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gateway, "POLL_SECONDS", 0.02)
    world = World()
    threading.Timer(0.15, world.answering.add, ("10.96.1.2:80",)).start()
    assert search(everything(), world, timeout=10, methods=["load_balancer_ip"])["gateway_url"] == "10.96.1.2:80"
    assert len(world.asked) > 2


def test_the_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gateway, "POLL_SECONDS", 0.02)
    fake = cluster(service(), pod(ready=False))
    started = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        search(fake, World(), timeout=0.3)
    assert 0.3 <= time.monotonic() - started < 5
    assert caught.value.message.startswith(
        "No way into istio-system/istio-ingressgateway answered http /productpage as expected within 0.3 s: "
        "load_balancer_ip: the Service has no load balancer address yet; "
    )
    assert caught.value.message.endswith("none was asked for. 0 of 1 pods of the Service are ready.")
    assert [each["method"] for each in caught.value.details["passed_over"]] == list(METHODS)
    assert caught.value.details["node_ports"] == {"status-port": 31380, "http2": 31381, "https": 31382}


def test_addresses_that_swallow_packets_do_not_keep_later_ones_from_being_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_gateway, "PROBE_SECONDS", 0.1)
    nodes = [node(f"n{number}", InternalIP=f"10.0.0.{number}") for number in range(1, 9)]
    fake = cluster(service(), *nodes, pod(hostNetwork=True))
    world = World("10.77.0.6:8080", delay=0.1)
    found = search(fake, world, methods=["node_port", "host_network"])
    assert found["method"] == "host_network"
    assert 2 <= len(world.asked) <= 4
    assert found["passed_over"][-1] == {
        "method": "node_port", "address": "10.0.0.8:31381", "reason": "there was no time left to ask it",
    }  # fmt: skip
    patient = search(fake, World("10.77.0.6:8080", delay=0.01), timeout=10, methods=["node_port", "host_network"])
    assert [each["reason"] for each in patient["passed_over"]] == [REFUSED] * 8


# -- where waiting cannot help -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "objects", "options", "failure", "words"),
    [
        (CLASSIC, [], {}, NotFound, "no Service istio-system/istio-ingressgateway"),
        (Wanted("nowhere", "gw", None, NAMES), [], {}, NotFound, "its namespace does not exist"),
        (MODERN, [], {}, NotFound, "no Gateway tutorial/bookinfo-gateway"),
        (CLASSIC, [service(web=80)], {}, InputError, "no port named http2"),
        (CLASSIC, [service(kind="ClusterIP"), pod()], {}, NoAnswer, "and waiting would not help: load_balancer_ip:"),
        (CLASSIC, [service()], {"methods": ["port_forward"]}, NoAnswer, "and waiting would not help"),
    ],
)
def test_no_waiting_for_what_will_not_come(
    wanted: Wanted, objects: list[Any], options: Any, failure: type[Exception], words: str
) -> None:
    fake = cluster(*objects)
    fake.teach(GATEWAY_API, "Gateway")
    started = time.monotonic()
    with pytest.raises(failure, match=words):
        search(fake, World(), wanted, timeout=30, **options)
    assert time.monotonic() - started < 5


def test_what_may_not_be_read_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = everything()
    real = fake.list

    def refuse_nodes(api_version: str, kind: str, *arguments: Any, **options: Any) -> Any:
        if kind == "Node":
            raise ClusterError("The API server answered 403 (Forbidden): nodes")
        return real(api_version, kind, *arguments, **options)

    monkeypatch.setattr(fake, "list", refuse_nodes)
    found = search(fake, World("10.77.0.6:8080"))
    assert found["method"] == "host_network"
    assert found["passed_over"][-1]["reason"] == "The API server answered 403 (Forbidden): nodes"


@pytest.mark.parametrize("kind", ["Pod", "Service"])
def test_a_cluster_that_goes_away_is_an_error(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    fake = everything()

    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise Unreachable("No Kubernetes API answers")

    monkeypatch.setattr(fake, "list" if kind == "Pod" else "get", fail)
    with pytest.raises(Unreachable):
        search(fake, World(), timeout=0)


def test_one_round_is_called_so() -> None:
    with pytest.raises(NoAnswer, match="as expected when asked once: load_balancer_ip"):
        search(cluster(service()), World(), timeout=0)


def test_readiness_is_left_out_where_it_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = cluster(service())

    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise ClusterError("no")

    monkeypatch.setattr(fake, "list", refuse)
    with pytest.raises(NoAnswer, match=r"none was asked for\.$"):
        search(fake, World())


def test_a_failure_with_all_its_words() -> None:
    fake = cluster(service(ingress=[{"ip": "10.96.1.2"}]), pod(), pod("second", ready=False))
    with pytest.raises(NoAnswer) as caught:
        search(fake, World(), methods=["load_balancer_ip", "load_balancer_hostname"])
    assert caught.value.message == (
        "No way into istio-system/istio-ingressgateway answered http /productpage as expected when asked once: "
        "load_balancer_ip 10.96.1.2:80: nothing listens there; "
        "load_balancer_hostname: the load balancer has an IP address but no host name. "
        "1 of 2 pods of the Service are ready."
    )


def test_a_failure_names_the_gateway_that_was_asked_for() -> None:
    fake = cluster(gateway_service())
    fake.teach(GATEWAY_API, "Gateway")
    fake.put(gateway(["10.96.1.10"]))
    with pytest.raises(NoAnswer) as caught:
        search(fake, World(), MODERN, methods=["gateway_api"])
    assert caught.value.message.startswith("No way into tutorial/bookinfo-gateway answered http /productpage ")
    assert caught.value.details["node_ports"] == {"status-port": 31380, "listener-80": 31381}


def test_node_ports_of_a_service_whose_port_has_no_name() -> None:
    given = service(ingress=[{"ip": "10.96.1.2"}], web=80, http2=81)
    del given["spec"]["ports"][0]["name"]
    del given["spec"]["ports"][1]["nodePort"]
    assert search(cluster(given), World("10.96.1.2:81"))["node_ports"] == {"80": 31380}


def test_nothing_found_looks_like_something_found() -> None:
    found = search(everything(), World("10.96.1.2:80"))
    assert nothing().keys() == found.keys()
    assert nothing() == {
        "ingress_host": "",
        "ingress_port": None,
        "secure_ingress_port": None,
        "gateway_url": "",
        "url": "",
        "method": "",
        "temporary": False,
        "passed_over": [],
        "node_ports": {},
    }
