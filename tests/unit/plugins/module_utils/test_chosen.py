# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server chooses is no part of what a change is predicted to be."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._chosen import without_choices


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "a"}, "spec": {"ports": list(ports), **spec}}


HTTP = {"name": "http", "port": 80, "nodePort": 30080}
TCP = {"name": "tcp", "port": 31400, "nodePort": 32769}


def test_a_new_port_has_no_node_port_that_anybody_could_foresee() -> None:
    found = without_choices(service(HTTP, TCP, clusterIP="10.0.0.1"), service(HTTP, clusterIP="10.0.0.1"), service())
    assert found == service(HTTP, {"name": "tcp", "port": 31400}, clusterIP="10.0.0.1")


def test_a_node_port_that_is_asked_for_or_was_there_stays() -> None:
    asked = {"port": 31400, "nodePort": 32769}
    assert without_choices(service(HTTP, TCP), service(HTTP), service(asked)) == service(HTTP, TCP)


def test_the_same_number_under_another_protocol_is_another_port() -> None:
    udp = {"port": 80, "protocol": "UDP", "nodePort": 31000}
    assert without_choices(service(HTTP, udp), service(HTTP), service()) == service(
        HTTP, {"port": 80, "protocol": "UDP"}
    )


def test_an_address_that_was_not_there_is_chosen() -> None:
    after = service(clusterIP="10.0.0.9", clusterIPs=["10.0.0.9"], healthCheckNodePort=31234, type="LoadBalancer")
    assert without_choices(after, service(type="ExternalName"), service()) == service(type="LoadBalancer")
    assert without_choices(after, service(clusterIP="10.0.0.9"), service(healthCheckNodePort=31234)) == service(
        clusterIP="10.0.0.9", healthCheckNodePort=31234, type="LoadBalancer"
    )


def test_anything_else_is_left_alone() -> None:
    deployment = {"kind": "Deployment", "spec": {"ports": [TCP]}}
    assert without_choices(deployment, {"kind": "Deployment"}, {}) is deployment
    new = service(TCP)
    assert without_choices(new, None, service()) is new
    external = {"kind": "Service", "spec": {}}
    assert without_choices(external, service(), service()) is external
