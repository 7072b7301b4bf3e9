# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each tier of tests runs all that belongs to it: no folder is forgotten, and nothing is left out without a word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import parts
from tests.unit.repository.collection import ROOT

TESTS = ROOT / "tests"
SKIPPING = {
    "mark": "@pytest.mark.skip(reason='no program')\ndef test_b(): pass\n",
    "call": "def test_b(): pytest.skip('no program')\n",
    "fixture": "@pytest.fixture\ndef x(): pytest.skip('no program')\ndef test_b(x): pass\n",
    "module": "pytest.skip('no program', allow_module_level=True)\n",
}


def recipe(target: str) -> list[str]:
    """Return the commands that `make` would run for a target, in their order."""
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", target], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def test_each_folder_with_tests_is_run_by_the_longest_tier() -> None:
    commands = "\n".join(recipe("test-all")) + (ROOT / "extensions/molecule/shared/verify.yml").read_text()
    run = set(re.findall(r"tests/[\w/]+", commands))
    assert {"tests/unit", "tests/apiserver"} <= run
    for file in TESTS.rglob("test_*.py"):
        folders = {str(folder.relative_to(ROOT)) for folder in file.parents if ROOT in folder.parents}
        assert run & {*folders, str(file.relative_to(ROOT)).removesuffix(".py")}, f"nothing runs {file}"


def test_the_short_tests_of_the_api_server_are_in_every_make_test() -> None:
    commands = recipe("test")
    built = commands.index(".venv/bin/python -m tests.lab bundle")
    assert commands.index(".venv/bin/pytest tests/apiserver -m short") > built
    short = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "short", "tests/apiserver"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert short.returncode == 0, short.stdout
    assert short.stdout.count("::test_") in range(3, 13), "about a minute"


def test_the_api_servers_programs_have_the_names_that_are_built() -> None:
    """A rename had left all tests of the folder skipped for months."""
    source = (TESTS / "apiserver/control_plane.py").read_text()
    built = {name for part in parts.GO_PARTS for name in part.programs.values()}
    wanted = set(re.findall(r'_start\("([\w-]+)"', source)) | {"istioctl"}
    assert len(wanted) == 4
    assert wanted <= built
    from tests.apiserver.control_plane import PROGRAMS

    assert set(PROGRAMS) == wanted


def test_what_is_not_built_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/apiserver", "-m", "short", "-x"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Not built yet: " in done.stdout
    assert "python -m tests.lab bundle` builds them" in done.stdout
    assert "skipped" not in done.stdout


@pytest.fixture
def leaves_out(tmp_path: Path) -> Path:
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


@pytest.mark.parametrize(("how", "workers"), [*((how, []) for how in SKIPPING), ("call", ["--numprocesses", "1"])])
def test_a_green_run_that_left_something_out(leaves_out: Path, how: str, workers: list[str]) -> None:
    (leaves_out / "test_it.py").write_text(f"import pytest\ndef test_a(): pass\n{SKIPPING[how]}")
    (leaves_out / "test_other.py").write_text("def test_c(): pass\n")

    def run(skips: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MESHLAB_SKIPS": skips}
        words = [sys.executable, "-m", "pytest", "--color=no", *workers]
        return subprocess.run(words, cwd=leaves_out, env=environment, capture_output=True, text=True)

    assert run("").returncode == 0
    done = run("fail")
    assert done.returncode == 1
    assert re.search(
        r"=+ 1 left out, which MESHLAB_SKIPS=fail forbids =+\n+test_it.*: .*no program$", done.stdout, re.M
    )


def test_a_run_that_left_nothing_out_stays_green(leaves_out: Path) -> None:
    (leaves_out / "test_it.py").write_text("def test_a(): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest"], cwd=leaves_out, env={**os.environ, "MESHLAB_SKIPS": "fail"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, "left out" in done.stdout) == (0, False)


RUNS = "lint sanity test-unit test-plays contract apiserver integration mutation"


def test_the_longest_tier_forbids_skips_in_all_of_its_runs(tmp_path: Path) -> None:
    """And only there: on hosts of a user's own some tests have nothing to look at."""
    said = tmp_path / "Makefile"
    said.write_text(f"include {ROOT}/Makefile\n{RUNS} test-all: ; @echo $@=$$MESHLAB_SKIPS\nvenv tools: ;\n")

    def skips(*words: str) -> set[str]:
        environment = {name: value for name, value in os.environ.items() if name not in ("MESHLAB_SKIPS", "MAKEFLAGS")}
        done = subprocess.run(
            ["make", "--no-print-directory", "--silent", "-C", str(ROOT), "-f", str(said), *words],
            capture_output=True, text=True, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    assert skips("test-all") == {f"{name}=fail" for name in (*RUNS.split(), "test-all")}
    assert "test-unit=" in skips("test")
    assert "test-unit=" in skips("test-all", "MESHLAB_SKIPS="), "for whoever lacks what a test compares with"
