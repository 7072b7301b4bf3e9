# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a gateway could have, by what the API says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._entrance import FINDERS, Entrance, NoWay, Wanted, Way
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError, NotFound
from ansible_collections.meshlab.istio.tests.unit.plugins.gateways import (
    GATEWAY_API,
    Object,
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


def find(method: str, wanted: Wanted, *objects: Object) -> list[Way]:
    fake = cluster(*objects)
    fake.teach(GATEWAY_API, "Gateway")
    return FINDERS[method](Entrance(fake, wanted))


def ways(method: str, *places: tuple[str, int | None, int | None]) -> list[Way]:
    """Return ways of (address, HTTP port, HTTPS port)."""
    return [
        Way(method, host, {name: port for name, port in (("http", http), ("https", https)) if port})
        for host, http, https in places
    ]


# -- load balancer -----------------------------------------------------------------------------------


def test_load_balancer_addresses_and_names() -> None:
    given = service(ingress=[{"ip": "10.96.1.2"}, {"hostname": "lb.example"}, {"ip": "fd00::12", "ipMode": "VIP"}])
    assert find("load_balancer_ip", CLASSIC, given) == ways(
        "load_balancer_ip", ("10.96.1.2", 80, 443), ("fd00::12", 80, 443)
    )
    assert find("load_balancer_hostname", CLASSIC, given) == ways("load_balancer_hostname", ("lb.example", 80, 443))


@pytest.mark.parametrize(
    ("given", "method", "reason", "final"),
    [
        (service(), "load_balancer_ip", "no load balancer address yet; on minikube, `minikube tunnel`", False),
        (service(), "load_balancer_hostname", "no load balancer address yet", False),
        (service(ingress=[{"ip": "10.1.1.1"}]), "load_balancer_hostname", "an IP address but no host name", False),
        (service(ingress=[{"hostname": "a"}]), "load_balancer_ip", "a host name but no IP address", False),
        (service(kind="NodePort"), "load_balancer_ip", "of type NodePort, which gets no load balancer", True),
        (service(kind="ClusterIP"), "load_balancer_hostname", "of type ClusterIP", True),
    ],
)
def test_no_load_balancer(given: Object, method: str, reason: str, final: bool) -> None:
    with pytest.raises(NoWay, match=re.escape(reason)) as caught:
        find(method, CLASSIC, given)
    assert caught.value.final is final


# -- node ports --------------------------------------------------------------------------------------


def test_node_ports_on_the_most_promising_node_first() -> None:
    nodes = [
        node("a", ready=False, InternalIP="10.0.0.1"),
        node("b", InternalIP="10.0.0.2", Hostname="b"),
        node("c", InternalIP="fd00::3", ExternalIP="203.0.113.3"),
    ]
    found = find(
        "node_port", CLASSIC, service(kind="NodePort"), *nodes, pod(node="c"), pod("p2", ready=False, node="a")
    )
    assert found == ways(
        "node_port",
        ("203.0.113.3", 31381, 31382), ("fd00::3", 31381, 31382), ("10.0.0.2", 31381, 31382),
        ("10.0.0.1", 31381, 31382),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("objects", "reason", "final"),
    [
        ([service(kind="ClusterIP"), node("a", InternalIP="10.0.0.1")], "of type ClusterIP and has no node port", True),
        ([service(node_ports=False), node("a", InternalIP="10.0.0.1")], "LoadBalancer and has no node port", False),
        ([service(), node("a", Hostname="a")], "no node has an address", False),
        ([service()], "no node has an address", False),
    ],
)
def test_no_node_port(objects: list[Object], reason: str, final: bool) -> None:
    with pytest.raises(NoWay, match=reason) as caught:
        find("node_port", CLASSIC, *objects)
    assert caught.value.final is final


# -- ports of the nodes themselves -------------------------------------------------------------------


def container(*ports: dict[str, Any]) -> dict[str, Any]:
    return {"containers": [{"name": "app"}, {"name": "istio-proxy", "ports": list(ports)}]}


@pytest.mark.parametrize(
    ("fields", "targets", "expected"),
    [
        ({"hostNetwork": True}, {}, (8080, 8443)),
        ({"hostNetwork": True, **container({"containerPort": 8080, "hostPort": 8080})}, {}, (8080, 8443)),
        (container({"containerPort": 8080, "hostPort": 80}, {"containerPort": 8443}), {}, (80, None)),
        (container({"name": "web", "containerPort": 9000, "hostPort": 9080}), {"http2": "web"}, (9080, None)),
        ({"hostNetwork": True, **container({"name": "web", "containerPort": 9000})}, {"http2": "web"}, (9000, 8443)),
        ({"hostNetwork": True}, {"http2": "unheard-of"}, (None, 8443)),
        ({"hostNetwork": True}, {"http2": None}, (80, 8443)),
        (
            {"initContainers": [{"name": "istio-proxy", "ports": [{"containerPort": 8443, "hostPort": 443}]}]},
            {},
            (None, 443),
        ),
    ],
)
def test_ports_of_the_node(fields: Object, targets: dict[str, Any], expected: tuple[int | None, int | None]) -> None:
    given = service(kind="ClusterIP")
    for port in given["spec"]["ports"]:
        port["targetPort"] = targets.get(port["name"], port["targetPort"])
        if port["targetPort"] is None:
            del port["targetPort"]
    found = find("host_network", CLASSIC, given, pod(host_ips=["10.77.0.6", "fd00::6"], **fields))
    assert found == ways("host_network", ("10.77.0.6", *expected), ("fd00::6", *expected))


def test_an_old_kubelet_tells_one_address() -> None:
    old = pod(hostNetwork=True)
    del old["status"]["hostIPs"]
    assert find("host_network", CLASSIC, service(), old) == ways("host_network", ("10.77.0.6", 8080, 8443))


@pytest.mark.parametrize(
    ("objects", "reason", "final"),
    [
        ([service()], "no pod of the Service is ready", False),
        ([service(), pod(ready=False, hostNetwork=True)], "no pod of the Service is ready", False),
        ([service(), pod()], "use no port of their nodes", True),
    ],
)
def test_no_ports_of_the_node(objects: list[Object], reason: str, final: bool) -> None:
    with pytest.raises(NoWay, match=reason) as caught:
        find("host_network", CLASSIC, *objects)
    assert caught.value.final is final


def test_a_service_without_a_selector_has_no_pods() -> None:
    given = service()
    del given["spec"]["selector"]
    with pytest.raises(NoWay, match="no pod"):
        find("host_network", CLASSIC, given, pod(hostNetwork=True))


# -- Gateway API -------------------------------------------------------------------------------------


def test_addresses_of_a_gateway_with_the_ports_of_all_its_listeners() -> None:
    """Those of the other scheme stay at the first, and HTTPS comes before TLS, which passes it on."""
    listeners = [("TLS", 15443), ("HTTP", 8080), ("HTTP", 80), ("HTTPS", 8443), ("HTTPS", 443), ("TCP", 9000)]
    given = gateway(["10.96.1.9", "fd00::9"], listeners=listeners)
    assert find("gateway_api", MODERN, given) == ways(
        "gateway_api",
        ("10.96.1.9", 8080, 8443), ("10.96.1.9", 80, 8443), ("fd00::9", 8080, 8443), ("fd00::9", 80, 8443),
    )  # fmt: skip
    assert find("gateway_api", replace(MODERN, scheme="https"), gateway(["::9"], listeners=listeners)) == ways(
        "gateway_api", ("::9", 8080, 8443), ("::9", 8080, 443), ("::9", 8080, 15443)
    )


@pytest.mark.parametrize(
    ("host", "ports"),
    [
        ("shop.lab.example", [3, 2, 1, 4, 5]),
        ("SHOP.lab.example", [3, 2, 1, 4, 5]),
        ("a.b.lab.example", [2, 1, 3, 4, 5]),
        ("lab.example", [1, 2, 3, 4, 5]),
        ("", [1, 2, 3, 4, 5]),
    ],
)
def test_listeners_that_take_the_host_come_first(host: str, ports: list[int]) -> None:
    listeners = [("HTTP", 1), ("HTTP", 2, "*.lab.example"), ("HTTP", 3, "shop.lab.example"), ("HTTP", 4, "other"),
                 ("HTTP", 5, "*.other")]  # fmt: skip
    found = find("gateway_api", replace(MODERN, host=host), gateway(["10.1.1.1"], listeners=listeners))
    assert [way.ports["http"] for way in found] == ports


def test_listeners_of_several_hosts_on_one_port_are_asked_once() -> None:
    given = gateway(["10.1.1.1"], listeners=[("HTTP", 80, "a.example"), ("HTTP", 80, "b.example")])
    made = gateway_service(ingress=[{"ip": "10.1.1.2"}])
    for method, address in (("gateway_api", "10.1.1.1"), ("load_balancer_ip", "10.1.1.2")):
        assert find(method, MODERN, given, made) == ways(method, (address, 80, None))


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([{"name": "x", "port": 443, "protocol": "UDP"}, {"name": "y", "port": 80}], 80),
        ([{"name": "x", "port": 81}, {"name": "listener-80", "port": 8000}], 8000),
        ([{"port": 8000}], 8000),
    ],
    ids=["by number", "by name", "the only one"],
)
def test_the_services_port_of_a_listener(ports: list[Object], expected: int) -> None:
    made = gateway_service(ingress=[{"ip": "10.1.1.2"}])
    made["spec"]["ports"] = ports
    assert find("load_balancer_ip", MODERN, gateway(), made) == ways("load_balancer_ip", ("10.1.1.2", expected, None))


