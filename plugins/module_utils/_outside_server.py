# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server outside the mesh: on this host, on an address that pods can reach, for as long as a scenario runs."""

from __future__ import annotations

import http.server
import socket
import threading
from collections import Counter
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotFound


class OutsideServer:
    """Answers every GET with one line, and counts the requests by the name that they ask for (the Host header).

    :param address: the only address on which it listens, on a port of the kernel's choice.
    """

    def __init__(self, address: str) -> None:
        self.hits: Counter[str] = Counter()
        hits = self.hits

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hits[self.headers.get("host", "").partition(":")[0]] += 1
                body = b"outside the mesh\n"
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - as the library calls it
                return

        self._server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.address, self.port = address, int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def address_towards(cluster: Cluster) -> str:
    """Return the address of this host from which it reaches the cluster's first node.

    Pods reach it too: it is the node's own address where the node is this host, else that of the network between
    them. Nothing is sent.

    :raises NotFound: no node has an internal address.
    """
    for node in cluster.list("v1", "Node"):
        for address in node.get("status", {}).get("addresses") or []:
            if address["type"] == "InternalIP":
                family = socket.AF_INET6 if ":" in address["address"] else socket.AF_INET
                with socket.socket(family, socket.SOCK_DGRAM) as probe:
                    probe.connect((address["address"], 9))
                    return str(probe.getsockname()[0])
    raise NotFound("No node has an internal address, so no server can be put where pods reach it.")
