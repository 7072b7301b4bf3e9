# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One result a test in docs/evidence/NAME.json, written as soon as the test ends; what passed is not run again."""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

TESTED = ("plugins", "roles", "playbooks", "presets", "tests/integration/all")


class Evidence:
    """The file of one test module.

    :param path: where it is kept; its name without suffix is the evidence's name.
    :param versions: of everything that took part.
    :param collected: names of the module's tests: the file has passed when all of them have.
    """

    def __init__(self, path: Path, versions: dict[str, str], collected: set[str]) -> None:
        self.path = path
        self.versions = versions
        self.collected = collected
        self.tests: dict[str, dict[str, Any]] = passed_before(path)

    def note(self, test: str, passed: bool, seconds: float, measured: dict[str, Any]) -> None:
        """Write down how a test ended, and what it measured."""
        self.tests[test] = {
            "passed": passed, "seconds": round(seconds, 1), "date": now(), "commit": commit(), "code": code(),
            **measured,
        }  # fmt: skip
        whole = {
            "name": self.path.stem,
            "date": now(),
            "commit": commit(),
            "versions": self.versions,
            "passed": self.collected <= {*self.tests} and all(each["passed"] for each in self.tests.values()),
            "measured": {"tests": dict(sorted(self.tests.items()))},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(self.path)


def passed_before(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of an evidence file by test, {} when there is none."""
    if not path.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["measured"]["tests"]
    return found


def now() -> str:
    """Return the time in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def commit() -> str:
    """Return the commit that is checked out."""
    return _git("HEAD")


def code() -> str:
    """Return what stands for the tested code and its tests: their trees at that commit."""
    trees = _git(*(f"HEAD:{folder}" for folder in TESTED))
    return hashlib.sha256(trees.encode()).hexdigest()[:12]


def _git(*names: str) -> str:
    done = subprocess.run(
        ["git", "rev-parse", *names], check=True, capture_output=True, text=True, cwd=Path(__file__).parent
    )
    return done.stdout.strip()
