# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request: what is sent, what comes back, and a name for every way to fail."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._http import (
    HttpError,
    Session,
    bracketed,
    fetch,
    mismatch,
    probe,
    target,
)
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Authority, Reply, Server, free_port

GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=100).map(lambda tail: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + tail),
    st.binary(max_size=100).map(lambda tail: b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n" + tail),
    st.integers(-5, 10**20).map(lambda n: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\nabc" % n),
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize(
    ("url", "address", "port", "path", "host"),
    [
        ("http://10.1.2.3", "10.1.2.3", 80, "/", "10.1.2.3"),
        ("http://10.1.2.3:80/productpage", "10.1.2.3", 80, "/productpage", "10.1.2.3"),
        ("https://bookinfo.example/a?u=normal", "bookinfo.example", 443, "/a?u=normal", "bookinfo.example"),
        ("https://bookinfo.example:8443/", "bookinfo.example", 8443, "/", "bookinfo.example:8443"),
        ("http://[fd00::12]:31380/x", "fd00::12", 31380, "/x", "[fd00::12]:31380"),
        ("http://[::1]", "::1", 80, "/", "[::1]"),
        ("http://h/a b/ü%20?q=ä b#part", "h", 80, "/a%20b/%C3%BC%20?q=%C3%A4%20b", "h"),
        ("http://bücher.example/", "xn--bcher-kva.example", 80, "/", "xn--bcher-kva.example"),
    ],
)
def test_a_url_is_taken_apart(url: str, address: str, port: int, path: str, host: str) -> None:
    asked = target(url)
    assert (asked.address, asked.port, asked.path, asked.headers["host"]) == (address, port, path, host)


@pytest.mark.parametrize(
    ("host", "server_name"),
    [("tutorial.bookinfo.com", "tutorial.bookinfo.com"), ("a.example:8443", "a.example"), ("a.example.", "a.example"),
     ("[fd00::1]:443", "fd00::1")],
)  # fmt: skip
def test_the_server_name_is_the_host_header_without_port(host: str, server_name: str) -> None:
    asked = target("https://10.0.0.1/", host=host)
    assert asked.headers["host"] == host
    assert asked.server_name == server_name


def test_a_host_among_the_headers_counts_unless_host_is_given() -> None:
    assert target("http://a/", headers={"Host": "b"}).server_name == "b"
    assert target("http://a/", headers={"Host": "b"}, host="c").headers == {"host": "c"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": "10.0.0.1:80/x"}, "write it as http://HOST:PORT/PATH"),
        ({"url": "ftp://a/"}, "write it as"),
        ({"url": "http://"}, "write it as"),
        ({"url": "http://a:0/"}, "write it as"),
        ({"url": "http://a:99999/"}, "not a URL"),
        ({"url": "http://[::1/"}, "not a URL"),
        ({"url": "http://a..b/"}, "not a URL"),
        ({"url": "http://me:secret@a/"}, "Authorization"),
        ({"url": "http://a/", "method": "GET /evil"}, "not an HTTP method"),
        ({"url": "http://a/", "headers": {"x": "1\r\ny: 2"}}, "'x' cannot be sent"),
        ({"url": "http://a/", "headers": {"x y": "1"}}, "'x y' cannot be sent"),
        ({"url": "http://a/", "host": "ä"}, "'host' cannot be sent"),
        ({"url": "https://a/", "host": ":8080"}, "'' cannot be the name of a server with TLS"),
        ({"url": "https://a/", "host": ".example.com"}, "'.example.com' cannot be the name"),
        ({"url": "https://a/", "host": "a..b"}, "'a..b' cannot be the name"),
        ({"url": "https://a/", "host": "a" * 64 + ".b"}, "cannot be the name of a server with TLS"),
        ({"url": "https://a/", "ca_path": "/missing/ca.pem"}, "/missing/ca.pem cannot be read"),
        ({"url": "https://a/", "client_cert": "/missing/me.pem"}, "/missing/me.pem cannot be read"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_sending(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        target(**arguments)
    assert "secret" not in str(caught.value)
    assert "1\r\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_request_and_its_answer(address: str) -> None:
    reply = Reply(201, b"hello", {"x-pod": "v1"}, delay=0.05)
    with Server(lambda _seen: reply, address=address) as server:
        answer = fetch(target(server.url("/a?b=c"), method="POST", host="shop", headers={"X-Number": 3}))
    assert (answer.status, answer.body, answer.headers["X-Pod"]) == (201, b"hello", "v1")
    assert 0.05 <= answer.seconds < 1
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.headers["host"], seen.headers["x-number"]) == ("POST", "/a?b=c", "shop", "3")


def test_the_head_of_an_answer_is_an_answer() -> None:
    with Server(lambda _seen: Reply(body=b"hello")) as server:
        assert fetch(target(server.url(), method="HEAD")).body == b""


def test_redirects_are_answers_and_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with Server(lambda _seen: Reply(302, headers={"location": "/login"})) as server:
        assert probe(target(server.url()), [200], None) == "it answered 302 and leads to /login, expected 200"
    assert len(server.seen) == 1


# -- TLS ---------------------------------------------------------------------------------------------


def test_tls_is_checked_against_the_host_and_sends_it_as_server_name(authority: Authority) -> None:
    with Server(context=authority.server_context("tutorial.bookinfo.com")) as server:
        asked = target(server.url(), host="tutorial.bookinfo.com:443", ca_path=authority.path)
        assert fetch(asked).status == 200
        assert server.server_names == ["tutorial.bookinfo.com"]
        assert server.seen[0].headers["host"] == "tutorial.bookinfo.com:443"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_tls_to_an_address_needs_a_certificate_for_it(authority: Authority, address: str) -> None:
    with Server(context=authority.server_context(address), address=address) as server:
        assert fetch(target(server.url(), ca_path=authority.path)).status == 200


def test_certificates_that_are_not_trusted(authority: Authority) -> None:
    with Server(context=authority.server_context("other.example")) as server:
        for options in ({"host": "shop.example", "ca_path": authority.path}, {"host": "other.example"}):
            with pytest.raises(HttpError, match="certificate is not trusted") as caught:
                fetch(target(server.url(), **options))
            assert caught.value.kind == "certificate"
        assert server.seen == []
        assert fetch(target(server.url(), validate_certs=False)).status == 200


def test_certificates_are_checked_alike_by_all_pythons(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test authority's certificates have no key identifiers, which Python 3.13 wants by default."""
    real = ssl.create_default_context

    def strict(**arguments: Any) -> ssl.SSLContext:
        context = real(**arguments)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    with Server(context=authority.server_context("127.0.0.1")) as server:
        assert fetch(target(server.url(), ca_path=authority.path)).status == 200


def test_mutual_tls(authority: Authority) -> None:
    with Server(context=authority.server_context("127.0.0.1", clients=True)) as server:
        with pytest.raises(HttpError) as caught:
            fetch(target(server.url(), ca_path=authority.path))
        assert caught.value.kind == "tls"
        assert server.seen == []
        client = authority.issue("me.example")
        assert fetch(target(server.url(), ca_path=authority.path, client_cert=client)).status == 200


# -- failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(delay=5), "timeout"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + b"x" * 100, pause=0.02), "timeout"),
        (Reply(raw=b""), "closed"),
        (Reply(raw=b"", reset=True), "reset"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), "truncated"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf"), "truncated"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\n\r\n" + bytes(16 * 2**20 + 1)), "too_large"),
        (Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000), "protocol"),
    ],
)
def test_a_server_that_misbehaves(reply: Reply, kind: str) -> None:
    with Server(lambda _seen: reply) as server:
        started = time.monotonic()
        with pytest.raises(HttpError) as caught:
            fetch(target(server.url(), timeout=0.3))
        assert time.monotonic() - started < 1.5  # the single bytes take two seconds
    assert caught.value.kind == kind
    assert len(server.seen) == 1
    assert len(str(caught.value)) < 250


