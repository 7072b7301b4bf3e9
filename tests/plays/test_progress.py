# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions that show progress, in real runs of ansible-playbook: mesh_traffic against a server on loopback.

The server keeps back its answers until the test has seen what it waits for, however slow the machine is.
"""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.plugin_utils._progress import LONGEST, PAUSE_SECONDS, sentence
from tests.plays.play import LIMIT, Play, eventually
from tests.unit.plugins.loopback import Reply, Seen, Server

PLUGINS = Path(__file__).parents[2] / "plugins"
LINE = re.compile(r"^  lab: mesh_traffic: 1 of 1 requests sent, 0 answered as expected$", re.M)
CALLBACKS = {"ansible.builtin.default": True, "json": False, "minimal": False}


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    play = Play(tmp_path)
    yield play
    play.stop()


@pytest.fixture
def answer() -> Iterator[threading.Event]:
    """Set, the server answers."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def server(answer: threading.Event) -> Iterator[Server]:
    def script(_seen: Seen) -> Reply:
        answer.wait(2 * LIMIT)
        return Reply()

    with Server(script) as server:
        yield server


def traffic(server: Server, plan: dict[str, Any] | None = None, **task: Any) -> dict[str, Any]:
    """Return a task that waits for one answer, or does what ``plan`` says."""
    options = {"url": server.url(), "timeout": 2 * LIMIT, **(plan or {"requests": 1})}
    return {"name": "Ask", "meshlab.istio.mesh_traffic": options, **task}


# -- what is shown ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["plain", "pipelining", "become", "apart"])
def test_a_line_says_how_far_a_task_has_come(play: Play, server: Server, answer: threading.Event, how: str) -> None:
    play.start(
        [traffic(server, become=how == "become")],
        connection="apart" if how == "apart" else "local",
        pipelining=str(how == "pipelining"),
    )
    assert eventually(lambda: LINE.search(play.shown())), play.out() + play.shown()
    (file,) = play.files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # Time for more looks, which see the same.
    time.sleep(2 * PAUSE_SECONDS + 1)
    answer.set()
    assert play.wait() == 0
    assert len(LINE.findall(play.shown())) == 1
    assert play.files() == []
    assert "mesh_traffic:" not in play.out()
    assert (how == "become") == (play.sudo_log.exists() and "tail -n 1" in play.sudo_log.read_text())


def test_each_item_of_a_loop_and_the_host_that_works(play: Play, server: Server, answer: threading.Event) -> None:
    play.start([traffic(server, loop=["a", "b"], delegate_to="localhost")])
    line = "  lab -> localhost: mesh_traffic: 1 of 1 requests sent, 0 answered as expected"
    assert eventually(lambda: line in play.shown()), play.out() + play.shown()
    answer.set()
    assert play.wait() == 0
    assert "(item=b)" in play.out()
    assert play.files() == []


def test_a_task_that_ends_before_the_first_look(play: Play) -> None:
    play.start([{"telling": {}}], "-vvv")
    assert play.wait() == 0
    (file,) = play.given()
    assert re.fullmatch(rf"{play.temporary}/meshlab-progress-[0-9a-f]{{32}}", file)
    looks = play.out().count(f"tail -n 1 {file}")
    assert looks <= play.seconds / PAUSE_SECONDS
    assert play.files() == []


def test_a_host_that_cannot_be_asked_meanwhile(play: Play, server: Server, answer: threading.Event) -> None:
    play.start([traffic(server)], "-vvv", connection="deaf")
    assert eventually((play.directory / "asked").exists), play.out() + play.shown()
    answer.set()
    assert play.wait() == 0
    assert "lab: mesh_traffic: how far it has come cannot be read: no second session" in play.out()
    assert LINE.search(play.shown()) is None


# -- when it is not wanted ----------------------------------------------------------------------------


@pytest.mark.parametrize(("callback", "wanted"), CALLBACKS.items())
def test_only_for_a_person_who_reads(play: Play, callback: str, wanted: bool) -> None:
    play.start([{"telling": {}}], stdout_callback=callback)
    assert play.wait() == 0
    assert [file is not None for file in play.given()] == [wanted]


def test_not_for_one_who_wants_to_read_of_trouble_only(play: Play) -> None:
    play.start([{"telling": {}}], display_ok_hosts="no")
    assert play.wait() == 0
    assert play.given() == [None]


def test_not_for_the_command_ansible(play: Play) -> None:
    play.start([], "-m", "telling", program="ansible")
    assert play.wait() == 0
    assert play.given() == [None]


def test_it_steps_aside(play: Play) -> None:
    ways = [{"check_mode": True}, {"no_log": True}, {"async": 100, "poll": 1}, {"telling": {"progress_file": "/mine"}}]
    again = {"register": "run", "retries": 1, "delay": 0, "until": "run.attempts > 1"}
    play.start([{"telling": {}, **way} for way in [*ways, again]])
    assert play.wait() == 0, play.out() + play.shown()
    *aside, first, second = play.given()
    assert aside == [None, None, None, "/mine"]
    # `until` must not take the first attempt's file for the user's.
    assert second.startswith(str(play.temporary))
    assert first != second
    assert play.files() == []


# -- how it ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", ["local", "apart"])
def test_an_interrupted_play_ends_on_the_host_too(
    play: Play, server: Server, answer: threading.Event, connection: str
) -> None:
    answer.set()
    play.start([traffic(server, {"duration": 3600, "rate": 5})], connection=connection)
    assert eventually(lambda: "  lab: mesh_traffic: " in play.shown()), play.out() + play.shown()
    assert play.modules() != []
    assert play.process is not None
    play.process.send_signal(signal.SIGINT)
    assert play.wait() == 99
    assert eventually(lambda: not play.modules())
    assert eventually(lambda: not play.files())


def test_a_killed_module_leaves_nothing(play: Play, server: Server) -> None:
    play.start([traffic(server)])
    assert eventually(lambda: LINE.search(play.shown())), play.out() + play.shown()
    for process in play.modules():
        os.kill(process, signal.SIGKILL)
    assert play.wait() == 2
    assert "Module result deserialization failed" in play.out()
    assert play.files() == []


# -- the parts ----------------------------------------------------------------------------------------


def test_every_module_that_tells_is_listened_to() -> None:
    telling = {
        path.stem for path in (PLUGINS / "modules").glob("*.py") if "meshlab.istio.progress\n" in path.read_text()
    }
    listening = {path.stem for path in (PLUGINS / "action").glob("*.py") if "(ShowsProgress)" in path.read_text()}
    assert telling
    assert telling <= listening


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ('{"at": 1.5, "text": "Starting"}\r\n', "Starting"),
        ('{"at": 1, "text": "W\\u00e4rmer \\u001b[31m\\nred"}', "Wärmer  [31m red"),
        (json.dumps({"text": "x" * 1000}), "x" * LONGEST),
        ('{"at": 1.5, "text": "Star', ""),
        ('{"at": 1.5}', ""),
        ("[1]", ""),
        ("tail: not found", ""),
        ("", ""),
    ],
)
def test_a_line_of_the_file(output: str, text: str) -> None:
    assert sentence(output) == text