@pytest.mark.parametrize(
    ("namespace", "name", "addresses", "found"),
    [
        ("tutorial", "bookinfo-gateway-istio", [], True),
        ("tutorial", "bookinfo-gateway", [], True),
        ("tutorial", "by-hand", [], False),
        ("tutorial", "by-hand", [{"type": "Hostname", "value": "by-hand"}], True),
        ("istio-system", "by-hand", [{"type": "Hostname", "value": "by-hand.istio-system.svc.cluster.local"}], True),
        ("istio-system", "by-hand", [{"type": "IPAddress", "value": "10.1.1.1"}], False),
    ],
)
def test_a_service_that_somebody_made_for_a_gateway_is_found_without_a_label(
    namespace: str, name: str, addresses: list[Object], found: bool
) -> None:
    given, made = gateway(), gateway_service(ingress=[{"ip": "10.1.1.2"}])
    given["spec"]["addresses"] = addresses
    made["metadata"] = {"name": name, "namespace": namespace}
    if found:
        assert find("load_balancer_ip", MODERN, given, made)[0].host == "10.1.1.2"
    else:
        with pytest.raises(NoWay, match="no Service belongs to the Gateway"):
            find("load_balancer_ip", MODERN, given, made)


def test_a_service_that_has_only_the_name_of_a_gateway_is_not_its_own() -> None:
    other = gateway_service(ingress=[{"ip": "10.1.1.2"}])
    other["metadata"] = {"name": "bookinfo-gateway", "namespace": "tutorial"}
    other["spec"]["ports"] = [{"name": "http", "port": 9080}]
    with pytest.raises(NoWay, match="no Service belongs to the Gateway"):
        find("load_balancer_ip", MODERN, gateway(), other)


