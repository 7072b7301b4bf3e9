# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run works on this host, as its keeper (_run_keeper) tells it."""

from __future__ import annotations

import json
import pwd
import socket
import struct
import sys
from typing import Any

SECONDS = 5.0
LONGEST = 4096
TOLD = ("run", "user", "controller", "process", "play", "since")
"""What a keeper tells, each as text."""


def holder(name: str) -> dict[str, Any] | None:
    """Return who has ``name`` on this host; None if nobody has, or this host has no such sockets.

    :returns: run, user, controller, process, play and since, as the keeper tells them; keeper (its process on this
        host) and account (whose that is), as the kernel tells them.
    """
    if not sys.platform.startswith("linux"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(SECONDS)
        try:
            client.connect("\0" + name)
        except OSError:
            return None
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        keeper, account, _group = struct.unpack("3i", credentials)
        told = b""
        try:
            while len(told) < LONGEST:
                block = client.recv(LONGEST)
                if not block:
                    break
                told += block
        except OSError:
            # It has the name all the same.
            pass
    try:
        identity = json.loads(told)
    except ValueError:
        identity = {}
    if not isinstance(identity, dict):
        identity = {}
    # Any process of the host may have the name, so what it tells is shortened and kept to one line.
    known = {key: "".join(c for c in str(identity.get(key, "")) if c.isprintable())[:200] for key in TOLD}
    return {**known, "keeper": keeper, "account": _name_of(account)}


def _name_of(account: int) -> str:
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return str(account)
