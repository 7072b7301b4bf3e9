# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot, reboot and remove lab hosts: Debian system containers that play the part of remote VMs.

A host is a systemd-nspawn container with its own network namespace, systemd, sshd and containerd. It knows nothing of
the bundle; that comes over SSH, as it would come to a VM. A supervisor process per host starts it again after a reboot.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import build, cgroups, online, root
from tests.lab.cache import CACHE, COMMAND, HERE, LabError, execute, locked, need_space, remove_tree, say

CHECKOUT = str(HERE.parents[1])
NETWORK = ipaddress.ip_network("10.77.0.0/16")
"""Each host has a /30 of its own in it; neither minikube's pods (10.244) nor its services (10.96/12) overlap."""
NUMBERS = 16000
"""Hosts have the numbers below it: their links fit into NETWORK, and their names into an interface's."""
INTERFACES = Path("/sys/class/net")
PREFIX = "meshlab"
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""What a machine may be named (RFC 1123), beginning with a letter."""
TAKEN = frozenset({"all", "localhost", "ungrouped"})
"""Names that Ansible gives to groups and to the controller."""
MEMORY_GB = 4
DISK_GB = 8
BOOT_SECONDS = 90
STOP_SECONDS = 60
REBOOT_EXIT = 133
"""systemd-nspawn's exit code when the container asked for a reboot."""


@dataclass(frozen=True)
class Host:
    """A lab host's name, folder and addresses.

    :param number: its own on this machine, and never given again: all that the machine names after a host carries it.
    :param checkout: which one booted it. Checkouts share one cache; a name is one's own within its checkout.
    :param online: it reaches the internet through this machine.
    """

    name: str
    number: int
    checkout: str = CHECKOUT
    online: bool = False

    @property
    def machine(self) -> str:
        """What systemd-nspawn calls it: ``ve-MACHINE`` fits in the 15 characters of an interface's name."""
        return f"{PREFIX}{self.number}"

    @property
    def folder(self) -> Path:
        """Where its root, keys, console log and process ids are kept."""
        return CACHE / "hosts" / self.machine

    @property
    def gateway(self) -> str:
        """The machine's address on the host's link."""
        return str(NETWORK[4 * self.number + 1])

    @property
    def address(self) -> str:
        """The host's own address."""
        return str(NETWORK[4 * self.number + 2])

    @property
    def interface(self) -> str:
        """The machine's end of the link."""
        return f"ve-{self.machine}"

    @property
    def alias(self) -> str:
        """The name under which ``known_hosts`` has the host's key: it tells this host from every other one."""
        return (self.folder / "known_hosts").read_text().split()[0]

    def ssh(self, *command: str) -> list[str]:
        """Return the argument list that runs a command on the host as root."""
        return ["ssh", "-i", str(self.folder / "key"), "-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}",
                "-o", f"HostKeyAlias={self.alias}", "-o", "StrictHostKeyChecking=yes",
                "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", f"BindAddress={self.gateway}",
                f"root@{self.address}", *command]  # fmt: skip

    def run(self, *command: str) -> str:
        """Run a command on the host and return its standard output."""
        return execute(self.ssh(*command), what=f"`{' '.join(command)}` on lab host {self.name}",
                       remedy=f"Is it up? `{COMMAND} list` tells.")  # fmt: skip


def everywhere() -> list[Host]:
    """Return all lab hosts of this cache, whichever checkout booted them, by their numbers."""
    states = (CACHE / "hosts").glob(f"{PREFIX}*/state.json")
    return sorted((Host(**json.loads(state.read_text())) for state in states), key=lambda host: host.number)


def hosts(checkout: str = CHECKOUT) -> dict[str, Host]:
    """Return the lab hosts of a checkout, by name."""
    return {host.name: host for host in everywhere() if host.checkout == checkout}


def is_running(host: Host) -> bool:
    """Tell whether the host's supervisor is alive."""
    return _alive(host.folder / "supervisor.pid")


def check(names: Sequence[str], *, reuse: bool = False, internet: bool = False) -> list[str]:
    """Refuse, before anything is touched, what cannot work: names, hosts that are there, a machine without room.

    :param reuse: a host that runs is no problem, if it is sealed or online as asked.
    :returns: the names of those that are to be booted.
    """
    existing = hosts()
    booting = [
        name for name in names
        if not (reuse and name in existing and is_running(existing[name]))
    ]  # fmt: skip
    problems = [problem for name in booting if (problem := _refusal(name, existing.get(name)))]
    problems += [
        f"Lab host {name} runs for another SOURCE. Remove it first: `{COMMAND} down --name {name}`."
        for name in names if name not in booting and existing[name].online != internet
    ]  # fmt: skip
    available = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvailable" in line
    )
    needed = MEMORY_GB * len(booting)
    if available < needed * 1e6:
        problems.append(
            f"Booting {', '.join(booting)} needs {needed} GB of memory, and {available / 1e6:.1f} GB are available."
        )
    if problems:
        raise LabError("\n".join(problems))
    return booting


