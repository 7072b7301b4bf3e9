# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proofs at the API server's door, each by a server-side dry run, after which nothing is stored.

Galley's duty: an invalid configuration is refused. Mixer's policy: an authorization policy is taken. And a pod would
get its sidecar.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._proxy_admin import PROXY
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import Finding
from ansible_collections.meshlab.istio.plugins.module_utils._status_mesh import Mesh, containers, some

MANAGER = "meshlab-status"
WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
ADMISSION = "admissionregistration.k8s.io/v1"
# Served from Istio 1.19 to 1.31.
NETWORKING = "networking.istio.io/v1beta1"
SECURITY = "security.istio.io/v1beta1"
DEFAULT_REVISION = "default"

_REFUSED = re.compile(r'admission webhook "([\w.-]*validation\.istio\.io)" denied the request: (.*)', re.DOTALL)

KINDS = (
    ("v1", "Pod"), ("v1", "Node"), ("v1", "Service"), ("v1", "ConfigMap"), *((ADMISSION, kind) for kind in WEBHOOKS),
    (NETWORKING, "VirtualService"), (SECURITY, "AuthorizationPolicy"),
)  # fmt: skip
"""What the checks ask the API server for."""


def galley(mesh: Mesh) -> Finding:
    """Validation: istiod's webhook refuses a VirtualService whose form is right and whose content makes no sense."""
    # The API server itself takes it: a rule without a destination is valid by the CustomResourceDefinition.
    spec = {"hosts": ["status.meshlab.invalid"], "http": [{"name": "leads-nowhere"}]}
    try:
        _dry_run(mesh, NETWORKING, "VirtualService", spec)
    except ClusterError as error:
        refused = _REFUSED.search(error.message)
        if refused is None:
            raise
        return Finding(True, f"{refused.group(1)} refused an invalid VirtualService: {refused.group(2).strip()}")
    return Finding(False, "an invalid VirtualService would be taken: no webhook refused it")


def policy(mesh: Mesh) -> Finding:
    """Policy: an authorization policy is taken; how many are in force, and how many requests came by mutual TLS."""
    _dry_run(mesh, SECURITY, "AuthorizationPolicy", {"action": "ALLOW", "selector": {"matchLabels": {"app": MANAGER}}})
    policies = mesh.cluster.list(SECURITY, "AuthorizationPolicy")
    says = f"a new authorization policy would be taken, {len(policies)} in force"
    try:
        counted = {how: value for (reporter, how), value in mesh.counted().items() if reporter == "destination"}
    except ClusterError:
        # The check of telemetry says why.
        return Finding(True, says)
    everything = sum(counted.values())
    if everything:
        says += f"; {counted.get('mutual_tls', 0.0) / everything:.0%} of the requests counted came by mutual TLS"
    return Finding(True, says)


def webhooks(mesh: Mesh) -> Finding:
    """Every webhook of Istio's trusts the mesh's authority, and the injector gives a pod its sidecar."""
    found = [obj for kind in WEBHOOKS for obj in mesh.cluster.list(ADMISSION, kind) if _is_istios(mesh, obj)]
    names = sorted(obj["metadata"]["name"] for obj in found)
    root = mesh.cluster.get("v1", "ConfigMap", "istio-ca-root-cert", mesh.namespace)["data"]["root-cert.pem"].strip()
    strangers = sorted({obj["metadata"]["name"] for obj in found for hook in obj["webhooks"] if root not in _ca(hook)})
    says = f"{len(names)} configurations ({some(names, 4)})"
    if strangers:
        return Finding(False, f"{says}; {some(strangers)} do not trust the mesh's authority, so they cannot be called")
    pod = _dry_run(mesh, "v1", "Pod", {"containers": [{"name": "app", "image": "meshlab.invalid/none"}]}, mesh.apps)
    injected = PROXY in containers(pod)
    says += f"; a new pod in {mesh.apps} would {'' if injected else 'not '}get its sidecar"
    return Finding(bool(found) and injected, says)


def _dry_run(mesh: Mesh, api_version: str, kind: str, spec: dict[str, Any], namespace: str = "") -> Object:
    metadata: dict[str, Any] = {"name": MANAGER, "namespace": namespace or mesh.namespace}
    revision = (mesh.istiods()[0]["metadata"].get("labels") or {}).get("istio.io/rev", DEFAULT_REVISION)
    if revision != DEFAULT_REVISION and not namespace:
        # Without the label only the default revision's webhook looks at it.
        metadata["labels"] = {"istio.io/rev": revision}
    obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
    return mesh.cluster.apply(obj, MANAGER, dry_run=True)


def _is_istios(mesh: Mesh, obj: Object) -> bool:
    """Tell whether a webhook configuration calls a Service of the control plane."""
    services = [hook["clientConfig"].get("service") or {} for hook in obj.get("webhooks") or []]
    return any(
        service.get("namespace") == mesh.namespace and str(service.get("name")).startswith("istiod")
        for service in services
    )


def _ca(hook: Object) -> str:
    return base64.b64decode(hook["clientConfig"].get("caBundle") or "").decode(errors="replace")