def test_a_port_on_which_nothing_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}/x"
    with pytest.raises(HttpError, match=re.escape(f"GET {url}: nothing listens there")) as caught:
        fetch(target(url))
    assert caught.value.kind == "refused"


def test_plain_http_where_tls_was_expected() -> None:
    with Server(lambda _seen: Reply()) as server, pytest.raises(HttpError) as caught:
        fetch(target(server.url().replace("http:", "https:")))
    assert caught.value.kind == "tls"
    assert caught.value.reason == "no TLS connection came about: WRONG_VERSION_NUMBER"


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "unreachable",
         "there is no route to it: Network is unreachable"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "unreachable", "there is no route to it: No route to host"),
        (OSError(errno.EMFILE, "Too many open files"), "network", "the network failed: Too many open files"),
        (OSError(), "network", "the network failed: OSError"),
        (socket.timeout("timed out"), "timeout", "no complete answer came within 1 s"),
    ],
)  # fmt: skip
def test_a_network_that_fails(monkeypatch: pytest.MonkeyPatch, error: OSError, kind: str, reason: str) -> None:
    def connect(_socket: socket.socket, _place: Any) -> None:
        raise error

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(HttpError) as caught:
        fetch(target("http://192.0.2.1/", timeout=1))
    assert (caught.value.kind, caught.value.reason) == (kind, reason)


