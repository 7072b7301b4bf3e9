# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the way into the mesh: tries one kind of address after another until one answers as expected."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._entrance import FINDERS, Entrance, NoWay, Wanted, Way
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    CommandError,
    MeshlabError,
    Unreachable,
)
from ansible_collections.meshlab.istio.plugins.module_utils._http import PROBE_SECONDS, bracketed
from ansible_collections.meshlab.istio.plugins.module_utils._port_forward import Kubectl
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress

PORT_FORWARD = "port_forward"
METHODS = (*FINDERS, PORT_FORWARD)
POLL_SECONDS = 0.5

Finder = Callable[[Entrance], list[Way]]
Prove = Callable[[str], Optional[str]]


class NoAnswer(MeshlabError):
    """The gateway exists, but no address answered as expected.

    Details hold ``passed_over`` and ``node_ports`` as the module returns them.
    """


@dataclass
class _Tried:
    """What one round brought: a way that answered, the others before it, and whether another round makes sense."""

    found: Way | None = None
    passed_over: list[dict[str, str]] = field(default_factory=list)
    hopeless: bool = True


class Search:
    """Looks for the first address that answers.

    :param wanted: the gateway.
    :param scheme: http or https, the port that has to answer.
    :param path: path of the URL that is asked.
    :param prove: asks a URL and returns None, or why the answer is not the expected one.
    :param methods: kinds of addresses, in the order in which they are tried.
    :param forwards: (host, port) of port-forwards that may be running already.
    :param kubectl: starts a port-forward of its own; None means don't.
    """

    def __init__(
        self,
        cluster: Cluster,
        wanted: Wanted,
        *,
        scheme: str,
        path: str,
        prove: Prove,
        methods: Sequence[str] = METHODS,
        forwards: Sequence[tuple[str, int]] = (),
        kubectl: Kubectl | None = None,
    ) -> None:
        self.cluster = cluster
        self.wanted = replace(wanted, scheme=scheme)
        self.scheme = scheme
        self.path = path
        self.prove = prove
        self.methods = methods
        self.forwards = forwards
        self.kubectl = kubectl

    def run(self, timeout: float, progress: Progress) -> dict[str, Any]:
        """Try all methods, again and again with what the cluster then says, until an address answers.

        :param timeout: seconds after which no new round begins; 0 means one round.
        :returns: ingress_host, ingress_port, secure_ingress_port, gateway_url, url, method, temporary,
            passed_over, node_ports.
        :raises NotFound: the namespace, the Service or the Gateway does not exist (at once).
        :raises InputError: it has no such port or listener (at once).
        :raises ClusterError: the API refuses to be asked (at once), or answered badly to the end of the time.
        :raises NoAnswer: nothing answered in time, or nothing ever can (then at once).
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                entrance = Entrance(self.cluster, self.wanted)
                entrance.check_scheme(self.scheme)
                tried = self._round(entrance, deadline)
            except ClusterError as error:
                if not error.busy or time.monotonic() >= deadline:
                    raise
                progress(error.message)
            else:
                if tried.found:
                    return self._result(tried.found, entrance, tried.passed_over)
                if tried.hopeless or time.monotonic() >= deadline:
                    raise self._failure(entrance, tried, timeout)
                progress(f"No way into the mesh answers yet: {_words(tried.passed_over)}")
            time.sleep(POLL_SECONDS)

    def _round(self, entrance: Entrance, deadline: float) -> _Tried:
        """Try each method once; each may use its share of the time that is left."""
        tried = _Tried()
        for left, method in zip(range(len(self.methods), 0, -1), self.methods):
            until = time.monotonic() + max((deadline - time.monotonic()) / left, PROBE_SECONDS)
            with contextlib.ExitStack() as stack:
                try:
                    ways = self._finder(method, stack)(entrance)
                except NoWay as reason:
                    tried.passed_over.append({"method": method, "address": "", "reason": reason.reason})
                    tried.hopeless = tried.hopeless and reason.final
                    continue
                tried.hopeless = False
                tried.found = self._first(ways, until, tried.passed_over)
            if tried.found:
                break
        return tried

    def _finder(self, method: str, stack: contextlib.ExitStack) -> Finder:
        """Return how ways of this kind are found; a port-forward that it starts ends with ``stack``."""
        known = FINDERS.get(method)

        def guarded(entrance: Entrance) -> list[Way]:
            try:
                return known(entrance) if known else self._port_forward(entrance, stack)
            except Unreachable:
                raise
            except (ClusterError, CommandError) as error:
                # Such as: this user may not list nodes. Another kind of address may still be open.
                raise NoWay(error.message) from error

        return guarded

    def _port_forward(self, entrance: Entrance, stack: contextlib.ExitStack) -> list[Way]:
        if self.forwards:
            return [Way(PORT_FORWARD, host, {self.scheme: port}) for host, port in self.forwards]
        if self.kubectl is None:
            raise NoWay("none is running (option `port_forward_url`), and none was asked for", final=True)
        name, namespace = entrance.service_name, entrance.service_namespace
        ports = [choice[self.scheme] for choice in entrance.numbers("port") if self.scheme in choice]
        if not ports:
            raise NoWay(f"the Service {name} has no port for {self.scheme} yet")
        starts = [self.kubectl.port_forward(namespace, f"service/{name}", port) for port in ports]
        return [Way(PORT_FORWARD, "127.0.0.1", {self.scheme: stack.enter_context(start)}) for start in starts]

    def _first(self, ways: list[Way], deadline: float, passed_over: list[dict[str, str]]) -> Way | None:
        """Return the first way that answers; note down the others before it."""
        for tried, way in enumerate(ways):
            reason: str | None
            if self.scheme not in way.ports:
                reason = f"it has no port for {self.scheme}"
            elif tried and time.monotonic() >= deadline:
                reason = "there was no time left to ask it"
            else:
                reason = self.prove(self._url(way))
            if reason is None:
                return way
            passed_over.append({"method": way.method, "address": _address(way, self.scheme), "reason": reason})
        return None

    def _url(self, way: Way) -> str:
        return f"{self.scheme}://{_address(way, self.scheme)}{self.path}"

    def _result(self, way: Way, entrance: Entrance, passed_over: list[dict[str, str]]) -> dict[str, Any]:
        return {
            "ingress_host": way.host,
            "ingress_port": way.ports.get("http"),
            "secure_ingress_port": way.ports.get("https"),
            "gateway_url": _address(way, self.scheme),
            "url": self._url(way),
            "method": way.method,
            "temporary": way.method == PORT_FORWARD and not self.forwards,
            "passed_over": passed_over,
            "node_ports": _node_ports(entrance),
        }

    def _failure(self, entrance: Entrance, tried: _Tried, timeout: float) -> NoAnswer:
        name = f"{self.wanted.namespace}/{self.wanted.gateway or self.wanted.service}"
        when = f"within {timeout:g} s" if timeout else "when asked once"
        if tried.hopeless:
            when = "and waiting would not help"
        return NoAnswer(
            f"No way into {name} answered {self.scheme} {self.path} as expected {when}: {_words(tried.passed_over)}."
            + _pods(entrance),
            passed_over=tried.passed_over,
            node_ports=_node_ports(entrance),
        )


def nothing() -> dict[str, Any]:
    """Return what a search returns when there is no gateway yet."""
    empty: dict[str, Any] = dict.fromkeys(("ingress_port", "secure_ingress_port"))
    empty.update(dict.fromkeys(("ingress_host", "gateway_url", "url", "method"), ""))
    return {**empty, "temporary": False, "passed_over": [], "node_ports": {}}


def _address(way: Way, scheme: str) -> str:
    port = way.ports.get(scheme)
    return bracketed(way.host) + (f":{port}" if port else "")


def _node_ports(entrance: Entrance) -> dict[str, int]:
    """Return all node ports of the Service by the names of its ports."""
    ports = (entrance.service or {}).get("spec", {}).get("ports") or []
    return {port.get("name", str(port["port"])): port["nodePort"] for port in ports if port.get("nodePort")}


def _words(passed_over: list[dict[str, str]]) -> str:
    return "; ".join(
        " ".join(filter(None, (each["method"], each["address"]))) + f": {each['reason']}" for each in passed_over
    )


def _pods(entrance: Entrance) -> str:
    """Say how many of the gateway's pods are ready, the usual reason why no address answers."""
    try:
        return f" {len(entrance.ready_pods())} of {len(entrance.pods())} pods of the Service are ready."
    except (NoWay, ClusterError):
        return ""
