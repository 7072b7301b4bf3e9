# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mesh_traffic as Ansible runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils._traffic import METRICS, _warnings
from ansible_collections.meshlab.istio.plugins.modules import mesh_traffic
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Authority, Reply, Server, free_port


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, dict[str, Any]]:
    """Return exit code and result of the module, with ``warned`` for what Ansible collects over the process."""
    warned: list[str] = []
    with (
        patch_module_args(options),
        patch.object(AnsibleModule, "warn", lambda _module, text: warned.append(text)),
        pytest.raises(SystemExit) as ended,
    ):
        mesh_traffic.main()
    code = ended.value.code
    return int(code or 0), {**json.loads(capsys.readouterr().out), "warned": warned}


def test_thresholds_that_hold(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    progress = tmp_path / "progress"
    thresholds = [
        {"metric": "status.200", "relation": "==", "bound": 20},
        {"metric": "success_share", "relation": ">=", "bound": 1},
        {"metric": "latency_ms.p99", "relation": "<", "bound": 5000},
        {"metric": "version_share.v2", "relation": "between", "bound": [0.2, 0.3]},
        {"metric": "errors.timeout", "relation": "==", "bound": 0},
    ]
    with Server(lambda seen: Reply(body=b"reviews-v%d-" % (2 if seen.number % 4 == 0 else 1))) as server:
        code, result = run(
            capsys, url=server.url("/productpage"), requests=20, concurrency=3, host="tutorial.bookinfo.com",
            headers={"end-user": "jason"}, body_contains="reviews", version_pattern=r"reviews-(v\d)-",
            thresholds=thresholds, progress_file=str(progress),
        )  # fmt: skip
    assert code == 0
    assert result["changed"] is False
    assert (result["sent"], result["status"], result["by_version"]) == (20, {"200": 20}, {"v1": 15, "v2": 5})
    assert [verdict["passed"] for verdict in result["thresholds"]] == [True] * 5
    assert result["thresholds"][3] == {**thresholds[3], "measured": 0.25, "passed": True}
    assert result["warned"] == []
    assert len(server.seen) == 20
    assert {(seen.path, seen.headers["host"], seen.headers["end-user"]) for seen in server.seen} == {
        ("/productpage", "tutorial.bookinfo.com", "jason")
    }
    assert "20 of 20 requests sent" in progress.read_text()


def test_a_threshold_that_does_not_hold_fails_and_returns_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(lambda seen: Reply(503 if seen.number == 3 else 200)) as server:
        code, result = run(
            capsys, url=server.url(), requests=10,
            thresholds=[{"metric": "status.200", "relation": "==", "bound": 10},
                        {"metric": "sent", "relation": "==", "bound": 10}],
        )  # fmt: skip
    assert code == 1
    assert result["msg"].endswith("is not as it should be: status.200 == 10 (measured 9).")
    assert (result["sent"], result["status"], result["changed"]) == (10, {"200": 9, "503": 1}, False)
    assert [verdict["passed"] for verdict in result["thresholds"]] == [False, True]


def test_without_thresholds_failures_are_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    code, result = run(capsys, url=url, requests=3)
    assert code == 0
    assert result["errors"] == {"refused": 3}
    assert result["warned"] == [f"3 of 3 requests to {url} were not answered as expected."]


def test_too_few_connections_for_the_rate_are_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(lambda _seen: Reply(delay=0.05)) as server:
        _code, slow = run(capsys, url=server.url(), requests=6, rate=200)
    assert re.match(r"1 connections were too few for 200 requests a second: .* \d+ ms late", slow["warned"][0])


@pytest.mark.parametrize(("rate", "behind", "warned"), [(200, 100.0, 0), (200, 100.1, 1), (None, 0.0, 0)])
def test_a_small_delay_is_the_machines(rate: float | None, behind: float, warned: int) -> None:
    measured = {"sent": 6, "succeeded": 6, "behind_ms": behind}
    assert len(_warnings(measured, {"url": "http://a/", "rate": rate, "concurrency": 1, "thresholds": []})) == warned


def test_check_mode_sends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Server() as server:
        code, result = run(
            capsys, url=server.url(), requests=10, _ansible_check_mode=True,
            thresholds=[{"metric": "sent", "relation": "==", "bound": 10}],
        )  # fmt: skip
    assert server.connections == 0
    assert code == 0
    assert (result["skipped"], result["changed"], result["sent"], result["status"]) == (True, False, 0, {})


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_that_is_offered_is_measured(capsys: pytest.CaptureFixture[str], metric: str) -> None:
    with Server() as server:
        code, result = run(
            capsys, url=server.url(), requests=2, thresholds=[{"metric": metric, "relation": ">=", "bound": 0}]
        )
    assert code == 0, result["msg"]
    assert result["thresholds"][0]["measured"] >= 0


def test_a_thousand_connections_are_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    code, _result = run(capsys, url="http://a/", requests=1, concurrency=1000, _ansible_check_mode=True)
    assert code == 0


def test_tls_with_a_client_certificate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Server(context=authority.server_context("shop.example", clients=True)) as server:
        _code, result = run(
            capsys, url=server.url(), requests=4, host="shop.example", ca_path=authority.path,
            client_cert=authority.issue("me.example"),
        )  # fmt: skip
    assert result["status"] == {"200": 4}
    assert server.server_names == ["shop.example"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"requests": 0}, "`requests` must be more than 0"),
        ({"duration": -1}, "`duration` must be more than 0"),
        ({"duration": "inf"}, "`duration` must be more than 0"),
        ({"duration": "nan"}, "`duration` must be more than 0"),
        ({"requests": 1, "rate": 0}, "`rate` must be more than 0"),
        ({"requests": 1, "timeout": 0}, "`timeout` must be more than 0"),
        ({"requests": 1, "concurrency": 1001}, "at most 1000"),
        ({}, "one of the following is required: requests, duration"),
        ({"requests": 1, "duration": 1}, "mutually exclusive"),
        ({"requests": 1, "client_key": "/k"}, "client_cert"),
        ({"requests": 1, "version_pattern": "("}, "not a regular expression"),
        ({"requests": 1, "version_pattern": "v1"}, "needs a group"),
        ({"requests": 1, "url": "localhost:80"}, "http://HOST:PORT/PATH"),
        ({"requests": 1, "thresholds": [{"metric": "latency_ms.p98", "relation": "<", "bound": 1}]}, "not measured"),
        ({"requests": 1, "thresholds": [{"metric": "status", "relation": "<", "bound": 1}]}, "not measured"),
        ({"requests": 1, "thresholds": [{"metric": "sent", "relation": "<", "bound": "x"}]}, "must be a number"),
        ({"requests": 1, "thresholds": [{"metric": "sent", "relation": "~", "bound": 1}]}, "value of relation"),
        (
            {"requests": 1, "thresholds": [{"metric": "by_version.v1", "relation": "<", "bound": 1}]},
            "needs `version_pattern`",
        ),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_bad_input_is_refused_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], words: str, check_mode: bool
) -> None:
    with Server() as server:
        code, result = run(capsys, **{"url": server.url(), "_ansible_check_mode": check_mode, **options})
    assert code == 1
    assert words in result["msg"]
    assert server.connections == 0
