# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to an API server for everybody who asks it: modules, the preflight, commands in pods.

The standard library's http.client, since the preflight asks from a host that has no library yet, and what it found
must hold for the modules. The releases of the official client differ in just what matters here (kubernetes 29 to 37):
33 reads no proxy of the environment, 34 and 35 read no NO_PROXY, 37 has another interface; 35 asks as nobody when a
credential plugin fails, and under Python 3.13 it refuses certificate authorities that kubectl takes.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from ansible_collections.meshlab.istio.plugins.module_utils._credentials import Credentials, content
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    NoWay,
    Unreachable,
    words_of,
)
from ansible_collections.meshlab.istio.plugins.module_utils._http import bracketed, failure_of, readable, tls_context
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import Access
from ansible_collections.meshlab.istio.plugins.module_utils._names import one_place
from ansible_collections.meshlab.istio.plugins.module_utils._proxies import PORTS, proxy_of

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
"""For each piece of an answer."""
PIECE = 65536

ADVICE = {
    9: "Is the clock of this host right?",
    10: "Renew the API server's certificate.",
    62: "Correct `server` in the kubeconfig, or give it `tls-server-name`.",
    64: "Correct `server` in the kubeconfig, or give it `tls-server-name`.",
}
"""OpenSSL's reason (x509_vfy.h: not yet valid, expired, another name, another address) → what to do."""
WRONG_AUTHORITY = "The kubeconfig's certificate-authority did not sign it: take the kubeconfig of this cluster anew."


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, the word beside it, and the body."""

    status: int
    reason: str
    body: bytes


class Transport:
    """Requests to one API server.

    :param access: the way to it.
    :param seconds: for a connection; None means CONNECT_SECONDS.
    :raises InputError: what the kubeconfig says of certificates or a proxy cannot be used.
    """

    def __init__(self, access: Access, seconds: float | None = None) -> None:
        self.access = access
        self.credentials = Credentials(access)
        parts = urlsplit(access.server)
        self.secure = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or PORTS[parts.scheme]
        self.prefix = parts.path
        self.seconds = seconds or CONNECT_SECONDS
        self.proxy = _Proxy.of(access)
        self._context: ssl.SSLContext | None = None
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float = READ_SECONDS,
    ) -> Answer:
        """Send one request and read the whole answer.

        :param query: names and values; what is None is left out.
        :param seconds: for each piece of the answer.
        :raises Unreachable: nothing answered.
        :raises NoWay, CredentialError, InputError: waiting would not help.
        """
        with self._exchange(method, path, query, headers, body, seconds) as (connection, response):
            data = response.read()
            status, reason = response.status, response.reason
            if not response.will_close:
                with self._lock:
                    self._idle.append(connection)
        return Answer(status, reason, data)

    @contextlib.contextmanager
    def stream(self, path: str, query: Mapping[str, Any], seconds: float) -> Iterator[tuple[int, str, Iterator[bytes]]]:
        """Yield status, reason and the pieces of an answer as they come; the connection ends with the block."""
        with self._exchange("GET", path, query, None, None, seconds) as (connection, response):
            try:
                yield response.status, response.reason, iter(lambda: response.read1(PIECE), b"")
            finally:
                connection.close()

    def upgrade(self, path: str, query: list[tuple[str, str]]) -> tuple[str, Any, list[str]]:
        """Return the URL, a new connection and the headers for a websocket.

        :raises Unreachable, NoWay, CredentialError, InputError: as for ``ask``.
        """
        with self._named(self.seconds):
            headers = [f"{name}: {value}" for name, value in self.credentials.headers()]
            connection = self._connection()
            connection.connect()
        place = f"{bracketed(self.host)}:{self.port}{self.prefix}{one_place(path)}"
        return f"{'wss' if self.secure else 'ws'}://{place}?{urlencode(query)}", connection.sock, headers

    def close(self) -> None:
        """Close the connections that are open."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # -- inside ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        seconds: float,
    ) -> Iterator[tuple[_Connection, http.client.HTTPResponse]]:
        """Send a request and yield the answer, of which nothing has been read; what fails in the block is named."""
        asked = {key: value for key, value in (query or {}).items() if value is not None}
        place = self.prefix + one_place(path) + (f"?{urlencode(asked)}" if asked else "")
        with self._named(seconds):
            connection, response = self._sent(method, place, headers, body, seconds)
            if response.status == http.client.UNAUTHORIZED and self.credentials.renewable:
                # A plugin's credentials may have been revoked before their time.
                connection.close()
                self.credentials.forget()
                self._context = None
                self.close()
                connection, response = self._sent(method, place, headers, body, seconds)
            try:
                yield connection, response
            except BaseException:
                connection.close()
                raise

    def _sent(
        self, method: str, place: str, headers: Mapping[str, str] | None, body: bytes | None, seconds: float
    ) -> tuple[_Connection, http.client.HTTPResponse]:
        identity = self.credentials.headers()
        while True:
            connection = self._kept()
            fresh = connection is None
            connection = connection or self._connection()
            try:
                if fresh:
                    connection.connect()
                connection.sock.settimeout(seconds)
                connection.putrequest(method, self._asked_for(place))
                given = {"Accept": "application/json, */*", "User-Agent": "meshlab.istio", **(headers or {})}
                if body is not None:
                    given["Content-Length"] = str(len(body))
                for name, value in (*given.items(), *identity, *self._for_proxy()):
                    connection.putheader(name, value)
                connection.endheaders(body)
                return connection, connection.getresponse()
            except (ConnectionError, http.client.BadStatusLine):
                connection.close()
                # The server may have closed a connection that waited here; a new one tells whether it answers. What
                # would change something is not sent twice.
                if fresh or method != "GET":
                    raise
            except BaseException:
                connection.close()
                raise

    def _asked_for(self, place: str) -> str:
        """Return what is asked for: a proxy that is given no tunnel needs the whole URL."""
        return f"http://{bracketed(self.host)}:{self.port}{place}" if self.proxy and not self.secure else place

    def _for_proxy(self) -> list[tuple[str, str]]:
        return self.proxy.authorization if self.proxy and not self.secure else []

    def _kept(self) -> _Connection | None:
        """Return a connection that is still open, if one waits here."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.sock is not None and not readable(connection.sock):
                return connection
            connection.close()

    def _connection(self) -> _Connection:
        if self.secure and (self._context is None or self.credentials.renewable):
            self._context = tls(self.access, self.credentials)
        name = str(self.access.cluster.get("tls-server-name") or self.host)
        return _Connection(self.host, self.port, self._context if self.secure else None, name, self.proxy, self.seconds)

    @contextlib.contextmanager
    def _named(self, seconds: float) -> Iterator[None]:
        """Turn what the standard library raises into sentences; ``seconds`` were allowed for each piece."""
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            kind, why = failure_of(error, getattr(error, "seconds", seconds))
            through = f" through {self.proxy}" if self.proxy else ""
            advice = f"Is {self.proxy} the right way?" if self.proxy else "Is the cluster running?"
            failed: type[ClusterError] = Unreachable
            if isinstance(error, ssl.SSLCertVerificationError):
                failed, advice = NoWay, ADVICE.get(error.verify_code, WRONG_AUTHORITY)
            elif isinstance(error, _ProxyError):
                failed, through, why = NoWay, "", str(error)
                advice = f"Correct it, or name {self.host} in NO_PROXY if there is a straight way."
            elif kind == "tls":
                failed, advice = NoWay, f"Does {self.access.server} speak TLS, and know the user's certificate?"
            named = failed(f"No Kubernetes API answers at {self.access.server}{through}: {why}. {advice}")
            named.kind, named.why, named.advice = kind, f"{why}{through}", advice
            raise named from error


def tls(access: Access, credentials: Credentials) -> ssl.SSLContext:
    """Return how a kubeconfig wants TLS to be spoken.

    :raises InputError: its certificates cannot be used.
    :raises CredentialError: its credential plugin failed.
    """
    cluster = access.cluster
    authority, mine = content(cluster, "certificate-authority"), credentials.certificate()
    try:
        context = tls_context(cadata=authority.decode() if authority else None)
        if str(cluster.get("insecure-skip-tls-verify")).lower() == "true":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if mine:
            with _in_memory(mine[0]) as certificate, _in_memory(mine[1]) as key:
                # Without a password Python would ask for it on the terminal.
                context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise InputError(
            f"The certificates in the context {access.context} of {access.path} cannot be used: {words_of(error)}."
        ) from error
    return context


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """Give the path of a file that exists in memory only: the ssl module reads a client's key from files alone."""
    memory = os.memfd_create("pem")
    try:
        with os.fdopen(os.dup(memory), "wb") as stream:
            stream.write(data)
        yield f"/proc/self/fd/{memory}"
    finally:
        os.close(memory)


