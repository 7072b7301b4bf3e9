# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scenario's data may say, and values in it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _scenario_steps as steps
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched_document
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_form import (
    ACTIONS,
    KINDS,
    MEASUREMENTS,
    all_steps,
    check,
    filled,
)

SCENARIO: dict[str, Any] = {
    "name": "half", "title": "Half", "introduces": "faults", "lesson": "One. Two.",
    "steps": [
        {"apply": {"objects": []}},
        {"name": "page", "traffic": {"requests": 10}, "during": [{"name": "pods", "pods": {"select": "app=x"}}],
         "expect": [{"metric": "sent", "relation": "==", "bound": 10}]},
    ],
}  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = patched_document(SCENARIO, [{"op": "add", "path": path, "value": value}], "it")
    return changed


def test_the_form_fits_and_lists_what_runs_beside() -> None:
    before = copy.deepcopy(SCENARIO)
    check(SCENARIO)
    assert before == SCENARIO
    assert [step.get("name") for step in all_steps(SCENARIO["steps"])] == [None, "page", "pods"]


def test_every_kind_of_the_form_is_done_by_something() -> None:
    assert set(ACTIONS) == set(steps.ACTIONS)
    assert set(MEASUREMENTS) == set(steps.MEASUREMENTS)
    assert set(KINDS) == set(ACTIONS) | set(MEASUREMENTS)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("/lesson", "", "needs a text as `lesson`"),
        ("/steps", [], "needs a list of `steps`"),
        ("/steps/0", {"wait": 3}, "is not one of"),
        ("/steps/0", {"apply": {}, "traffic": {}}, "is not one of"),
        ("/steps/0", {"apply": {}, "pause": 3}, "is not one of"),
        ("/steps/0", "apply", "is not one of"),
        ("/steps/0/apply/shell", "rm", "apply takes"),
        ("/steps/0/expect", [{"metric": "x", "relation": "==", "bound": 1}], "measures nothing"),
        ("/steps/0/during", [{"pods": {}, "name": "x"}], "only during traffic"),
        ("/steps/1/name", "", "needs a name of its own"),
        ("/steps/1/during/0/name", "page", "needs a name of its own"),
        ("/steps/1/expect/0/metric2", "x", "has metric, relation and bound"),
        ("/steps/1/expect/0/relation", "about", "is not a relation"),
        ("/steps/1/expect", [], "expects nothing"),
    ],
)
def test_what_does_not_fit_is_a_sentence(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check(changed(path, value))


def test_values() -> None:
    values = {"port": 8443, "name": "lab"}
    data = {"a": ["${port}", "${name}:${port}"], "b": 3, "c": "$1"}
    assert filled(data, values) == {"a": [8443, "lab:8443"], "b": 3, "c": "$1"}
    with pytest.raises(InputError, match="no value \\$\\{gone\\} here; there are: name, port"):
        filled("x ${gone}", values)
