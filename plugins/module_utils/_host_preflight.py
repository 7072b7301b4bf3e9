# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has this host what the lab needs beside its cluster: Python, systemd, root's rights, free ports?"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_preflight
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import Problem
from ansible_collections.meshlab.istio.plugins.module_utils._services import PREFIX, foreign

OLDEST, NEWEST = (3, 9), (3, 13)
"""The Pythons that the pinned wheels are for."""
ASKED = """
import sys
from importlib.util import find_spec
print("%d.%d" % sys.version_info[:2] if find_spec("venv") else "no module venv")
"""
OURS = f"{PREFIX}forward-"
"""How the units of the lab's own port-forwards begin."""
LISTENING = "0A"
"""The state in /proc/net/tcp (include/net/tcp_states.h)."""


@dataclass(frozen=True)
class Holder:
    """Who listens on a port: a process, and the service of systemd that it belongs to, if any."""

    process: int
    name: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name} (process {self.process}{self.unit and ', '}{self.unit})"

    def remedy(self) -> str:
        """Return how it is stopped."""
        if self.name == "docker-proxy":
            return "Stop the container that publishes it, see `docker ps`"
        return f"Stop it with `systemctl stop {self.unit}`" if self.unit else f"Stop it with `kill {self.process}`"


class Host(_minikube_preflight.Host):
    """What the checks ask about this machine. Tests hand in one of their own."""

    def refusal(self, address: str, port: int) -> int | None:
        """Return the errno with which a program would fail to listen there; None if it would not."""
        try:
            places = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        refused = []
        for family, kind, protocol, _name, place in places:
            try:
                with socket.socket(family, kind, protocol) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(place)
            except OSError as error:
                refused.append(error.errno or errno.EADDRNOTAVAIL)
        if errno.EADDRINUSE in refused:
            return errno.EADDRINUSE
        # Of the two addresses of localhost one is enough.
        return refused[0] if len(refused) == len(places) else None

    def holders(self, ports: Collection[int]) -> dict[int, list[Holder]]:
        """Return who listens on each port, as far as this user may know."""
        sockets = {}
        for line in self.lines("/proc/self/net/tcp") + self.lines("/proc/self/net/tcp6"):
            fields = line.split()
            if len(fields) > 9 and fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) in ports:
                sockets[f"socket:[{fields[9]}]"] = int(fields[1].rpartition(":")[2], 16)
        found: dict[int, list[Holder]] = {}
        for process in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):
            for port in {sockets[link] for link in _links(f"/proc/{process}/fd") if link in sockets}:
                found.setdefault(port, []).append(self._holder(process))
        return found

    def _holder(self, process: int) -> Holder:
        name = "".join(self.lines(f"/proc/{process}/comm")[:1]) or "a program"
        parts = [part for line in self.lines(f"/proc/{process}/cgroup") for part in line.split(":", 2)[-1].split("/")]
        units = [part for part in parts if part.endswith(".service")]
        # Those that a user's own manager runs are none of the host's services.
        return Holder(process, name, units[-1] if units and not units[0].startswith("user@") else "")


def _links(directory: str) -> set[str]:
    links = set()
    # A process may end meanwhile, or belong to somebody else.
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                links.add(os.readlink(entry.path))
    return links


def python(host: Host) -> Iterator[Problem]:
    """The python3 from which the role ``host`` makes its environment."""
    oldest, newest = (".".join(map(str, version)) for version in (OLDEST, NEWEST))
    install = f"Install Python {oldest} to {newest} as `python3`, such as `apt install python3`."
    if not host.program("python3"):
        yield Problem("python", "there is no python3 in PATH", install)
        return
    good, said = host.ask("python3", "-ES", "-c", ASKED)
    if not good:
        yield Problem("python", f"python3 does not work: {said}", install)
    elif "venv" in said:
        yield Problem("python", "python3 lacks its module venv", "Install it, such as `apt install python3-venv`.")
    elif not OLDEST <= tuple(map(int, said.split("."))) <= NEWEST:
        yield Problem(
            "python", f"python3 is Python {said}, and the lab's libraries are for {oldest} to {newest}", install
        )


