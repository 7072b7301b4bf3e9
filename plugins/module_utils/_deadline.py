# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An http.client connection on which everything (addresses, TLS, every single read) shares one deadline.

The library's own time-out starts anew with each address and each read, so that a server which sends
a byte a second would be listened to for ever.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from typing import Any, Callable


class Connection(http.client.HTTPConnection):
    """A connection, plain or with TLS; set ``deadline`` (in seconds of time.monotonic) before each request.

    :param address: a name or an IP address, without brackets.
    :param context: how to speak TLS; None means plain.
    :param server_name: the name for SNI and for the check of the certificate.
    :param proxy_command: a program with its arguments whose standard input and output are the connection, such as
        ``ssh -W``, and which then finds the address by itself.
    """

    def __init__(
        self,
        address: str,
        port: int,
        context: ssl.SSLContext | None,
        server_name: str,
        proxy_command: Sequence[str] = (),
    ) -> None:
        super().__init__(address, port)
        self.proxy_command = proxy_command
        self._proxy: subprocess.Popen[bytes] | None = None
        self.context = context
        self.server_name = server_name
        self.deadline = 0.0

    def connect(self) -> None:
        """Connect to the first address that takes the connection; each gets its share of the time left."""
        plain = self._through_proxy() if self.proxy_command else self._connected()
        try:
            self.sock = _Socket(self._secured(plain), self._left)
        except BaseException:
            plain.close()
            raise

    def _connected(self) -> socket.socket:
        places = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        failure: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
        for index, (family, kind, protocol, _name, place) in enumerate(places):
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(self._left() / (len(places) - index))
                plain.connect(place)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return plain
            except OSError as error:
                plain.close()
                failure = error
        raise failure

    def _through_proxy(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pipe = theirs.fileno()
                self._proxy = subprocess.Popen(
                    self.proxy_command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
                )
            except OSError:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """Close the connection, and end the program that it went through."""
        super().close()
        if self._proxy is not None:
            self._proxy.kill()
            self._proxy.wait()
            self._proxy = None

    def _secured(self, plain: socket.socket) -> socket.socket:
        if self.context is None:
            return plain
        plain.settimeout(self._left())
        return self.context.wrap_socket(plain, server_hostname=self.server_name)

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class _Socket:
    """The part of a socket that http.client uses, with the time left set before each operation."""

    def __init__(self, inner: socket.socket, left: Callable[[], float]) -> None:
        self.inner = inner
        self.left = left

    def sendall(self, data: bytes) -> None:
        self.inner.settimeout(self.left())
        self.inner.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - as http.client calls it
        return io.BufferedReader(_Reader(self.inner, self.left))

    def fileno(self) -> int:
        return self.inner.fileno()

    def close(self) -> None:
        self.inner.close()


class _Reader(io.RawIOBase):
    """Reads from a socket until its deadline."""

    def __init__(self, inner: socket.socket, left: Callable[[], float]) -> None:
        # A file made by the socket keeps it open until both are closed, which http.client relies on.
        self.stream = inner.makefile("rb", buffering=0)
        self.inner = inner
        self.left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self.inner.settimeout(self.left())
        return self.stream.readinto(buffer)

    def close(self) -> None:
        self.stream.close()
        super().close()