def test_addresses_that_somebody_gave_the_service() -> None:
    given = service(kind="ClusterIP")
    with pytest.raises(NoWay, match="the Service has no externalIPs") as caught:
        find("external_ip", CLASSIC, given)
    assert caught.value.final
    given["spec"]["externalIPs"] = ["192.0.2.1", "fd00::7"]
    assert find("external_ip", CLASSIC, given) == ways("external_ip", ("192.0.2.1", 80, 443), ("fd00::7", 80, 443))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_only_port_of_a_service_needs_no_name(scheme: str) -> None:
    entrance = Entrance(cluster(UNNAMED), replace(CLASSIC, scheme=scheme))
    entrance.check_scheme(scheme)
    assert entrance.numbers("port") == [{scheme: 80}]


def test_the_service_of_a_gateway_is_found_by_its_label() -> None:
    objects = [gateway(), gateway_service(ingress=[{"ip": "10.96.1.9"}]), service(ingress=[{"ip": "10.96.1.2"}])]
    assert find("load_balancer_ip", MODERN, *objects) == ways("load_balancer_ip", ("10.96.1.9", 80, None))


def test_a_gateway_beside_a_named_service() -> None:
    wanted = Wanted("istio-system", "istio-ingressgateway", "bookinfo-gateway", NAMES)
    given = gateway()
    given["metadata"]["namespace"] = "istio-system"
    objects = [given, service(ingress=[{"ip": "10.96.1.2"}])]
    assert find("load_balancer_ip", wanted, *objects) == ways("load_balancer_ip", ("10.96.1.2", 80, None))


