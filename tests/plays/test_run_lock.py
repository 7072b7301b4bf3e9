# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs on one host: the second says who runs, or waits; a killed run keeps nobody off."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._run_lock import holder
from tests.plays.play import Play, eventually


@pytest.fixture
def plays(tmp_path: Path) -> Iterator[list[Play]]:
    """Two runs with folders of their own."""
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append(Play(tmp_path / name))
    yield made
    for play in made:
        play.stop()


@pytest.fixture
def name() -> str:
    """A name that no other test on this machine has."""
    return f"meshlab-test-{uuid4().hex}"


def tasks(name: str, until: Path | None = None, **options: Any) -> list[dict[str, Any]]:
    """Return a run that keeps the host until a file is there."""
    held: list[dict[str, Any]] = [{"meshlab.istio.run_lock": {"name": name, **options}}]
    if until is not None:
        held.append({"ansible.builtin.wait_for": {"path": str(until), "timeout": 100, "sleep": 1}})
    # As site does with scenarios in one command: the run's own place is no obstacle.
    return [*held, {"meshlab.istio.run_lock": {"name": name}}]


@pytest.mark.parametrize("connection", ["local", "apart"])
def test_a_second_run_says_who_runs_and_the_place_is_free_after_the_first(
    plays: list[Play], name: str, connection: str
) -> None:
    first, second = plays
    end = first.directory / "end"
    first.start(tasks(name, end), connection=connection)
    assert eventually(lambda: holder(name))
    known = holder(name)
    assert known
    assert known["keeper"] != os.getpid()
    second.start(tasks(name), connection=connection)
    assert second.wait() == 2, second.out()
    said = " ".join(second.out().split())
    assert f"(process {known['process']}, " in said
    assert "works on this host. Nothing was touched." in said
    assert f"kill {known['keeper']}." in said
    assert second.seconds < 60
    end.touch()
    assert first.wait() == 0, first.out()
    assert eventually(lambda: holder(name) is None)
    second.start(tasks(name), connection=connection)
    assert second.wait() == 0, second.out()
    assert " changed=0 " in second.out()


def test_a_second_run_waits_if_it_is_told_to(plays: list[Play], name: str) -> None:
    first, second = plays
    end = first.directory / "end"
    first.start(tasks(name, end))
    assert eventually(lambda: holder(name))
    second.start(tasks(name, wait=90))
    assert eventually(lambda: "waiting up to 90 s for its end." in " ".join(second.out().split()))
    end.touch()
    assert (first.wait(), second.wait()) == (0, 0), first.out() + second.out()


@pytest.mark.parametrize("connection", ["local", "apart"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_keeps_nobody_off(plays: list[Play], name: str, connection: str, number: int) -> None:
    first, second = plays
    first.start(tasks(name, first.directory / "never"), connection=connection)
    assert eventually(lambda: holder(name))
    assert first.process is not None
    os.kill(first.process.pid, number)
    killed = time.monotonic()
    # Nobody has asked yet how it ended: such a process has a number still.
    assert eventually(lambda: holder(name) is None)
    assert time.monotonic() - killed < 20
    second.start(tasks(name), connection=connection)
    assert second.wait() == 0, second.out()


def test_check_mode_keeps_nothing(plays: list[Play], name: str) -> None:
    first, _second = plays
    first.start(tasks(name), "--check")
    assert first.wait() == 0, first.out()
    assert holder(name) is None
