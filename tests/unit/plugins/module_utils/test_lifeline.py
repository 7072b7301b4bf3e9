# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module whose reader is gone, or that gets a signal, stops the tool that it runs and cleans up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._lifeline import SIGNALS, Lifeline, postponed

LIMIT = 60.0
"""Seconds after which a test gives up; it never takes so long unless the code is wrong."""

PROGRAM = """
import atexit, pathlib, sys, time
from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._lifeline import Lifeline, let_go
from ansible_collections.meshlab.istio.plugins.module_utils import _lifeline

if "for ever" in sys.argv:
    _lifeline.CLEANING_SECONDS = 0.5
directory = pathlib.Path(sys.argv[1])
if "at exit" in sys.argv:
    atexit.register(lambda: ((directory / "cleaning").touch(), time.sleep(2), (directory / "at exit").touch()))
tool = "import os, sys, time; print(os.getpid(), file=open(sys.argv[1], 'w'), flush=True); time.sleep(600)"
with Lifeline():
    if "let go" in sys.argv:
        let_go()
    try:
        CommandLineTool(sys.executable).run(["-c", tool, str(directory / "tool")], timeout=float(sys.argv[2]))
    finally:
        if "slowly" in sys.argv:
            (directory / "cleaning").touch()
            time.sleep(2)
        if "for ever" in sys.argv:
            time.sleep(3600)
        (directory / "cleaned").touch()
"""


def eventually(holds: Callable[[], object]) -> bool:
    end = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def begin(
    directory: Path, *words: str, timeout: float = 600, stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start PROGRAM and return it when its tool runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(directory), str(timeout), *words],
        stdout=stdout, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert eventually(lambda: (directory / "tool").exists() and (directory / "tool").read_text().strip())
    return process


def tool_runs(directory: Path) -> bool:
    try:
        return Path(f"/proc/{(directory / 'tool').read_text().strip()}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_the_reader_goes_away(tmp_path: Path) -> None:
    process = begin(tmp_path)
    assert process.stdout is not None
    assert tool_runs(tmp_path)
    process.stdout.close()
    assert process.wait(LIMIT) == 128 + signal.SIGTERM
    assert not tool_runs(tmp_path)
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    process = begin(tmp_path)
    process.send_signal(number)
    _out, errors = process.communicate(timeout=LIMIT)
    assert (process.returncode, errors) == (128 + number, "")
    assert not tool_runs(tmp_path)
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize("when", ["slowly", "at exit"])
def test_a_second_signal_does_not_break_into_the_cleaning(tmp_path: Path, when: str) -> None:
    process = begin(tmp_path, when)
    process.send_signal(signal.SIGINT)
    assert eventually((tmp_path / "cleaning").exists)
    for number in SIGNALS:
        process.send_signal(number)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(LIMIT) == 128 + signal.SIGINT
    assert (tmp_path / "cleaned").exists()
    assert (tmp_path / "at exit").exists() == (when == "at exit")


@pytest.mark.parametrize("how", ["signal", "reader"])
def test_cleaning_that_does_not_end_is_ended(tmp_path: Path, how: str) -> None:
    process = begin(tmp_path, "for ever")
    if how == "signal":
        process.send_signal(signal.SIGTERM)
    else:
        assert process.stdout is not None
        process.stdout.close()
    assert process.wait(LIMIT) == -signal.SIGKILL
    assert not tool_runs(tmp_path)


def test_a_process_that_let_go_only_waits(tmp_path: Path) -> None:
    process = begin(tmp_path, "let go")
    for number in SIGNALS:
        process.send_signal(number)
    assert process.stdout is not None
    process.stdout.close()
    # It would be gone within LOOK_MS; the tool's end is what it waits for.
    time.sleep(1.5)
    assert process.poll() is None
    os.kill(int((tmp_path / "tool").read_text()), signal.SIGKILL)
    assert process.wait(LIMIT) == 1


def test_output_that_is_a_file_has_no_reader_to_lose(tmp_path: Path) -> None:
    """So does an asynchronous task run; the tool's time-out ends this one."""
    with (tmp_path / "output").open("w") as output:
        process = begin(tmp_path, timeout=3, stdout=output)
    assert process.wait(LIMIT) == 1
    assert process.stderr is not None
    assert "did not end within 3 s and was stopped" in process.stderr.read()
    process.stderr.close()


def test_nothing_is_left_of_it_after_the_block() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Lifeline():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.fixture
def handlers() -> Iterator[None]:
    """For a test that ends a block in this process, which then stays deaf."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_end_is_put_off_until_what_was_started_is_known(handlers: None) -> None:
    known = []

    def start() -> None:
        with postponed():
            signal.raise_signal(signal.SIGTERM)
            known.append("process")

    with Lifeline(), pytest.raises(SystemExit) as ended:
        start()
    assert (ended.value.code, known) == (128 + signal.SIGTERM, ["process"])


def test_another_thread_does_not_take_the_end_for_itself(handlers: None) -> None:
    """It comes in the main thread, also while a thread starts something."""
    inside, go_on = threading.Event(), threading.Event()

    def start() -> None:
        with postponed():
            inside.set()
            go_on.wait(LIMIT)

    thread = threading.Thread(target=start)
    thread.start()
    assert inside.wait(LIMIT)
    with Lifeline(), pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)
    go_on.set()
    thread.join(LIMIT)
