# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper of a run's place on a host, and what another run is told of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _run_keeper, _run_lock
from ansible_collections.meshlab.istio.plugins.module_utils._run_lock import TOLD, holder

SECONDS = 30.0
IDENTITY = {key: f"its {key}" for key in TOLD}


@pytest.fixture
def name() -> str:
    return f"meshlab-test-{uuid4().hex}"


def eventually(holds: Any) -> bool:
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def keeper(name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A keeper as the action starts it: Python reads it from standard input."""
    process = subprocess.Popen(
        [sys.executable, "-", name, json.dumps(IDENTITY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    process.stdin.write(Path(_run_keeper.__file__).read_bytes())
    process.stdin.close()
    assert eventually(lambda: holder(name))
    yield process
    process.kill()
    process.wait()


def test_a_keeper_tells_whose_it_is_and_ends_with_its_reader(keeper: subprocess.Popen[bytes], name: str) -> None:
    found = holder(name)
    assert found == {**IDENTITY, "keeper": keeper.pid, "account": _run_lock._name_of(os.getuid())}
    assert _run_keeper.keep(name, "{}") == 1
    assert holder(f"{name}-other") is None
    assert keeper.stdout
    keeper.stdout.close()
    assert keeper.wait(SECONDS) == 0
    assert holder(name) is None


def test_a_killed_keeper_leaves_nothing(keeper: subprocess.Popen[bytes], name: str) -> None:
    keeper.kill()
    keeper.wait()
    assert holder(name) is None


def test_a_keeper_notices_a_connection_that_broke_off_silently(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing hangs up; only writing fails."""

    class Broken:
        def fileno(self) -> int:
            return reader

        def write(self, _text: str) -> None:
            raise BrokenPipeError

    reader, writer = os.pipe()
    monkeypatch.setattr(_run_keeper, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(_run_keeper.sys, "stdout", Broken())
    try:
        assert _run_keeper.keep(name, "{}") == 0
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(
    ("told", "user"),
    [
        (b"", ""), (b"no JSON", ""), (b"[1]", ""), (b"\xff", ""), (b'{"user": "one\\ntwo\\u001b[2J"}', "onetwo[2J"),
        (b'{"user": ["a"]}', "['a']"), (json.dumps({"user": "x" * 999}).encode(), "x" * 200), (b"x" * 9999, ""),
    ],
)  # fmt: skip
def test_whatever_a_process_tells_is_one_short_line(name: str, told: bytes, user: str) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()

        def answer() -> None:
            asking, _address = server.accept()
            with asking:
                asking.sendall(told)

        thread = threading.Thread(target=answer)
        thread.start()
        found = holder(name)
        thread.join()
    assert found
    assert (found["user"], found["keeper"]) == (user, os.getpid())


def test_a_process_that_tells_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run_lock, "SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        found = holder(name)
    assert found
    assert (found["run"], found["keeper"]) == ("", os.getpid())


def test_a_host_without_such_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run_lock.sys, "platform", "darwin")
    assert holder("meshlab") is None


def test_an_account_without_a_name() -> None:
    assert _run_lock._name_of(2**31 - 7) == str(2**31 - 7)
