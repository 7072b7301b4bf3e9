# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that run side by side and end at one moment: each becomes a row, whatever happens to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, TypeVar

from ansible_collections.meshlab.istio.plugins.module_utils._errors import MeshlabError

Item = TypeVar("Item")
Value = TypeVar("Value")

UNANSWERED = "no answer within {seconds:g} s"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    :param ok: whether what must be true is; None when it was neither proven nor disproved.
    :param says: what was seen, in a few words.
    """

    ok: bool | None
    says: str


@dataclass(frozen=True)
class Check:
    """One question about the lab.

    :param name: the row's name.
    :param ask: returns the finding; a MeshlabError becomes one that is not ok.
    :param today: for a component of the tutorial's introduction: what does its duty today.
    :param runs_program: it starts a program, which must have ended before the module does.
    """

    name: str
    ask: Callable[[], Finding]
    today: str = ""
    runs_program: bool = False


@dataclass
class _Running:
    check: Check
    started: float
    thread: threading.Thread = field(init=False)
    finding: Finding | None = None
    seconds: float = 0.0


@dataclass
class Checks:
    """Checks that were started.

    :param deadline: when the last answer is waited for, in seconds of time.monotonic().
    """

    deadline: float
    _all: list[_Running] = field(default_factory=list)

    def start(self, check: Check) -> None:
        """Ask in a thread of its own. One that hangs does not keep the module from ending."""
        running = _Running(check, time.monotonic())
        running.thread = threading.Thread(target=_ask, args=(running,), daemon=not check.runs_program)
        self._all.append(running)
        running.thread.start()

    def row(self, name: str, until: float | None = None) -> dict[str, Any]:
        """Wait for one check, until the deadline or an earlier moment, and return its row."""
        running = next(each for each in self._all if each.check.name == name)
        running.thread.join(max(0.0, min(until or self.deadline, self.deadline) - time.monotonic()))
        finding, seconds = running.finding, running.seconds
        if finding is None:
            seconds = time.monotonic() - running.started
            finding = Finding(False, UNANSWERED.format(seconds=round(seconds, 1)))
        return row(running.check, finding, seconds)


def row(check: Check, finding: Finding, seconds: float = 0.0) -> dict[str, Any]:
    """Return a check as the module documents its rows."""
    return {
        "name": check.name,
        "today": check.today,
        "ok": finding.ok,
        "says": finding.says,
        "seconds": round(seconds, 2),
    }


class Once(Generic[Value]):
    """What several checks need: asked by the first one, while the others wait for the same answer or error."""

    def __init__(self, ask: Callable[[], Value]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answers: list[Value] = []
        self._error: MeshlabError | None = None

    def __call__(self) -> Value:
        """Return the answer. Raises the MeshlabError that was the answer."""
        with self._lock:
            if self._error:
                raise self._error
            if not self._answers:
                try:
                    self._answers.append(self._ask())
                except MeshlabError as error:
                    self._error = error
                    raise
            return self._answers[0]


def side_by_side(
    items: Iterable[Item], ask: Callable[[Item], Value], workers: int, until: float
) -> list[tuple[Item, Value | MeshlabError]]:
    """Ask for each item, a few at a time; return those that answered in time, with their answers or errors.

    :param until: in seconds of time.monotonic(); what was not asked or answered by then is left out.
    """
    waiting = iter(list(items))
    answers: list[tuple[Item, Value | MeshlabError]] = []
    lock = threading.Lock()

    def work() -> None:
        while time.monotonic() < until:
            with lock:
                item = next(waiting, None)
            if item is None:
                return
            try:
                answers.append((item, ask(item)))
            except MeshlabError as error:
                answers.append((item, error))

    threads = [threading.Thread(target=work, daemon=True) for _number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return list(answers)


def _ask(running: _Running) -> None:
    try:
        finding = running.check.ask()
    except MeshlabError as error:
        finding = Finding(False, error.message)
    except Exception as error:
        # A row must say it, as a thread's traceback would be lost.
        finding = Finding(False, f"this check broke: {type(error).__name__}: {error}")
    running.seconds = time.monotonic() - running.started
    running.finding = finding
