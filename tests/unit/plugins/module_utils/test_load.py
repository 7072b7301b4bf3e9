# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load generator against a server whose delays and errors are scripted, and which counts on its own."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _load
from ansible_collections.meshlab.istio.plugins.module_utils._http import Session, target
from ansible_collections.meshlab.istio.plugins.module_utils._load import Plan, generate, unmeasured
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Reply, Seen, Server, free_port

SILENT = Progress()

# What can happen to a request. The server deals it out by the number of the request.
FATES: dict[str, Reply] = {
    "good": Reply(200, b"Simple Bookstore App reviews-v1-59", headers={"x": "y"}),
    "moved": Reply(302, b"Simple Bookstore App reviews-v2-7c"),
    "plain": Reply(200, b"Simple Bookstore App without reviews"),
    "wrong": Reply(200, b"upstream says hello"),
    "absent": Reply(404, b"no"),
    "broken": Reply(503, b"no healthy upstream", close=True),
    "closed": Reply(raw=b""),
    "reset": Reply(raw=b"", reset=True),
    "half": Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf"),
    "slow": Reply(delay=2.0),
}


def fate(seen: Seen) -> Reply:
    return list(FATES.values())[seen.number * 7 % len(FATES)]


@pytest.mark.parametrize("concurrency", [1, 7])
@pytest.mark.parametrize("keep_alive", [True, False])
def test_every_request_is_counted_in_exactly_one_place(concurrency: int, keep_alive: bool) -> None:
    plan = Plan(
        requests=20,
        concurrency=concurrency,
        keep_alive=keep_alive,
        body_contains=b"Bookstore",
        version_pattern=re.compile(rb"reviews-(v\d)"),
    )
    with Server(fate) as server:
        found = generate(target(server.url(), timeout=0.5), plan, SILENT)
    assert len(server.seen) == 20
    assert found["sent"] == 20
    assert found["status"] == {"200": 4, "302": 2, "404": 2, "503": 2}
    assert found["errors"] == {"body": 2, "closed": 2, "reset": 2, "timeout": 2, "truncated": 2}
    assert sum(found["status"].values()) + sum(found["errors"].values()) == found["sent"]
    assert (found["succeeded"], found["success_share"]) == (6, 0.3)
    assert found["by_version"] == {"unknown": 2, "v1": 2, "v2": 2}
    assert found["version_share"] == pytest.approx({"unknown": 1 / 3, "v1": 1 / 3, "v2": 1 / 3})
    assert sum(bucket["count"] for bucket in found["histogram"]) == 12
    assert found["throughput"] == pytest.approx(12 / found["seconds"], rel=0.01)


@pytest.mark.parametrize(("requests", "concurrency"), [(1, 1), (1, 50), (17, 4), (100, 1), (300, 50)])
def test_never_more_and_never_fewer_than_asked(requests: int, concurrency: int) -> None:
    with Server() as server:
        found = generate(target(server.url()), Plan(requests=requests, concurrency=concurrency), SILENT)
    assert len(server.seen) == found["sent"] == found["succeeded"] == requests
    assert server.connections <= min(requests, concurrency)


def test_as_many_connections_as_asked_are_busy_at_once() -> None:
    with Server(lambda _seen: Reply(delay=0.1)) as server:
        found = generate(target(server.url()), Plan(requests=40, concurrency=8), SILENT)
    assert server.connections == 8
    assert 0.5 <= found["seconds"] < 3  # one after the other they take four


def test_latencies_are_the_delays_of_the_server() -> None:
    delays = [0.01 * (1 + number % 10) for number in range(50)]
    expected = {"min": 10, "mean": 55, "p50": 50, "p90": 90, "p95": 100, "p99": 100, "max": 100}
    for _attempt in range(5):  # a busy machine adds to latencies, and never takes away
        with Server(lambda seen: Reply(delay=delays[seen.number])) as server:
            latency = generate(target(server.url()), Plan(requests=50, concurrency=5), SILENT)["latency_ms"]
        excess = [latency[name] - expected[name] for name in expected]
        assert min(excess) >= 0
        if max(excess) < 30:
            return
    pytest.fail(f"five times in a row the latencies were too long: {latency}")


