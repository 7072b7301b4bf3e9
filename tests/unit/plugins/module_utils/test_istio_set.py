# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``set`` entries are read as istioctl reads them (operator/pkg/values/map.go and its test, 1.31.0-dev)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_set import apply_set, parse_value, split_path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", 1),
        ("-12", -12),
        ("+5", 5),
        ("007", 7),
        ("9223372036854775808", 9223372036854775808.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("T", True),
        ("False", False),
        ("f", False),
        ("yes", "yes"),
        ("null", "null"),
        ("", ""),
        ("a\\,b", "a,b"),
        ("1.2.3", "1.2.3"),
        # Run with Go 1.26: ParseFloat takes an underscore between digits, and refuses what is too large.
        ("1_000", 1000.0),
        ("1__0", "1__0"),
        ("1e400", "1e400"),
        ("9" * 5000, "9" * 5000),
        ("nan", "nan"),
        ("0x10", "0x10"),
        ("\u0661", "\u0661"),
    ],
)
def test_parse_value(text: str, wanted: Any) -> None:
    found = parse_value(text)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a.b.c", ["a", "b", "c"]),
        (".a..b.", ["a", "b"]),
        ("a[0].b", ["a", "[0]", "b"]),
        ("a.[0].b", ["a", "[0]", "b"]),
        ("a.[name:x].b", ["a", "[name:x]", "b"]),
        (r"values.x.sidecar\.istio\.io/inject", ["values", "x", "sidecar.istio.io/inject"]),
    ],
)
def test_split_path(path: str, steps: list[str]) -> None:
    assert split_path(path) == steps


@pytest.mark.parametrize(
    ("before", "entry", "after"),
    [
        ({}, "a.b=1", {"a": {"b": 1}}),
        ({"a": {"x": 1}}, "a.b=c=d", {"a": {"x": 1, "b": "c=d"}}),
        ({"a": None}, "a.b=true", {"a": {"b": True}}),
        ({"a": {"b": 1}}, "a=2", {"a": 2}),
        ({}, " tag = 1.30 ", {"tag": "1.30"}),
        ({}, "values.global.tag=1.30", {"values": {"global": {"tag": "1.30"}}}),
        (
            {},
            "meshConfig.defaultConfig.proxyMetadata.A=1",
            {"meshConfig": {"defaultConfig": {"proxyMetadata": {"A": "1"}}}},
        ),
        ({}, "l[0].n=x", {"l": [{"n": "x"}]}),
        ({"l": [{"n": "x"}]}, "l[0].m=1", {"l": [{"n": "x", "m": 1}]}),
        ({"l": [{"n": "x"}]}, "l[7].n=y", {"l": [{"n": "x"}, {"n": "y"}]}),
        ({"l": [{"n": "x"}]}, "l[-1].n=y", {"l": [{"n": "x"}, {"n": "y"}]}),
        ({"l": [{"name": "x"}, {"name": "y"}]}, "l.[name:y].on=f", {"l": [{"name": "x"}, {"name": "y", "on": False}]}),
        ({"l": ["a"]}, "l[0]=b", {"l": ["b"]}),
        ({"l": ["a"]}, "l[1]=b", {"l": ["a", "b"]}),
    ],
)
def test_apply_set(before: dict[str, Any], entry: str, after: dict[str, Any]) -> None:
    apply_set(before, entry)
    assert before == after


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("a.b", "path=value"),
        ("=x", "path=value"),
        (".=x", "path=value"),
        ("l.[name:z].x=1", "no list element"),
        ("l[zz].x=1", "no list element"),
        ("l[0][0]=b", "no list element"),
        ("l[" + "9" * 5000 + "]=b", "no list element"),
        ("s.t=1", "no mapping"),
        ("m[0]=1", "no list"),
    ],
)
def test_apply_set_refuses(entry: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        apply_set({"l": [{"name": "x"}], "s": "text", "m": {}}, entry)


@given(st.lists(st.text(alphabet="ab.[]:=01\\, -n", max_size=20), max_size=4))
def test_apply_set_takes_anything(entries: list[str]) -> None:
    spec: dict[str, Any] = {"a": {"b": [{"n": "a"}]}}
    for entry in entries:
        with contextlib.suppress(InputError):
            apply_set(spec, entry)
