# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server on loopback that does what a test scripts: answers, delays, and every way to misbehave.

It counts on its own side what arrived, so that a client's counts can be held against it.

    with Server(lambda seen: Reply(body=b"hello", delay=0.01)) as server:
        fetch(target(server.url("/path")))
        assert server.seen[0].path == "/path"
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; ``number`` counts from 0 over all connections."""

    number: int
    connection: int
    method: str
    path: str
    headers: dict[str, str]
    at: float


@dataclass(frozen=True)
class Reply:
    """What to do with a request.

    :param delay: seconds before the first byte.
    :param close: end the connection after the answer; ``announce`` says so in a header.
    :param raw: send exactly these bytes instead of an answer, then close.
    :param pause: seconds between the single bytes of ``raw``.
    :param reset: close with RST instead of FIN.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    close: bool = False
    announce: bool = True
    raw: bytes | None = None
    pause: float = 0.0
    reset: bool = False


class Server:
    """Listens on a free port of ``address`` (plain, or TLS with ``context``) while its block runs."""

    def __init__(
        self,
        script: Callable[[Seen], Reply] = lambda _seen: Reply(),
        *,
        address: str = "127.0.0.1",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.context = context
        self.seen: list[Seen] = []
        self.connections = 0
        self.ended = 0
        self.server_names: list[str | None] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family, backlog=256)
        self.address = address
        self.port: int = self._listener.getsockname()[1]
        if context is not None:
            context.sni_callback = lambda _sock, name, _context: self.server_names.append(name)

    def url(self, path: str = "/") -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                number = self.connections
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        connection = plain
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(plain, server_side=True)
            while self._one(connection, number):
                pass
        except OSError:
            pass
        finally:
            self._open.discard(plain)
            connection.close()
            with self._lock:
                self.ended += 1

    def _one(self, connection: socket.socket, number: int) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return False
            head += piece
            if head.startswith(b"\x16"):  # TLS to a plain port
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
                return False
        request, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _version = request.split(" ", 2)
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        with self._lock:
            seen = Seen(len(self.seen), number, method, path, headers, time.monotonic())
            self.seen.append(seen)
        reply = self.script(seen)
        if reply.delay:
            time.sleep(reply.delay)
        if reply.raw is None:
            _answer(connection, reply, method)
        else:
            for piece in [reply.raw[i : i + 1] for i in range(len(reply.raw))] if reply.pause else [reply.raw]:
                connection.sendall(piece)
                time.sleep(reply.pause)
        if reply.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return not (reply.close or reply.reset or reply.raw is not None)


def _answer(connection: socket.socket, reply: Reply, method: str) -> None:
    headers = {"content-length": str(len(reply.body)), **reply.headers}
    if reply.close and reply.announce:
        headers["connection"] = "close"
    head = f"HTTP/1.1 {reply.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(head.encode("latin-1") + b"\r\n" + (b"" if method == "HEAD" else reply.body))


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Authority:
    """A certificate authority that lives in a directory of the test.

    It has no key identifiers, as older managed clusters have none: Python 3.13 takes it only if it is told to.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        certificate = self._certificate(self.name, self.key, [], authority=True)
        self.path = self._write("ca.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> str:
        """Return the path of a PEM file with key and certificate for a DNS name or an IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative: x509.GeneralName
        try:
            alternative = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._certificate(subject, key, [alternative], authority=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = f"{name.replace(':', '_')}.pem"
        return self._write(file, private + certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, name: str, *, clients: bool = False) -> ssl.SSLContext:
        """Return how a server named ``name`` speaks TLS; with ``clients`` it asks for their certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(name))
        if clients:
            context.load_verify_locations(self.path)
            context.verify_mode = ssl.CERT_REQUIRED
            # With TLS 1.3 the client would learn of the refusal only after its request.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], *, authority: bool
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> str:
        path = self.directory / name
        path.write_bytes(content)
        return str(path)
