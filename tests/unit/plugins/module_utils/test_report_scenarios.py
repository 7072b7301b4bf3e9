# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario's card: verdicts as rows, the interval of a share, why it failed, the manifest."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._report_scenarios import scenarios

SHARE = {
    "step": "one in ten", "metric": "by_version.v2", "relation": "binomial",
    "bound": {"share": 0.1, "of": "succeeded"}, "measured": 97, "passed": True, "trials": 1000, "p": 0.7922,
    "interval": [0.0688, 0.1314],
}  # fmt: skip
MISSED = {"step": "page", "metric": "lost", "relation": "==", "bound": 0, "measured": 3, "passed": False}
NOTHING = {"step": "page", "metric": "most", "relation": "between", "bound": [1, 2], "measured": None, "passed": False}
RUN: dict[str, Any] = {
    "name": "canary", "title": "Canary <release>", "learned": "One. Two.", "passed": False, "seconds": 12.3,
    "expected": ["x"], "measured": {"page": {"sent": 1000}}, "verdicts": [SHARE, MISSED, NOTHING],
    "problems": ["page: lost == 0 (measured 3)"], "manifest": "kind: VirtualService\n",
    "picture": {"title": "Share", "unit": "%", "bars": [{"label": "v2", "value": 9.7, "low": 6.9, "high": 13.1}]},
}  # fmt: skip


def test_a_card_says_all_that_was_judged() -> None:
    html = str(scenarios({"name": "lab", "scenarios": [RUN]}))
    assert "Canary &lt;release&gt;" in html
    assert "by_version.v2: 10 % of succeeded" in html
    assert "of 1,000, 6.9 % to 13.1 %, p 0.79" in html
    assert "lost == 0</small>" in html
    assert "most from 1 to 2" in html
    assert ">nothing<" in html
    assert (html.count("as expected"), html.count('class="wrong"')) == (1, 3)
    assert "page: lost == 0 (measured 3)" in html
    assert html.count("kind: VirtualService") == 1
    assert 'class="whisker"' in html


def test_what_other_tools_report_needs_no_verdicts() -> None:
    html = str(scenarios({"name": "lab", "scenarios": [{"name": "own", "passed": True, "expected": "200"}]}))
    assert "<dt>Expected</dt><dd>200</dd>" in html


def test_without_scenarios_it_says_so() -> None:
    assert "Not run." in str(scenarios({"name": "lab"}))
