# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many mistakes in the diff, wait and gateway code would no unit test notice? ``python -m tests.mutation``

mutmut makes thousands of mutants, each with one small change inside a function, and runs on each the tests that reach
that function, fastest first, until one fails. A mutant that no test kills is alive. All of it happens on a copy.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.integration.all.evidence import commit, now
from tests.lab.cache import CACHE, LabError, digest_of, locked, main_guard, say

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("ansible_collections/meshlab/istio")
"""The modules' names begin like this, and mutmut knows a module by its path."""
PREFIX = ".".join(PACKAGE.parts) + "."

GROUPS = {
    "diff": (("_diff",), ("module_utils/test_diff.py",)),
    "wait": (
        ("_wait", "_watch", "_conditions", "_ready", "_trouble", "_reasons"),
        ("module_utils/test_wait.py", "module_utils/test_wait_words.py", "module_utils/test_trouble.py",
         "module_utils/test_ready.py", "module_utils/test_reasons.py", "module_utils/test_watch.py"),
    ),
    "gateway": (
        ("_gateway", "_gateway_url", "_entrance"),
        ("module_utils/test_gateway.py", "module_utils/test_entrance.py", "modules/test_gateway_url_info.py"),
    ),
}  # fmt: skip
"""Files of plugins/module_utils that are mutated, and the tests in tests/unit/plugins that have to notice.

Only functions are: of the table in _reasons it is what reads it.
"""

AT_MOST = 0.2
"""The share of all mutants that may be alive."""

EVIDENCE = ROOT / "docs/evidence/mutation.json"


def main() -> int:
    """Try all mutants, or those that an interrupted run left; write the evidence; return the exit code."""
    files: dict[str, dict[str, Any]] = {}
    # Before it takes half an hour, in which others may commit.
    tested = commit()
    with locked("mutation"):
        for group in GROUPS:
            files.update(counted(group, tried(prepared(group))))
    write(files, tested)
    for name, file in files.items():
        say(f"{name:18} {file['survived']:4} of {file['mutants']:4} alive ({file['alive']:.0%})")
    if alive(files) > AT_MOST:
        say(f"{alive(files):.1%} of all mutants are alive, at most {AT_MOST:.0%} may be.")
        return 1
    return 0


def prepared(group: str) -> Path:
    """Return the folder with the copy for a group: a new one as soon as anything that its tests reach has changed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "plugins", "tests/__init__.py", "tests/unit"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    tests = {f"tests/unit/plugins/{test}" for test in GROUPS[group][1]}
    files = [
        name
        for name in listed.stdout.splitlines()
        if (name in tests or not Path(name).name.startswith("test_")) and (ROOT / name).is_file()
    ]
    begin = {f"plugins/module_utils/{name}.py" for name in GROUPS[group][0]} | tests
    counting = reached(begin) | {name for name in files if not name.endswith(".py")}
    total = digest_of(settings(group), json.dumps(versions()), *(ROOT / name for name in sorted(counting)))
    work = CACHE / "mutation" / f"{group}-{total}"
    # Written last, so it says that the copy is whole.
    whole = work / "pyproject.toml"
    if not whole.exists():
        for old in work.parent.glob(f"{group}-*"):
            shutil.rmtree(old)
        for name in files:
            place = work / PACKAGE / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place)
        whole.write_text(settings(group), encoding="utf-8")
    return work


def reached(names: set[str]) -> set[str]:
    """Return the project's Python files that ``names`` import, directly or not, and ``names`` themselves."""
    found: set[str] = set()
    todo = set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        for node in ast.walk(ast.parse((ROOT / name).read_bytes())):
            modules = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            if isinstance(node, ast.ImportFrom):
                modules = [str(node.module), *(f"{node.module}.{each}" for each in modules)]
            paths = (module.removeprefix(PREFIX).replace(".", "/") + ".py" for module in modules)
            todo |= {path for path in paths if (ROOT / path).is_file()} - found
    return found


