# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a cluster with an ingress gateway, as the API server of Kubernetes 1.34.4 returns them.

Names, ports and labels are those of Istio's demo profile (``istioctl manifest generate``, 1.31-dev), and of
what its gateway controller makes for a Gateway (pilot/pkg/config/kube/gateway, kube-gateway.yaml).
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]
GATEWAY_API = "gateway.networking.k8s.io/v1"


def cluster(*objects: Object) -> FakeCluster:
    """Return a cluster with the namespaces istio-system and tutorial, and ``objects``."""
    fake = FakeCluster()
    for name in ("istio-system", "tutorial"):
        fake.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for obj in objects:
        fake.put(obj)
    return fake


def service(
    *, kind: str = "LoadBalancer", ingress: list[dict[str, Any]] | None = None, node_ports: bool = True, **ports: int
) -> Object:
    """Return istio-ingressgateway.

    :param ports: port numbers by name, in place of http2=80 and https=443.
    """
    numbers = ports or {"status-port": 15021, "http2": 80, "https": 443}
    target = {"http2": 8080, "https": 8443}
    listed: list[dict[str, Any]] = [
        {"name": name, "port": port, "protocol": "TCP", "targetPort": target.get(name, port)}
        for name, port in numbers.items()
    ]
    for index, port in enumerate(listed):
        if node_ports and kind != "ClusterIP":
            port["nodePort"] = 31380 + index
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
        "spec": {"type": kind, "ports": listed, "selector": {"app": "istio-ingressgateway"}},
        "status": {"loadBalancer": {"ingress": ingress} if ingress else {}},
    }


def node(name: str, *, ready: bool = True, **addresses: str) -> Object:
    """Return a node; ``addresses`` by type (InternalIP, ExternalIP, Hostname)."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {
            "addresses": [{"type": kind, "address": address} for kind, address in addresses.items()],
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


def pod(name: str = "istio-ingressgateway-5d", *, ready: bool = True, **fields: Any) -> Object:
    """Return a pod of the gateway; ``fields`` are spec's, or node and host_ips."""
    host_ips = fields.pop("host_ips", ["10.77.0.6"])
    spec = {"containers": [{"name": "istio-proxy"}], "nodeName": fields.pop("node", "one"), **fields}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "istio-system", "labels": {"app": "istio-ingressgateway"}},
        "spec": spec,
        "status": {
            "hostIP": host_ips[0],
            "hostIPs": [{"ip": ip} for ip in host_ips],
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


def gateway(addresses: list[str] | None = None, *, listeners: list[tuple[Any, ...]] | None = None) -> Object:
    """Return the Gateway tutorial/bookinfo-gateway with ``listeners`` of (protocol, port) or with a host name."""
    programmed = {"type": "Programmed", "status": "True", "message": "Resource programmed"}
    waiting = {"type": "Programmed", "status": "False", "message": "Assigned to service(s), but no address yet"}
    return {
        "apiVersion": GATEWAY_API,
        "kind": "Gateway",
        "metadata": {"name": "bookinfo-gateway", "namespace": "tutorial"},
        "spec": {
            "gatewayClassName": "istio",
            "listeners": [
                {
                    "name": f"listener-{port}",
                    "protocol": protocol,
                    "port": port,
                    **({"hostname": host[0]} if host else {}),
                }
                for protocol, port, *host in listeners or [("HTTP", 80)]
            ],
        },
        "status": {
            "conditions": [{"type": "Accepted", "status": "True"}, programmed if addresses else waiting],
            **({"addresses": [{"type": "IPAddress", "value": each} for each in addresses]} if addresses else {}),
        },
    }


def gateway_service(*, kind: str = "LoadBalancer", ingress: list[dict[str, Any]] | None = None) -> Object:
    """Return the Service that Istio makes for ``gateway()``."""
    made = service(kind=kind, ingress=ingress, **{"status-port": 15021, "listener-80": 80})
    made["metadata"] = {
        "name": "bookinfo-gateway-istio",
        "namespace": "tutorial",
        "labels": {"gateway.networking.k8s.io/gateway-name": "bookinfo-gateway"},
    }
    return made
