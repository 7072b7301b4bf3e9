# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the module gateway_url_info: options to a search, and a lab that is not there yet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._entrance import Wanted
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, NotFound, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._gateway import (
    METHODS,
    PORT_FORWARD,
    NoAnswer,
    Search,
    nothing,
)
from ansible_collections.meshlab.istio.plugins.module_utils._http import HTTP_OPTIONS, PROBE_SECONDS, probe, target
from ansible_collections.meshlab.istio.plugins.module_utils._port_forward import Kubectl
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries

DEFAULT_SERVICE = "istio-ingressgateway"
NOBODY = "localhost"
"""In place of an address that is still to be found."""


def work(module: AnsibleModule) -> dict[str, Any]:
    """Find the URL; in check mode look once, and report a gateway that is not there yet instead of failing."""
    params = module.params
    started = time.monotonic()
    kubectl = _kubectl(params)
    exists = True
    try:
        need_libraries(module, "yaml")
        found = _find(params, kubectl, check_mode=module.check_mode)
    except (NotFound, NoAnswer, Unreachable) as error:
        if not module.check_mode:
            raise
        exists = not isinstance(error, Unreachable)
        found = {**nothing(), **error.details, "msg": error.message}
        if isinstance(error, Unreachable):
            found["warnings"] = unknown(error)
    return {
        "changed": False,
        "cluster_exists": exists,
        **found,
        "commands": kubectl.log if kubectl else [],
        "seconds": round(time.monotonic() - started, 2),
    }


def _find(params: Mapping[str, Any], kubectl: Kubectl | None, *, check_mode: bool) -> dict[str, Any]:
    options = {name: params[name] for name in HTTP_OPTIONS}
    forwards = [target(url) for url in params["port_forward_url"]]

    def prove(url: str) -> str | None:
        return probe(target(url, timeout=PROBE_SECONDS, **options), params["status"], params["body"])

    if not params["path"].startswith("/"):
        raise InputError(f"`path` must start with a slash, not be {params['path']!r}.")
    wanted = _wanted(params)
    # Before anything is asked: whatever the options make of a URL has to be right.
    asked = target(f"{params['scheme']}://{NOBODY}{params['path']}", **options)
    search = Search(
        connected(lambda: Cluster(params["kubeconfig"], params["context"]), check_mode=check_mode),
        replace(wanted, host="" if asked.server_name == NOBODY else asked.server_name),
        scheme=params["scheme"],
        path=asked.path,
        prove=prove,
        methods=params["methods"] or METHODS,
        forwards=[(forward.address, forward.port) for forward in forwards],
        kubectl=kubectl,
    )
    return search.run(0.0 if check_mode else params["timeout"], Progress(params["progress_file"]))


def _wanted(params: Mapping[str, Any]) -> Wanted:
    ports = {"http": params["port_name"], "https": params["secure_port_name"]}
    if not params["gateway"]:
        return Wanted(params["namespace"], params["service"] or DEFAULT_SERVICE, None, ports)
    namespace, slash, name = params["gateway"].rpartition("/")
    if (slash and not namespace) or not name:
        raise InputError(f"`gateway` is NAMESPACE/NAME or NAME, not {params['gateway']!r}.")
    return Wanted(namespace or params["namespace"], params["service"], name, ports)


def _kubectl(params: Mapping[str, Any]) -> Kubectl | None:
    """Return the tool for a port-forward of our own, which has to be asked for by name."""
    if PORT_FORWARD not in (params["methods"] or []):
        return None
    return Kubectl(params["kubectl"], params["kubeconfig"], params["context"])
