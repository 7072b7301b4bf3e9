# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors mean what they mean to kubectl."""

from __future__ import annotations

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._select import selector


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("version!=v2,version!=v3", {"version": "v1"}, True),
        ("version!=v2,version!=v3", {"version": "v2"}, False),
        ("version!=v2,version!=v3", {"version": "v3"}, False),
        ("version!=v2,version!=v3", {}, True),
        ("app=reviews", {"app": "reviews"}, True),
        ("app==reviews", {"app": "reviews"}, True),
        ("app = reviews", {"app": "ratings"}, False),
        ("app=reviews", {}, False),
        ("app.kubernetes.io/name in (loki, kiali),x", {"app.kubernetes.io/name": "kiali", "x": ""}, True),
        ("app.kubernetes.io/name in (loki, kiali)", {"app.kubernetes.io/name": "jaeger"}, False),
        ("app.kubernetes.io/name in (loki, kiali)", {}, False),
        ("app notin (a,b)", {}, True),
        ("app notin (a,b)", {"app": "b"}, False),
        ("app", {"app": ""}, True),
        ("app", {}, False),
        ("!app", {}, True),
        ("!app", {"app": "x"}, False),
        ("app=", {"app": ""}, True),
    ],
)
def test_selector(text: str, labels: dict, expected: bool) -> None:
    assert selector([text])(labels) is expected


def test_all_selectors_must_hold_and_none_holds_always() -> None:
    assert selector(["a", "b"])({"a": "1", "b": "1"})
    assert not selector(["a", "b"])({"a": "1"})
    assert selector([])({})


@pytest.mark.parametrize("text", ["", "a b", "a in b", "a>1", "=x", "a=b,,c", "a in (b"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        selector([text])
