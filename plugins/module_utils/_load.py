# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load generator: sends one request many times and counts exactly what became of each."""

from __future__ import annotations

import re
import threading
import time
from array import array
from collections import Counter
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._http import HttpError, Session, Target
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import histogram, summary

PROGRESS_SECONDS = 1.0
SUCCESS = range(200, 400)
WRONG_BODY = "body"
NO_VERSION = "unknown"


@dataclass(frozen=True)
class Plan:
    """How much to send and how; exactly one of ``requests`` and ``duration`` is set.

    :param requests: number of requests.
    :param duration: seconds in which requests are started; those under way at its end are waited for.
    :param concurrency: number of connections, each with one request at a time.
    :param rate: requests a second over all connections; None means as fast as answers come.
    :param keep_alive: use a connection again for the next request.
    :param body_contains: text without which an answer 200-399 is an error.
    :param version_pattern: where a good answer's body names the version that answered; its first group.
    """

    requests: int | None = None
    duration: float | None = None
    concurrency: int = 1
    rate: float | None = None
    keep_alive: bool = True
    body_contains: bytes = b""
    version_pattern: re.Pattern[bytes] | None = None


def generate(asked: Target, plan: Plan, progress: Progress, stop: threading.Event | None = None) -> dict[str, Any]:
    """Send requests as planned and return what was measured.

    :param stop: no more requests are started once it is set; those under way are waited for.
    :returns: ``sent`` = the sum of ``status`` (good and bad answers, by status code) and ``errors`` (requests
        without a complete answer by the kinds of HttpError, and those with the wrong body as ``body``);
        ``succeeded`` (complete answers 200-399 with the right body) and its share; latency of every complete
        answer from before connecting to the last byte; ``throughput`` in complete answers a second;
        ``behind_ms``: by how much the latest request was later than ``rate`` asked for, for want of a free connection.
    """
    tickets = _Tickets(plan)
    workers = min(plan.concurrency, plan.requests or plan.concurrency)
    tallies = [_Tally() for _worker in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        try:
            pending = {pool.submit(_work, asked, plan, tickets, tally) for tally in tallies}
            while pending:
                finished, pending = wait(pending, PROGRESS_SECONDS, FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                progress(_words(tallies, plan, tickets.seconds()))
                if stop is not None and stop.is_set():
                    tickets.close()
        finally:
            tickets.close()
    return _measurements(tallies, plan, tickets.seconds())


def unmeasured() -> dict[str, Any]:
    """Return what ``generate`` would if nothing had been sent."""
    return _measurements([], Plan(), 0.0)


@dataclass
class _Tally:
    """What one worker saw."""

    status: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    sent: int = 0
    succeeded: int = 0
    behind: float = 0.0


class _Tickets:
    """Hands out the right to send one request: never more of them than asked, and never before they are due."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.started = time.perf_counter()
        self._given = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def take(self) -> float | None:
        """Wait for the next ticket; return by how many seconds it is late, or None when there are no more."""
        with self._lock:
            number = self._given
            if number == self.plan.requests:
                return None
            self._given += 1
        due = number / self.plan.rate if self.plan.rate else self.seconds()
        end = self.plan.duration
        if end is not None and due >= end:
            return None
        if self._closed.wait(max(due - self.seconds(), 0)):
            return None
        now = self.seconds()
        return None if end is not None and now >= end else now - due

    def close(self) -> None:
        """Give out no more tickets."""
        self._closed.set()

    def seconds(self) -> float:
        """Return the time since the beginning."""
        return time.perf_counter() - self.started


def _work(asked: Target, plan: Plan, tickets: _Tickets, tally: _Tally) -> None:
    session = Session(asked, keep_alive=plan.keep_alive)
    try:
        while (late := tickets.take()) is not None:
            tally.behind = max(tally.behind, late)
            _send(session, plan, tally)
    finally:
        session.close()


def _send(session: Session, plan: Plan, tally: _Tally) -> None:
    """Send one request and count it in exactly one place."""
    tally.sent += 1
    try:
        answer = session.exchange()
    except HttpError as error:
        tally.errors[error.kind] += 1
        return
    tally.latencies_ms.append(answer.seconds * 1000)
    if answer.status in SUCCESS:
        if plan.body_contains not in answer.body:
            tally.errors[WRONG_BODY] += 1
            return
        tally.succeeded += 1
        if plan.version_pattern:
            found = plan.version_pattern.search(answer.body)
            tally.versions[(found.group(1) or b"").decode("utf-8", "replace") if found else NO_VERSION] += 1
    tally.status[str(answer.status)] += 1


def _words(tallies: list[_Tally], plan: Plan, seconds: float) -> str:
    sent = sum(tally.sent for tally in tallies)
    good = sum(tally.succeeded for tally in tallies)
    if plan.duration is None:
        return f"{sent} of {plan.requests} requests sent, {good} answered as expected"
    return (
        f"{min(seconds, plan.duration):.0f} of {plan.duration:g} s: {sent} requests sent, {good} answered as expected"
    )


def _measurements(tallies: list[_Tally], plan: Plan, seconds: float) -> dict[str, Any]:
    latencies = [value for tally in tallies for value in tally.latencies_ms]
    sent = sum(tally.sent for tally in tallies)
    succeeded = sum(tally.succeeded for tally in tallies)
    versions = _sum([tally.versions for tally in tallies])
    return {
        "sent": sent,
        "succeeded": succeeded,
        "success_share": succeeded / sent if sent else None,
        "status": _sum([tally.status for tally in tallies]),
        "errors": _sum([tally.errors for tally in tallies]),
        "latency_ms": summary(latencies),
        "histogram": histogram(latencies),
        "throughput": round(len(latencies) / seconds, 3) if seconds else 0.0,
        "by_version": versions,
        "version_share": {name: count / succeeded for name, count in versions.items()} or None,
        "behind_ms": round(max((tally.behind for tally in tallies), default=0.0) * 1000, 3) if plan.rate else 0.0,
        "seconds": round(seconds, 3),
    }


def _sum(counts: list[Counter[str]]) -> dict[str, int]:
    return dict(sorted(sum(counts, Counter[str]()).items()))
