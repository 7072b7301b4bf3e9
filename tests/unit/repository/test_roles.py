# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles: one rhythm, every variable named, documented and given a default in the same way."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.repository.collection import PLAYBOOKS, ROLES, ROOT, load, role_task_files, tasks_in

# A preset's value stands in a default as this lookup.
PRESET = re.compile(
    r"\{\{ lookup\('meshlab\.istio\.preset', '(?P<name>\w+)', default=(?P<default>.+?)\) \}\}", re.DOTALL
)
TASK_FILES = [path for role in ROLES for path in role_task_files(role)]
OTHER_TASKS = PLAYBOOKS + sorted((ROOT / "extensions").rglob("*.yml"))
FORBIDDEN_MODULES = {"pause", "shell", "raw"}
MODULE_PREFIXES = ("", "ansible.builtin.", "ansible.legacy.")


def specification(role: str) -> dict[str, Any]:
    """Return the entry points of a role's argument_specs by name."""
    entries: dict[str, Any] = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    return entries


def defaults(role: str) -> dict[str, Any]:
    """Return a role's defaults; each role has the file, be it with an empty map."""
    values: dict[str, Any] = load(ROOT / "roles" / role / "defaults" / "main.yml")
    return values


def test_there_are_roles() -> None:
    assert len(ROLES) >= 8
    assert len(TASK_FILES) >= 8


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_exists_and_is_described(role: str) -> None:
    entries = specification(role)
    assert "main" in entries
    for name, entry in entries.items():
        assert (ROOT / "roles" / role / "tasks" / f"{name}.yml").is_file(), f"no tasks/{name}.yml"
        assert entry.get("short_description"), name
        assert entry.get("description"), name


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_documented(role: str) -> None:
    undocumented = []

    def walk(options: dict[str, Any], where: str) -> None:
        for name, option in options.items():
            if not option.get("description") or not option.get("type"):
                undocumented.append(where + name)
            walk(option.get("options") or {}, f"{where}{name}.")

    for name, entry in specification(role).items():
        walk(entry.get("options") or {}, f"{name}: ")
    assert not undocumented


@pytest.mark.parametrize("role", ROLES)
def test_options_and_defaults_are_the_same_set(role: str) -> None:
    """Ansible does not apply the defaults of an argument spec, so each stands in defaults/main.yml."""
    options: dict[str, Any] = {}
    for entry in specification(role).values():
        options.update(entry.get("options") or {})
    optional = {name for name, option in options.items() if not option.get("required")}
    assert optional == set(defaults(role))


@pytest.mark.parametrize("role", ROLES)
def test_documented_defaults_are_the_real_ones(role: str) -> None:
    real = defaults(role)
    for entry in specification(role).values():
        for name, option in (entry.get("options") or {}).items():
            if "default" in option:
                assert option["default"] == literal(real[name]), name
            elif name in real:
                value = literal(real[name])
                assert value is None or "{{" in str(value), f"{name}: the default {value!r} is not documented"


def literal(value: Any) -> Any:
    """Return a default as a plain value: what the preset lookup falls back on, else the value itself."""
    found = PRESET.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        return value
    text = {"true": "True", "false": "False", "none": "None"}.get(found["default"], found["default"])
    try:
        return ast.literal_eval(text)
    except ValueError:
        return value


@pytest.mark.parametrize("role", ROLES)
def test_variables_carry_the_name_of_the_role(role: str) -> None:
    assert all(name.startswith(f"{role}_") for name in defaults(role))
    for path in (ROOT / "roles" / role / "vars").rglob("*.yml"):
        assert all(name.startswith(f"__{role}_") for name in load(path)), path


def test_lab_wide_variables_reach_a_role_through_its_defaults() -> None:
    """`lab_*` is read in defaults (and through them in presets), never in the middle of a role.

    A provider may set them: it says to the roles after it where the cluster is. A message may say what to type.
    """
    readers = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for role in ROLES
        for part in ("tasks", "handlers", "templates", "vars")
        for path in (ROOT / "roles" / role / part).rglob("*")
        if path.is_file()
        for match in re.finditer(r"(?<![\w.])lab_(?!files\b)\w+\b(?!:|=[^=])", _code(path))
    ]
    assert not readers


def test_every_role_asks_the_same_cluster() -> None:
    """Of a lab with another profile too, in a play of its own, where no role has said what the context is."""
    contexts = {name: value for role in ROLES for name, value in defaults(role).items() if name == f"{role}_context"}
    assert len(contexts) >= 8
    assert set(contexts.values()) == {"{{ lab_context | default(minikube_profile | default('minikube')) }}"}


def test_every_role_looks_at_the_namespace_that_bookinfo_has() -> None:
    for name in ("status_app_namespace", "scenarios_namespace", "access_app_namespace"):
        assert defaults(name.split("_")[0])[name].startswith("{{ bookinfo_namespace | default("), name


def _code(path: Path) -> str:
    return "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in path.read_text(encoding="utf-8").splitlines())


def test_presets_set_only_variables_that_ask_for_them() -> None:
    presets = sorted((ROOT / "presets").glob("*.yml"))
    assert len(presets) >= 3
    asked = {
        match["name"]
        for role in ROLES
        for match in re.finditer(
            r"'meshlab\.istio\.preset',\s*'(?P<name>\w+)'",
            (ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"),
        )
    }
    for path in presets:
        unread = set(load(path)) - asked
        assert not unread, f"{path.name}: no role's default asks for {sorted(unread)}"


@pytest.mark.parametrize("path", [*TASK_FILES, *OTHER_TASKS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tasks_hide_nothing_and_wait_for_something(path: Path) -> None:
    document = load(path)
    if isinstance(document, list):
        problems = [f"{task.get('name')}: {what}" for task in tasks_in(document) for what in bad_habits(task)]
        assert not problems


def bad_habits(task: dict[str, Any]) -> list[str]:
    """Name what house style forbids in a task."""
    found = [
        f"{module} is not used here" for module in FORBIDDEN_MODULES if any(p + module in task for p in MODULE_PREFIXES)
    ]
    if task.get("ignore_errors"):
        found.append("ignore_errors hides failures; use failed_when or rescue")
    if any(task.get(prefix + "meta") == "flush_handlers" for prefix in MODULE_PREFIXES):
        found.append("handlers are not flushed in the middle of a role")
    command = next((task[prefix + "command"] for prefix in MODULE_PREFIXES if prefix + "command" in task), None)
    words = command.get("argv") or command.get("cmd", "") if isinstance(command, dict) else command
    first = (words.split() if isinstance(words, str) else list(words or [])) or [""]
    if str(first[0]).rsplit("/", 1)[-1] == "sleep":
        found.append("sleep waits for nothing; wait for what must be true")
    return found


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.pause": {"seconds": 5}},
        {"ansible.builtin.shell": "true | true"},
        {"ansible.builtin.command": {"argv": ["/bin/sleep", "5"]}},
        {"ansible.builtin.command": "sleep 5"},
        {"ansible.builtin.meta": "flush_handlers"},
        {"ansible.builtin.debug": {}, "ignore_errors": True},
    ],
)
def test_gate_knows_bad_habits(task: dict[str, Any]) -> None:
    assert bad_habits(task)


def test_gate_reads_a_preset_default() -> None:
    assert literal("{{ lookup('meshlab.istio.preset', 'a_b', default=true) }}") is True
    assert literal("{{ lookup('meshlab.istio.preset', 'a_b', default='v1') }}") == "v1"
    assert literal("{{ lab_bundle | default('') }}") == "{{ lab_bundle | default('') }}"
