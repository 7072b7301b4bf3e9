# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios in report.html: what each was about, what was expected and measured, a picture, and the manifest."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _charts as charts
from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts
from ansible_collections.meshlab.istio.plugins.module_utils._html import Markup, join, tag
from ansible_collections.meshlab.istio.plugins.module_utils._report_facts import Host
from ansible_collections.meshlab.istio.plugins.module_utils._report_parts import label, not_run, pairs, passed, table


def scenarios(host: Host) -> Markup:
    """Return a card for each scenario that was run."""
    runs = host.get("scenarios")
    if not runs:
        return tag("div", not_run(), class_="card")
    return tag("div", [_scenario(run) for run in runs], class_="two") if len(runs) > 1 else _scenario(runs[0])


def _scenario(run: dict[str, Any]) -> Markup:
    title = run.get("title", run["name"])
    badge = tag("span", "passed" if run["passed"] else "failed", class_=f"badge {'ok' if run['passed'] else 'problem'}")
    took = [("Time", facts.seconds(run["seconds"]))] if "seconds" in run else []
    if run.get("earlier"):
        took.append(("Run", f"earlier, at {run['at']}" if "at" in run else "earlier"))
    manifest = tag("pre", tag("code", run["manifest"]), tabindex="0") if run.get("manifest") else None
    return tag(
        "article",
        tag("h3", title, badge),
        tag("p", run["learned"], class_="muted") if "learned" in run else None,
        [tag("p", problem, class_="wrong") for problem in run.get("problems", [])],
        _picture(run.get("picture", {}), title),
        _numbers(run),
        pairs(took),
        tag("details", tag("summary", "Manifest"), manifest) if manifest else None,
        class_="card scenario",
    )


def _numbers(run: dict[str, Any]) -> Markup | None:
    """Return every verdict as a row and all that was measured behind a click; without verdicts, what there is."""
    stated = [(label(key), _value(run[key])) for key in ("expected", "measured") if key in run]
    verdicts = run.get("verdicts")
    if not verdicts:
        return pairs(stated)
    rows = [
        [(each["step"], tag("small", _rule(each))), _measured(each), passed(each["passed"], "as expected", "not")]
        for each in verdicts
    ]
    return join([
        table(["Step and expectation", "Measured", "Result"], rows, numeric=(1,)),
        tag("details", tag("summary", "All that was measured"), pairs(stated[1:])) if len(stated) > 1 else None,
    ])  # fmt: skip


def _rule(verdict: dict[str, Any]) -> str:
    bound = verdict["bound"]
    if isinstance(bound, dict):
        return f"{verdict['metric']}: {facts.percent(bound['share'])} of {bound['of']}"
    if isinstance(bound, list):
        return f"{verdict['metric']} from {facts.number(bound[0])} to {facts.number(bound[1])}"
    return f"{verdict['metric']} {verdict['relation']} {bound}"


def _measured(verdict: dict[str, Any]) -> Any:
    if verdict.get("measured") is None:
        return "nothing"
    value = facts.number(verdict["measured"])
    if "interval" not in verdict:
        return value
    low, high = (facts.percent(end) for end in verdict["interval"])
    return (value, tag("small", f"of {facts.number(verdict['trials'])}, {low} to {high}, p {verdict['p']:.2g}"))


def _picture(picture: dict[str, Any], name: str) -> Markup | None:
    title, unit = picture.get("title", name), picture.get("unit", "")
    if picture.get("bars"):
        words = ", ".join(f"{each['label']} {facts.number(each['value'])} {unit}".strip() for each in picture["bars"])
        drawn = charts.bars(picture["bars"], title=f"{title}. {words}", unit=unit, distinct=True)
    elif picture.get("points"):
        drawn = charts.line(picture["points"], title=title, unit=unit)
    else:
        return None
    return tag("figure", tag("figcaption", title), drawn)


def _value(value: Any) -> Any:
    """Write whatever a scenario expected or measured: text and numbers as they are, bounds as rules, lists as lists."""
    if isinstance(value, dict):
        if "metric" in value:
            return facts.threshold(value)
        return tag("ul", [tag("li", f"{key}: ", _value(item)) for key, item in value.items()], class_="plain")
    if isinstance(value, list):
        return tag("ul", [tag("li", _value(item)) for item in value], class_="plain")
    return facts.number(value)
