# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a gateway could be reached, by what the Kubernetes API says: one finder for each kind of address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError, NotFound

GATEWAY_API = ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1")
GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"
PROTOCOLS = {"http": ("HTTP",), "https": ("HTTPS", "TLS")}
"""Protocols of a Gateway's listeners by scheme. With TLS the gateway passes an HTTPS connection on as it is."""

Ports = dict[str, int]
"""Port numbers by scheme (http, https); a scheme without a port is left out."""


@dataclass(frozen=True)
class Wanted:
    """The gateway that is looked for.

    :param service: name of its Service; None with ``gateway`` means the one its controller made.
    :param gateway: name of a Gateway of the Gateway API in ``namespace``, or None.
    :param port_names: names of the Service's ports by scheme.
    :param scheme: http or https, the one that has to answer.
    :param host: name that is asked for; "" for the address itself.
    """

    namespace: str
    service: str | None
    gateway: str | None
    port_names: dict[str, str]
    scheme: str = "http"
    host: str = ""


@dataclass(frozen=True)
class Way:
    """One address at which the gateway might answer."""

    method: str
    host: str
    ports: Ports


class NoWay(Exception):
    """There is no address of this kind.

    :param reason: why, as a sentence.
    :param final: waiting will not bring one, as long as nobody changes an object's spec.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


class Entrance:
    """What the API says about the way in, read at one moment; nodes and pods only when they are asked for.

    :raises NotFound: the Service or the Gateway does not exist; the message says what there is instead.
    """

    def __init__(self, cluster: Cluster, wanted: Wanted) -> None:
        self.cluster = cluster
        self.wanted = wanted
        self.gateway = _read_gateway(cluster, wanted.namespace, wanted.gateway) if wanted.gateway else None
        self.service = _read_service(cluster, wanted, self.gateway)

    @property
    def spec(self) -> dict[str, Any]:
        """The Service's spec. Raises NoWay while a Gateway has no Service."""
        spec: dict[str, Any] = self._required()["spec"]
        return spec

    @property
    def service_name(self) -> str:
        """The Service's name. Raises NoWay while a Gateway has no Service."""
        return str(self._required()["metadata"]["name"])

    @property
    def service_namespace(self) -> str:
        """The Service's namespace. Raises NoWay while a Gateway has no Service."""
        return str(self._required()["metadata"]["namespace"])

    @property
    def service_ports(self) -> dict[str, list[Object]]:
        """The Service's ports by scheme, found by their names, or for a Gateway by its listeners; best ones first.

        The only port of a Service needs no name, and speaks whatever is asked for.
        """
        ports = [port for port in self.spec.get("ports") or [] if port.get("protocol", "TCP") == "TCP"]
        if self.gateway is None:
            found = {scheme: [port for port in ports if port.get("name") == name]
                     for scheme, name in self.wanted.port_names.items()}  # fmt: skip
        else:
            found = {scheme: _ports_of(listeners, ports) for scheme, listeners in self.listeners.items()}
        found = {scheme: matching for scheme, matching in found.items() if matching}
        if not found and len(ports) == 1 and not ports[0].get("name"):
            found = {self.wanted.scheme: ports}
        return found

    @property
    def listeners(self) -> dict[str, list[Object]]:
        """The Gateway's listeners by scheme, those that take the wanted host first."""
        given = (self.gateway or {}).get("spec", {}).get("listeners") or []
        found = {}
        for scheme, protocols in PROTOCOLS.items():
            matching = [each for protocol in protocols for each in given if each.get("protocol") == protocol]
            matching.sort(key=lambda listener: _strangeness(listener.get("hostname") or "", self.wanted.host))
            if matching:
                found[scheme] = matching
        return found

    def numbers(self, field: str) -> list[Ports]:
        """Return each choice of ``port`` or ``nodePort`` of the Service by scheme; [{}] if there is none."""
        return self.choices({
            scheme: [port[field] for port in ports if port.get(field)] for scheme, ports in self.service_ports.items()
        })  # fmt: skip

    def choices(self, candidates: dict[str, list[int]]) -> list[Ports]:
        """Return a choice for each port of the wanted scheme, with the first port of the other one beside it."""
        first = {scheme: numbers[0] for scheme, numbers in candidates.items() if numbers}
        wanted = dict.fromkeys(candidates.get(self.wanted.scheme) or [])
        return [{**first, self.wanted.scheme: number} for number in wanted] or [first]

    def pods(self) -> list[Object]:
        """Return all pods that the Service selects."""
        selector = ",".join(f"{key}={value}" for key, value in (self.spec.get("selector") or {}).items())
        return self.cluster.list("v1", "Pod", self.service_namespace, label_selector=selector) if selector else []

    def ready_pods(self) -> list[Object]:
        """Return the pods of the Service that get traffic."""
        return [pod for pod in self.pods() if _is_ready(pod)]

    def check_scheme(self, scheme: str) -> None:
        """Raise InputError if nothing is configured to speak ``scheme``, which no waiting changes."""
        if self.gateway is not None:
            if scheme not in self.listeners:
                raise InputError(
                    f"The Gateway {self._name()} has no listener with the protocol {PROTOCOLS[scheme][0]}."
                )
        elif scheme not in self.service_ports:
            names = ", ".join(str(port.get("name", port["port"])) for port in self.spec.get("ports") or []) or "none"
            option = "port_name" if scheme == "http" else "secure_port_name"
            raise InputError(
                f"The Service {self._name()} has no port named {self.wanted.port_names[scheme]}; "
                f"it has: {names}. Set `{option}`."
            )

    def _required(self) -> Object:
        if self.service is None:
            raise NoWay(f"no Service belongs to the Gateway {self.wanted.gateway} yet")
        return self.service

    def _name(self) -> str:
        return f"{self.wanted.namespace}/{self.wanted.gateway or self.wanted.service}"


