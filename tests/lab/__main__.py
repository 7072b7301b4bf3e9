# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sealed lab's command line: bundle, up, reboot, down and list."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.lab import bundle, cgroups, host, inventory, machine, online
from tests.lab.cache import CACHE, COMMAND, LabError, main_guard, need_space, say


def main() -> int:
    """Parse the command line and do what it says; returns the exit code."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bundle", help="build or reuse the bundle, and print its directory")
    for name, text in {
        "up": "boot lab hosts and write an inventory for them",
        "reboot": "reboot a lab host and wait until it is back",
        "down": "stop and remove a lab host",
        "supervise": "run a lab host (started by `up`)",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--name", action="append", help="the host's name (repeatable; default: lab)")
        if name in ("up", "supervise"):
            command.add_argument("--memory", type=float, help="limit of the host's memory in GB")
        if name == "up":
            command.add_argument("--lab", type=Path, default=Path(".lab"), help="folder for inventory.yml")
            command.add_argument("--source", choices=("build", "release"), default="build")
            command.add_argument("--reuse", action="store_true", help="go on with a host that runs")
        if name == "down":
            command.add_argument("--lab", type=Path, default=Path(".lab"), help="folder of the host's inventory.yml")
            command.add_argument("--checkout", type=Path, default=Path(host.CHECKOUT), help="which one booted it")
    commands.add_parser("list", help="show the lab hosts")
    arguments = parser.parse_args()
    machine.check()
    names = list(dict.fromkeys(getattr(arguments, "name", None) or ["lab"]))
    return {
        "bundle": _bundle, "up": _up, "reboot": _reboot, "down": _down, "list": _list, "supervise": _supervise,
    }[arguments.command](arguments, names)  # fmt: skip


def _bundle(arguments: argparse.Namespace, names: list[str]) -> int:
    machine.prepare()
    print(bundle.make_bundle())
    return 0


def _up(arguments: argparse.Namespace, names: list[str]) -> int:
    # What cannot work is said before anything is installed, and before the build, which may take most of an hour.
    cgroups.check()
    sealed = arguments.source == "build"
    booting = host.check(names, reuse=arguments.reuse, internet=not sealed)
    inventory.check_folder(arguments.lab, names)
    if not sealed:
        online.name_servers()
    building = bundle.space_needed() if sealed else bundle.KEPT_GB
    # A build's own caches are gone when the hosts come.
    hosts_too = min(building, bundle.KEPT_GB) + host.DISK_GB * len(booting)
    need_space(CACHE, max(building, hosts_too), f"Booting {', '.join(names)}")
    machine.prepare()
    directory = bundle.make_bundle() if sealed else None
    crictl = None if sealed else bundle.make_crictl()
    booted: list[host.Host] = []
    try:
        for name in booting:
            say(f"Booting lab host {name} …")
            booted.append(host.up(name, arguments.memory, crictl))
            say(f"  {name} answers at {booted[-1].address}")
        found = {**host.hosts(), **{one.name: one for one in booted}}
        for name in names:
            if name not in booting:
                host.wait_until_up(found[name], settled=False)
                say(f"Going on with lab host {name}, which runs at {found[name].address}")
        path = inventory.write(arguments.lab, [found[name] for name in names], directory)
    except BaseException:
        for one in booted:
            host.down(one)
            say(f"  {one.name} removed again")
        raise
    say(f"Inventory: {os.path.relpath(path)}")
    return 0


def _reboot(arguments: argparse.Namespace, names: list[str]) -> int:
    for name in names:
        host.reboot(_existing(name))
        say(f"{name} is back")
    return 0


def _down(arguments: argparse.Namespace, names: list[str]) -> int:
    found = host.hosts(str(arguments.checkout.resolve()))
    for name in names:
        if name in found:
            host.down(found[name])
        say(f"{name} {'removed' if name in found else 'was not there'}")
    inventory.forget(arguments.lab)
    return 0


def _list(arguments: argparse.Namespace, names: list[str]) -> int:
    for found in host.everywhere():
        state = "running" if host.is_running(found) else "stopped"
        say(f"{found.name:14} {found.address:16} {state:8} {found.checkout}")
    return 0


def _supervise(arguments: argparse.Namespace, names: list[str]) -> int:
    return host.supervise(_existing(names[0]), arguments.memory)


def _existing(name: str) -> host.Host:
    found = host.hosts().get(name)
    if found is None:
        raise LabError(f"There is no lab host named {name}. `{COMMAND} list` shows those that exist.")
    return found


if __name__ == "__main__":
    sys.exit(main_guard(main))
