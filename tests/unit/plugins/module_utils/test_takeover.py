# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest replaces of what others wrote, with managedFields in the form of Kubernetes 1.34.4."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._takeover import duplicates, taken_over

Object = dict[str, Any]

MESSAGES = {
    'Service "tracing" is invalid: spec.ports[1].name: Duplicate value: "http-query"': {"name"},
    'Deployment.apps "jaeger" is invalid: [spec.template.spec.containers[0].ports[1].name: Duplicate value: "http", '
    'spec.template.spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/badger": must be unique]': {"name"},
    'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set': set(),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_which_field_stands_twice(message: str) -> None:
    assert duplicates(message) == MESSAGES[message]


def entry(manager: str, fields: Object, **more: Any) -> Object:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def port(number: int, protocol: str = "TCP") -> str:
    return f'k:{{"port":{number},"protocol":"{protocol}"}}'


def service(ports: list[Object], *entries: Object, **more: Any) -> Object:
    metadata = {"name": "s", "labels": {"app": "s", "mine": "yes"}, "managedFields": list(entries)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **more}}


def wanted(*ports: Object, **more: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": list(ports), **more}}


KUBECTL = "kubectl-client-side-apply"
HTTP, WEB, DNS = (
    {"name": "http", "port": 80, "protocol": "TCP"},
    {"name": "http", "port": 8080, "protocol": "TCP"},
    {"name": "dns", "port": 53, "protocol": "UDP"},
)


def test_what_kubectl_applied_and_the_manifest_does_not_name_goes() -> None:
    fields = {
        "f:metadata": {"f:labels": {"f:mine": {}}},
        "f:spec": {"f:ports": {port(80): {"f:name": {}}, port(53, "UDP"): {}}, "f:type": {}, "f:internal": {}},
    }
    theirs = entry("controller", {"f:spec": {"f:internal": {}}})
    live = service([HTTP, DNS], entry(KUBECTL, fields), theirs, type="ClusterIP", internal=1)
    result = taken_over(live, wanted({"name": "http", "port": 8080}), {"name"})
    assert result["spec"] == {"ports": [{"name": "http", "port": 8080}], "internal": 1}
    assert result["metadata"]["labels"] == {"app": "s", "mine": "yes"}, "labels are nobody's hindrance"


@pytest.mark.parametrize("manager", ["kubectl-edit", KUBECTL])
def test_an_item_that_shares_a_name_goes_whoever_wrote_it(manager: str) -> None:
    fields = {"f:spec": {"f:ports": {port(80): {}, port(53, "UDP"): {}}}}
    result = taken_over(service([HTTP, DNS], entry(manager, fields)), wanted({"name": "http", "port": 8080}), {"name"})
    kept = [DNS] if manager == "kubectl-edit" else []
    assert result["spec"]["ports"] == [*kept, {"name": "http", "port": 8080}]


def test_an_item_is_found_by_its_keys_and_keeps_what_others_set_in_it() -> None:
    fields = {"f:spec": {"f:ports": {port(8080): {"f:nodePort": {}}}}}
    live = service([{**WEB, "nodePort": 30000}], entry("kube-controller", fields))
    result = taken_over(live, wanted({"name": "web", "port": 8080, "nodePort": None}), {"name"})
    assert result["spec"]["ports"] == [{"name": "web", "port": 8080, "protocol": "TCP"}]
    result = taken_over(live, wanted({"name": "web", "port": 8080}), {"name"})
    assert result["spec"]["ports"] == [{"name": "web", "port": 8080, "protocol": "TCP", "nodePort": 30000}]


def test_fields_inside_an_item_and_status_and_lists_without_keys() -> None:
    container = 'k:{"name":"c"}'
    fields = {"f:spec": {"f:containers": {container: {".": {}, "f:env": {'k:{"name":"OLD"}': {}}, "f:args": {}}}}}
    status = entry(KUBECTL, {"f:spec": {"f:containers": {'k:{"name":"side"}': {}}}}, subresource="status")
    live = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "managedFields": [entry(KUBECTL, fields), status]},
        "spec": {"containers": [{"name": "c", "env": [{"name": "OLD"}, {"name": "NEW"}], "args": ["a"]},
                                {"name": "side"}]},
    }  # fmt: skip
    manifest = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "env": [{"name": "NEW", "value": "1"}]}], "list": [1]},
    }  # fmt: skip
    result = taken_over(live, manifest, {"name"})
    assert result["spec"] == {
        "containers": [{"name": "c", "env": [{"name": "NEW", "value": "1"}]}, {"name": "side"}], "list": [1],
    }  # fmt: skip
    assert live["spec"]["containers"][0]["env"][0] == {"name": "OLD"}, "what was given is left as it was"
