# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state that a minikube cluster is in, and why, in well under a second."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import RECREATE, Minikube
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_api import certificate, cut_off
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_owner import Note
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_settings import stored

ABSENT = "absent"
DAMAGED = "damaged"
INCOMPLETE = "incomplete"
STOPPED = "stopped"
PAUSED = "paused"
DEGRADED = "degraded"
STARTED = "started"

CUT_OFF = "cut off"
"""Not a state: why a cluster that minikube calls running is incomplete."""

SOON_DAYS = 30

ADVICE = {
    DAMAGED: "its stored configuration cannot be read",
    INCOMPLETE: "it was never finished, its profile has no host",
    CUT_OFF: "its first start was cut off while kubeadm made the control plane, so it lacks what comes last, such as "
    "kube-proxy",
    STOPPED: "it was stopped, or this host was restarted since",
    PAUSED: "its containers were paused",
}
HINTS = {"InsufficientStorage": " (/var is at least 99 % full; free some space there)"}


@dataclass(frozen=True)
class Found:
    """A cluster as it was found.

    :param state: one of the constants above.
    :param reasons: sentences why, for a state that is neither absent nor started.
    :param config: the profile's stored configuration; {} without a readable one.
    :param status: the rows of ``minikube status``.
    :param certificate_days: days until the API server's certificate ends; None if it could not be seen.
    :param used: what somebody has put into a cluster that was cut off while it was made.
    """

    state: str
    reasons: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    status: list[dict[str, Any]] = field(default_factory=list)
    certificate_days: int | None = None
    used: list[str] = field(default_factory=list)

    @property
    def exists(self) -> bool:
        """Whether there is a cluster that could answer, now or once it is started."""
        return self.state not in (ABSENT, DAMAGED, INCOMPLETE)

    @property
    def cut_off(self) -> bool:
        """Whether kubeadm was cut off while it made this cluster: no start finishes it, only a new one does."""
        return self.state == INCOMPLETE and bool(self.status)

    @property
    def node(self) -> dict[str, Any]:
        """The first control-plane node as stored: Name, IP, Port, …; {} without one."""
        nodes: list[dict[str, Any]] = self.config.get("Nodes") or []
        return next((node for node in nodes if node.get("ControlPlane")), {})

    @property
    def asked(self) -> dict[str, Any]:
        """The same, {} where no API server answers now."""
        return self.node if self.state in (STARTED, DEGRADED) else {}

    def sentence(self, profile: str) -> str:
        """Return one sentence that says what was found."""
        if self.state == ABSENT:
            return f"There was no cluster {profile}."
        if self.state == STARTED:
            return f"The cluster {profile} was running."
        return f"The cluster {profile} was {self.state}: {'; '.join(self.reasons)}."


def find(minikube: Minikube, profile: str) -> Found:
    """Return the state of a profile's cluster. Nothing is changed.

    The stored configuration is read from its file; `minikube status` tells about host, kubelet, API server
    (it asks /healthz) and kubeconfig; the API server itself shows when its certificate ends, and whether the cluster
    was ever finished.

    :raises CommandError: minikube is missing, or its status cannot be read.
    """
    try:
        config = minikube.read_profile(profile)
        stored(config or {})
    except InputError:
        return Found(DAMAGED, [ADVICE[DAMAGED]])
    if config is None:
        return Found(ABSENT)
    rows = minikube.status(profile)
    state, reasons = judge(rows)
    found = Found(state, reasons, config, rows)
    if state not in (STARTED, DEGRADED, STOPPED):
        return found
    moved = _moved(found)
    if state == STOPPED:
        return Found(state, reasons + moved, config, rows)
    address, port = str(found.node.get("IP") or ""), int(found.node.get("Port") or 0)
    days, trouble = certificate(address, port, minikube.home)
    if days is not None:
        cut, used = cut_off(address, port, minikube.home, profile)
        if cut:
            return Found(INCOMPLETE, [ADVICE[CUT_OFF]], config, rows, days, used)
    reasons = [*reasons, *moved, *trouble]
    return Found(DEGRADED if reasons else STARTED, reasons, config, rows, days)


def judge(rows: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Return the state that rows of ``minikube status`` mean, and why."""
    if not rows:
        return INCOMPLETE, [ADVICE[INCOMPLETE]]
    main = next((row for row in rows if not row.get("Worker")), rows[0])
    if main.get("Host") == "Stopped":
        return STOPPED, [ADVICE[STOPPED]]
    if main.get("APIServer") == "Paused":
        return PAUSED, [ADVICE[PAUSED]]
    good = {"Host": ("Running",), "Kubelet": ("Running",), "APIServer": ("Running", "Irrelevant"),
            "Kubeconfig": ("Configured", "Irrelevant")}  # fmt: skip
    reasons = [
        f"{row.get('Name')}: {part} is {row.get(part)}{HINTS.get(str(row.get(part)), '')}"
        for row in rows
        for part, values in good.items()
        if row.get(part) not in values
    ]
    return (DEGRADED, reasons) if reasons else (STARTED, [])


def _moved(found: Found) -> list[str]:
    """Say so when the none driver's node has an address that this host no longer has."""
    address = str(found.node.get("IP") or "")
    if found.config.get("Driver") != "none" or not address:
        return []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            return [f"the cluster was made at {address}, which is no longer an address of this host"]
    return []


def warn_soon(found: Found, profile: str) -> list[str]:
    """Return a warning for a certificate that ends within SOON_DAYS days."""
    if found.certificate_days is None or not 0 <= found.certificate_days < SOON_DAYS:
        return []
    return [
        f"The API server's certificate of {profile} ends in {found.certificate_days} days. minikube renews it at "
        f"the first start after that; until then only {RECREATE} does."
    ]


def describe(minikube: Minikube, profile: str) -> dict[str, Any]:
    """Return a profile as data: name, state, reasons, settings, nodes, status, certificate_days."""
    found = find(minikube, profile)
    return {
        "name": profile,
        "state": found.state,
        "reasons": found.reasons,
        "ours": found.state != ABSENT and not Note(minikube, profile).doubt(found.asked),
        "settings": stored(found.config) if found.config else {},
        "nodes": [
            {
                "name": node.get("Name") or profile,
                "ip": node.get("IP"),
                "port": node.get("Port"),
                "control_plane": node.get("ControlPlane"),
                "worker": node.get("Worker"),
            }
            for node in found.config.get("Nodes") or []
        ],
        "status": found.status,
        "certificate_days": found.certificate_days,
    }
