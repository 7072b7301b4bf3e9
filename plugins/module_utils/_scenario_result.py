# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came out of a scenario, as the report shows it: numbers, verdicts, the manifest and a picture."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _binomial
from ansible_collections.meshlab.istio.plugins.module_utils._diff import shown
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import judge, look_up, sentence
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import write

Object = dict[str, Any]

LEFT_OUT = ("histogram",)
"""Of a measurement, what the report does not show of a scenario."""

PICTURE_PERCENT = 100


class Outcome:
    """Collects measurements while a scenario runs.

    :ivar problems: sentences (without a full stop) that say why it failed; none if it passed.
    """

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self.scenario = scenario
        self.title = str(scenario["title"])
        self.started = time.monotonic()
        self.at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.measured: dict[str, Any] = {}
        self.verdicts: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._manifest = ""

    @property
    def passed(self) -> bool:
        """Whether everything was done, and every expectation of every step was met."""
        wanted = [step for step in _steps(self.scenario["steps"]) if step.get("expect")]
        return not self.problems and all(step["name"] in self.measured for step in wanted)

    def add(self, step: Mapping[str, Any], measurement: Mapping[str, Any]) -> None:
        """Judge what a step measured."""
        self.measured[step["name"]] = measurement
        for hypothesis in step.get("expect", []):
            verdict = {"step": step["name"], **judge(hypothesis, measurement)}
            self.verdicts.append(verdict)
            if not verdict["passed"]:
                self.problems.append(f"{step['name']}: {sentence(verdict)}")

    def manifest(self, objects: Sequence[Object]) -> None:
        """Keep the applied objects as YAML, each once for each content, with the values of Secrets hidden."""
        texts = (write(shown(obj)) for obj in objects)
        self._manifest = "---\n".join(dict.fromkeys(texts))

    def entry(self) -> dict[str, Any]:
        """Return the scenario's entry in the report (docs/report.schema.json)."""
        return {
            **{key: self.scenario[key] for key in ("name", "title", "introduces")},
            "learned": self.scenario["lesson"],
            "passed": self.passed,
            "expected": [
                f"{step['name']}: {_rule(hypothesis)}"
                for step in _steps(self.scenario["steps"])
                for hypothesis in step.get("expect", [])
            ],
            "measured": {name: _compact(value) for name, value in self.measured.items()},
            "verdicts": self.verdicts,
            "problems": self.problems,
            "seconds": round(time.monotonic() - self.started, 1),
            "at": self.at,
            "manifest": self._manifest,
            "picture": self._picture(),
        }

    def _picture(self) -> dict[str, Any]:
        """Fill the bars that the scenario describes; what was not measured is left out.

        A bar is a ``metric`` of all measurements (step first), or its share of the metric ``of``, in percent with the
        exact interval.
        """
        described = self.scenario.get("picture") or {}
        bars = []
        for row in described.get("bars", []):
            value = look_up(row["metric"], self.measured)
            trials = look_up(row["of"], self.measured) if "of" in row else None
            if isinstance(value, bool) or not isinstance(value, (int, float)) or ("of" in row and not trials):
                continue
            drawn = {"label": row["label"], "value": value}
            if trials:
                low, high = _binomial.interval(int(value), int(trials))
                drawn = {
                    "label": row["label"], "value": PICTURE_PERCENT * value / trials,
                    "low": PICTURE_PERCENT * low, "high": PICTURE_PERCENT * high,
                }  # fmt: skip
            bars.append(drawn)
        if not bars:
            return {}
        return {"title": described.get("title", self.title), "unit": described.get("unit", ""), "bars": bars}


def _steps(steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for step in steps for each in (step, *_steps(step.get("during", [])))]


def _rule(hypothesis: Mapping[str, Any]) -> str:
    bound = hypothesis["bound"]
    if hypothesis["relation"] == "binomial":
        return (
            f"{hypothesis['metric']} is a share of {bound['share']:g} of {bound['of']} "
            f"(exact binomial test, p ≥ {_binomial.SIGNIFICANCE:g})"
        )
    if hypothesis["relation"] == "between":
        return f"{hypothesis['metric']} from {bound[0]:g} to {bound[1]:g}"
    return f"{hypothesis['metric']} {hypothesis['relation']} {bound}"


def _compact(measurement: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in measurement.items() if key not in LEFT_OUT and value is not None and value != {}
    }  # fmt: skip
