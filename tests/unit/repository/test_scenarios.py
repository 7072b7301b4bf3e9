# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios' files: all seventeen, each of the right form, each a tag, each with its lesson."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched_document
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_form import all_steps, check
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read
from tests.integration.all.breakages import BREAKAGES
from tests.unit.repository.collection import ROOT, load

ROLE = ROOT / "roles" / "scenarios"
FILES = sorted((ROLE / "files").glob("*.yml"))
NAMES: list[str] = load(ROLE / "vars" / "main.yml")["__scenarios_all"]
COUNT = 17


def test_each_scenario_is_a_file() -> None:
    assert len(NAMES) == COUNT
    assert {path.stem for path in FILES} == set(NAMES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ansible_and_kubectl_read_the_same_in_it(path: Path) -> None:
    """The role reads it with Ansible's reader; its objects go to Kubernetes."""
    assert read(path.read_text(encoding="utf-8"), path.name) == [json.loads(json.dumps(load(path)))]


def test_the_documentation_names_each_scenario_in_order() -> None:
    told = load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]["scenarios_names"]
    assert re.findall(r"C\(([a-z][a-z-]*)\)", told["description"][-1]) == NAMES


@pytest.mark.parametrize(
    ("run", "skipped", "expected"),
    [
        (["all"], [], NAMES),
        (["canary"], [], ["canary"]),
        (["mtls", "canary"], [], ["canary", "mtls"]),
        (["all"], ["canary"], [name for name in NAMES if name != "canary"]),
        (["report"], [], []),
    ],
)
def test_each_scenario_is_a_tag(run: list[str], skipped: list[str], expected: list[str]) -> None:
    (block,) = load(ROLE / "tasks" / "main.yml")
    assert block["tags"] == ["always"], "a name as tag would leave out every other scenario with --skip-tags NAME"
    variables = {"ansible_run_tags": run, "ansible_skip_tags": skipped, "__scenarios_all": NAMES}
    template = load(ROLE / "defaults" / "main.yml")["scenarios_names"]
    assert Templar(DataLoader(), variables=variables).template(trust_as_template(template)) == expected


def test_what_a_run_adds_to_the_report() -> None:
    results = [{"scenario": {"name": "canary", "passed": False}, "failed": True, "msg": "The scenario canary failed."}]
    variables = {
        **load(ROLE / "vars" / "main.yml"),
        "scenarios_result": {"results": [*results, {"skipped": True}]},
    }
    variables = {key: trust_as_template(value) if isinstance(value, str) else value for key, value in variables.items()}
    templar = Templar(DataLoader(), variables=variables)
    entries = templar.template(trust_as_template("{{ __scenarios_entries }}"))
    assert entries == [{"name": "canary", "passed": False}]
    problems = templar.template(trust_as_template("{{ __scenarios_problems }}"))
    assert problems == ["The scenario canary failed."]


def test_nothing_newer_than_the_oldest_release_is_asked_of_the_cluster() -> None:
    """networking.istio.io/v1 and security.istio.io/v1 came with Istio 1.22; v1beta1 is there from 1.19 to today's."""
    for path in FILES:
        assert not re.findall(r"istio\.io/v1(?![a-z])", path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize("name", NAMES)
def test_the_form_and_the_lesson(name: str) -> None:
    scenario = load(ROLE / "files" / f"{name}.yml")
    assert scenario["name"] == name
    check(scenario)
    assert len(re.findall(r"[.!?](?:\s|$)", scenario["lesson"].strip())) == 2, "two sentences"
    measured = {step.get("name") for step in all_steps(scenario["steps"])}
    bars = scenario["picture"]["bars"]
    assert bars
    assert all(bar["metric"].rsplit(".", 1)[0].startswith(tuple(filter(None, measured))) for bar in bars)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_waits_for_a_fixed_time(name: str) -> None:
    text = (ROLE / "files" / f"{name}.yml").read_text(encoding="utf-8")
    assert not re.search(r"\b(pause|sleep \d|wait_for)\b", text)


def test_each_scenario_has_a_way_to_break_it() -> None:
    assert set(BREAKAGES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_scenario_still_has_the_right_form(name: str) -> None:
    """It must fail by what is measured, not by its form; and its expectations stay as they are."""
    scenario = load(ROLE / "files" / f"{name}.yml")
    broken = patched_document(scenario, BREAKAGES[name][1], name)
    check(broken)
    assert broken != scenario
    assert expectations(broken) == expectations(scenario)
    assert BREAKAGES[name][0] in expectations(scenario)


def expectations(scenario: dict[str, Any]) -> dict[str, Any]:
    return {step["name"]: step.get("expect") for step in all_steps(scenario["steps"]) if "name" in step}


def test_the_default_release_is_that_of_the_role_istio() -> None:
    defaults = (ROLE / "defaults" / "main.yml").read_text(encoding="utf-8")
    theirs = (ROOT / "roles" / "istio" / "defaults" / "main.yml").read_text(encoding="utf-8")
    lookup = re.search(r"lookup\('meshlab\.istio\.preset', 'istio_version', default='[^']+'\)", theirs)
    assert lookup
    assert lookup.group() in defaults
