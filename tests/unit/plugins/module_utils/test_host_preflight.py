# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab needs beside its cluster: each problem alone, all at once, and the questions to a real host."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _host_preflight as preflight
from ansible_collections.meshlab.istio.plugins.module_utils import _services
from ansible_collections.meshlab.istio.plugins.module_utils._host_preflight import Holder, Host, check
from ansible_collections.meshlab.istio.plugins.modules import host_preflight_info

PORTS = {"gateway": 8080, "kiali": 20001}


class FitHost(Host):
    """Has everything, unless told otherwise."""

    uid = 0

    def __init__(self, lacks: tuple[str, ...] = (), **values: Any) -> None:
        self.lacks = lacks
        self.uid = values.get("uid", 0)
        self.refused: dict[int, int] = values.get("refused", {})
        self.held: dict[int, list[Holder]] = values.get("held", {})
        self.answer: tuple[bool, str] = values.get("answer", (True, "3.11"))

    def program(self, name: str) -> bool:
        return name not in self.lacks

    def directory(self, path: str) -> bool:
        return path not in self.lacks

    def lines(self, path: str) -> list[str]:
        assert path == "/proc/sys/net/ipv4/ip_unprivileged_port_start"
        return [] if path in self.lacks else ["1024"]

    def ask(self, *command: str) -> tuple[bool, str]:
        assert command[0] == "python3"
        return self.answer

    def refusal(self, address: str, port: int) -> int | None:
        return self.refused.get(port)

    def holders(self, ports: Collection[int]) -> dict[int, list[Holder]]:
        return {port: self.held[port] for port in ports if port in self.held}


def found(host: Host, wanted: dict[str, int] | None = None, **options: str) -> list[str]:
    given = {"address": "127.0.0.1", "user": "ada", "become_failure": "", **options}
    problems = check(host, PORTS if wanted is None else wanted, **given)
    assert all(item["remedy"].endswith(".") for item in problems)
    return [f"{item['check']}: {item['problem']}. {item['remedy']}" for item in problems]


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_a_fit_host(version: str) -> None:
    assert found(FitHost(answer=(True, version))) == []
    assert found(FitHost(), {"gateway": 80}, user="root") == []
    assert found(FitHost(), {}) == []


TAKEN = {"refused": {8080: errno.EADDRINUSE}}


@pytest.mark.parametrize(
    ("host", "options", "problem"),
    [
        ({"lacks": ("python3",)}, {}, "python: there is no python3 in PATH. Install Python 3.9 to 3.13"),
        ({"answer": (True, "3.8")}, {}, "python: python3 is Python 3.8, and the lab's libraries are for 3.9 to 3.13"),
        ({"answer": (True, "3.14")}, {}, "python: python3 is Python 3.14, and"),
        ({"answer": (True, "no module venv")}, {}, "python: python3 lacks its module venv. Install it, such as `apt"),
        ({"answer": (False, "broken")}, {}, "python: python3 does not work: broken. Install"),
        ({"lacks": ("/run/systemd/system",)}, {}, "systemd: systemd does not run here"),
        ({"lacks": ("systemctl",)}, {}, "systemd: systemd does not run here"),
        (
            {"uid": 1000},
            {"become_failure": "Task failed: Premature end.\n>>> Standard Error\nsudo: a password is required"},
            "become: tasks with `become` cannot get root's rights: sudo: a password is required. Allow this user",
        ),
        (
            {"uid": 1000},
            {"become_failure": "Task failed: Missing sudo password"},
            "become: tasks with `become` cannot get root's rights: Missing sudo password. Allow",
        ),
        ({"uid": 1000}, {}, "become: tasks with `become` run with the user id 1000"),
        (
            TAKEN,
            {},
            "ports: port 8080 (gateway) is taken. Stop what listens there (`sudo ss -ltnp 'sport = :8080'`), or",
        ),
        (
            {**TAKEN, "held": {8080: [Holder(42, "nginx", "nginx.service")]}},
            {},
            "ports: port 8080 (gateway) is taken by nginx (process 42, nginx.service). Stop it with `systemctl stop "
            "nginx.service`, or use another port with `access_port: PORT`.",
        ),
        (
            {"refused": {20001: errno.EADDRINUSE}, "held": {20001: [Holder(42, "kubectl")]}},
            {},
            "ports: port 20001 (kiali) is taken by kubectl (process 42). Stop it with `kill 42`, or use another port "
            "with `access_ports: {kiali: PORT}`.",
        ),
        (
            {**TAKEN, "held": {8080: [Holder(42, "docker-proxy", "docker.service")]}},
            {},
            "ports: port 8080 (gateway) is taken by docker-proxy (process 42, docker.service). Stop the container that",
        ),
        (
            {"refused": dict.fromkeys(PORTS.values(), errno.EADDRNOTAVAIL)},
            {"address": "10.9.9.9"},
            "address: nothing can listen on 10.9.9.9: Cannot assign requested address. Set `access_address`",
        ),
    ],
)
def test_each_problem_alone(host: dict[str, Any], options: dict[str, str], problem: str) -> None:
    (only,) = found(FitHost(**host), **options)
    assert only.startswith(problem)


