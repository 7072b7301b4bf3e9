# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What istiod sent to the proxies and what they acknowledged, and a wait until they have what was just applied.

Source: istiod's own /debug/syncz and /debug/configz, asked inside its pod (``pilot-discovery request``), where no
login is needed. Each answer of istiod to a proxy has a nonce, which a proxy repeats when it has taken the answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import ready_pods, run_in_pod

GROUPS = ("networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io")
"""API groups of which istiod makes configuration for proxies."""

ISTIOD = "app=istiod"
POLL_SECONDS = 0.2
QUIET_SECONDS = 0.5
"""istiod gathers changes for 0.1 s before it sends them; when nothing new was sent for longer, all was."""

Nonces = dict[str, tuple[str, str]]
"""Proxy and type of resource → nonce sent, nonce acknowledged."""


class NotAcknowledged(MeshlabError):
    """A proxy refused what istiod sent, or did not acknowledge it in time."""


class ControlPlane:
    """The istiods of one namespace, and the proxies beside them and in the namespaces of one lab.

    :param proxies: namespaces of proxies that matter; those of other labs in the mesh are not waited for.
    """

    def __init__(self, cluster: Cluster, namespace: str, *proxies: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.proxies = {namespace, *proxies}

    def pods(self) -> list[str]:
        """Return the names of the ready istiods."""
        return [pod["metadata"]["name"] for pod in ready_pods(self.cluster, self.namespace, ISTIOD)]

    def nonces(self) -> Nonces:
        """Return what was sent to each connected proxy that matters and what it acknowledged.

        :raises NotAcknowledged: a proxy refused what it was sent; the message has its reason.
        """
        return {
            key: value
            for answer in self._ask("/debug/syncz")
            for key, value in _nonces([proxy for proxy in answer if self._matters(proxy)]).items()
        }

    def versions(self) -> dict[str, int]:
        """Return of each object of Istio's the oldest resourceVersion that an istiod knows it in."""
        found: dict[str, int] = {}
        for answer in self._ask("/debug/configz"):
            for obj in answer:
                version = int(obj["metadata"].get("resourceVersion") or 0)
                found[_name(obj)] = min(found.get(_name(obj), version), version)
        return found

    def wait(
        self,
        before: Nonces,
        stored: Sequence[Object],
        removed: Sequence[Object],
        timeout: float,
        progress: Callable[[str], None],
    ) -> None:
        """Wait until every proxy acknowledged what istiod made of a change.

        :param before: ``nonces()`` from before the change.
        :param stored: the objects as the API server stored them; others than Istio's are left out.
        :param removed: objects that are gone.
        :raises NotAcknowledged: a proxy refused it, or the time is up.
        """
        wanted = {_name(obj): int(obj["metadata"]["resourceVersion"]) for obj in stored if concerns(obj)}
        gone = {_name(obj) for obj in removed if concerns(obj)}
        end = time.monotonic() + timeout
        steady: tuple[Nonces, float] = ({}, time.monotonic())
        while True:
            missing = self._missing(before, wanted, gone)
            now = time.monotonic()
            nonces = self.nonces()
            sent = {key: value[0] for key, value in nonces.items()}
            if sent != {key: value[0] for key, value in steady[0].items()} or missing:
                steady = (nonces, now)
            late = sorted(key for key, (out, acked) in nonces.items() if out != acked)
            if not missing and not late and nonces and now - steady[1] >= QUIET_SECONDS:
                return
            words = missing or (f"{late[0]} has not acknowledged what istiod sent" if late else "")
            progress(words or "all proxies acknowledged what istiod sent so far")
            if now >= end:
                raise NotAcknowledged(
                    f"The proxies did not get the new configuration within {timeout:g} s: "
                    f"{words or 'istiod went on sending'}. See the log of istiod in {self.namespace}."
                )
            time.sleep(POLL_SECONDS)

    def _missing(self, before: Nonces, wanted: Mapping[str, int], gone: set[str]) -> str:
        """Return what istiod has not done yet, "" when it has sent something since it knew all objects."""
        if not self.pods():
            return "no istiod is ready"
        if not wanted and not gone:
            return ""
        known = self.versions()
        # istiod itself may have written a newer one meanwhile, such as a ServiceEntry's status.
        unseen = [name for name, version in wanted.items() if known.get(name, -1) < version]
        unseen += [name for name in gone if name in known]
        if unseen:
            return f"istiod has not seen {unseen[0]} yet"
        sent = {key: value[0] for key, value in self.nonces().items()}
        if all(before.get(key, ("", ""))[0] == nonce for key, nonce in sent.items()):
            return "istiod has not sent anything new yet"
        return ""

    def _matters(self, proxy: Mapping[str, Any]) -> bool:
        # A proxy is called POD.NAMESPACE, and no namespace has a dot in its name.
        return str(proxy.get("proxy", "")).rpartition(".")[2] in self.proxies

    def _ask(self, path: str) -> list[Any]:
        return [
            json.loads(
                run_in_pod(self.cluster, self.namespace, pod, "discovery", ["pilot-discovery", "request", "GET", path])
            )
            for pod in self.pods()
        ]


def concerns(obj: Object) -> bool:
    """Tell whether istiod makes configuration for proxies of an object."""
    return obj["apiVersion"].partition("/")[0] in GROUPS


def _name(obj: Object) -> str:
    return f"{obj['apiVersion'].partition('/')[0]} {reference(obj)}"


def _nonces(answer: Sequence[Mapping[str, Any]]) -> Nonces:
    found: Nonces = {}
    for proxy in answer:
        resources = proxy.get("resources") or {
            # Istio before 1.24 lists five types by name.
            kind: {"sent": proxy.get(f"{kind}_sent"), "acked": proxy.get(f"{kind}_acked")}
            for kind in ("cluster", "listener", "route", "endpoint", "extensionconfig")
        }
        for kind, state in resources.items():
            if state.get("lastError"):
                raise NotAcknowledged(f"The proxy {proxy['proxy']} refused what istiod sent: {state['lastError']}")
            if state.get("sent"):
                found[f"{proxy['proxy']} {kind.rpartition('.')[2]}"] = (state["sent"], state.get("acked") or "")
    return found
