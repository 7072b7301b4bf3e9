# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a lab host download for itself, for the official releases: addresses translated, name servers, and a crictl."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.lab.cache import LabError, execute, say

RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
"""The second is systemd-resolved's, where the first one names only its stub on this machine."""
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
RULES = """\
table ip {machine} {{
  chain out {{
    type nat hook postrouting priority srcnat;
    ip saddr {address} oifname != "ve-{machine}" masquerade
  }}
}}
"""


def name_servers() -> list[str]:
    """Return the name servers of this machine that a lab host reaches too: none of the machine's own loopback."""
    for file in RESOLVERS:
        found = re.findall(r"^nameserver\s+(?!127\.)(\d\S+)$", file.read_text() if file.exists() else "", re.MULTILINE)
        if found:
            return found
    raise LabError(
        "The official releases are downloaded by the lab host too, and this machine's /etc/resolv.conf names no name "
        "server that it could ask. Add one with an IPv4 address that is not the machine's own loopback."
    )


def connect(root: Path, machine: str, address: str, crictl: Path) -> None:
    """Prepare a host's root, and this machine to pass its packets on. The rules stay while the host reboots."""
    (root / "etc/resolv.conf").write_text("".join(f"nameserver {server}\n" for server in name_servers()))
    # minikube's driver none asks for it, and there is no download of it with a known checksum.
    shutil.copy(crictl, root / "usr/local/bin")
    if FORWARD.read_text().strip() != "1":
        say(f"Setting {FORWARD} to 1 until the next boot: packets of lab hosts pass through this machine")
        FORWARD.write_text("1\n")
    disconnect(root, machine)
    execute(["chroot", root, "nft", RULES.format(machine=machine, address=address)],
            what=f"Translating the addresses of {machine}", remedy="Does the kernel have nftables?")  # fmt: skip


def disconnect(root: Path, machine: str) -> None:
    """Take the rules away, if there are any."""
    subprocess.run(["chroot", str(root), "nft", "delete", "table", "ip", machine], capture_output=True)
