# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request, timed and proven: Host header, SNI, TLS, IPv6, and every way it can fail by a name.

The standard library's http.client without its blind spots: one deadline covers the whole exchange
(name, connection, TLS, each read), proxies of the environment are never used, redirects are answers.
"""

from __future__ import annotations

import errno
import http.client
import re
import select
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.meshlab.istio.plugins.module_utils._deadline import Connection
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, MeshlabError, words_of

HTTP_OPTIONS: dict[str, Any] = {
    "host": {"type": "str"},
    "headers": {"type": "dict", "default": {}},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
}
"""Options of every module that sends HTTP requests (documented in the fragment meshlab.istio.http_request)."""

PROBE_SECONDS = 5.0
"""How long one probe may take, so that an address that swallows packets does not use up a whole wait."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_PATH = "%/:=@!$&'()*+,;~"  # RFC 3986, 3.3, and the percent sign: what is encoded stays as it is
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REDIRECTS = range(300, 400)
_LARGEST_BODY = 16 * 2**20  # bytes; what a server announces must not decide how much memory is taken
_LONGEST_REASON = 120  # characters; http.client repeats a bad status line of up to 64 KiB

_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class _TooLarge(http.client.HTTPException):
    """The body is more than anyone would want to search."""


_FAILURES: tuple[tuple[Any, str, str], ...] = (
    (ssl.SSLCertVerificationError, "certificate", "the server's certificate is not trusted: {why}"),
    (ssl.SSLError, "tls", "no TLS connection came about: {why}"),
    (socket.gaierror, "name", "the name cannot be resolved: {why}"),
    ((TimeoutError, socket.timeout), "timeout", "no complete answer came within {timeout:g} s"),
    (ConnectionRefusedError, "refused", "nothing listens there (connection refused)"),
    (http.client.RemoteDisconnected, "closed", "the connection was closed without an answer"),
    ((ConnectionError,), "reset", "the connection was reset"),
    (_TooLarge, "too_large", "the answer is larger than {limit} MiB"),
    (http.client.IncompleteRead, "truncated", "the answer broke off in the middle"),
    (http.client.HTTPException, "protocol", "what answers does not speak HTTP/1.1: {why}"),
    (OSError, "network", "the network failed: {why}"),
)
"""What http.client, ssl and socket raise (Python 3.9 to 3.13), narrowest first → kind and sentence."""


class HttpError(MeshlabError):
    """A request got no complete answer.

    :param asked: the request.
    :param reason: why, as the rest of a sentence about the server.
    :param kind: one of name, refused, unreachable, timeout, certificate, tls, closed, reset, truncated,
        too_large, protocol, network; the keys by which the load generator counts errors.
    """

    def __init__(self, asked: Target, kind: str, reason: str) -> None:
        super().__init__(f"{asked.method} {asked.url}: {reason}", kind=kind)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True)
class Target:
    """Everything about a request that stays the same when it is repeated; made by ``target()``."""

    url: str
    address: str
    port: int
    path: str
    method: str
    headers: Mapping[str, str]
    server_name: str
    context: ssl.SSLContext | None
    timeout: float
    proxy_command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, headers (looked up without regard to case), body, seconds until its last byte."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float


def target(
    url: str,
    *,
    method: str = "GET",
    host: str | None = None,
    headers: Mapping[str, Any] | None = None,
    timeout: float = 10.0,
    validate_certs: bool = True,
    ca_path: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
    proxy_command: Sequence[str] = (),
) -> Target:
    """Check a request and prepare it for sending.

    :param url: http or https; IPv6 addresses in brackets.
    :param host: sent as Host header, and without its port as TLS server name (SNI); default: that of the URL.
    :param headers: further headers.
    :param timeout: seconds for one whole exchange.
    :param validate_certs: check the server's certificate against ``ca_path`` or the system's authorities.
    :param client_cert: PEM file for mutual TLS (the key may be in it, or in ``client_key``).
    :param proxy_command: a program with its arguments whose standard input and output are the connection.
    :raises InputError: the URL, a header or a file cannot be used; nothing was sent.
    """
    scheme, address, port, path = _split(url)
    if not _TOKEN.fullmatch(method):
        raise InputError(f"{method!r} is not an HTTP method.")
    given = {"host": bracketed(address) if port == DEFAULT_PORTS[scheme] else f"{bracketed(address)}:{port}"}
    given.update({name.lower(): str(value) for name, value in (headers or {}).items()})
    if host:
        given["host"] = host
    for name, value in given.items():
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value) or not value.isascii():
            # The value may be a secret.
            raise InputError(f"The header {name!r} cannot be sent: only visible ASCII characters can.")
    context = _tls_context(validate_certs, ca_path, client_cert, client_key) if scheme == "https" else None
    name = _host_name(given["host"])
    if context is not None:
        _check_server_name(context, name)
    return Target(url, address, port, path, method, given, name, context, timeout, tuple(proxy_command))


def fetch(asked: Target) -> Answer:
    """Send one request over a connection of its own. Raises HttpError."""
    session = Session(asked)
    try:
        return session.exchange()
    finally:
        session.close()


