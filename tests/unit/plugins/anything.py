# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategies for random input: JSON of any form, data of which something was taken away, objects of a cluster."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

Object = dict[str, Any]

quick = settings(max_examples=50, deadline=None)
"""For each test under a second: a busy machine must not fail one that is right."""

scalars = st.none() | st.booleans() | st.integers(-3, 9) | st.text(max_size=8) | st.sampled_from(["", "a", "Running"])


def mappings(*keys: str, leaves: st.SearchStrategy[Any] = scalars) -> st.SearchStrategy[Object]:
    """Return a mapping with some of ``keys``, whose values are scalars, lists and mappings of the same kind."""
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=4),
        max_leaves=12,
    )
    return st.dictionaries(st.sampled_from(keys), values, max_size=5)


values = scalars | st.lists(scalars, max_size=3) | mappings("a", "Name", "metadata")
"""JSON of any form."""


@st.composite
def damaged(draw: Any, whole: Any) -> Any:
    """Return a copy of JSON data in which up to three values are gone, or something else."""
    value = copy.deepcopy(whole)
    for _time in range(draw(st.integers(0, 3))):
        places = list(_places(value))
        if not places:
            return draw(values)
        holder, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(values)
    return value


NEEDED = {"name", "image", "spec", "template", "selector", "containers", "metadata", "port", "clientConfig"}
"""Fields of workloads without which an API server refuses them (k8s.io/api v0.34, core/v1 and apps/v1)."""


@st.composite
def lacking(draw: Any, whole: Any) -> Any:
    """Return a copy of an object without up to three values: an API server checks types, and what it needs is there."""
    value = copy.deepcopy(whole)
    for _time in range(draw(st.integers(0, 3))):
        places = [place for place in _places(value) if place[1] not in NEEDED]
        if places:
            holder, key = draw(st.sampled_from(places))
            del holder[key]
    return value


def texts(*wholes: Any) -> st.SearchStrategy[str]:
    """Return what a tool could write in place of one of ``wholes`` as JSON: damaged, cut off, or something else."""
    damage = st.one_of([damaged(whole) for whole in wholes]).map(json.dumps)
    cut = st.tuples(damage, st.integers(0, 200)).map(lambda pair: pair[0][: pair[1]])
    return damage | cut | st.text(max_size=30) | values.map(json.dumps)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    """Return a mapping with any of ``fields``, as an object of the API whose fields are optional."""
    return st.fixed_dictionaries({}, optional=fields)


def many(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return up to three items."""
    return st.lists(items, max_size=3)


words = st.sampled_from(["", "a", "b", "http2", "https", "Ready", "True", "False", "10.0.0.1", "fd00::1"])
hosts = st.sampled_from(["10.0.0.1", "fd00::1", "a.example"])
ports = st.sampled_from([1, 80, 443, 8080, 8443])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of everything in JSON data."""
    keys: Any = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