def test_latencies_are_summed_up_without_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly known latencies, dealt out to several workers, give exactly the percentiles of them all."""
    real = Session.exchange

    def exchange(session: Session) -> Any:
        answer = real(session)
        return type(answer)(answer.status, answer.headers, answer.body, int(answer.body) / 1000)

    monkeypatch.setattr(Session, "exchange", exchange)
    with Server(lambda seen: Reply(body=b"%d" % (seen.number + 1))) as server:
        found = generate(target(server.url()), Plan(requests=200, concurrency=6), SILENT)
    assert found["latency_ms"] == {
        "min": 1, "mean": 100.5, "p50": 100, "p90": 180, "p95": 190, "p99": 198, "max": 200,
    }  # fmt: skip
    counts = Counter({bucket["le"]: bucket["count"] for bucket in found["histogram"]})
    assert (counts[1.0], counts[10.0], counts[100.0], counts[200.0]) == (1, 3, 21, 42)


def test_a_duration_ends_in_time_and_counts_what_is_under_way() -> None:
    with Server(lambda _seen: Reply(delay=0.08)) as server:
        found = generate(target(server.url()), Plan(duration=0.4, concurrency=3), SILENT)
    assert len(server.seen) == found["sent"] == found["succeeded"]
    assert 3 < found["sent"] <= 15
    assert found["seconds"] >= 0.4
    assert server.seen[-1].at - server.seen[0].at < 0.48


def test_a_rate_is_kept_and_never_exceeded() -> None:
    with Server() as server:
        found = generate(target(server.url()), Plan(requests=30, rate=60, concurrency=4), SILENT)
    assert found["sent"] == 30
    assert 29 / 60 <= found["seconds"] < 29 / 60 + 1
    begin = server.seen[0].at
    for number, seen in enumerate(sorted(server.seen, key=lambda each: each.at)):
        assert seen.at - begin >= number / 60 - 0.1


def test_a_rate_for_a_duration_gives_their_product() -> None:
    with Server() as server:
        found = generate(target(server.url()), Plan(duration=0.5, rate=40, concurrency=4), SILENT)
    assert found["sent"] == len(server.seen) == 20


def test_falling_behind_the_rate_is_measured() -> None:
    with Server(lambda _seen: Reply(delay=0.05)) as server:
        found = generate(target(server.url()), Plan(requests=10, rate=100, concurrency=1), SILENT)
    assert found["sent"] == 10
    # The tenth was due after 90 ms and could be sent after 450 at the earliest.
    assert found["behind_ms"] >= 360
    assert found["latency_ms"]["p50"] < found["behind_ms"] / 2


def test_nothing_listens() -> None:
    found = generate(target(f"http://127.0.0.1:{free_port()}/"), Plan(requests=20, concurrency=3), SILENT)
    assert (found["sent"], found["status"], found["errors"]) == (20, {}, {"refused": 20})
    assert (found["success_share"], found["throughput"], found["histogram"]) == (0.0, 0.0, [])
    assert set(found["latency_ms"].values()) == {None}
    assert found["version_share"] is None


def test_nothing_sent_looks_like_a_measurement() -> None:
    with Server() as server:
        measured = generate(target(server.url()), Plan(requests=1), SILENT)
    assert unmeasured().keys() == measured.keys()
    assert (unmeasured()["sent"], unmeasured()["success_share"]) == (0, None)


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Plan(requests=6), r"\d of 6 requests sent, \d answered as expected"),
        (Plan(duration=0.3), r"0 of 0.3 s: \d requests sent, \d answered as expected"),
    ],
)
def test_progress_is_shown_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: Plan, line: str
) -> None:
    monkeypatch.setattr(_load, "PROGRESS_SECONDS", 0.02)
    path = tmp_path / "progress"
    with Server(lambda _seen: Reply(delay=0.05)) as server:
        found = generate(target(server.url()), plan, Progress(str(path)))
    texts = [json.loads(text)["text"] for text in path.read_text().splitlines()]
    assert len(texts) >= 4
    assert all(re.fullmatch(line, text) for text in texts)
    assert f"{found['sent']} answered as expected" in texts[-1]


def test_a_fault_of_our_own_is_not_counted_as_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    def exchange(_session: Session) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Session, "exchange", exchange)
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="a bug"):
        generate(target("http://127.0.0.1:1/"), Plan(duration=30, rate=1, concurrency=3), SILENT)
    assert time.monotonic() - started < 0.9  # without waiting for the next line of progress
