# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of each object that is waited for: its kind's own predicate and the caller's conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._ready import predicate_for

Object = dict[str, Any]
Test = Callable[[Object], "str | None"]
"""Takes a live object; returns None when it holds, else what is missing."""


def tests_for(objects: Iterable[Object], conditions: Sequence[Mapping[str, Any]]) -> list[tuple[Object, list[Test]]]:
    """Return the objects that have something to wait for, each with its tests.

    :param conditions: see ``_wait.wait_for``.
    :raises InputError: a condition is not JMESPath, or names none of the objects.
    """
    unused = list(conditions)
    targets = []
    for obj in objects:
        predicate = predicate_for(obj)
        tests: list[Test] = [predicate] if predicate else []
        for condition in conditions:
            if _meant(condition, obj):
                tests.append(_jmespath_test(condition["condition"]))
                unused = [other for other in unused if other is not condition]
        if tests:
            targets.append((obj, tests))
    if unused:
        raise InputError(
            f"The wait condition {unused[0]['condition']!r} for {unused[0]['kind']} {unused[0].get('name') or ''} "
            "names none of the objects. Correct its kind, name or namespace.",
        )
    return targets


def _meant(condition: Mapping[str, Any], obj: Object) -> bool:
    metadata = obj["metadata"]
    wanted = {"kind": obj["kind"], "name": metadata["name"], "namespace": metadata.get("namespace")}
    return all(condition.get(key) in (None, value) for key, value in wanted.items())


def _jmespath_test(expression: str) -> Test:
    import jmespath
    from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        raise InputError(f"The wait condition {expression!r} is not a JMESPath expression: {error}") from error

    def test(live: Object) -> str | None:
        try:
            return None if compiled.search(live) else f"{expression} does not hold"
        except (UnknownFunctionError, ArityError) as error:
            # Seen only when it is asked; no object of any form changes it.
            raise InputError(f"The wait condition {expression!r} is not a JMESPath expression: {error}") from error
        except JMESPathError as error:
            return f"{expression} cannot be evaluated: {error}"

    return test
