# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of the long tests: it has passed when every test of the module has, however many runs that took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.all.evidence import Evidence, passed_before


def written(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_passed_means_every_test_of_the_module(tmp_path: Path) -> None:
    path = tmp_path / "name.json"
    evidence = Evidence(path, {"istio": "1.31.0"}, {"one", "two"})
    evidence.note("one", True, 1.26, {"seconds_of_it": 3})
    assert (written(path)["name"], written(path)["passed"]) == ("name", False)
    resumed = Evidence(path, {"istio": "1.31.0"}, {"one", "two"})
    resumed.note("two", True, 2.0, {})
    assert written(path)["passed"]
    assert passed_before(path)["one"]["seconds_of_it"] == 3
    resumed.note("one", False, 1.0, {})
    assert not written(path)["passed"]
    assert "seconds_of_it" not in passed_before(path)["one"]


def test_no_file_is_no_result(tmp_path: Path) -> None:
    assert passed_before(tmp_path / "none.json") == {}
