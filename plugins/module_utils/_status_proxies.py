# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proofs for the tutorial's components whose duty the proxies do: Envoy, Pilot and Citadel."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import run_in_pod
from ansible_collections.meshlab.istio.plugins.module_utils._proxy_admin import PROXY
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import Finding, side_by_side
from ansible_collections.meshlab.istio.plugins.module_utils._status_mesh import (
    Mesh,
    containers,
    shown,
    some,
)

LOOKS = 4
LOOK_SECONDS = 0.3
"""A change that is on its way is acknowledged within this time, several times over."""

EXECS = 6
"""Proxies that are asked at the same time: each question starts a program in the pod."""

MARGIN_SECONDS = 0.3


def envoy(mesh: Mesh) -> Finding:
    """The data plane: every pod that has a proxy has it ready, and the application's pods have one."""
    pods = mesh.proxies()
    waiting = sorted(shown(pod) for pod in pods if not _proxy_ready(pod))
    gateways = sum(set(containers(pod)) == {PROXY} for pod in pods)
    says = f"{len(pods) - len(waiting)} of {len(pods)} proxies ready ({len(pods) - gateways} sidecars, "
    says += f"{gateways} gateways)"
    if waiting:
        says += f"; not {some(waiting)}"
    bare = [pod for pod in mesh.pods() if pod["metadata"]["namespace"] == mesh.apps and PROXY not in containers(pod)]
    if bare:
        says += f"; {len(bare)} pods of {mesh.apps} have none"
    return Finding(bool(pods) and not waiting, says)


def pilot(mesh: Mesh) -> Finding:
    """Configuration is pushed: every ready proxy is connected to istiod and acknowledged what it was sent last."""
    proxies = mesh.connected()
    for _look in range(LOOKS):
        if not any(proxy.late for proxy in proxies):
            break
        time.sleep(LOOK_SECONDS)
        proxies = mesh.look()
    known = {proxy.name for proxy in proxies}
    missing = sorted(shown(pod) for pod in mesh.proxies() if _proxy_ready(pod) and shown(pod) not in known)
    problems = [f"{proxy.name} refused it: {proxy.refused}" for proxy in proxies if proxy.refused]
    problems += [f"{proxy.name} has not acknowledged {some(list(proxy.late))}" for proxy in proxies if proxy.late]
    problems += [f"{name} is not connected" for name in missing]
    good = [proxy for proxy in proxies if not proxy.late and not proxy.refused]
    says = f"{len(good)} of {len(proxies) + len(missing)} proxies acknowledged all that was sent"
    return Finding(bool(proxies) and not problems, "; ".join([says, *_few(problems)]))


def citadel(mesh: Mesh, until: float) -> Finding:
    """Identity is issued: each ready proxy uses a certificate in its service account's name that has not run out."""
    pods = _one_of_each_first([pod for pod in mesh.proxies() if _proxy_ready(pod)])
    answers = side_by_side(pods, lambda pod: _certificate(mesh, pod), EXECS, until - MARGIN_SECONDS)
    now = datetime.now(timezone.utc)
    seen = [(pod, answer) for pod, answer in answers if not isinstance(answer, MeshlabError)]
    problems = [f"{shown(pod)}: {answer.message}" for pod, answer in answers if isinstance(answer, MeshlabError)]
    problems += [f"{shown(pod)}: {wrong}" for pod, answer in seen for wrong in [_wrong(pod, answer, now)] if wrong]
    says = f"{len(seen)} of {len(pods)} certificates seen"
    if seen:
        each = [answer for _pod, answer in seen]
        oldest, first = min(one["from"] for one in each), min(one["until"] for one in each)
        identities = sorted({one["identity"] for one in each})
        says += (
            f", {len(identities)} identities such as {identities[0]}, the oldest issued {_ago(oldest, now)} ago, "
            f"the first valid until {first:%Y-%m-%d %H:%M} UTC"
        )
    # When time is short, one certificate of each service account is proof enough, and less is none.
    unseen = {_account(pod) for pod in pods} - {_account(pod) for pod, _answer in answers}
    if unseen:
        says += f"; there was no time for those of {some([f'{space}/{name}' for space, name in sorted(unseen)])}"
    ok = False if problems or not pods else None if unseen else True
    return Finding(ok, "; ".join([says, *_few(problems)]))


def _few(problems: list[str]) -> list[str]:
    return [*problems[:3], *([f"and {len(problems) - 3} more"] if len(problems) > 3 else [])]


def _proxy_ready(pod: Object) -> bool:
    status = pod.get("status", {})
    states = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    return any(state["name"] == PROXY and state.get("ready") for state in states)


def _one_of_each_first(pods: list[Object]) -> list[Object]:
    """Order pods so that each service account is seen once before any is seen twice, for when time is short."""
    counted: dict[tuple[str, str], int] = {}
    order = []
    for pod in pods:
        account = _account(pod)
        counted[account] = counted.get(account, 0) + 1
        order.append((counted[account], pod))
    return [pod for _turn, pod in sorted(order, key=lambda pair: pair[0])]


def _account(pod: Object) -> tuple[str, str]:
    """Return the namespace and the name of a pod's service account."""
    return str(pod["metadata"]["namespace"]), str(pod["spec"].get("serviceAccountName") or "default")


def _certificate(mesh: Mesh, pod: Object) -> dict[str, Any]:
    """Return ``identity``, ``from`` and ``until`` of the certificate that a proxy uses (Envoy's /certs)."""
    metadata = pod["metadata"]
    answer = run_in_pod(
        mesh.cluster, metadata["namespace"], metadata["name"], PROXY, ["pilot-agent", "request", "GET", "certs"]
    )
    try:
        chains = [entry.get("cert_chain") or [] for entry in json.loads(answer).get("certificates") or []]
        named = [(_uri(chain[0]), chain[0]) for chain in chains if chain]
        for identity, first in named:
            if identity:
                return {
                    "identity": identity, "from": _time(first["valid_from"]), "until": _time(first["expiration_time"]),
                }  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(f"Envoy answered something else than its certificates: {answer[:80]!r}") from error
    raise ClusterError("it has no certificate of its own")


def _uri(certificate: Mapping[str, Any]) -> str:
    return next((str(name["uri"]) for name in certificate.get("subject_alt_names") or [] if "uri" in name), "")


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def _wrong(pod: Object, certificate: Mapping[str, Any], now: datetime) -> str:
    """Return what is wrong with a proxy's certificate, "" when nothing is."""
    owner = "/ns/{}/sa/{}".format(*_account(pod))
    if not certificate["identity"].startswith("spiffe://") or not certificate["identity"].endswith(owner):
        return f"its identity is {certificate['identity']}, not spiffe://…{owner}"
    if certificate["until"] <= now:
        return f"its certificate ran out {_ago(certificate['until'], now)} ago"
    return ""


def _ago(then: datetime, now: datetime) -> str:
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