def load_balancer_ip(entrance: Entrance) -> list[Way]:
    """Addresses of the Service's load balancer."""
    return _load_balancer(entrance, "load_balancer_ip", "ip", "a host name but no IP address")


def load_balancer_hostname(entrance: Entrance) -> list[Way]:
    """Host names of the Service's load balancer."""
    return _load_balancer(entrance, "load_balancer_hostname", "hostname", "an IP address but no host name")


def _load_balancer(entrance: Entrance, method: str, key: str, otherwise: str) -> list[Way]:
    kind = entrance.spec.get("type")
    if kind != "LoadBalancer":
        raise NoWay(f"the Service is of type {kind}, which gets no load balancer", final=True)
    given = (entrance.service or {}).get("status", {}).get("loadBalancer", {}).get("ingress") or []
    if not given:
        raise NoWay("the Service has no load balancer address yet; on minikube, `minikube tunnel` gives it one")
    choices = entrance.numbers("port")
    ways = [Way(method, entry[key], ports) for entry in given if entry.get(key) for ports in choices]
    if not ways:
        raise NoWay(f"the load balancer has {otherwise}")
    return ways


def gateway_api(entrance: Entrance) -> list[Way]:
    """Addresses in the status of a Gateway of the Gateway API."""
    if entrance.gateway is None:
        raise NoWay("no Gateway of the Gateway API was named (option `gateway`)", final=True)
    status = entrance.gateway.get("status", {})
    addresses = status.get("addresses") or []
    if not addresses:
        refused = [each for each in status.get("conditions") or [] if each.get("status") == "False"]
        why = "; ".join(f"{each['type']} is False: {each.get('message')}" for each in refused)
        raise NoWay(f"the Gateway has no address yet ({why or 'its status says nothing'})")
    choices = entrance.choices({
        scheme: [listener["port"] for listener in listeners] for scheme, listeners in entrance.listeners.items()
    })  # fmt: skip
    return [Way("gateway_api", address["value"], ports) for address in addresses for ports in choices]


def external_ip(entrance: Entrance) -> list[Way]:
    """Addresses that somebody has given to the Service (``externalIPs``), and leads to its nodes."""
    addresses = entrance.spec.get("externalIPs") or []
    if not addresses:
        raise NoWay("the Service has no externalIPs", final=True)
    choices = entrance.numbers("port")
    return [Way("external_ip", address, ports) for address in addresses for ports in choices]


def node_port(entrance: Entrance) -> list[Way]:
    """The Service's port on each node: first on those that run its pods, external addresses before internal ones."""
    choices = entrance.numbers("nodePort")
    if not any(choices):
        kind = entrance.spec.get("type")
        raise NoWay(f"the Service is of type {kind} and has no node port", final=kind == "ClusterIP")
    near = {pod["spec"].get("nodeName") for pod in entrance.ready_pods()}
    nodes = entrance.cluster.list("v1", "Node")
    nodes.sort(key=lambda node: (node["metadata"]["name"] not in near, not _is_ready(node)))
    ways = [
        Way("node_port", address["address"], ports)
        for node in nodes
        for kind in ("ExternalIP", "InternalIP")
        for address in node.get("status", {}).get("addresses") or []
        if address["type"] == kind
        for ports in choices
    ]
    if not ways:
        raise NoWay("no node has an address")
    return ways


def host_network(entrance: Entrance) -> list[Way]:
    """Nodes whose own ports the gateway's pods use (hostNetwork or hostPort)."""
    pods = entrance.ready_pods()
    if not pods:
        raise NoWay("no pod of the Service is ready")
    used = [(pod["status"], _host_ports(entrance, pod)) for pod in pods]
    ways = [
        Way("host_network", address, ports)
        for status, choices in used
        if any(choices)
        for address in [each["ip"] for each in status.get("hostIPs") or [{"ip": status.get("hostIP")}]]
        if address
        for ports in choices
    ]
    if not ways:
        raise NoWay("the pods of the Service use no port of their nodes (hostNetwork or hostPort)", final=True)
    return ways