@pytest.mark.parametrize(
    ("wanted", "objects", "method", "reason", "final"),
    [
        (CLASSIC, [service()], "gateway_api", "no Gateway of the Gateway API was named", True),
        (
            MODERN,
            [gateway()],
            "gateway_api",
            "(Programmed is False: Assigned to service(s), but no address yet)",
            False,
        ),
        (MODERN, [{**gateway(), "status": {}}], "gateway_api", "its status says nothing", False),
        (MODERN, [gateway()], "load_balancer_ip", "no Service belongs to the Gateway bookinfo-gateway yet", False),
    ],
)
def test_no_gateway_address(wanted: Wanted, objects: list[Object], method: str, reason: str, final: bool) -> None:
    with pytest.raises(NoWay, match=re.escape(reason)) as caught:
        find(method, wanted, *objects)
    assert caught.value.final is final


def test_an_older_gateway_api() -> None:
    fake = cluster({**gateway(["10.96.1.9"]), "apiVersion": "gateway.networking.k8s.io/v1beta1"})
    fake.teach("gateway.networking.k8s.io/v1beta1", "Gateway")
    assert FINDERS["gateway_api"](Entrance(fake, MODERN))[0].host == "10.96.1.9"


# -- what is not there -------------------------------------------------------------------------------


def test_a_missing_service_names_those_that_exist() -> None:
    others = [service(), service(), service()]
    for other, (namespace, name) in zip(
        others, (("istio-system", "public"), ("istio-system", "inner"), ("tutorial", "elsewhere"))
    ):
        other["metadata"] = {"name": name, "namespace": namespace}
    with pytest.raises(NotFound) as caught:
        Entrance(cluster(*others), CLASSIC)
    assert caught.value.message == (
        "There is no Service istio-system/istio-ingressgateway in the cluster at https://stand-in:6443: "
        "the namespace has: inner, public. Install it first, or set `service`."
    )
    assert caught.value.details["reason"] == "NotFound"
    with pytest.raises(NotFound, match="the namespace has: none"):
        Entrance(cluster(), CLASSIC)


def test_a_missing_namespace_is_named() -> None:
    with pytest.raises(NotFound) as caught:
        Entrance(cluster(), Wanted("nowhere", "istio-ingressgateway", None, NAMES))
    assert caught.value.message == (
        "There is no Service nowhere/istio-ingressgateway in the cluster at https://stand-in:6443: "
        "its namespace does not exist. Install Istio first, or set `service` and the namespace."
    )


def test_what_else_is_there_may_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = cluster()

    def find_nothing(*_arguments: Any) -> None:
        raise ClusterError("The API server answered 403 (Forbidden): not for you")

    monkeypatch.setattr(fake, "find", find_nothing)
    with pytest.raises(NotFound, match=r"what else is there cannot be seen \(The API server answered 403"):
        Entrance(fake, CLASSIC)