def init(host: Host) -> Iterator[Problem]:
    """What keeps tunnel and port-forwards running, whatever the cluster is made by."""
    if not host.directory("/run/systemd/system") or not host.program("systemctl"):
        yield Problem(
            "systemd", "systemd does not run here, and the tunnel and the port-forwards are its services",
            "Use a host that boots with systemd, such as a VM; in WSL set `systemd=true` in /etc/wsl.conf.",
        )  # fmt: skip


def become(host: Host, failure: str) -> Iterator[Problem]:
    """Whether `become` leads to root, which this process should be."""
    if failure:
        failure = failure.strip().splitlines()[-1].removeprefix("Task failed: ").rstrip(".")
        yield Problem(
            "become", f"tasks with `become` cannot get root's rights: {failure}",
            "Allow this user `sudo` without a password, or give it with --ask-become-pass.",
        )  # fmt: skip
    elif host.uid != 0:
        yield Problem(
            "become", f"tasks with `become` run with the user id {host.uid}, and they need root's rights",
            "Leave `become_user` at root.",
        )  # fmt: skip


def services(units: Sequence[str], owner: Mapping[str, str]) -> Iterator[Problem]:
    """The services that will be started, which must not be another owner's."""
    strangers = {unit: foreign(unit, owner) for unit in units}
    for why in dict.fromkeys(filter(None, strangers.values())):
        names = [unit for unit, known in strangers.items() if known == why]
        yield Problem(
            "services", f"there is already {', '.join(names)}, which {why}",
            "Give this lab's port-forwards other names with `access_instance: WORD` and other ports with `access_port` "
            "and `access_ports`, or let the owner remove theirs, such as with the playbook teardown.",
        )  # fmt: skip


def ports(
    host: Host, wanted: Mapping[str, int], address: str, user: str, owner: Mapping[str, str]
) -> Iterator[Problem]:
    """The ports of the port-forwards, which must be free or held by an earlier run's."""
    lowest = int("".join(host.lines("/proc/sys/net/ipv4/ip_unprivileged_port_start")[:1]) or 1024)
    names: dict[int, str] = {}
    taken = []
    for name, port in wanted.items():
        if port in names:
            yield Problem("ports", f"port {port} is wanted for {names[port]} and for {name}", f"Use {_other(name)}")
            continue
        names[port] = name
        refused = host.refusal(address, port)
        if refused == errno.EADDRINUSE:
            taken.append(port)
        elif refused is not None and refused != errno.EACCES:
            yield Problem(
                "address", f"nothing can listen on {address}: {os.strerror(refused)}",
                "Set `access_address` to an address of this host, or leave it out.",
            )  # fmt: skip
            return
        elif port < lowest and user != "root":
            yield Problem(
                "ports",
                f"port {port} ({name}) is only for root, and {user} would listen there",
                f"Use {_other(name)}",
            )
    holders = host.holders(taken) if taken else {}
    for port in taken:
        known = holders.get(port, [])
        if any(holder.unit.startswith(OURS) and not foreign(holder.unit, owner) for holder in known):
            continue
        why = foreign(known[0].unit, owner) if known and known[0].unit.startswith(OURS) else ""
        who = f" by {known[0]}{', which ' if why else ''}{why}" if known else ""
        stop = known[0].remedy() if known else f"Stop what listens there (`sudo ss -ltnp 'sport = :{port}'`)"
        yield Problem("ports", f"port {port} ({names[port]}) is taken{who}", f"{stop}, or use {_other(names[port])}")


def _other(name: str) -> str:
    setting = "access_port: PORT" if name == "gateway" else f"access_ports: {{{name}: PORT}}"
    return f"another port with `{setting}`."


def check(
    host: Host,
    wanted: Mapping[str, int],
    *,
    address: str,
    user: str,
    become_failure: str,
    units: Sequence[str] = (),
    owner: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return every problem as {check, problem, remedy}; [] for a host that is fit.

    :param wanted: name to port of each port-forward.
    :param address: where they listen.
    :param user: whose they are.
    :param units: the services that will be started.
    :param owner: whose they are, as in _services.
    :param become_failure: why these checks could not be made with root's rights; empty if they are.
    """
    owner = owner or {"user": user}
    problems = [
        *python(host), *init(host), *become(host, become_failure), *services(units, owner),
        *ports(host, wanted, address, user, owner),
    ]  # fmt: skip
    return [{"check": item.check, "problem": item.problem, "remedy": item.remedy} for item in problems]