def _refusal(name: str, existing: Host | None) -> str:
    """Return why a host of this name cannot be booted; empty if it can."""
    if not NAME.fullmatch(name):
        return f"The name {name!r} must be 1 to 63 of a-z, 0-9 and -, from a letter to a letter or digit."
    if name in TAKEN:
        return f"The name {name!r} has a meaning of its own in an inventory. Choose another --name."
    if existing and is_running(existing):
        return (
            f"A lab host named {name} is already running at {existing.address}. "
            f"Go on with it by --reuse, remove it with `{COMMAND} down --name {name}`, or choose another --name."
        )
    return ""


def up(name: str, memory_gb: float | None = None, crictl: Path | None = None) -> Host:
    """Make and boot a host; return it once SSH answers and systemd is done.

    :param memory_gb: the host's memory limit; None leaves it without one.
    :param crictl: makes it a host that reaches the internet and has this program; None seals it.
    """
    with locked("hosts"):
        existing = hosts().get(name)
        # Looked at again: the build may have taken most of an hour.
        if problem := _refusal(name, existing):
            raise LabError(problem)
        if existing:
            say(f"Lab host {name} has stopped, as all do when the machine reboots: it is removed and made anew.")
            down(existing)
        _sweep()
        host = Host(name, _new_number(), CHECKOUT, crictl is not None)
        host.folder.mkdir(parents=True, mode=0o700)
        try:
            need_space(host.folder, DISK_GB, f"Lab host {name}")
            root.prepare(host.folder, build.host_root(), name, host.address, host.gateway)
            if crictl:
                online.connect(host.folder / "root", host.machine, host.address, crictl)
            (host.folder / "state.json").write_text(json.dumps(asdict(host)))
            _start_supervisor(host, memory_gb)
            wait_until_up(host)
        except BaseException:
            down(host)
            raise
    return host


def reboot(host: Host) -> None:
    """Reboot the host from inside, and return once SSH answers again."""
    subprocess.run(host.ssh("systemctl", "reboot"), capture_output=True)
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        if not _answers(host):
            break
        time.sleep(0.2)
    wait_until_up(host, settled=False)


def down(host: Host) -> None:
    """Stop the host and remove everything of it.

    :raises LabError: it still runs, so nothing was removed.
    """
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 10)):
        left = _processes(host)
        # The first one passes SIGTERM on; systemd-nspawn takes a second one as the wish to end without a shutdown.
        for pid in left[:1] if number == signal.SIGTERM else left:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            time.sleep(0.1)
            left = _processes(host)
    if left:
        raise LabError(f"Lab host {host.name} cannot be stopped: the processes {left} stay. Nothing of it was removed.")
    if host.online:
        online.disconnect(host.folder / "root", host.machine)
    cgroups.clear(host.machine)
    remove_tree(host.folder)


def supervise(host: Host, memory_gb: float | None) -> int:
    """Run the host until it powers off or SIGTERM comes; start it again after a reboot. Returns nspawn's exit code."""
    stopping: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def stop(number: int, frame: object) -> None:
        stopping.append(number)
        if child is not None:
            child.send_signal(signal.SIGTERM)

    cgroups.clear(host.machine)
    cgroups.enter(host.machine, memory_gb)
    signal.signal(signal.SIGTERM, stop)
    with (host.folder / "console.log").open("ab") as console:
        while True:
            child = subprocess.Popen(_nspawn(host), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                     env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
                                          "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0"})  # fmt: skip
            _connect(host, child)
            code = child.wait()
            cgroups.clear(host.machine)
            if stopping or code != REBOOT_EXIT:
                return code


def _sweep() -> None:
    """Remove what nobody can reach: hosts that have stopped and whose checkout is gone, and boots that were killed."""
    for host in everywhere():
        if not is_running(host) and not Path(host.checkout).exists():
            say(f"Lab host {host.name} of the checkout {host.checkout}, which is gone, has stopped: it is removed.")
            down(host)
    for folder in (CACHE / "hosts").glob(f"{PREFIX}*"):
        # Whoever boots a host holds the lock until the host's state is noted.
        number = folder.name.removeprefix(PREFIX)
        if number.isdecimal() and not (folder / "state.json").exists():
            down(Host("", int(number)))


