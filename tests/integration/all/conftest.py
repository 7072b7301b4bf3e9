# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the long tests share: the lab that MESHLAB_INVENTORY names, and the evidence.

Evidence goes to the folder that MESHLAB_EVIDENCE names (default: .lab/evidence). With MESHLAB_RESUME=1 a test that has
passed there with the same code is not run again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.all.evidence import Evidence, code, passed_before
from tests.integration.all.lab import CHECKOUT, Lab

FOLDER = Path(os.environ.get("MESHLAB_EVIDENCE") or CHECKOUT / ".lab" / "evidence")
FILES: dict[Path, Evidence] = {}
COLLECTED: dict[Path, set[str]] = {}
"""The tests of each evidence file, those that are not chosen for this run among them."""


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab's host."""
    path = os.environ.get("MESHLAB_INVENTORY")
    if not path:
        pytest.fail("Set MESHLAB_INVENTORY to the inventory of a finished lab, such as .lab/inventory.yml")
    return Lab.of_inventory(Path(path).resolve())


@pytest.fixture(scope="module")
def whole_lab_afterwards(lab: Lab) -> Iterator[None]:
    """Leave the lab as the playbook makes it."""
    yield
    lab.playbook("site")


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a test has measured: whatever it puts in here stands in its evidence."""
    found: dict[str, Any] = {}
    request.node.measured = found
    return found


def evidence_path(item: pytest.Item) -> Path:
    """Return the evidence file of a test: that of its module."""
    return FOLDER / f"{item.path.stem.removeprefix('test_').replace('_', '-')}.json"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has passed already."""
    for item in items:
        COLLECTED.setdefault(evidence_path(item), set()).add(item.name)
    if not os.environ.get("MESHLAB_RESUME"):
        return
    done = [item for item in items if _has_passed(item)]
    items[:] = [item for item in items if item not in done]
    config.hook.pytest_deselected(items=done)


def _has_passed(item: pytest.Item) -> bool:
    entry = passed_before(evidence_path(item)).get(item.name, {})
    return bool(entry.get("passed")) and entry.get("code") == code()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Write the evidence of a test as soon as it has ended."""
    report: pytest.TestReport = yield
    ended = report.when == "call" or (report.when == "setup" and report.failed)
    if ended and not report.skipped:
        path = evidence_path(item)
        if path not in FILES:
            versions = item.funcargs["lab"].report["versions"] if "lab" in item.funcargs else {}
            FILES[path] = Evidence(path, versions, COLLECTED[path])
        FILES[path].note(item.name, report.passed, report.duration, getattr(item, "measured", {}))
    return report