@pytest.mark.parametrize("answer", [socket.gaierror(socket.EAI_NONAME, "Name or service not known"), []])
def test_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    def look_up(*_arguments: Any, **_options: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(HttpError, match="the name cannot be resolved") as caught:
        fetch(target("http://gateway.tutorial.svc.cluster.local/"))
    assert caught.value.kind == "name"


def test_a_name_with_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        places = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (free_port(), server.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: places)
        assert fetch(target("http://both.example/")).status == 200


def test_each_address_of_a_name_gets_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 80)) for number in (1, 2, 3)]
    given: list[float] = []

    def connect(plain: socket.socket, _place: Any) -> None:
        given.append(plain.gettimeout() or 0)
        raise socket.timeout("timed out")

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: places)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(HttpError):
        fetch(target("http://three.example/", timeout=6))
    assert given == pytest.approx([2, 3, 6], abs=0.1)


def test_no_time_is_no_answer() -> None:
    with Server() as server, pytest.raises(HttpError) as caught:
        fetch(target(server.url(), timeout=0))
    assert caught.value.kind == "timeout"
    assert server.seen == []


@settings(max_examples=150, deadline=None)
@given(GARBAGE)
def test_whatever_a_server_sends_is_an_answer_or_a_named_failure(raw: bytes) -> None:
    with Server(lambda _seen: Reply(raw=raw)) as server:
        try:
            ended = fetch(target(server.url(), timeout=2)).status >= 100
        except HttpError as error:
            ended = error.kind in ("closed", "reset", "truncated", "protocol")
    assert ended


# -- connections -------------------------------------------------------------------------------------


def test_a_connection_is_used_again() -> None:
    with Server(lambda _seen: Reply(body=b"x")) as server:
        session = Session(target(server.url()))
        assert [session.exchange().status for _ in range(5)] == [200] * 5
        session.close()
    assert server.connections == 1
    assert "connection" not in server.seen[0].headers


def test_without_keep_alive_each_request_has_its_connection() -> None:
    with Server() as server:
        session = Session(target(server.url()), keep_alive=False)
        assert [session.exchange().status for _ in range(3)] == [200] * 3
    assert server.connections == 3
    assert server.seen[0].headers["connection"] == "close"


@pytest.mark.parametrize("announce", [True, False])
def test_a_connection_that_the_server_closed_is_replaced_and_nothing_sent_twice(announce: bool) -> None:
    with Server(lambda seen: Reply(close=seen.number % 2 == 1, announce=announce)) as server:
        session = Session(target(server.url()))
        for number in range(6):
            assert session.exchange().status == 200
            while server.ended < (number + 1) // 2:  # so that an unannounced end has arrived
                time.sleep(0.001)
        session.close()
    assert (len(server.seen), server.connections) == (6, 3)


def test_after_a_failure_the_next_request_goes_on() -> None:
    with Server(lambda seen: Reply(raw=b"") if seen.number == 1 else Reply()) as server:
        session = Session(target(server.url()))
        assert session.exchange().status == 200
        with pytest.raises(HttpError):
            session.exchange()
        assert session.exchange().status == 200
        session.close()
    assert len(server.seen) == 3


# -- judging an answer -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "status", "body", "reason"),
    [
        (Reply(200, b"<title>Simple Bookstore App</title>"), [200], "Bookstore", None),
        (Reply(204), [200, 204], None, None),
        (Reply(200, "Büchér".encode()), [200], "chér", None),
        (Reply(503), [200], None, "it answered 503, expected 200"),
        (Reply(404, b"Bookstore"), [200, 201], "Bookstore", "it answered 404, expected 200 or 201"),
        (Reply(200, b"default backend"), [200], "Bookstore",
         "it answered 200, but without 'Bookstore' in its 15 bytes"),
    ],
)  # fmt: skip
def test_the_right_answer(reply: Reply, status: list[int], body: str | None, reason: str | None) -> None:
    with Server(lambda _seen: reply) as server:
        assert mismatch(fetch(target(server.url())), status, body) == reason
        assert probe(target(server.url()), status, body) == reason


def test_no_answer_is_a_reason() -> None:
    reason = "nothing listens there (connection refused)"
    assert probe(target(f"http://127.0.0.1:{free_port()}/"), [200], None) == reason


def test_only_ipv6_gets_brackets() -> None:
    assert [bracketed(host) for host in ("fd00::1", "10.0.0.1", "a.example")] == ["[fd00::1]", "10.0.0.1", "a.example"]
