# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: a table in the documentation shows a result only with a file in docs/evidence that says it was seen.

A table states results when one of its columns is named in RESULTS. It then has a column `evidence`, and each row
links a file of docs/evidence there, or says `none` and claims nothing (its result cells hold only an em dash,
`not run` or `untested`).
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator

import pytest

from tests.unit.repository.collection import ROOT

EVIDENCE = ROOT / "docs" / "evidence"
RESULTS = {"measured", "passed", "result", "run", "run here", "seconds", "status", "time"}
NO_CLAIM = {"", "–", "—", "-", "not run", "untested"}
# Made from code, not from runs.
GENERATED = {"reference.md"}
DOCUMENTS = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if path.name not in GENERATED)
FILES = sorted(EVIDENCE.glob("*.json"))
LINK = re.compile(r"docs/evidence/([\w.-]+\.json)|\((?:\.\./|\./)*evidence/([\w.-]+\.json)\)")


def tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield (header, rows) of each Markdown table; cells are stripped, headers in lower case."""
    lines = [
        [cell.strip() for cell in line.strip().strip("|").split("|")] if "|" in line else []
        for line in text.splitlines()
    ]
    for index, cells in enumerate(lines[1:], start=1):
        if cells and all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            rows = []
            for row in lines[index + 1 :]:
                if not row:
                    break
                rows.append(row)
            yield [name.lower() for name in lines[index - 1]], rows


def unproven(text: str, proven: set[str]) -> list[str]:
    """Return the rows of result tables that claim something without a proof."""
    found = []
    for header, rows in tables(text):
        columns = [index for index, name in enumerate(header) if name in RESULTS]
        if not columns:
            continue
        if "evidence" not in header:
            found.append(f"the table {header} states results and has no column `evidence`")
            continue
        for row in rows:
            linked = {name for pair in LINK.findall(row[header.index("evidence")]) for name in pair if name}
            claims = any(row[index].lower() not in NO_CLAIM for index in columns)
            if claims and not (linked and linked <= proven):
                found.append(f"{row[0]}: {sorted(linked) or 'no evidence'}")
    return found


def test_evidence_says_what_was_run_when_and_on_what() -> None:
    for path in FILES:
        evidence = json.loads(path.read_text(encoding="utf-8"))
        assert evidence["name"] == path.stem
        datetime.datetime.fromisoformat(evidence["date"])
        assert re.fullmatch(r"[0-9a-f]{7,40}", evidence["commit"]), path
        assert evidence["versions"], path
        assert isinstance(evidence["passed"], bool), path
        assert isinstance(evidence["measured"], dict), path


def test_tables_show_only_what_has_evidence() -> None:
    passed = {file.name for file in FILES if json.loads(file.read_text(encoding="utf-8"))["passed"]}
    assert {path.name for path in DOCUMENTS} >= {"README.md", "architecture.md"}
    for path in DOCUMENTS:
        assert not unproven(path.read_text(encoding="utf-8"), passed), path


TABLE = "| what | result | evidence |\n|---|---|---|\n| boot | 8 s | {} |\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (TABLE.format("[boot](docs/evidence/boot.json)"), 0),
        (TABLE.format("[boot](evidence/boot.json)"), 0),
        (TABLE.format("[other](docs/evidence/other.json)"), 1),
        (TABLE.format("none"), 1),
        (TABLE.format("none").replace("8 s", "not run"), 0),
        ("| what | seconds |\n|---|---|\n| boot | 8 |\n", 1),
        ("| option | default |\n|---|---|\n| a | 1 |\n", 0),
    ],
)
def test_gate_finds_claims_without_evidence(text: str, count: int) -> None:
    assert len(unproven(text, {"boot.json"})) == count
