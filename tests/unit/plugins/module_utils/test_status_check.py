# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks side by side: one answer for all who need it, errors as rows, an end at the deadline."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import (
    Check,
    Checks,
    Finding,
    Once,
    side_by_side,
)


def broken() -> Finding:
    raise KeyError("spec")


def test_a_defect_of_a_check_is_a_row() -> None:
    checks = Checks(time.monotonic() + 60)
    checks.start(Check("a", broken))
    row = checks.row("a")
    assert (row["ok"], row["says"]) == (False, "this check broke: KeyError: 'spec'")


def test_checks_run_at_the_same_time() -> None:
    both = threading.Barrier(2)

    def meet() -> Finding:
        both.wait(60)
        return Finding(True, "met")

    checks = Checks(time.monotonic() + 60)
    for name in "ab":
        checks.start(Check(name, meet))
    assert [checks.row(name)["says"] for name in "ab"] == ["met", "met"]


def test_an_answer_is_asked_for_once() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        time.sleep(0.05)
        return len(asked)

    once = Once(ask)
    answers = side_by_side(range(5), lambda _number: once(), 5, time.monotonic() + 60)
    assert [answer for _number, answer in answers] == [1] * 5


def test_an_error_is_the_answer_for_all() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        raise ClusterError("refused")

    once = Once(ask)
    for _time in range(2):
        with pytest.raises(ClusterError, match="refused"):
            once()
    assert asked == [1]


def test_errors_are_answers_too() -> None:
    def ask(number: int) -> int:
        if number == 2:
            raise ClusterError("no")
        return number

    answers = dict(side_by_side([1, 2, 3], ask, 2, time.monotonic() + 60))
    assert (answers[1], answers[3]) == (1, 3)
    assert isinstance(answers[2], MeshlabError)


def test_what_has_not_answered_in_time_is_left_out() -> None:
    done = threading.Event()

    def ask(number: int) -> int:
        if number == 2:
            done.wait(600)
        return number

    answers = side_by_side([1, 2, 3], ask, 1, time.monotonic() + 1.0)
    done.set()
    assert answers == [(1, 1)]


LEAVING = """
import sys, time
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import Check, Checks, Finding

def program():
    time.sleep(1)
    print("ended")
    return Finding(True, "")

checks = Checks(time.monotonic())
checks.start(Check("program", program, runs_program=True))
checks.start(Check("hangs", lambda: time.sleep(600)))
print(checks.row("program")["says"], checks.row("hangs")["ok"], flush=True)
"""


def test_the_end_waits_for_programs_and_for_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.splitlines() == ["no answer within 0 s False", "ended"]
