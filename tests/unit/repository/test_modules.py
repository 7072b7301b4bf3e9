# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules: documentation that parses, agrees with the argument spec, and has examples that the spec accepts."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator

from tests.unit.repository.collection import COLLECTION, MODULES, ROOT, load, tasks_in

SPEC_KEYS = ("type", "elements", "default", "choices", "required")
SPEC_DEFAULTS = {"type": "str", "elements": None, "default": None, "choices": None, "required": False}
RELATIONS = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
MAIN_LINES = 40


class _Specified(Exception):
    """Carries what a module gave to AnsibleModule."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def specification(name: str) -> dict[str, Any]:
    """Return the arguments with which a module's main() makes its AnsibleModule."""

    def init(_self: AnsibleModule, argument_spec: dict[str, Any], **rest: Any) -> None:
        raise _Specified({"argument_spec": argument_spec, **rest})

    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")
    with mock.patch.object(AnsibleModule, "__init__", init), pytest.raises(_Specified) as caught:
        module.main()
    return caught.value.arguments


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Any]]:
    """What ansible-doc says of every module, doc fragments merged in."""
    tool = Path(sys.executable).with_name("ansible-doc")
    names = [f"{COLLECTION}.{name}" for name in MODULES]
    said = subprocess.run([str(tool), "--json", "--type=module", *names], check=True, capture_output=True, text=True)
    parsed: dict[str, dict[str, Any]] = json.loads(said.stdout)
    return {name.rsplit(".", 1)[1]: documentation for name, documentation in parsed.items()}


def test_there_are_modules() -> None:
    assert len(MODULES) >= 6


@pytest.mark.parametrize("name", MODULES)
def test_documentation_is_complete(name: str, documented: dict[str, dict[str, Any]]) -> None:
    parts = documented[name]
    assert parts["doc"]["short_description"]
    assert parts["doc"]["author"]
    assert {"check_mode", "diff_mode"} <= set(parts["doc"]["attributes"])
    assert yaml.safe_load(parts["examples"])
    assert parts["return"]
    for returned, description in parts["return"].items():
        assert description.get("description"), returned
        assert description.get("type"), returned


@pytest.mark.parametrize("name", MODULES)
def test_documentation_agrees_with_the_argument_spec(name: str, documented: dict[str, dict[str, Any]]) -> None:
    differences = list(_compare(documented[name]["doc"].get("options", {}), specification(name)["argument_spec"], ""))
    assert not differences


def _compare(options: dict[str, Any], spec: dict[str, Any], where: str) -> list[str]:
    found = [f"{where}{option}: only documented" for option in options.keys() - spec.keys()]
    found += [f"{where}{option}: not documented" for option in spec.keys() - options.keys()]
    for option in options.keys() & spec.keys():
        said, real = options[option], spec[option]
        for key in SPEC_KEYS:
            values = [source.get(key, SPEC_DEFAULTS[key]) for source in (said, real)]
            if key == "choices":
                values = [list(value) if value else None for value in values]
            if values[0] != values[1]:
                found.append(f"{where}{option}.{key}: documented {values[0]!r}, is {values[1]!r}")
        if sorted(said.get("aliases", [])) != sorted(real.get("aliases", [])):
            found.append(f"{where}{option}.aliases differ")
        if not said.get("description"):
            found.append(f"{where}{option}: no description")
        found += _compare(said.get("suboptions") or {}, real.get("options") or {}, f"{where}{option}.")
    return found


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_accepted(name: str, documented: dict[str, dict[str, Any]]) -> None:
    """Each example that calls the module has known options, and valid values where they are not templates."""
    given = specification(name)
    relations = {key: given[key] for key in RELATIONS if given.get(key)}
    examples = [
        task[f"{COLLECTION}.{name}"] or {}
        for task in tasks_in(yaml.safe_load(documented[name]["examples"]))
        if f"{COLLECTION}.{name}" in task
    ]
    assert examples, "no example calls the module by its full name"
    for arguments in examples:
        spec = {**given["argument_spec"]}
        for option, value in arguments.items():
            if option in spec and "{{" in str(value):
                spec[option] = {"type": "raw"}
        result = ModuleArgumentSpecValidator(spec, **relations).validate(arguments)
        assert not result.error_messages, arguments


def test_action_group_is_the_modules_that_talk_to_a_cluster() -> None:
    """A default for the group must be an option of each of its modules, or Ansible refuses the task."""
    talking = [name for name in MODULES if {"kubeconfig", "context"} <= specification(name)["argument_spec"].keys()]
    assert len(talking) >= 6
    assert load(ROOT / "meta" / "runtime.yml")["action_groups"]["istio"] == talking


@pytest.mark.parametrize("name", MODULES)
def test_check_mode_is_supported(name: str) -> None:
    assert specification(name).get("supports_check_mode") is True


@pytest.mark.parametrize("name", MODULES)
def test_main_is_short(name: str) -> None:
    """The logic is in module_utils."""
    source = (ROOT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8")
    body = source.split("\ndef main()", 1)[1].split("\n\n\n", 1)[0]
    assert len(body.splitlines()) <= MAIN_LINES


def test_gate_finds_a_difference() -> None:
    documentation = {"a": {"type": "int", "description": "x"}, "b": {"type": "str", "description": "x"}}
    spec = {"a": {"type": "int", "default": 1}, "c": {}}
    assert sorted(_compare(documentation, spec, "")) == [
        "a.default: documented None, is 1",
        "b: only documented",
        "c: not documented",
    ]
