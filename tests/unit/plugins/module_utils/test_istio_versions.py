# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions: how they are read and ordered, and what the tables say of each release."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_versions as versions
from ansible_collections.meshlab.istio.plugins.module_utils._istio_versions import Version


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1.30.3", Version(1, 30, 3)),
        ("v1.34.4", Version(1, 34, 4)),
        ("1.31.0-dev", Version(1, 31, 0, False, "dev")),
        ("1.31-alpha.5b1c", Version(1, 31, 0, False, "alpha.5b1c")),
        ("v1.33.2+k3s1", Version(1, 33, 2)),
        ("1.34+", Version(1, 34, 0)),
        ("unknown", None),
        ("", None),
        ("1", None),
    ],
)
def test_parse(text: str, wanted: Version | None) -> None:
    assert Version.parse(text) == wanted


def test_order_is_by_number_and_a_pre_release_comes_before_its_release() -> None:
    texts = ["1.9.9", "1.10.0", "1.30.3", "1.31.0-alpha", "1.31.0-dev", "1.31.0", "1.31.1"]
    parsed = [Version.parse(text) for text in texts]
    assert sorted([*parsed[3:], *parsed[:3]]) == parsed  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("new", "here", "older"),
    [
        ("1.30.3", "1.31.0", True),
        ("1.9.1", "1.10.0", True),
        ("1.31.0-dev", "1.31.0", True),
        ("1.31.0-beta.1", "1.31.1-alpha", True),
        ("1.31.0", "1.31.0-dev", False),
        ("1.31.0", "1.31.0", False),
        ("1.31-alpha.9ad1", "1.31-alpha.f003", False),
        ("1.31.0-alpha.10", "1.31.0-alpha.9", False),
        ("1.31.1-dev", "1.31.0", False),
    ],
)
def test_builds_of_one_release_are_in_no_order(new: str, here: str, older: bool) -> None:
    one, other = Version.parse(new), Version.parse(here)
    assert one
    assert other
    assert one.is_older_than(other) is older


@given(st.text())
def test_parse_takes_anything(text: str) -> None:
    found = Version.parse(text)
    assert found is None or found.major >= 0


def test_rows_are_complete_and_each_names_its_source() -> None:
    assert [row.minor for row in versions.RELEASES] == list(range(19, 32))
    assert all(row.source and row.kubernetes[0] <= row.kubernetes[1] for row in versions.RELEASES)
    for name, feature in versions.FEATURES.items():
        assert re.search(r"\b(\d+\.\d+\.\d+|2026-08-27) [\w-]+(/[\w.-]+)+|\bran\b", feature.source), name
    lows = [row.kubernetes[0] for row in versions.RELEASES]
    assert lows == sorted(lows)


@pytest.mark.parametrize(
    ("text", "minor", "warned"),
    [("1.19.3", 19, False), ("1.31.0-dev", 31, False), ("1.32.0", 31, True), ("2.0.0", 31, True), ("1.18.0", 19, True)],
)
def test_release_falls_back_to_the_nearest_row_with_a_warning(text: str, minor: int, warned: bool) -> None:
    version = Version.parse(text)
    assert version is not None
    row, warnings = versions.release(version)
    assert row.minor == minor
    assert bool(warnings) is warned
    if warned:
        assert f"treated as 1.{minor}" in warnings[0]


@pytest.mark.parametrize(
    ("feature", "minor", "wanted"),
    [
        ("verify-install", 20, True),
        ("verify-install", 21, False),
        ("manifest translate", 23, False),
        ("manifest translate", 24, True),
        ("version hangs on a dead API server", 27, False),
        ("version hangs on a dead API server", 31, True),
        ("analyze --recursive", 24, True),
        ("analyze --recursive", 25, False),
        ("precheck --from-version", 20, False),
        ("upgrade --revision", 23, False),
        ("manifest generate -o DIRECTORY", 23, True),
        ("manifest generate -o FILE", 30, False),
        ("ConfigMap values", 25, False),
        ("ConfigMap values", 26, True),
    ],
)
def test_has(feature: str, minor: int, wanted: bool) -> None:
    assert versions.has(feature, minor) is wanted


@pytest.mark.parametrize(
    ("istio", "kubernetes", "words", "fatal"),
    [
        ("1.30.3", "v1.34.4", [], False),
        ("1.19.3", "v1.28.15", [], False),
        ("1.19.3", "v1.34.4", ["1.25 to 1.28", "runs 1.34", "Istio 1.28 to 1.31"], False),
        ("1.30.3", "v1.31.0", ["1.32 to 1.36", "Istio 1.24 to 1.29"], False),
        ("1.30.3", "v1.99.0", ["no release known here"], False),
        ("1.30.3", "v1.21.0", ["cannot work", "1.32 to 1.36"], True),
    ],
)
def test_kubernetes_problem(istio: str, kubernetes: str, words: list[str], fatal: bool) -> None:
    first, second = Version.parse(istio), Version.parse(kubernetes)
    assert first is not None
    assert second is not None
    problem = versions.kubernetes_problem(first, second)
    if not words:
        assert problem is None
        return
    assert problem is not None
    assert all(word in problem[0] for word in words)
    assert problem[1] is fatal