class Session:
    """Sends the same request again and again, over one connection for as long as the server keeps it open.

    Every ``exchange`` puts at most one request on the wire: a connection that was closed meanwhile is
    noticed before sending, and what fails afterwards is reported and never repeated.
    """

    def __init__(self, asked: Target, *, keep_alive: bool = True) -> None:
        self.target = asked
        self.keep_alive = keep_alive
        self._headers = dict(asked.headers) if keep_alive else {**asked.headers, "connection": "close"}
        self._connection: Connection | None = None

    def exchange(self) -> Answer:
        """Send the request and read the whole answer.

        :returns: the answer; its seconds include connecting when a connection had to be made.
        :raises HttpError: no complete answer came within the target's time-out.
        """
        started = time.perf_counter()
        asked = self.target
        try:
            connection = self._open()
            connection.deadline = time.monotonic() + asked.timeout
            connection.request(asked.method, asked.path, headers=self._headers)
            response = connection.getresponse()
            body = _body(response)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise _named(error, asked) from error
        if not self.keep_alive or response.will_close:
            self.close()
        return Answer(response.status, response.headers, body, time.perf_counter() - started)

    def close(self) -> None:
        """Close the connection if there is one; the next exchange opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        connection = self._connection
        # Anything to read before a request was sent is the end of the connection.
        if connection is not None and connection.sock is not None and readable(connection.sock):
            self.close()
        if self._connection is None:
            asked = self.target
            self._connection = Connection(
                asked.address, asked.port, asked.context, asked.server_name, asked.proxy_command
            )
        return self._connection


def mismatch(answer: Answer, status: Sequence[int], body: str | None) -> str | None:
    """Return why ``answer`` is not the expected one (a status of ``status``, a body holding ``body``), or None."""
    if answer.status not in status:
        expected = " or ".join(map(str, status))
        goes = f" and leads to {answer.headers.get('location')}" if answer.status in _REDIRECTS else ""
        return f"it answered {answer.status}{goes}, expected {expected}"
    if body and body.encode() not in answer.body:
        return f"it answered {answer.status}, but without {body!r} in its {len(answer.body)} bytes"
    return None


def probe(asked: Target, status: Sequence[int], body: str | None) -> str | None:
    """Send one request; return None when the expected answer came, otherwise the reason in a few words."""
    try:
        return mismatch(fetch(asked), status, body)
    except HttpError as error:
        return error.reason


def bracketed(address: str) -> str:
    """Return an address as it is written before ``:PORT``: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def _split(url: str) -> tuple[str, str, int, str]:
    """Return scheme, address, port and path with query of a URL. Raises InputError."""
    if "@" in url.partition("//")[2].partition("/")[0]:
        raise InputError("Credentials in a URL are not sent; give them as `headers` with the name Authorization.")
    try:
        parts = urlsplit(url.strip())
        address = parts.hostname or ""
        if ":" not in address:
            address = address.encode("idna").decode()
        port = parts.port
        path = quote(parts.path or "/", safe=_PATH)
        query = quote(parts.query, safe=_PATH + "?")
    except ValueError as error:  # UnicodeError is one
        raise InputError(f"{url!r} is not a URL: {error}.") from error
    if parts.scheme not in DEFAULT_PORTS or not address or port == 0:
        raise InputError(f"{url!r} is not a URL that can be asked; write it as http://HOST:PORT/PATH (or https).")
    if query:
        path += f"?{query}"
    return parts.scheme, address, port or DEFAULT_PORTS[parts.scheme], path


def _body(response: http.client.HTTPResponse) -> bytes:
    body = response.read(_LARGEST_BODY + 1)
    if len(body) > _LARGEST_BODY:
        raise _TooLarge
    if response.length:  # read() with a limit does not complain that bytes are missing
        raise http.client.IncompleteRead(body, response.length)
    return body


def readable(sock: Any) -> bool:
    """Tell whether a connection on which nothing was asked has something to read, which is mostly its end."""
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def tls_context(**authorities: Any) -> ssl.SSLContext:
    """Return how this host speaks TLS, the same under every Python.

    Python 3.13 refuses certificates without key identifiers, such as `openssl x509 -req` makes and older managed
    clusters have, unlike curl, kubectl, browsers and older Pythons. Pythons before it refuse an authority that another
    one has signed, unlike the same.

    :param authorities: whom to trust, as ssl.create_default_context takes it; none means the system's.
    :raises OSError, ValueError: the certificates cannot be read.
    """
    context = ssl.create_default_context(**authorities)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)
    return context


def _tls_context(
    validate_certs: bool, ca_path: str | None, client_cert: str | None, client_key: str | None
) -> ssl.SSLContext:
    try:
        context = tls_context(cafile=ca_path)
        if client_cert:
            context.load_cert_chain(client_cert, client_key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(filter(None, (ca_path, client_cert, client_key)))
        raise InputError(f"The certificates in {files} cannot be read: {words_of(error)}.") from error
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _host_name(host: str) -> str:
    """Return the name in a Host header: without port, brackets and final dot."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.rstrip(".")


def _check_server_name(context: ssl.SSLContext, name: str) -> None:
    """Raise InputError for what Python takes for no name of a TLS server, before anything is sent."""
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    except (ValueError, TypeError, ssl.SSLError) as error:  # UnicodeError is a ValueError
        raise InputError(f"{name!r} cannot be the name of a server with TLS: {error}. Correct `host`.") from error


def _named(error: Exception, asked: Target) -> HttpError:
    """Turn what the standard library raised into an HttpError."""
    return HttpError(asked, *failure_of(error, asked.timeout))


def failure_of(error: Exception, seconds: float) -> tuple[str, str]:
    """Return kind and sentence (see HttpError) for what http.client, ssl or socket raised.

    :param seconds: the time that was allowed.
    """
    kind, sentence = next((kind, text) for types, kind, text in _FAILURES if isinstance(error, types))
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        kind, sentence = "unreachable", "there is no route to it: {why}"
    why = getattr(error, "verify_message", None) or getattr(error, "reason", None) or getattr(error, "strerror", None)
    reason = sentence.format(
        why=(str(why or error) or type(error).__name__)[:_LONGEST_REASON],
        timeout=seconds,
        limit=_LARGEST_BODY // 2**20,
    )
    return kind, reason
