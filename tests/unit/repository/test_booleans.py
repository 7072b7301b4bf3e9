# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`-e name=false` is the text "false", which is true: wherever a boolean option decides, it goes through `| bool`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.repository.collection import PLAYBOOKS, ROLES, ROOT, load, role_task_files

CONDITIONS = {"when", "that", "until", "failed_when", "changed_when"}
FILES = sorted(
    [path for role in ROLES for part in ("defaults", "vars") for path in (ROOT / "roles" / role / part).rglob("*.yml")]
    + [path for role in ROLES for path in role_task_files(role)]
    + PLAYBOOKS
)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
MADE_BOOLEAN = r"(?!\w)(?!\s*(\|\s*default\(\w+\)\s*)?\|\s*bool\b)"


@functools.cache
def options() -> set[str]:
    """Return the name of each boolean option of a role's entry points."""
    return {
        name
        for role in ROLES
        for entry in load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"].values()
        for name, option in (entry.get("options") or {}).items()
        if option["type"] == "bool"
    }


def bare(document: Any, names: set[str], condition: bool = False) -> Iterator[str]:
    """Yield each expression in which one of ``names`` decides as it was given.

    Handing it over is none: modules and argument_specs know what "false" means.
    """
    if isinstance(document, dict):
        for key, value in document.items():
            yield from bare(value, names, key in CONDITIONS)
    elif isinstance(document, list):
        for value in document:
            yield from bare(value, names, condition)
    elif isinstance(document, str):
        for expression in [document] if condition else EXPRESSION.findall(document):
            text = QUOTED.sub("''", expression)
            if re.search(rf"(?<![\w.])({'|'.join(sorted(names))}){MADE_BOOLEAN}", text) and (
                condition or not re.fullmatch(r"\{\{\s*\w+\s*\}\}", text)
            ):
                yield expression


def test_there_are_boolean_options() -> None:
    assert {"access_port_forward", "minikube_tunnel", "bookinfo_set_context", "traffic_prometheus"} <= options()
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_boolean_options_decide_as_booleans(path: Path) -> None:
    assert not list(bare(load(path), options()))


@pytest.mark.parametrize(
    "document",
    [
        {"when": "a_on"},
        {"when": ["b", "not a_on"]},
        {"ansible.builtin.assert": {"that": "a_on or b"}},
        {"x": "{{ a_on | ternary(1, 2) }}"},
        {"x": "{{ 1 if a_on else 2 }}"},
        {"x": "text {% if a_on | default(true) %}"},
        [{"block": [{"until": "b and a_on"}]}],
    ],
)
def test_gate_finds_what_decides_as_it_was_given(document: Any) -> None:
    assert list(bare(document, {"a_on"}))


@pytest.mark.parametrize(
    "document",
    [
        {"when": "a_on | bool"},
        {"when": ["not (a_on | default(false) | bool)", "'a_on' in names", "a_on_more", "x.a_on"]},
        {"wait": "{{ a_on }}", "name": "a_on decides"},
        {"a_on": "{{ lookup('meshlab.istio.preset', 'a_on', default=true) }}"},
    ],
)
def test_gate_accepts_what_is_made_boolean_or_handed_over(document: Any) -> None:
    assert not list(bare(document, {"a_on"}))
