# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/failing-rollouts.md says what the evidence says, for every kind of rollout."""

from __future__ import annotations

import json
import re
from typing import Any

from docs.build_failing_rollouts import SOURCE, TARGET, _failing, _passing, render
from tests.integration.all.rollouts import FAILING, LEAST, PASSING

FINAL_SECONDS = 10.0


def problems(page: str) -> list[str]:
    """Return what the page lacks: numbers of every tool for every kind, and an end in time for the final ones."""
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in page.splitlines() if line.startswith("| ")}
    found = []
    for rollout in FAILING.values():
        ours, others = (rows[rollout.title].split(" | ")[part] for part in (slice(2, 4), slice(4, 6)))
        since = [re.fullmatch(r"[\d.]+ \(([\d.]+)\)", cell) for cell in ours]
        if not all(since) or not all(re.fullmatch(r">?[\d.]+(: success)?", cell) for cell in others):
            found.append(f"{rollout.title}: no evidence")
        elif rollout.final and max(float(match.group(1)) for match in since if match) > FINAL_SECONDS:
            found.append(f"{rollout.title}: too late")
    return found + [f"{each.title}: no evidence" for each in PASSING.values() if "—" in rows[each.title]]


def evidence(since: float) -> dict[str, Any]:
    """Return evidence in which everything passed."""
    ours = {"seconds": since + 4, "seconds_after_the_cluster_said_so": since, "reason": "Error"}
    tests: dict[str, Any] = {}
    for kind in FAILING:
        tests[f"test_a_rollout_that_fails_is_named[{kind}]"] = {"manifests": ours, "istioctl_install": ours}
        for by, more in (("k8s", {"capped": True, "cap": 120}), ("istioctl", {"failed": False})):
            tests[f"test_what_others_need[{by}-{kind}]"] = {"seconds": 130.0, **more}
    for kind in PASSING:
        tests[f"test_a_rollout_that_only_looks_so_is_not_given_up[{kind}]"] = {"seconds": 50.0}
    tests = {name: {"passed": True, **entry} for name, entry in tests.items()}
    return {"date": "2026-11-24T00:00:00+00:00", "versions": {"istio": "1.31.0"}, "measured": {"tests": tests}}


def test_page_and_evidence_come_together() -> None:
    assert TARGET.exists() == SOURCE.exists()
    if SOURCE.exists():
        page = render(json.loads(SOURCE.read_text(encoding="utf-8")))
        assert TARGET.read_text(encoding="utf-8") == page, "run `python docs/build_failing_rollouts.py`"
        assert problems(page) == []


def test_every_kind_is_there_and_final_ones_end_in_time() -> None:
    assert (len(FAILING), len(PASSING), set(LEAST)) == (12, 5, set(PASSING))
    assert problems(render(evidence(since=9.9))) == []
    late = problems(render(evidence(since=10.1)))
    assert late == [f"{rollout.title}: too late" for rollout in FAILING.values() if rollout.final]
    assert "quota: too late" in late
    nothing = {**evidence(since=1.0), "measured": {"tests": {}}}
    assert len(problems(render(nothing))) == len(FAILING) + len(PASSING)


def test_a_row_without_a_passed_test_claims_nothing() -> None:
    failed = {"test_a_rollout_that_fails_is_named[quota]": {"passed": False, "manifests": {"seconds": 3.0}}}
    for tests in ({}, failed):
        assert _failing("quota", "quota", True, tests).count("—") == 5
        assert _passing("dns", "dns", 15.0, tests).count("—") == 2


def test_what_hit_the_cap_is_no_measurement() -> None:
    tests = {"test_what_others_need[k8s-quota]": {"passed": True, "seconds": 121.4, "capped": True, "cap": 120}}
    assert " >120 " in _failing("quota", "quota", True, tests)
