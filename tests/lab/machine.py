# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this machine fit to build and boot the sealed lab: the Debian packages that a fresh one lacks."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from tests.lab import parts
from tests.lab.cache import LabError, execute, say

# inotify instances that root may have: each Envoy's agent, kubelet and systemd takes some, and lab hosts share root's.
# With Debian's limit a third lab host's gateways end with "couldn't initialize inotify: too many open files".
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 8192

REMEDY = "Install by hand: apt-get install {packages}"
KERNEL_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}


def check() -> None:
    """Refuse, before anything is touched, a machine or a user that cannot build the lab."""
    if os.geteuid() != 0:
        raise LabError(
            "The sealed lab is root's (debootstrap, chroot, systemd-nspawn). Run the command as root or with sudo."
        )
    if platform.machine() != KERNEL_NAMES[parts.ARCHITECTURE]:
        raise LabError(
            f"The sealed lab is built for {parts.ARCHITECTURE}, and this machine is {platform.machine()}. "
            f"Use a machine with {parts.ARCHITECTURE}, or hosts of your own (README.md)."
        )


def prepare() -> None:
    """Install what is missing of parts.MACHINE_PACKAGES, and let root watch enough files; does nothing where all is so.

    :raises LabError: the packages cannot be installed.
    """
    if int(INOTIFY_LIMIT.read_text()) < INOTIFY_INSTANCES:
        say(f"Setting {INOTIFY_LIMIT} to {INOTIFY_INSTANCES} until the next boot")
        INOTIFY_LIMIT.write_text(f"{INOTIFY_INSTANCES}\n")
    missing = [
        package for package, sign in parts.MACHINE_PACKAGES.items() if not (shutil.which(sign) or Path(sign).is_file())
    ]
    if not missing:
        return
    say(f"Installing {', '.join(missing)} …")
    remedy = REMEDY.format(packages=" ".join(missing))
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        execute([*apt, *words], what=f"apt-get {words[0]}", remedy=remedy, env=environment)
