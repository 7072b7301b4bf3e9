# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/reference.md says what the code says."""

from __future__ import annotations

import pytest

from docs.build_reference import TARGET, code, markdown, options, render
from tests.unit.repository.collection import MODULES, ROLES


def test_reference_is_up_to_date() -> None:
    page = render()
    for name in [*MODULES, *ROLES]:
        assert f"\n### {name}\n" in page
    assert TARGET.read_text(encoding="utf-8") == page, "run `make reference`"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use C(kubectl) with O(context=a).", "Use `kubectl` with `context=a`."),
        (["One.", "See L(the page,https://example.com)."], "One. See [the page](https://example.com)."),
        ("E(KUBECONFIG) and V(true)", "`KUBECONFIG` and `true`"),
        (None, ""),
    ],
)
def test_markup_becomes_markdown(text: object, expected: str) -> None:
    assert markdown(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", ""),
        (True, "`true`"),
        ("docker", "`docker`"),
        ("{{ lookup('meshlab.istio.preset', 'minikube_driver', default='docker') }}", "`docker`, or the preset's"),
        ("{%- set a = 1 -%}{{ a }}", "computed"),
    ],
)
def test_default_is_short(value: object, expected: str) -> None:
    assert code(value) == expected


def test_options_show_type_default_and_suboptions() -> None:
    spec = {
        "b": {"type": "list", "elements": "dict", "description": "x|y", "suboptions": {"c": {"required": True}}},
        "a": {"type": "bool", "default": False, "choices": [1, 2], "description": "A."},
    }
    assert list(options(spec, {"b": []})) == [
        "| `a` | bool | `false` | A. One of `1`, `2`. |",
        "| `b` | list of dict | `[]` | x\\|y |",
        "| `b.c` | str | required |  |",
    ]
