# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job on a real lab host: molecule creates it, converges twice, verifies, destroys."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MOLECULE = [sys.executable, "-m", "molecule"]
MINUTES = 60
"""Building the bundle without any cache is most of it; with warm caches a run takes about ten."""


def environment() -> dict[str, str]:
    """Return the environment for molecule: tools of .venv first, an absolute path to the user's inventory."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    if os.environ.get("MESHLAB_INVENTORY"):
        own["MESHLAB_INVENTORY"] = str(Path(os.environ["MESHLAB_INVENTORY"]).resolve())
    return {**os.environ, **own}


def test_molecule_sequence(capfd: pytest.CaptureFixture[str]) -> None:
    """Ends with the exit code of `molecule test`, whose output is shown as it appears."""
    with capfd.disabled():
        print(flush=True)
        process = subprocess.Popen(
            [*MOLECULE, "test", "--no-command-borders"], cwd=CHECKOUT, env=environment(), stdin=subprocess.DEVNULL
        )
        try:
            code = process.wait(timeout=MINUTES * 60)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
                # molecule destroys after a failed step by itself, but not after being stopped.
                subprocess.run([*MOLECULE, "destroy"], cwd=CHECKOUT, env=environment(), check=True)
    assert code == 0, f"molecule test ended with {code}; the step that failed is above"