FINDERS: dict[str, Callable[[Entrance], list[Way]]] = {
    "load_balancer_ip": load_balancer_ip,
    "load_balancer_hostname": load_balancer_hostname,
    "gateway_api": gateway_api,
    "external_ip": external_ip,
    "node_port": node_port,
    "host_network": host_network,
}
"""In the order in which they are tried. Each returns at least one Way in order of preference, or raises NoWay."""


def _strangeness(hostname: str, host: str) -> int:
    """Return how far a listener's host name is from the wanted one: 0 takes it, 3 is for others."""
    hostname, host = hostname.lower(), host.lower()
    if not hostname:
        return 2 if host else 0
    if hostname.startswith("*."):
        return 1 if host.endswith(hostname[1:]) else 3
    return 0 if hostname == host else 3


def _ports_of(listeners: Iterable[Object], ports: list[Object]) -> list[Object]:
    """Return the Service's ports of listeners: by their numbers, else by their names."""
    for field, of_listener in (("port", "port"), ("name", "name")):
        found = [port for listener in listeners for port in ports if port.get(field) == listener.get(of_listener, "")]
        if found:
            return list({port["port"]: port for port in reversed(found)}.values())[::-1]
    return []


def _host_ports(entrance: Entrance, pod: Object) -> list[Ports]:
    """Return each choice of the ports of the node through which a pod can be reached, by scheme."""
    spec = pod["spec"]
    containers = [*spec["containers"], *(spec.get("initContainers") or [])]
    declared = [port for container in containers for port in container.get("ports") or []]
    found: dict[str, list[int]] = {}
    for scheme, ports in entrance.service_ports.items():
        for port in ports:
            target = port.get("targetPort") or port["port"]
            match: dict[str, Any] = next(
                (each for each in declared if target in (each.get("name"), each["containerPort"])), {}
            )
            number = match.get("hostPort") or (spec.get("hostNetwork") and match.get("containerPort", target))
            if isinstance(number, int) and number:
                found.setdefault(scheme, []).append(number)
    return entrance.choices(found)


def _read_service(cluster: Cluster, wanted: Wanted, gateway: Object | None) -> Object | None:
    """Return the Service, or None while a Gateway has none yet."""
    if wanted.service is None:
        owned = cluster.list("v1", "Service", wanted.namespace, label_selector=f"{GATEWAY_LABEL}={wanted.gateway}")
        return owned[0] if owned else _service_by_name(cluster, wanted.namespace, gateway or {})
    try:
        return cluster.get("v1", "Service", wanted.service, wanted.namespace)
    except NotFound as error:
        raise _missing(cluster, wanted.namespace, "v1", "Service", wanted.service) from error


def _service_by_name(cluster: Cluster, namespace: str, gateway: Object) -> Object | None:
    """Return the Service that a Gateway names as its address, or that has its name, as Istio before 1.18 gave it.

    Whoever made it by hand need not have given it the label. A port has to be one of the Gateway's.
    """
    spec, name = gateway.get("spec", {}), gateway.get("metadata", {}).get("name")
    named = [str(address.get("value")).split(".") for address in spec.get("addresses") or []
             if address.get("type") == "Hostname"]  # fmt: skip
    places = [(labels[0], labels[1] if len(labels) > 1 else namespace) for labels in named]
    places += [(f"{name}-{spec.get('gatewayClassName')}", namespace), (name, namespace)]
    for service, place in places:
        found = cluster.find("v1", "Service", service, place) if service else None
        if found and _ports_of(spec.get("listeners") or [], found.get("spec", {}).get("ports") or []):
            return found
    return None


def _read_gateway(cluster: Cluster, namespace: str, name: str) -> Object:
    for api_version in GATEWAY_API:
        try:
            return cluster.get(api_version, "Gateway", name, namespace)
        except NotFound as error:
            if error.details.get("reason") != "UnknownKind":
                raise _missing(cluster, namespace, api_version, "Gateway", name) from error
    raise NotFound(
        f"The cluster at {cluster.host} does not have the Gateway API, so there is no Gateway {namespace}/{name}. "
        "Install its CRDs first.",
        reason="UnknownKind",
    )


def _missing(cluster: Cluster, namespace: str, api_version: str, kind: str, name: str) -> NotFound:
    """Say that an object is not there, and what is."""
    try:
        if cluster.find("v1", "Namespace", namespace) is None:
            there = f"its namespace does not exist. Install Istio first, or set `{kind.lower()}` and the namespace"
        else:
            names = sorted(each["metadata"]["name"] for each in cluster.list(api_version, kind, namespace))
            there = f"the namespace has: {', '.join(names) or 'none'}. Install it first, or set `{kind.lower()}`"
    except ClusterError as error:
        there = f"what else is there cannot be seen ({error.message})"
    return NotFound(
        f"There is no {kind} {namespace}/{name} in the cluster at {cluster.host}: {there}.", reason="NotFound"
    )


def _is_ready(obj: Object) -> bool:
    conditions = obj.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
