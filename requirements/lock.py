# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin every package of a .in file, with the hash of each wheel that any supported machine would install.

pip itself resolves, once for each Python and architecture, and reports what it would install
(``pip install --dry-run --report``, pip 22.2 or newer). The oldest Python goes first and its versions
are kept for the others, so that all machines run the same ones.

    .venv/bin/python requirements/lock.py hosts   # or dev, lab, mutation, or several names
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ARCHITECTURES = ("x86_64", "aarch64")
# From old to new: pip takes a platform by name and doesn't infer that a newer glibc runs older wheels.
GLIBC = ("manylinux1", "manylinux2010", "manylinux2014", "manylinux_2_17", "manylinux_2_28")


@dataclass(frozen=True)
class Lock:
    """One file to write, the machines it has to serve (oldest Python first), and the pinned file it comes on top of."""

    target: Path
    pythons: tuple[str, ...]
    beside: Path | None = None
    architectures: tuple[str, ...] = ARCHITECTURES
    glibc: tuple[str, ...] = GLIBC


LOCKS = {
    "hosts": Lock(HERE.parent / "roles/host/files/requirements.txt", ("3.9", "3.10", "3.11", "3.12", "3.13")),
    "dev": Lock(HERE / "dev.txt", ("3.11", "3.12", "3.13")),
    # The lab is built for one architecture, on a machine of the glibc that Envoy's wheel asks for.
    "lab": Lock(
        HERE / "lab.txt", ("3.11", "3.12", "3.13"), architectures=("x86_64",), glibc=(*GLIBC, "manylinux_2_31")
    ),
    "mutation": Lock(HERE / "mutation.txt", ("3.11", "3.12", "3.13"), beside=HERE / "dev.txt"),
}


def resolve(
    requirements: Path, constraints: Path, python: str, architecture: str, glibcs: tuple[str, ...]
) -> dict[str, tuple[str, str]]:
    """Return {name: (version, sha256)} of what pip would install on such a machine."""
    platforms = [f"--platform={glibc}_{architecture}" for glibc in glibcs]
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
             "--report", report.name, "--only-binary=:all:", "--target=/nonexistent", f"--python-version={python}",
             *platforms, "--requirement", str(requirements), "--constraint", str(constraints)],
            check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        items = json.load(report)["install"]
    return {
        item["metadata"]["name"].lower().replace("_", "-"): (
            item["metadata"]["version"],
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for item in items
    }


def lock(name: str) -> None:
    """Write the pinned file of requirements/NAME.in."""
    source, job = HERE / f"{name}.in", LOCKS[name]
    versions: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    there = re.findall(r"^([\w.-]+)==([^ ]+)", job.beside.read_text(encoding="utf-8"), re.M) if job.beside else []
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.writelines(f"{package}=={version}\n" for package, version in there)
        constraints.flush()
        for python in job.pythons:
            for architecture in job.architectures:
                found = resolve(source, Path(constraints.name), python, architecture, job.glibc)
                for package, (version, sha256) in found.items():
                    if package not in versions:
                        versions[package] = version
                        constraints.write(f"{package}=={version}\n")
                    hashes.setdefault(package, set()).add(sha256)
                constraints.flush()
                print(f"{name}: Python {python} on {architecture} resolved", file=sys.stderr)
    pythons = f"Python {job.pythons[0]} to {job.pythons[-1]} on {' and '.join(job.architectures)}"
    lines = [
        "# SPDX-License-Identifier: GPL-3.0-or-later",
        f"# Made by `make lock` (requirements/lock.py) from requirements/{name}.in, where the reasons stand.",
        f"# The sha256 of each wheel that {pythons} (glibc) would install.",
    ]
    for package in sorted(versions.keys() - dict(there).keys()):
        pinned = [f"{package}=={versions[package]}", *(f"--hash=sha256:{sha256}" for sha256 in sorted(hashes[package]))]
        lines.append(" \\\n    ".join(pinned))
    beside = job.target.with_suffix(".new")
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    beside.replace(job.target)


if __name__ == "__main__":
    for each in sys.argv[1:] or LOCKS:
        lock(each)
