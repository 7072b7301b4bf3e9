# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the API: certificates, proxies, connections that end, and the sentence for each that is closed."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _transport
from ansible_collections.meshlab.istio.plugins.module_utils._cluster_preflight import check
from ansible_collections.meshlab.istio.plugins.module_utils._credentials import CredentialError
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, NoWay, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import Access, chosen
from ansible_collections.meshlab.istio.plugins.module_utils._transport import Transport
from tests.unit.plugins.loopback import Authority, Reply, Server, free_port


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def kubeconfig(
    server: str, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "current-context": "lab", "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
    }  # fmt: skip


def way(server: str, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> Access:
    return chosen({"/k/config": kubeconfig(server, cluster, user)}, None)


def data(path: str | Path) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()


class Proxy:
    """An HTTP proxy on loopback; ``reached`` is what it was asked for, ``leads`` where it leads instead."""

    def __init__(self, leads: int, refusal: str = "") -> None:
        self.leads, self.refusal = leads, refusal
        self.reached: list[list[str]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _peer = self.listener.accept()
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(65536)
                self.reached.append(head.decode().rstrip().split("\r\n"))
                if self.refusal:
                    client.sendall(f"HTTP/1.1 {self.refusal}\r\n\r\n".encode())
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.leads))
                if head.startswith(b"CONNECT"):
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    server.sendall(head)
                for here, there in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=(here, there), daemon=True).start()


def _pass_on(here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := here.recv(65536):
            there.sendall(piece)
        there.shutdown(socket.SHUT_WR)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Server, dict[str, Any]]]:
    """An API server with TLS for 127.0.0.1, and what the kubeconfig says of its authority."""
    authority = Authority(tmp_path)
    with Server(lambda _seen: Reply(body=b"ok"), context=authority.server_context("127.0.0.1")) as server:
        yield server, {"certificate-authority-data": data(authority.path)}


def test_connections_are_used_again_and_a_dropped_one_is_noticed() -> None:
    with Server(lambda seen: Reply(body=str(seen.number).encode(), close=seen.number == 1, announce=False)) as server:
        transport = Transport(way(server.url() + "prefix/"))
        assert [transport.ask("GET", "/version", {"a": "b c", "none": None}).body for _ in range(4)] == [
            b"0", b"1", b"2", b"3",
        ]  # fmt: skip
        assert server.connections == 2
        assert {seen.path for seen in server.seen} == {"/prefix/version?a=b+c"}
        transport.close()


def test_what_changes_something_is_not_sent_twice() -> None:
    def script(seen: Any) -> Reply:
        return Reply(body=b"x") if seen.number == 0 else Reply(raw=b"")

    for method, times in (("PATCH", 2), ("GET", 3)):
        with Server(script) as server:
            transport = Transport(way(server.url()))
            transport.ask("GET", "/a")
            with pytest.raises(Unreachable, match=r"closed without an answer|was reset"):
                transport.ask(method, "/a", body=b"{}")
            assert len(server.seen) == times


