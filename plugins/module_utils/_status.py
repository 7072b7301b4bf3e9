# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the module mesh_status_info: which checks there are, and in which order they are asked and shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import (
    _status_admission,
    _status_cluster,
    _status_proxies,
    _status_reach,
)
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._services import Systemctl
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import Check, Checks, Finding, row
from ansible_collections.meshlab.istio.plugins.module_utils._status_mesh import Mesh
from ansible_collections.meshlab.istio.plugins.module_utils._status_page import page

API = "API server"
NOT_ASKED = "not asked, as the API server does not answer"

API_SHARE = 0.5
"""Of the time, how much the API server may take for its first answer."""
TOOL_SHARE = 0.9
"""Of the time, how much a program may run, so that its end is seen."""
ADDRESS_SHARE = 0.4
"""Of the time, how much one address may take, so that another one can still be asked."""


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module ``mesh_status_info`` documents and return its return values."""
    started = time.monotonic()
    options = module.params
    seconds: float = options["timeout"]
    checks = Checks(started + seconds)
    systemctl = Systemctl()
    here = [Check("Services", partial(_status_reach.services, systemctl, seconds * ADDRESS_SHARE), runs_program=True)]
    rows = _rows(module, checks, here)
    spent = time.monotonic() - started
    problems = [f"{each['name']}: {each['says']}" for each in rows if each["ok"] is False]
    return {
        "changed": False,
        "ok": not problems,
        "problems": problems,
        "checks": rows,
        "page": page(rows, spent),
        "seconds": round(spent, 2),
    }


def _rows(module: AnsibleModule, checks: Checks, here: list[Check]) -> list[dict[str, Any]]:
    """Ask everything and return all rows in the order of the page.

    :param here: checks that need no cluster.
    """
    options = module.params
    for check in here:
        checks.start(check)
    try:
        need_libraries(module, "yaml", "websocket")
        cluster = Cluster(options["kubeconfig"], options["context"])
    except Unreachable as error:
        first = row(Check(API, lambda: Finding(False, "")), Finding(False, error.message))
        asked = [row(check, Finding(None, NOT_ASKED)) for check in _in_cluster(None, options, checks.deadline)]
        return [first, *asked, *(checks.row(check.name) for check in here)]
    checks.start(Check(API, partial(_status_cluster.api_server, cluster)))
    first = checks.row(API, time.monotonic() + options["timeout"] * API_SHARE)
    inside = _in_cluster(cluster, options, checks.deadline)
    if not first["ok"]:
        asked = [row(check, Finding(None, NOT_ASKED)) for check in inside]
    else:
        for check in inside:
            checks.start(check)
        asked = [checks.row(check.name) for check in inside]
    return [first, *asked, *(checks.row(check.name) for check in here)]


def _in_cluster(cluster: Any, options: Mapping[str, Any], deadline: float) -> list[Check]:
    """Return the checks that need the API server, in the order of the page.

    :param cluster: None when there is none to ask, so that the checks can only be named.
    """
    seconds: float = options["timeout"]
    mesh = Mesh(cluster, options)
    istioctl = Istioctl(options["istioctl"], options["kubeconfig"], options["context"])
    reach, proxies, admission = _status_reach, _status_proxies, _status_admission
    analyze = partial(reach.analyze, istioctl, options["suppress"], seconds * TOOL_SHARE)
    return [
        Check("Nodes and pods", partial(_status_cluster.nodes_and_pods, mesh)),
        Check("Versions", partial(_status_cluster.versions, mesh, istioctl), runs_program=True),
        Check("Envoy", partial(proxies.envoy, mesh), "the data plane: a proxy in each pod, and the gateways"),
        Check("Pilot", partial(proxies.pilot, mesh), "configuration pushed: in istiod"),
        Check("Citadel", partial(proxies.citadel, mesh, deadline), "identity issued: the authority in istiod"),
        Check("Galley", partial(admission.galley, mesh), "configuration validated: istiod's webhook"),
        Check("Mixer, telemetry", partial(reach.telemetry, mesh), "telemetry: each proxy counts for Prometheus"),
        Check("Mixer, policy", partial(admission.policy, mesh), "access policy: each proxy enforces it"),
        Check("Webhooks", partial(admission.webhooks, mesh)),
        *(Check(f"Addon {name}", partial(reach.addon, mesh, name)) for name in options["addons"]),
        Check("Gateway's URL", partial(reach.gateway, cluster, options, seconds * ADDRESS_SHARE)),
        Check("istioctl analyze", analyze, runs_program=True),
    ]  # fmt: skip