def test_ports_of_ones_own() -> None:
    ours = [Holder(42, "kubectl", "meshlab-forward-gateway.service")]
    assert found(FitHost(refused={8080: errno.EADDRINUSE}, held={8080: ours})) == []
    (twice,) = found(FitHost(), {"gateway": 3000, "grafana": 3000})
    assert twice == (
        "ports: port 3000 is wanted for gateway and for grafana. Use another port with `access_ports: {grafana: PORT}`."
    )
    for host in (
        FitHost(),
        FitHost(refused={80: errno.EACCES}),
        FitHost(("/proc/sys/net/ipv4/ip_unprivileged_port_start",)),
    ):
        (low,) = found(host, {"gateway": 80})
        assert low.startswith("ports: port 80 (gateway) is only for root, and ada would listen there. Use another")


def test_services_and_ports_of_another_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were taken for an earlier run's, whoever had made it."""
    monkeypatch.setattr(_services, "UNIT_DIRECTORY", str(tmp_path))
    unit = "meshlab-forward-gateway.service"
    alices = _services.Service("forward-gateway", "", ["/bin/kubectl", "--context", "lab"], user="alice")
    (tmp_path / unit).write_text(alices.text())
    host = FitHost(refused={8080: errno.EADDRINUSE}, held={8080: [Holder(42, "kubectl", unit)]})

    def said(user: str, context: str) -> list[str]:
        owner = {"user": user, "context": context}
        problems = check(
            host, {"gateway": 8080}, address="::1", user=user, become_failure="",
            units=[unit, "meshlab-forward-kiali.service"], owner=owner,
        )  # fmt: skip
        return [f"{item['check']}: {item['problem']}" for item in problems]

    whose = "which belongs to the user alice, for the context lab"
    for user, context in (("bob", "lab"), ("alice", "other")):
        assert said(user, context) == [
            f"services: there is already {unit}, {whose}",
            f"ports: port 8080 (gateway) is taken by kubectl (process 42, {unit}), {whose}",
        ]
    assert said("alice", "lab") == []


def test_all_at_once() -> None:
    worst = FitHost(("/run/systemd/system", "python3"), refused=dict.fromkeys(PORTS.values(), errno.EADDRINUSE))
    problems = found(worst, {**PORTS, "grafana": 8080}, become_failure="no")
    assert [problem.partition(":")[0] for problem in problems] == ["python", "systemd", "become", *["ports"] * 3]


# -- a real host ------------------------------------------------------------------------------------


def test_a_real_hosts_python() -> None:
    good, said = Host().ask("python3", "-ES", "-c", preflight.ASKED)
    assert good
    assert said.startswith("3.")


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 nothing listens there
def test_a_real_hosts_port(address: str) -> None:
    host = Host()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert host.refusal(address, port) == errno.EADDRINUSE
        (holder,) = host.holders([port])[port]
        assert holder.process == os.getpid()
        assert holder.name == Path("/proc/self/comm").read_text().strip()
    assert host.refusal(address, port) is None
    assert host.holders([port]) == {}


def test_a_real_hosts_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    # 192.0.2.0/24 is for documentation (RFC 5737).
    assert host.refusal("192.0.2.1", 8080) == errno.EADDRNOTAVAIL
    assert host.refusal("no host", 8080) == errno.EADDRNOTAVAIL
    both = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 0)) for address in ("192.0.2.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: both)
    assert host.refusal("localhost", 0) is None


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/nginx.service", "nginx.service"),
        ("0::/machine.slice/systemd-nspawn@a.service/payload/system.slice/meshlab-forward-a.service",
         "meshlab-forward-a.service"),
        ("12:pids:/system.slice/a.service\n1:name=systemd:/system.slice/a.service", "a.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope", ""),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/mine.service", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_unit_of_a_process(monkeypatch: pytest.MonkeyPatch, cgroup: str, unit: str) -> None:
    host = Host()
    monkeypatch.setattr(host, "lines", lambda path: cgroup.splitlines() if path.endswith("cgroup") else [])
    assert host._holder(7) == Holder(7, "a program", unit)


# -- the module -------------------------------------------------------------------------------------


def play(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        host_preflight_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = play(capsys, ports={"gateway": str(port)}, _ansible_check_mode=True)
    assert result["changed"] is False
    assert f"(process {os.getpid()}" in next(item["problem"] for item in result["problems"] if item["check"] == "ports")


@pytest.mark.parametrize("port", ["0", "65536", "http", ""])
def test_the_module_with_what_is_no_port(capsys: pytest.CaptureFixture[str], port: str) -> None:
    result = play(capsys, ports={"gateway": port})
    assert result["msg"] == f"The port of gateway is {port!r}. Give a number from 1 to 65535."
