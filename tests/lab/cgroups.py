# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give each lab host control groups (version 1) of its own, empty at every boot.

systemd-nspawn leaves the machine's groups to the host as they are. Two hosts would share one tree, and a kubelet
removes what it doesn't know in it; after a reboot the groups of dead pods would still be there, and each costs the
kubelet three seconds before it starts anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.lab.cache import LabError

ROOT = Path("/sys/fs/cgroup")
GROUPS = Path("/proc/self/cgroup")


def check() -> None:
    """Refuse a machine without control groups of version 1: the host's systemd is started with those."""
    if not any("memory" in controllers for controllers, _ in _own("")):
        raise LabError(
            "A lab host needs control groups of version 1, and this machine has only version 2. Boot it with the "
            "kernel option systemd.unified_cgroup_hierarchy=0: on Debian 12 add it to GRUB_CMDLINE_LINUX in "
            "/etc/default/grub, run update-grub and reboot."
        )


def enter(machine: str, memory_gb: float | None = None) -> None:
    """Move this process, and so all that it starts, into groups of its own, one in each hierarchy."""
    for controllers, folder in _own(machine):
        folder.mkdir(exist_ok=True)
        if "cpuset" in controllers:
            # A new group has neither processors nor memory nodes, and takes no process without them.
            for limit in ("cpuset.cpus", "cpuset.mems"):
                (folder / limit).write_text((folder.parent / limit).read_text())
        if "memory" in controllers and memory_gb:
            (folder / "memory.limit_in_bytes").write_text(str(int(memory_gb * 1e9)))
        (folder / "cgroup.procs").write_text(str(os.getpid()))


def clear(machine: str) -> None:
    """Remove what a host left in its groups, and the groups themselves where no process is in them."""
    for _, folder in _own(machine):
        for below, folders, _ in os.walk(folder, topdown=False):
            for child in folders:
                with suppress(OSError):
                    (Path(below) / child).rmdir()
        with suppress(OSError):
            folder.rmdir()


def _own(machine: str) -> Iterator[tuple[list[str], Path]]:
    """Yield controllers and folder of the host's group in each hierarchy; the folder may not exist yet."""
    for line in GROUPS.read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        mounted = ROOT / controllers.removeprefix("name=")
        if number != "0" and mounted.is_dir():
            here = mounted / path.lstrip("/")
            yield controllers.split(","), here if here.name == machine else here / machine
