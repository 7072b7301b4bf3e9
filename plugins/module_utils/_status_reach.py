# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of what a person opens: the gateway's URL, the forwarded ports, the addons, and what Prometheus counts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._addons import ADDONS, STAND_IN, NotHealthy, check
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._entrance import Wanted
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._gateway import Search
from ansible_collections.meshlab.istio.plugins.module_utils._http import HttpError, bracketed, fetch, probe, target
from ansible_collections.meshlab.istio.plugins.module_utils._istio_analyze import counts, findings
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._names import through_service
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._services import PREFIX, Systemctl
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import Finding, side_by_side
from ansible_collections.meshlab.istio.plugins.module_utils._status_mesh import Mesh

LEVELS = {"Error": "errors", "Warning": "warnings", "Info": "notes"}
"""Of istioctl analyze, and what they are called here."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound, it is read
"""Addresses to listen at, and where to ask on the same host."""

MARGIN_SECONDS = 0.2

PORTS = {"http": "http2", "https": "https"}

_FORWARDED = re.compile(r"^(?P<name>\S+) on (?P<address>\S+):(?P<port>\d+)$")
"""A port-forward's description, as the role access writes it."""


def gateway(cluster: Cluster, options: Mapping[str, Any], seconds: float) -> Finding:
    """The ingress gateway's URL answers with the page.

    :param options: namespace, gateway_service, gateway, path, host and body, as the module documents them.
    :param seconds: how long one address may take.
    """

    def prove(url: str) -> str | None:
        return probe(target(url, timeout=seconds, host=options["host"]), [200], options["body"])

    namespace, _slash, name = (options["gateway"] or "").rpartition("/")
    host = target("http://localhost/", host=options["host"]).server_name if options["host"] else ""
    service = None if name else options["gateway_service"]
    wanted = Wanted(namespace or options["namespace"], service, name or None, PORTS, host=host)
    found = Search(cluster, wanted, scheme="http", path=options["path"], prove=prove).run(0.0, Progress(None))
    return Finding(True, f"{found['url']} answers (by {found['method']})")


def services(systemctl: Systemctl, seconds: float) -> Finding:
    """The supervised services run, and what they forward answers.

    :param seconds: how long systemd and then each address may take.
    """
    words = ["show", f"{PREFIX}*", "--property=Id,Description,ActiveState,Type"]
    try:
        blocks = systemctl.run(words, timeout=seconds).stdout.split("\n\n")
    except CommandError as error:
        # Such as a host without systemd, on which nothing of ours can be supervised.
        return Finding(None, error.message)
    units = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    units = sorted((unit for unit in units if unit.get("Id")), key=lambda unit: unit["Id"])
    if not units:
        return Finding(None, "this host has none: nothing is forwarded or supervised here")
    until = time.monotonic() + seconds + MARGIN_SECONDS
    troubles = {
        unit["Id"]: trouble if isinstance(trouble, str) else trouble.message
        for unit, trouble in side_by_side(units, lambda unit: _trouble(unit, seconds), len(units), until)
    }
    good: list[str] = []
    bad: list[str] = []
    for unit in units:
        trouble = troubles.get(unit["Id"], "does not answer")
        name = unit["Id"].removeprefix(PREFIX).removesuffix(".service")
        forwarded = _FORWARDED.match(unit.get("Description", ""))
        where = f" {_url(forwarded)}" if forwarded else ""
        (bad if trouble else good).append(f"{name}{where} {trouble}".rstrip())
    return Finding(not bad, "; ".join(filter(None, [", ".join(good), *bad])))


def addon(mesh: Mesh, name: str) -> Finding:
    """One addon works by what its own API says."""
    if name not in ADDONS:
        return Finding(None, "no check of it is known here")
    asked = ADDONS[name]
    service = through_service(mesh.addons, asked.service, asked.port)

    def through_proxy(path: str, query: Mapping[str, str]) -> Any:
        body = mesh.cluster.raw(service + path, query)
        try:
            return json.loads(body)
        except ValueError:
            return body.decode(errors="replace")

    try:
        said = check(name, mesh.addons, through_proxy)
    except NotHealthy as error:
        return Finding(False, str(error))
    return Finding(True, said["says"] + (" (a stand-in)" if said[STAND_IN] else ""))


def telemetry(mesh: Mesh) -> Finding:
    """Mixer's telemetry: the proxies count requests, and Prometheus has them."""
    counted = mesh.counted()
    total = sum(value for (reporter, _how), value in counted.items() if reporter == "source")
    if not total:
        return Finding(None, "Prometheus counts no request of the mesh yet: send one, such as to the gateway's URL")
    return Finding(True, f"Prometheus counts {total:,.0f} requests (istio_requests_total, told by their senders)")


def analyze(istioctl: Istioctl, suppress: Sequence[str], seconds: float) -> Finding:
    """`istioctl analyze` finds no error.

    :param suppress: findings to leave out, as ``CODE=Kind name.namespace``.
    :param seconds: how long it may take.
    """
    if not istioctl.found():
        return Finding(None, f"there is no {istioctl.path} on this host to ask")
    arguments = ["analyze", "--all-namespaces", "--output", "json", "--color=false", *istioctl.cluster_arguments]
    for entry in suppress:
        arguments += ["--suppress", entry]
    done = istioctl.run(arguments, timeout=seconds)
    if not done.stdout.strip():
        # It ends with 0 and says nothing when there is nothing that it could look at.
        raise InputError(f"istioctl analyze looked at nothing: {done.stderr.strip() or 'it said nothing'}")
    rows = findings(done)
    number = counts(rows)
    says = ", ".join(f"{number[level]} {what}" for level, what in LEVELS.items())
    errors = [f"{row['code']} {row['origin']}: {row['message']}" for row in rows if row["level"] == "Error"]
    return Finding(not errors, "; ".join([says, *errors[:3]]))


def _trouble(unit: Mapping[str, str], seconds: float) -> str:
    """Return what is wrong with a supervised service, "" when nothing is."""
    state = unit.get("ActiveState", "unknown")
    # What belongs to the boot rests until then.
    if state != "active" and not (state == "inactive" and unit.get("Type") == "oneshot"):
        return f"is {state}"
    forwarded = _FORWARDED.match(unit.get("Description", ""))
    if not forwarded:
        return ""
    try:
        answer = fetch(target(_url(forwarded), timeout=seconds))
    except HttpError as error:
        return f"does not answer: {error.reason}"
    return f"answers {answer.status}" if answer.status >= 500 else ""


def _url(forwarded: re.Match[str]) -> str:
    """Return the URL at which a port-forward can be asked on this host."""
    address = EVERYWHERE.get(forwarded["address"], forwarded["address"])
    return f"http://{bracketed(address)}:{forwarded['port']}/"
