# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End a module when nobody waits for its result: the play was interrupted, or the connection to the host is gone.

Nothing tells a module so. Without a terminal sshd sends no signal; it only closes the pipe that is the module's
standard output, and a module writes there at its very end. So a thread watches that pipe.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

STDOUT = 1
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""What a terminal, a play on connection local, or the thread sends."""
LOOK_MS = 500
"""How often the thread looks whether the module is over; the end of the pipe itself wakes it at once."""
CLEANING_SECONDS = 300.0
"""How long the cleaning may take, such as putting back what a scenario changed. Then the process is killed."""


class Lifeline:
    """While its block runs, a signal or the end of standard output raises SystemExit in the main thread.

    So everything that cleans up in ``finally`` or at exit does, such as a running minikube or istioctl being stopped.
    A second signal changes nothing: it must not break into the cleaning.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Lifeline:
        _ending.clear()
        for number in SIGNALS:
            self._before[number] = signal.signal(number, _stop)
        threading.Thread(target=_watch, args=(self._over,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        if _ending.is_set():
            # What is still to be done at exit must not be broken into either.
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)


def let_go() -> None:
    """Leave stopping to another process that this one starts and then only waits for."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


_ending = threading.Event()
"""Set by the first signal."""
_late: list[list[int]] = []
"""For each block of postponed() that runs, the signals that came within it."""


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Put off the end until this block is left, so that a process which the block starts is known to what stops it."""
    if threading.current_thread() is not threading.main_thread():
        # The end comes in the main thread.
        yield
        return
    _late.append([])
    try:
        yield
    finally:
        for number in _late.pop():
            raise SystemExit(128 + number)


def _stop(number: int, _frame: FrameType | None) -> None:
    _ending.set()
    let_go()
    if _late:
        _late[-1].append(number)
    else:
        raise SystemExit(128 + number)


def _watch(over: threading.Event) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # they are for the main thread
    poll = select.poll()
    poll.register(STDOUT, 0)  # no events asked for: errors and hang-ups are always told
    while not (over.is_set() or _ending.is_set()):
        if any(event & (select.POLLERR | select.POLLHUP) for _fd, event in poll.poll(LOOK_MS)):
            # To the main thread, as only there a signal ends what is being waited for. It is deaf if it let go.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            _ending.wait(CLEANING_SECONDS)
            break
    if _ending.is_set() and not over.wait(CLEANING_SECONDS):
        os.kill(os.getpid(), signal.SIGKILL)
