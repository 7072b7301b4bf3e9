# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep other runs off this host while one goes on: a program of its own, which the action run_lock starts.

It listens on an abstract socket (unix(7)), whose name only one process of a host can have, and tells whoever connects
which run it is for. The name is free as soon as this process ends, however it ends, so nothing is ever left to be
cleaned. It ends when nobody reads its standard output any more: then the connection to the controller is gone.

    python3 - NAME IDENTITY < _run_keeper.py
"""

from __future__ import annotations

import select
import socket
import sys

BEAT_SECONDS = 15
"""How often it writes something: a connection that broke off silently is noticed only by writing."""


def keep(name: str, identity: str) -> int:
    """Hold ``name`` and tell ``identity`` (JSON) until nobody reads standard output; 1 if another process has it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            server.bind("\0" + name)
        except OSError:
            return 1
        server.listen(64)
        poll = select.poll()
        poll.register(sys.stdout, 0)  # no events asked for: errors and hang-ups are always told
        poll.register(server, select.POLLIN)
        while True:
            found = dict(poll.poll(BEAT_SECONDS * 1000))
            if found.get(sys.stdout.fileno(), 0):
                return 0
            if server.fileno() in found:
                asking, _address = server.accept()
                with asking:
                    asking.settimeout(1)
                    try:
                        asking.sendall(identity.encode())
                    except OSError:
                        continue
            else:
                try:
                    sys.stdout.write("\n")
                    sys.stdout.flush()
                except OSError:
                    return 0


if __name__ == "__main__":
    raise SystemExit(keep(sys.argv[1], sys.argv[2]))
