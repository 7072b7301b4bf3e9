# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the cluster itself and of the versions that meet in it."""

from __future__ import annotations

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, MeshlabError, NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._istio_versions import Version, kubernetes_problem
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._names import in_namespace
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import is_ready
from ansible_collections.meshlab.istio.plugins.module_utils._status_admission import KINDS
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import Finding
from ansible_collections.meshlab.istio.plugins.module_utils._status_mesh import Mesh, shown, some

MONITORING_PORT = 15014
"""Where every istiod tells its version to whoever asks."""

BEHIND = 1
"""Minor releases that a proxy may be older than istiod, and istioctl older or newer (istio.io, supported releases)."""


def api_server(cluster: Cluster) -> Finding:
    """The API server answers. Its kinds are looked up too, before several threads need them at once."""
    version = cluster.version()
    for api_version, kind in KINDS:
        try:
            cluster.is_namespaced(api_version, kind)
        except NotFound:
            # Whoever asks for it says so.
            continue
    return Finding(True, f"Kubernetes {version} answers at {cluster.host}")


def nodes_and_pods(mesh: Mesh) -> Finding:
    """All nodes are ready, and all pods that are to stay."""
    nodes = mesh.cluster.list("v1", "Node")
    bad = sorted(node["metadata"]["name"] for node in nodes if not is_ready(node))
    pods = mesh.pods()
    waiting = sorted(shown(pod) for pod in pods if not is_ready(pod))
    says = f"{len(nodes) - len(bad)} of {len(nodes)} nodes and {len(pods) - len(waiting)} of {len(pods)} pods ready"
    if bad or waiting:
        says += f"; not {some([*bad, *waiting])}"
    return Finding(bool(nodes) and not bad and not waiting, says)


def versions(mesh: Mesh, istioctl: Istioctl) -> Finding:
    """The versions that meet fit together: Kubernetes, istiod, the proxies and istioctl."""
    kubernetes = mesh.cluster.version()
    istiods = sorted({_istiod_version(mesh, pod) for pod in mesh.istiods()})
    proxies = sorted({proxy.version for proxy in mesh.connected()})
    problems, warnings = [], []
    try:
        client = istioctl.version_text
    except MeshlabError as error:
        client = "unknown"
        warnings.append(error.message)
    for istiod in istiods:
        problems += [f"proxies of {each} do not fit istiod {istiod}" for each in proxies if not fits(each, istiod)]
        if not fits(client, istiod) and not fits(istiod, client):
            problems.append(f"istioctl {client} does not fit istiod {istiod}")
        problems += _on_kubernetes(istiod, kubernetes)
    says = f"Kubernetes {kubernetes}, istiod {', '.join(istiods)}, proxies {', '.join(proxies) or 'none'}, "
    says += f"istioctl {client}"
    return Finding(not problems, "; ".join([says, *problems, *warnings]))


def fits(older: str, newer: str) -> bool:
    """Tell whether one version is the other's or at most BEHIND minor releases older; also for unreadable ones."""
    one, other = Version.parse(older), Version.parse(newer)
    if one is None or other is None:
        return True
    return one.major == other.major and 0 <= other.minor - one.minor <= BEHIND


def _on_kubernetes(istiod: str, kubernetes: str) -> list[str]:
    istio, cluster = Version.parse(istiod), Version.parse(kubernetes)
    problem = kubernetes_problem(istio, cluster) if istio and cluster else None
    return [problem[0]] if problem else []


def _istiod_version(mesh: Mesh, pod: Object) -> str:
    """Return the version that an istiod says it has, which it writes as VERSION-REVISION-STATUS."""
    name = f"{pod['metadata']['name']}:{MONITORING_PORT}"
    text = mesh.cluster.raw(in_namespace("v1", mesh.namespace, "pods", name, "proxy", "version")).decode().strip()
    version = text.rsplit("-", 2)[0]
    if not version:
        raise ClusterError(f"istiod said {text[:60]!r} when it was asked for its version")
    return version