class _ProxyError(OSError):
    """The way through a proxy is closed; the text tells why."""


class _SlowError(TimeoutError):
    """No connection came about within ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class _Proxy:
    """An HTTP proxy before the API server.

    :param url: with a user and a password, if it wants them.
    :param origin: who names it.
    """

    def __init__(self, url: str, origin: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or PORTS["http"]
        self.text = f"the proxy {parts.scheme}://{bracketed(self.host)}:{self.port} ({origin})"
        self.authorization: list[tuple[str, str]] = []
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self.authorization = [("Proxy-Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")]
        if parts.scheme != "http" or not self.host:
            raise InputError(
                f"{self.text[0].upper()}{self.text[1:]} cannot be used: only those with http:// can. Name another, or "
                "name the cluster in NO_PROXY if there is a straight way."
            )

    @classmethod
    def of(cls, access: Access) -> _Proxy | None:
        """Return the proxy that the kubeconfig or else the environment names; None for the straight way."""
        if access.cluster.get("proxy-url"):
            named: tuple[str, str] | None = str(access.cluster["proxy-url"]), f"proxy-url in {access.path}"
        else:
            named = proxy_of(access.server, os.environ)
        try:
            return cls(*named) if named else None
        except ValueError as error:
            raise InputError(f"The proxy in {named[1] if named else ''} is not a URL: {error}.") from error

    def __str__(self) -> str:
        return self.text

    def connect(self, host: str, port: int, seconds: float, *, secure: bool) -> socket.socket:
        """Return a connection to the proxy; for TLS one that leads through it. Raises _ProxyError."""
        try:
            sock = socket.create_connection((self.host, self.port), seconds)
        except OSError as error:
            raise _ProxyError(f"{self} does not answer: {failure_of(error, seconds)[1]}") from error
        if not secure:
            return sock
        try:
            place = f"{bracketed(host)}:{port}"
            lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *(": ".join(each) for each in self.authorization)]
            sock.sendall("\r\n".join([*lines, "", ""]).encode())
            answer = http.client.HTTPResponse(sock, method="CONNECT")
            answer.begin()
            if answer.status != http.client.OK:
                raise _ProxyError(f"{self} refuses the way there: {answer.status} {answer.reason}")
        except _ProxyError:
            sock.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            sock.close()
            raise _ProxyError(f"{self} does not open the way: {failure_of(error, seconds)[1]}") from error
        return sock


class _Connection(http.client.HTTPConnection):
    """A connection to the API server, if need be through a proxy and with TLS."""

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        server_name: str,
        proxy: _Proxy | None,
        seconds: float,
    ) -> None:
        super().__init__(host, port)
        self.context, self.server_name, self.proxy, self.seconds = context, server_name, proxy, seconds

    def connect(self) -> None:
        """Connect within ``seconds``."""
        try:
            if self.proxy:
                plain = self.proxy.connect(self.host, self.port, self.seconds, secure=self.context is not None)
            else:
                plain = socket.create_connection((self.host, self.port), self.seconds)
            self.sock = plain
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                self.sock = self.context.wrap_socket(plain, server_hostname=self.server_name)
        except (TimeoutError, socket.timeout) as error:
            self.close()
            raise _SlowError(self.seconds) from error
        except BaseException:
            self.close()
            raise
