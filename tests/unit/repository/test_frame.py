# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame: identity, action group, changelog, licence headers, the oldest Python."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.repository.collection import ROOT, load, project_files

LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
HEADER_LINES = 6
# A comment can't stand in these, or tools rewrite them; LICENSE covers them.
WITHOUT_HEADER = {".json", ".md", ".mod", ".sum", ".rst", ".svg", ".png", ".html"}
WITHOUT_HEADER_NAMES = {"LICENSE", ".gitignore"}
# Recorded from real tools: kept byte by byte.
RECORDED = re.compile(r"/(data|fixtures|recorded)/")
# What Ansible sends to a host.
HOST_FILES = sorted(path for part in ("modules", "module_utils") for path in (ROOT / "plugins" / part).rglob("*.py"))


def test_licence_header_stands_in_every_file() -> None:
    looked_at = [
        path
        for path in project_files()
        if path.suffix not in WITHOUT_HEADER
        and path.name not in WITHOUT_HEADER_NAMES
        and not RECORDED.search(path.as_posix())
        and path.stat().st_size
    ]
    assert len(looked_at) > 50
    without = [
        str(path.relative_to(ROOT))
        for path in looked_at
        if LICENCE not in "\n".join(path.read_text(encoding="utf-8").splitlines()[:HEADER_LINES])
    ]
    assert not without, f"add a line `{LICENCE}` at the top of: {without}"


def test_licence_is_the_one_that_galaxy_names() -> None:
    galaxy = load(ROOT / "galaxy.yml")
    assert galaxy["license"] == ["GPL-3.0-or-later"]
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert f"{galaxy['namespace']}.{galaxy['name']}" == "meshlab.istio"


def test_changelog_fragments_use_the_configured_sections() -> None:
    config = load(ROOT / "changelogs" / "config.yaml")
    sections = {name for name, _title in config["sections"]} | {
        config["prelude_section_name"],
        config["trivial_section_name"],
    }
    fragments = sorted((ROOT / "changelogs" / "fragments").glob("*.yml"))
    assert fragments
    for path in fragments:
        fragment = load(path)
        assert fragment, path
        assert set(fragment) <= sections, path


@pytest.mark.parametrize(
    "ignored",
    [
        lambda: (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines(),
        lambda: load(ROOT / ".yamllint")["ignore"],
        lambda: load(ROOT / ".ansible-lint")["exclude_paths"],
        lambda: load(ROOT / "galaxy.yml")["build_ignore"],
    ],
    ids=["git", "yamllint", "ansible-lint", "galaxy"],
)
def test_the_report_of_a_run_in_the_checkout_is_no_source(ignored: Callable[[], list[str]]) -> None:
    folder = load(ROOT / "roles/report/defaults/main.yml")["report_path"].rsplit("/", 1)[1]
    assert folder in {entry.strip("/") for entry in ignored()}


@pytest.mark.parametrize("path", HOST_FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_host_file_runs_on_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 9))
    problems = [f"line {line}: {what}" for line, what in _newer_than_3_9(tree)]
    assert not problems


@pytest.mark.parametrize("path", HOST_FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_host_file_needs_only_ansible_to_be_imported(path: Path) -> None:
    """kubernetes, jmespath and yaml are imported by functions, after need_libraries."""
    allowed = set(sys.stdlib_module_names) | {"ansible", "ansible_collections"}
    imported = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= allowed


def _newer_than_3_9(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, what) for what parses as 3.9 and fails there when it runs."""
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
        for inner in ast.walk(annotation)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and id(node) not in annotations:
            if any(isinstance(side, ast.Constant) and side.value is None for side in (node.left, node.right)):
                yield node.lineno, "X | None outside of an annotation needs Python 3.10"
        elif isinstance(node, ast.Call):
            newer = {("zip", "strict"), ("dataclass", "slots"), ("dataclass", "kw_only")}
            for keyword in node.keywords:
                if (getattr(node.func, "id", None), keyword.arg) in newer:
                    yield node.lineno, f"{keyword.arg}= needs Python 3.10"


@pytest.mark.parametrize(
    "source",
    [
        "Port = int | None",
        "dict(zip(a, b, strict=True))",
        "@dataclass(frozen=True, slots=True)\nclass A: pass",
    ],
)
def test_gate_finds_what_is_newer_than_python_3_9(source: str) -> None:
    assert list(_newer_than_3_9(ast.parse(source)))


def test_gate_accepts_annotations() -> None:
    assert not list(_newer_than_3_9(ast.parse("def f(a: int | None) -> str | None:\n    b: int | None = 1 | 2\n")))