def test_a_missing_gateway_and_a_missing_gateway_api() -> None:
    fake = cluster()
    with pytest.raises(NotFound) as caught:
        Entrance(fake, MODERN)
    assert caught.value.message == (
        "The cluster at https://stand-in:6443 does not have the Gateway API, so there is no Gateway "
        "tutorial/bookinfo-gateway. Install its CRDs first."
    )
    assert caught.value.details["reason"] == "UnknownKind"
    fake.teach(GATEWAY_API, "Gateway")
    with pytest.raises(NotFound, match=r"no Gateway tutorial/bookinfo-gateway .*the namespace has: none"):
        Entrance(fake, MODERN)
    other = gateway()
    other["metadata"]["name"] = "other"
    fake.put(other)
    with pytest.raises(NotFound, match=r"the namespace has: other\. Install it first, or set `gateway`\.$"):
        Entrance(fake, MODERN)


UNNAMED = service(web=80)
del UNNAMED["spec"]["ports"][0]["name"]


@pytest.mark.parametrize(
    ("wanted", "objects", "scheme", "words"),
    [
        (
            CLASSIC,
            [service(web=80, admin=81)],
            "http",
            "Service istio-system/istio-ingressgateway has no port named http2; it has: web, admin. Set `port_name`.",
        ),
        (CLASSIC, [service(web=80)], "http", "it has: web. Set `port_name`."),
        (CLASSIC, [{**service(), "spec": {"type": "ExternalName"}}], "http", "it has: none. Set `port_name`."),
        (CLASSIC, [service(http2=80)], "https", "no port named https; it has: http2. Set `secure_port_name`."),
        (MODERN, [gateway()], "https", "tutorial/bookinfo-gateway has no listener with the protocol HTTPS."),
    ],
)
def test_a_port_that_nobody_configured(wanted: Wanted, objects: list[Object], scheme: str, words: str) -> None:
    fake = cluster(*objects)
    fake.teach(GATEWAY_API, "Gateway")
    entrance = Entrance(fake, wanted)
    with pytest.raises(InputError, match=re.escape(words) + "$"):
        entrance.check_scheme(scheme)


def test_a_port_that_is_configured() -> None:
    for scheme in ("http", "https"):
        Entrance(cluster(service()), CLASSIC).check_scheme(scheme)
    fake = cluster(gateway(listeners=[("HTTPS", 443)]))
    fake.teach(GATEWAY_API, "Gateway")
    Entrance(fake, MODERN).check_scheme("https")
    with pytest.raises(InputError, match="no listener with the protocol HTTP\\."):
        Entrance(fake, MODERN).check_scheme("http")


def test_the_pods_are_those_that_the_service_selects() -> None:
    def named(name: str, labels: dict[str, str], namespace: str = "istio-system") -> Object:
        made = pod(name)
        made["metadata"] = {"name": name, "namespace": namespace, "labels": labels}
        return made

    given = service()
    given["spec"]["selector"] = {"app": "gateway", "istio": "ingress"}
    both = {"app": "gateway", "istio": "ingress"}
    pods = [
        named("both", both), named("one", {"app": "gateway"}), named("other", {"app": "x", "istio": "ingress"}),
        named("elsewhere", both, "tutorial"),
    ]  # fmt: skip
    entrance = Entrance(cluster(given, *pods), CLASSIC)
    assert [each["metadata"]["name"] for each in entrance.pods()] == ["both"]


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([{"type": "Ready", "status": "True"}], True),
        ([{"type": "Initialized", "status": "False"}, {"type": "Ready", "status": "True"}], True),
        ([{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"}], False),
        ([{"type": "Ready", "status": "Unknown"}], False),
        (None, False),
    ],
)
def test_a_pod_gets_traffic_when_it_is_ready(conditions: list[Object] | None, ready: bool) -> None:
    given = pod()
    given["status"]["conditions"] = conditions
    assert len(Entrance(cluster(service(), given), CLASSIC).ready_pods()) == int(ready)
    given.pop("status")
    assert Entrance(cluster(service(), given), CLASSIC).ready_pods() == []
