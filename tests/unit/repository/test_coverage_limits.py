# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage of lines and of branches has a limit each, and missing one is said."""

from __future__ import annotations

import pytest

from tests.coverage_limits import complaints


@pytest.mark.parametrize(
    ("lines", "branches", "words"),
    [
        (950, 900, []),
        (949, 900, ["94.9 % of the lines of module_utils; at least 95 %"]),
        (1000, 899, ["89.9 % of the branches of module_utils; at least 90 %"]),
        (0, 0, ["0.0 % of the lines", "0.0 % of the branches"]),
    ],
)
def test_each_limit_that_is_missed_is_named(lines: int, branches: int, words: list[str]) -> None:
    totals = {"covered_lines": lines, "num_statements": 1000, "covered_branches": branches, "num_branches": 1000}
    found = complaints(totals)
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found))