def _new_number() -> int:
    """Return a number that no host had before, and note it: an address that is given again leads old inventories there.

    :raises LabError: all are used up.
    """
    last = CACHE / "hosts" / "last-number"
    # Checkouts of older versions share the cache, and note nothing.
    given = max([int(last.read_text()) if last.exists() else 0, *(host.number for host in everywhere())])
    used = execute(["ip", "-oneline", "-4", "address"], what="Reading addresses", remedy="Install iproute2.").split()
    numbers = range(given + 1, NUMBERS)
    number = next((number for number in numbers if f"{Host('', number).gateway}/30" not in used), None)
    if number is None:
        raise LabError(
            f"All {NUMBERS - 1} numbers of lab hosts have been given. Remove the file {last} to begin with 1 again, "
            "when no lab host and no inventory of an earlier one is left."
        )
    last.parent.mkdir(parents=True, exist_ok=True)
    partial = last.with_suffix(".partial")
    partial.write_text(f"{number}\n")
    partial.replace(last)
    return number


def _nspawn(host: Host) -> list[str]:
    # No systemd of this machine's to register with, which --keep-unit says too; kubelet and containerd need the
    # capabilities, keys, bpf and mounts that nspawn takes away, kubelet reads /dev/kmsg, and fuse is for overlays.
    return ["systemd-nspawn", "-D", str(host.folder / "root"), "-b", "--register=no", "--keep-unit",
            "--capability=all", "--network-veth", "--private-users=no", "--console=pipe",
            "--system-call-filter=@keyring bpf @privileged @system-service @mount",
            "--bind=/dev/kmsg", "--bind=/dev/fuse", f"--machine={host.machine}"]  # fmt: skip


def _connect(host: Host, child: subprocess.Popen[bytes]) -> None:
    """Give the machine's end of the link its address, as soon as nspawn has made it."""
    while child.poll() is None:
        if (INTERFACES / host.interface).exists():
            for words in (["addr", "replace", f"{host.gateway}/30", "dev", host.interface],
                          ["link", "set", host.interface, "up"]):  # fmt: skip
                subprocess.run(["ip", *words], check=True)
            return
        time.sleep(0.05)


def _start_supervisor(host: Host, memory_gb: float | None) -> None:
    with (host.folder / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", "supervise", "--name", host.name,
             *(["--memory", str(memory_gb)] if memory_gb else [])],
            cwd=HERE.parents[1], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    (host.folder / "supervisor.pid").write_text(str(process.pid))
    # For a moment after it began, a process has no command line to know it by.
    deadline = time.monotonic() + 5
    while not is_running(host) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def wait_until_up(host: Host, *, settled: bool = True) -> None:
    """Return when SSH answers and systemd has done what it does at boot.

    :param settled: False where that may go on for minutes, such as starting a cluster.
    """
    states = ("running", "degraded") if settled else ("starting", "running", "degraded")
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        if not is_running(host):
            break
        if _answers(host):
            done = subprocess.run(host.ssh("systemctl", "is-system-running"), capture_output=True, text=True)
            if done.stdout.strip() in states:
                return
        time.sleep(0.2)
    logs = [host.folder / name for name in ("supervisor.log", "console.log")]
    console = "".join(log.read_text(errors="replace") for log in logs if log.exists()).strip().splitlines()[-8:]
    raise LabError(
        f"Lab host {host.name} did not come up within {BOOT_SECONDS} s. Its logs end with:\n    "
        + "\n    ".join(console)
    )


def _answers(host: Host) -> bool:
    """Tell whether sshd accepts connections.

    Bound to the machine's end of the link: while that is not there, nothing is sent, least of all to the default route.
    """
    try:
        with socket.create_connection((host.address, 22), timeout=1, source_address=(host.gateway, 0)):
            return True
    except OSError:
        return False


def _processes(host: Host) -> list[int]:
    """Return the supervisor and the systemd-nspawn of this host's root, which outlives a supervisor that was killed."""
    pid_file = host.folder / "supervisor.pid"
    found = [int(pid_file.read_text())] if _alive(pid_file) else []
    for process in sorted(int(folder.name) for folder in Path("/proc").glob("[0-9]*")):
        with suppress(OSError):
            words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
            if words[0].endswith("systemd-nspawn") and str(host.folder / "root") in words:
                found.append(process)
    return found


def _alive(pid_file: Path) -> bool:
    """Tell whether the process whose id the file holds is one of ours and runs."""
    try:
        pid = int(pid_file.read_text())
        return b"tests.lab" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