def test_an_authority_without_key_identifiers(
    secure: tuple[Server, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, cluster = secure
    real = ssl.create_default_context

    def as_in_python_3_13(**options: Any) -> ssl.SSLContext:
        context = real(**options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", as_in_python_3_13)
    assert Transport(way(server.url(), cluster)).ask("GET", "/version").body == b"ok"
    assert check("/k/config", kubeconfig(server.url(), cluster), None, 5.0) == []


def test_certificates_that_do_not_fit_are_named(tmp_path: Path, secure: tuple[Server, dict[str, Any]]) -> None:
    server, cluster = secure
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    for wrong, words in (
        ({"certificate-authority-data": data(other.path)}, "certificate-authority did not sign it"),
        ({**cluster, "tls-server-name": "elsewhere"}, "Correct `server` in the kubeconfig"),
    ):
        with pytest.raises(NoWay, match="the server's certificate is not trusted: ") as raised:
            Transport(way(server.url(), wrong)).ask("GET", "/version")
        assert words in raised.value.message
        assert "Is the cluster running" not in raised.value.message
        (found,) = check("/k/config", kubeconfig(server.url(), wrong), None, 5.0)
        assert "the server's certificate is not trusted" in found["problem"]
        assert words in found["remedy"]
    assert Transport(way(server.url(), {"insecure-skip-tls-verify": "true"})).ask("GET", "/version").status == 200
    for wrong in (
        {"certificate-authority-data": base64.b64encode(b"no PEM").decode()},
        {"certificate-authority": "/no"},
    ):
        with pytest.raises(InputError, match=r"cannot be (used|read)"):
            Transport(way(server.url(), wrong)).ask("GET", "/version")


@pytest.mark.parametrize(("code", "words"), [(9, "clock of this host"), (10, "Renew the API server's certificate")])
def test_certificates_out_of_their_time(code: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ssl.SSLCertVerificationError("x")
    error.verify_code, error.verify_message = code, "certificate is not valid now"

    def refuse(*_arguments: Any) -> None:
        raise error

    monkeypatch.setattr(_transport.socket, "create_connection", refuse)
    with pytest.raises(NoWay, match=words):
        Transport(way("http://127.0.0.1:1")).ask("GET", "/version")


def test_no_tls_where_tls_is_wanted() -> None:
    with Server() as server, pytest.raises(NoWay, match=r"no TLS connection came about: .*Does https://"):
        Transport(way(server.url().replace("http:", "https:"))).ask("GET", "/version")


def test_a_proxy_is_used_as_kubectl_uses_it(
    secure: tuple[Server, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, cluster = secure
    proxy = Proxy(server.port)
    # The server's certificate is for 127.0.0.1, and never goes through a proxy: another name stands for it.
    named = way("https://api.lab.example:6443", {**cluster, "tls-server-name": "127.0.0.1"})
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:p%40w@"))
    transport = Transport(named)
    assert [transport.ask("GET", "/version").body for _ in range(2)] == [b"ok", b"ok"]
    basic = base64.b64encode(b"me:p@w").decode()
    assert proxy.reached == [
        ["CONNECT api.lab.example:6443 HTTP/1.1", "Host: api.lab.example:6443", f"Proxy-Authorization: Basic {basic}"]
    ]
    # What the proxy was told is not told to the server.
    assert "proxy-authorization" not in server.seen[0].headers
    # This one goes straight, whatever the variables say.
    assert Transport(way(server.url(), cluster)).ask("GET", "/version").body == b"ok"
    monkeypatch.setenv("NO_PROXY", "lab.example")
    with pytest.raises(Unreachable, match="cannot be resolved"):
        Transport(named).ask("GET", "/version")
    # The kubeconfig's own counts more than NO_PROXY.
    own = way("https://api.lab.example", {**cluster, "tls-server-name": "127.0.0.1", "proxy-url": proxy.url})
    assert Transport(own).ask("GET", "/version").body == b"ok"
    assert proxy.reached[-1][0] == "CONNECT api.lab.example:443 HTTP/1.1"


def test_a_plain_api_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(lambda _seen: Reply(body=b"ok")) as server:
        proxy = Proxy(server.port)
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:pw@"))
        assert Transport(way("http://api.lab.example:8080")).ask("GET", "/version").body == b"ok"
        assert proxy.reached[0][0] == "GET http://api.lab.example:8080/version HTTP/1.1"
        assert any(line.startswith("Proxy-Authorization: Basic") for line in proxy.reached[0])


def test_a_proxy_that_does_not_work_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    content = kubeconfig("https://api.lab.example:6443")
    for refusal, words in (
        ("403 Forbidden", "refuses the way there: 403 Forbidden"),
        ("nonsense", "does not open the way"),
    ):
        monkeypatch.setenv("HTTPS_PROXY", Proxy(0, refusal).url.replace("//", "//me:secret@"))
        with pytest.raises(NoWay, match=rf"the proxy http://127\.0\.0\.1:\d+ \(HTTPS_PROXY\) {words}") as raised:
            Transport(chosen({"/k": content}, None)).ask("GET", "/version")
        assert "name api.lab.example in NO_PROXY" in raised.value.message
        assert "secret" not in raised.value.message
        (found,) = check("/k/config", content, None, 5.0)
        assert (words in found["problem"], "NO_PROXY" in found["remedy"]) == (True, True)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NoWay, match="does not answer: nothing listens there"):
        Transport(chosen({"/k": content}, None)).ask("GET", "/version")
    monkeypatch.setenv("HTTPS_PROXY", "http://[::1")
    with pytest.raises(InputError, match="The proxy in HTTPS_PROXY is not a URL"):
        Transport(chosen({"/k": content}, None))


def test_a_server_that_does_not_answer_in_time() -> None:
    with Server(lambda _seen: Reply(delay=2.0)) as server:
        with pytest.raises(
            Unreachable, match=r"no complete answer came within 0\.2 s\. Is the cluster running\?"
        ) as slow:
            Transport(way(server.url())).ask("GET", "/version", seconds=0.2)
        assert slow.value.kind == "timeout"


def test_a_plugin_is_asked_again_when_its_credential_is_refused(tmp_path: Path) -> None:
    count = tmp_path / "count"
    plugin = tmp_path / "plugin"
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "N"}}
    plugin.write_text(f"#!/bin/sh\necho x >> {count}\necho '{json.dumps(answer)}' | sed s/N/$(wc -l < {count})/\n")
    plugin.chmod(0o700)
    user = {"exec": {"apiVersion": answer["apiVersion"], "command": str(plugin)}}

    def script(seen: Any) -> Reply:
        return Reply(status=200 if seen.headers["authorization"] == "Bearer 2" else 401)

    with Server(script) as server:
        transport = Transport(way(server.url(), user=user))
        assert transport.ask("GET", "/version").status == 200
        assert transport.ask("GET", "/version").status == 200
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer 1", "Bearer 2", "Bearer 2"]


def test_a_failing_plugin_is_found_beforehand(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text("#!/bin/sh\necho 'Your session has ended.' >&2\nexit 255\n")
    plugin.chmod(0o700)
    with Server() as server:
        content = kubeconfig(server.url(), user={"exec": {"command": str(plugin)}})
        (found,) = check("/k/config", content, None, 5.0)
        assert found["check"] == "credentials"
        assert "ended with exit code 255: Your session has ended" in found["problem"]
        with pytest.raises(CredentialError, match="Your session has ended"):
            Transport(chosen({"/k": content}, None)).ask("GET", "/version")
        assert server.seen == []


def test_a_user_with_a_certificate_leaves_no_key_on_the_disk(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    mine = data(authority.issue("me"))
    user = {"client-certificate-data": mine, "client-key-data": mine}
    with Server(context=authority.server_context("127.0.0.1", clients=True)) as server:
        cluster = {"certificate-authority-data": data(authority.path)}
        assert Transport(way(server.url(), cluster, user)).ask("GET", "/version").status == 200
        with pytest.raises((NoWay, Unreachable)):
            Transport(way(server.url(), cluster)).ask("GET", "/version")
