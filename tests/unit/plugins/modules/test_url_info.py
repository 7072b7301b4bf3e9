# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""url_info as Ansible runs it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.modules import url_info
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Reply, Server, free_port

REFUSED = "nothing listens there (connection refused)"


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, dict[str, Any]]:
    """Return exit code and result of the module."""
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        url_info.main()
    code = ended.value.code
    return int(code or 0), json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_first_that_answers_as_expected(capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    dead = f"http://127.0.0.1:{free_port()}/"
    with Server(lambda _seen: Reply(body=b"another page")) as other, Server(lambda _s: Reply(body=b"books")) as server:
        code, result = run(
            capsys, urls=[dead, other.url(), server.url(), dead], body="books", status=200, host="shop",
            _ansible_check_mode=check_mode,
        )  # fmt: skip
    assert code == 0
    assert result["changed"] is False
    assert result["url"] == server.url()
    assert result["tried"] == [
        {"url": dead, "answered": False, "reason": REFUSED},
        {"url": other.url(), "answered": False, "reason": "it answered 200, but without 'books' in its 12 bytes"},
        {"url": server.url(), "answered": True, "reason": ""},
    ]
    assert server.seen[0].headers["host"] == "shop"


def test_no_answer_is_not_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(lambda _seen: Reply(503)) as server:
        code, result = run(capsys, urls=[server.url()], timeout=0)
    assert (code, result["url"]) == (0, "")
    assert result["tried"] == [{"url": server.url(), "answered": False, "reason": "it answered 503, expected 200"}]
    assert len(server.seen) == 1


def test_an_answer_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(lambda seen: Reply(503 if seen.number < 2 else 200)) as server:
        _code, result = run(capsys, urls=[server.url()], timeout=10)
    assert result["url"] == server.url()
    assert len(server.seen) == 3
    assert result["seconds"] >= 0.9


def test_a_url_that_cannot_be_asked_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, urls=["http://127.0.0.1:1/", "localhost"], timeout=0)
    assert code == 1
    assert "'localhost' is not a URL" in result["msg"]


def test_a_url_that_swallows_packets_takes_no_longer_than_the_wait(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(lambda _seen: Reply(delay=4)) as silent, Server() as server:
        _code, result = run(capsys, urls=[silent.url(), server.url()], timeout=0.5)
    assert result["url"] == server.url()
    assert result["tried"][0]["reason"] == "no complete answer came within 0.5 s"
    assert result["seconds"] < 3


PIPE = """
import socket, sys, threading
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def up():
    while data := sys.stdin.buffer.read1():
        link.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := link.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""


def test_a_program_is_the_connection(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(lambda _seen: Reply(body=b"books")) as server:
        through = [sys.executable, "-c", PIPE, str(server.port)]
        _code, result = run(capsys, urls=["http://shop.invalid/"], body="books", proxy_command=through)
        assert result["url"] == "http://shop.invalid/"
        assert server.seen[0].headers["host"] == "shop.invalid"


@pytest.mark.parametrize(
    ("through", "reason"),
    [
        (["/no/such/program"], "the network failed: No such file or directory"),
        ([sys.executable, "-c", "raise SystemExit(255)"], "the connection was"),
    ],
)
def test_a_program_that_makes_no_connection(
    capsys: pytest.CaptureFixture[str], through: list[str], reason: str
) -> None:
    _code, result = run(capsys, urls=["http://shop.invalid/"], proxy_command=through, timeout=0)
    assert result["url"] == ""
    assert result["tried"][0]["reason"].startswith(reason)
