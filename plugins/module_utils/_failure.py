# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What on a host tells why a run failed: the cluster, if there is one, and minikube's logs."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._failure_cluster import SOURCES
from ansible_collections.meshlab.istio.plugins.module_utils._failure_files import Add, Source, collect
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import Minikube

MINIKUBE_LINES = 200
"""Of each log that `minikube logs` shows (kubelet, API server, …)."""
MINIKUBE_SHARE = 0.7
"""Of the time for all. minikube has to be over before the module is: nobody would end it."""


def gather(module: AnsibleModule) -> dict[str, Any]:
    """Do the host's part of the module ``failure_report``; see its documentation for options and return values."""
    options = module.params
    sources: dict[str, Source] = {}
    if options["minikube_profile"]:
        minikube = Minikube(options["minikube_path"], options["minikube_home"], options["kubeconfig"])
        seconds = options["timeout"] * MINIKUBE_SHARE
        sources["minikube's log"] = partial(_minikube_log, minikube, options["minikube_profile"], seconds)
        sources["minikube's last start"] = partial(_minikube_last_start, minikube)
    notes = []
    try:
        _runtime.need_libraries(module, "yaml", "websocket")
        cluster = Cluster(options["kubeconfig"], options["context"])
    except MeshlabError as error:
        notes.append(f"The cluster was not asked: {error.message}")
    else:
        sources.update({name: partial(source, cluster, options["namespaces"]) for name, source in SOURCES.items()})
    files, missing = collect(sources, options["timeout"])
    return {"changed": False, "files": files, "notes": notes + missing}


def _minikube_log(minikube: Minikube, profile: str, seconds: float, add: Add) -> None:
    """Add ``minikube.log``: what minikube finds in the logs of the cluster's parts."""
    arguments = ["logs", "--profile", profile, "--length", str(MINIKUBE_LINES)]
    done = minikube.run(arguments, timeout=seconds, check=False)
    add("minikube.log", done.stdout + done.stderr)


def _minikube_last_start(minikube: Minikube, add: Add) -> None:
    """Add ``minikube-last-start.log``, if this user's minikube ever started anything."""
    try:
        with open(minikube.last_start_file, encoding="utf-8", errors="replace") as stream:
            add("minikube-last-start.log", stream.read())
    except FileNotFoundError:
        return
