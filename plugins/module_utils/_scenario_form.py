# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a scenario: what its data may say, checked before anything is touched.

A scenario is a mapping of TEXTS, ``steps`` and optionally ``picture``. A step is a mapping of exactly one of KINDS
(which does something) and some of STEP; those that measure have a ``name`` under which the report shows them, and
hypotheses under ``expect``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._mesh_call import DEFAULTS as CALL
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import check_hypothesis

Step = dict[str, Any]

TEXTS = ("name", "title", "introduces", "lesson")

ACTIONS: dict[str, frozenset[str]] = {
    "apply": frozenset({"objects", "samples", "select", "patches", "acknowledged"}),
    "remove": frozenset({"objects"}),
    "delete": frozenset({"kind", "select", "count", "grace_seconds", "namespace"}),
    "evict": frozenset({"select", "seconds"}),
    "tokens": frozenset({"claims"}),
    "certificates": frozenset({"server"}),
    "serve_outside": frozenset(),
}
"""Kind of a step that changes or prepares something → its options."""

MEASUREMENTS: dict[str, frozenset[str]] = {
    "traffic": frozenset({
        "url", "host", "headers", "requests", "duration", "rate", "concurrency", "timeout", "keep_alive",
        "body_contains", "version_pattern", "ca_path", "client_cert", "client_key",
    }),
    "call": frozenset(CALL) | {"url"},
    "clusters": frozenset({"select", "prefix", "namespace", "since"}),
    "certificates_used": frozenset({"select", "since"}),
    "pods": frozenset({"select", "namespace", "since"}),
    "outside_hits": frozenset(),
}  # fmt: skip
"""Kind of a step that measures → its options."""

KINDS = {**ACTIONS, **MEASUREMENTS}
STEP = frozenset({"name", "expect", "within", "during"})

_VALUE = re.compile(r"\$\{(\w+)\}")


def check(scenario: Mapping[str, Any]) -> None:
    """Raise InputError unless ``scenario`` has the form that this file describes."""
    for key in TEXTS:
        if not isinstance(scenario.get(key), str) or not scenario[key]:
            raise InputError(f"The scenario {scenario.get('name', '(without a name)')} needs a text as `{key}`.")
    steps = scenario.get("steps")
    if not isinstance(steps, list) or not steps:
        raise InputError(f"The scenario {scenario['name']} needs a list of `steps`.")
    names: set[str] = set()
    for step in all_steps(steps):
        _check_step(scenario["name"], step, names)
    if not any(step.get("expect") for step in all_steps(steps)):
        raise InputError(f"The scenario {scenario['name']} expects nothing, so it could not fail.")


def all_steps(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield each step, and those that run during it right behind it."""
    for step in steps:
        yield step
        yield from all_steps(step.get("during", []))


def kind_of(step: Step) -> str:
    """Return what a checked step does."""
    return next(key for key in step if key in KINDS)


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Return data with ``${NAME}`` in every text replaced by the value of that name.

    A text that is nothing else becomes the value itself, which may be a number.

    :raises InputError: there is no such value (yet).
    """
    if isinstance(value, str):
        whole = _VALUE.fullmatch(value)
        return _known(whole, values) if whole else _VALUE.sub(lambda match: str(_known(match, values)), value)
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    if isinstance(value, Mapping):
        return {key: filled(item, values) for key, item in value.items()}
    return value


def _known(match: re.Match[str], values: Mapping[str, Any]) -> Any:
    if match.group(1) not in values:
        raise InputError(f"There is no value {match.group()} here; there are: {', '.join(sorted(values))}.")
    return values[match.group(1)]


def _check_step(scenario: str, step: Any, names: set[str]) -> None:
    where = f"The scenario {scenario}, step {step.get('name', step) if isinstance(step, dict) else step}"
    kinds = [key for key in step if key in KINDS] if isinstance(step, dict) else []
    if len(kinds) != 1 or set(step) - STEP - set(kinds):
        raise InputError(f"{where:.200}, is not one of {', '.join(KINDS)} with some of {', '.join(sorted(STEP))}.")
    kind = kinds[0]
    options = step[kind] or {}
    if not isinstance(options, dict) or set(options) - KINDS[kind]:
        raise InputError(f"{where:.200}: {kind} takes {', '.join(sorted(KINDS[kind])) or 'nothing'}.")
    if not all(_is_object(obj) for obj in options.get("objects") or []):
        raise InputError(f"{where:.200}: each of `objects` needs apiVersion, kind and metadata with a name.")
    if kind in MEASUREMENTS:
        if not step.get("name") or step["name"] in names:
            raise InputError(f"{where:.200}: what measures needs a name of its own.")
        names.add(step["name"])
    elif step.get("expect"):
        raise InputError(f"{where:.200}: {kind} measures nothing that could be expected.")
    for hypothesis in step.get("expect", []):
        if not isinstance(hypothesis, dict) or set(hypothesis) != {"metric", "relation", "bound"}:
            raise InputError(f"{where:.200}: an expectation has metric, relation and bound, not {hypothesis}.")
        check_hypothesis(hypothesis)
    if step.get("during") and kind != "traffic":
        raise InputError(f"{where:.200}: only during traffic something else can run.")


def _is_object(obj: Any) -> bool:
    """Tell whether something has the identity of a Kubernetes object."""
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
        return False
    return all(
        isinstance(text, str) and text for text in (obj.get("apiVersion"), obj.get("kind"), obj["metadata"].get("name"))
    )