def settings(group: str) -> str:
    """Return the copy's pyproject.toml."""
    names, tests = GROUPS[group]
    mutated = [str(PACKAGE / f"plugins/module_utils/{name}.py") for name in names]
    selected = [str(PACKAGE / "tests/unit/plugins" / test) for test in tests]
    return f"""\
[tool.mutmut]
source_paths = ["{PACKAGE}/plugins"]
only_mutate = {json.dumps(mutated)}
also_copy = ["{PACKAGE}/tests"]
pytest_add_cli_args_test_selection = {json.dumps(selected)}
# A mutant that waits for ever gets the tests' own seconds and eight more, twice: enough for a busy machine.
timeout_constant = 8.0
timeout_multiplier = 2.0
# The tests of waits leave threads, which don't survive a fork: a server that has run no test makes the forks.
process_isolation = "forkserver"
use_git_change_detection = false

[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "-p", "no:cacheprovider"]
"""


def tried(work: Path) -> str:
    """Try the mutants of a copy that are still to be tried; return mutmut's list of how each ended."""
    mutmut, log = str(Path(sys.executable).with_name("mutmut")), work / "mutmut.log"
    say(f"Trying mutants: {log}. To see which are alive: cd {work}; {mutmut} results; {mutmut} show NAME")
    # pytest starts for each mutant, and its plugins would be most of that.
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with log.open("w", encoding="utf-8") as stream:
        # The tests look at the clock, and most of their time they are asleep: no more than one a core.
        command = [mutmut, "run", "--max-children", "2"]
        done = subprocess.run(command, cwd=work, env=bare, stdout=stream, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise LabError(
            f"mutmut failed (exit code {done.returncode}): see {log}. Do the unit tests pass (make test-unit)?"
        )
    listed = subprocess.run([mutmut, "results", "--all", "true"], cwd=work, check=True, capture_output=True, text=True)
    return listed.stdout


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    tools = {name: importlib.metadata.version(name) for name in ("mutmut", "pytest")}
    return {"python": platform.python_version(), **tools}


def counted(group: str, results: str) -> dict[str, dict[str, Any]]:
    """Return for each file how its mutants ended, from mutmut's lines ``module.function__mutmut_NUMBER: status``."""
    statuses: dict[str, Counter[str]] = {f"{name}.py": Counter() for name in GROUPS[group][0]}
    for line in results.splitlines():
        mutant, _colon, status = line.strip().rpartition(": ")
        module = mutant.rpartition(".")[0]
        statuses[module.rpartition(".")[2] + ".py"][status] += 1
    files = {}
    for name, found in statuses.items():
        if not found or found["not checked"]:
            raise LabError(f"Not all mutants of {name} were tried. Run it again: it goes on where it was.")
        # A mutant that used up its processor time is killed by the kernel: "segfault" is the word for it.
        timed_out = found["timeout"] + found["segfault"]
        survived = found.total() - found["killed"] - timed_out
        files[name] = {
            "mutants": found.total(), "killed": found["killed"], "timed_out": timed_out, "survived": survived,
            "alive": round(survived / found.total(), 3),
        }  # fmt: skip
    return files


def alive(files: dict[str, dict[str, Any]]) -> float:
    """Return the share of all mutants that is alive."""
    return float(sum(file["survived"] for file in files.values()) / sum(file["mutants"] for file in files.values()))


def write(files: dict[str, dict[str, Any]], tested: str) -> None:
    """Write the evidence."""
    evidence = {
        "name": EVIDENCE.stem,
        "date": now(),
        "commit": tested,
        "versions": versions(),
        "passed": alive(files) <= AT_MOST,
        "measured": {
            "mutants": sum(file["mutants"] for file in files.values()),
            "alive": round(alive(files), 3),
            "at_most": AT_MOST,
            "files": files,
        },
    }
    EVIDENCE.write_text(json.dumps(evidence, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main_guard(main))
