# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the Debian root into the root file system of one lab host: name, address, keys, containerd, cgroups."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tests.lab.cache import LabError, execute

CGROUPS_UNIT = """\
[Unit]
Description=Make the cgroup v1 controllers writable for containerd
DefaultDependencies=no
Before=containerd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for controller in /sys/fs/cgroup/*; do mount -o remount,bind,rw $controller; done; mount --make-rshared /'
[Install]
WantedBy=multi-user.target
"""  # noqa: E501 - one command of systemd's
REMEDY = "Remove the folder debian-* in the cache's build folder and run the command again."


def prepare(folder: Path, debian: Path, name: str, address: str, gateway: str) -> None:
    """Copy the Debian root to ``folder/root`` and make it a host; keys and known_hosts go to ``folder``."""
    root = folder / "root"
    execute(["cp", "-a", "--reflink=auto", debian, root], what="Copying the lab host's root", remedy=REMEDY)
    execute(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "meshlab", "-f", folder / "key"],
            what="Making the lab's SSH key", remedy="Install openssh-client.")  # fmt: skip
    (folder / "known_hosts").write_text(_new_host_keys(root))
    # systemd takes this as the machine's id before it makes one, so all hosts had the same.
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text((folder / "key.pub").read_text())
    for path, text in {
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n{address} {name}\n",
        "etc/machine-id": "",
        # No name server listens there; CoreDNS only needs one that is not loopback, or it finds a loop.
        "etc/resolv.conf": f"nameserver {gateway}\n",
        "etc/network/interfaces": (
            "auto lo\niface lo inet loopback\n"
            f"auto host0\niface host0 inet static\n address {address}/30\n gateway {gateway}\n"
        ),
        "etc/sysctl.d/90-lab.conf": "net.ipv4.ip_forward = 1\n",
        # Pods' first processes ignore SIGTERM; systemd would wait 90 s for them at each shutdown.
        "etc/systemd/system.conf.d/lab.conf": "[Manager]\nDefaultTimeoutStopSec=10s\n",
        "etc/systemd/system/lab-cgroups.service": CGROUPS_UNIT,
        "etc/containerd/config.toml": _containerd_config(root),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    (wants / "lab-cgroups.service").symlink_to("/etc/systemd/system/lab-cgroups.service")
    (root / "opt/cni").mkdir(parents=True)
    (root / "opt/cni/bin").symlink_to("/usr/lib/cni")


def _new_host_keys(root: Path) -> str:
    """Give the host SSH keys of its own in place of those that came with the Debian root; return its known_hosts line.

    The line's name is made of the key, so that an inventory that was written for another host, whose address and
    folder this one may have got, does not lead here.
    """
    for shared in (root / "etc/ssh").glob("ssh_host_*"):
        shared.unlink()
    execute(["ssh-keygen", "-A", "-f", root], what="Making the lab host's SSH keys",
            remedy="Install openssh-client.")  # fmt: skip
    kind, key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
    return f"lab-{hashlib.sha256(key.encode()).hexdigest()[:16]} {kind} {key}\n"


def _containerd_config(root: Path) -> str:
    """Return containerd's own default with one value changed.

    These machines lack CAP_SYS_RESOURCE, so no process may lower its oom_score_adj and each pod sandbox would die.
    Written without spaces, because minikube's sed sets the form with spaces back to false.
    """
    text = execute(["chroot", root, "containerd", "config", "default"], what="Reading containerd's default",
                   remedy=REMEDY)  # fmt: skip
    text, count = re.subn(r"restrict_oom_score_adj = false", "restrict_oom_score_adj=true", text)
    if count != 1:
        raise LabError("containerd's default configuration has no restrict_oom_score_adj; its version changed.")
    return text
