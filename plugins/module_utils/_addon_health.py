# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the module addons_info: rounds over all addons and the trace of one request, until all is well."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _http
from ansible_collections.meshlab.istio.plugins.module_utils._addons import ADDONS, STAND_IN, Fetch, NotHealthy, check
from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable, WaitError
from ansible_collections.meshlab.istio.plugins.module_utils._names import through_service
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._tracing import PATHS, Probe

POLL_SECONDS = 1.0
SETTLED_ROUNDS = 2
"""Each proxy sends its spans about once a second, later on a busy machine."""

NO_CHECK = "no check of it is known here"


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module ``addons_info`` documents and return its return values."""
    options = module.params
    result: dict[str, Any] = {"changed": False, "addons": [], "trace": None, "cluster_exists": True}
    try:
        need_libraries(module, "yaml")
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=module.check_mode)
    except Unreachable as error:
        if not module.check_mode:
            raise
        return {**result, "cluster_exists": False, "warnings": unknown(error)}
    timeout = 0.0 if module.check_mode else options["timeout"]
    rounds = Rounds(cluster, options, trace=bool(options["trace_url"]) and not module.check_mode)
    rounds.run(timeout)
    if rounds.pending() and not module.check_mode:
        raise rounds.failure(timeout)
    return {**result, "addons": rounds.addons(), "trace": rounds.trace}


class Rounds:
    """What is known of the addons and the trace so far.

    :param options: names, namespace, urls, trace_url and trace_host, as the module documents them.
    :param trace: send requests to ``trace_url`` and look for their trace.
    """

    def __init__(self, cluster: Cluster, options: Mapping[str, Any], *, trace: bool) -> None:
        self.cluster = cluster
        self.namespace: str = options["namespace"]
        self.urls: Mapping[str, str] = options["urls"]
        self.names: list[str] = options["names"]
        self.well: dict[str, dict[str, Any]] = {}
        self.reasons: dict[str, str] = {name: "it was not asked" for name in self.names if name in ADDONS}
        self.backend = next((name for name in self.names if name in PATHS), None) if trace else None
        self.probe = Probe(options["trace_url"] or "", options["trace_host"])
        self.trace: dict[str, Any] | None = None
        self.arriving: dict[str, Any] | None = None
        self.unchanged = 0

    def run(self, timeout: float) -> None:
        """Ask all that are not well yet, once a second, until all are or the time is up."""
        end = time.monotonic() + timeout
        while True:
            asked = time.monotonic()
            for name in list(self.reasons):
                self._ask(name)
            self._trace()
            if not self.pending() or asked >= end:
                return
            time.sleep(max(0.0, asked + POLL_SECONDS - time.monotonic()))

    def pending(self) -> dict[str, str]:
        """Return what is not well yet, by name, each with the rest of a sentence about it."""
        found = dict(self.reasons)
        if self.backend in self.well and self._can_trace() and self.trace is None:
            found["tracing"] = self.probe.trouble or f"{self.backend} has no trace of {len(self.probe.ids)} requests"
        return found

    def addons(self) -> list[dict[str, Any]]:
        """Return one entry for each addon, as the module documents them."""
        return [
            {"name": name, STAND_IN: False, "ready": None, "says": NO_CHECK}
            if name not in ADDONS
            else {"name": name, STAND_IN: False, "ready": False, "says": self.reasons[name]}
            if name in self.reasons
            else {"name": name, "ready": True, **self.well[name]}
            for name in self.names
        ]

    def failure(self, seconds: float) -> WaitError:
        """Make the error of what is still pending."""
        pending = [{"object": name, "message": reason} for name, reason in self.pending().items()]
        told = "; ".join(f"{each['object']}: {each['message']}" for each in pending)
        return WaitError(
            f"Not all addons worked after {seconds:g} s: {told}. See the logs of their pods in the namespace "
            f"{self.namespace}, and for a URL on this host `journalctl -u 'meshlab-forward-*'`.",
            failures=[], pending=pending,
        )  # fmt: skip

    def _ask(self, name: str) -> None:
        try:
            self.well[name] = check(name, self.namespace, self._fetch(name))
            del self.reasons[name]
        except NotHealthy as error:
            self.reasons[name] = str(error)
        except (ClusterError, _http.HttpError) as error:
            self.reasons[name] = error.message

    def _trace(self) -> None:
        """Look for the trace; it counts when it stays as it is for SETTLED_ROUNDS, so that it is a whole one."""
        if self.backend in self.well and self._can_trace() and self.trace is None:
            found = self.probe.found(self.backend, self._fetch(self.backend))
            self.unchanged = self.unchanged + 1 if found and found == self.arriving else 0
            if self.unchanged == SETTLED_ROUNDS:
                self.trace = found
            elif found is None:
                self.probe.send()
            self.arriving = found

    def _can_trace(self) -> bool:
        """Tell whether the backend keeps spans: a stand-in does not."""
        return self.backend is not None and not self.well[self.backend][STAND_IN]

    def _fetch(self, name: str) -> Fetch:
        """Return how an addon is asked: at its URL where it has one, else through the API server's proxy."""
        base = self.urls.get(name)

        def through_proxy(path: str, query: Mapping[str, str]) -> Any:
            addon = ADDONS[name]
            service = through_service(self.namespace, addon.service, addon.port)
            return _parsed(self.cluster.raw(service + path, query))

        def directly(path: str, query: Mapping[str, str]) -> Any:
            parts = urlsplit(str(base))
            url = f"{parts.scheme}://{parts.netloc}{path}" + (f"?{urlencode(query)}" if query else "")
            asked = _http.target(url, timeout=_http.PROBE_SECONDS)
            answer = _http.fetch(asked)
            if answer.status != 200:
                raise _http.HttpError(asked, "status", f"it answered {answer.status}")
            return _parsed(answer.body)

        return directly if base else through_proxy


def _parsed(body: bytes) -> Any:
    """Return an answer's JSON, or its text where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
