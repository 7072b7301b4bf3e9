# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity on the checkout: ``python tests/sanity.py [ansible-test's own options]``.

ansible-test wants to stand in .../ansible_collections/NAMESPACE/NAME, and downloads pip's bootstrap script from a
server of its own. So the files that git knows are copied to such a folder outside of the checkout (within, it would
ask git and find them ignored), and the script is one of ours that asks the pip which is here already. The environments
that it makes are kept in .cache for the next time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
HOME = CHECKOUT / ".cache" / "sanity"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PIP = "24_2"
"""The pip that ansible-test of ansible-core 2.19 asks for, in the name of its bootstrap script."""
BOOTSTRAP = """
# ansible-test starts this in a new environment with the packages and options that it would give get-pip.py
import subprocess, sys
packages = [word for word in sys.argv[1:] if not word.startswith(("--no-setuptools", "--no-wheel"))]
sys.exit(subprocess.call([{pip!r}, "--python", sys.executable, "install", *packages]))
"""


def main(options: list[str]) -> int:
    """Copy, prepare, run; returns ansible-test's exit code."""
    tools = Path(sys.executable).parent
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{PIP}.py").write_text(BOOTSTRAP.format(pip=str(tools / "pip")))
    environment = {**os.environ, "HOME": str(HOME), "PATH": f"{tools}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        collection = Path(folder) / "ansible_collections" / "meshlab" / "istio"
        copy_checkout(collection)
        command = [str(tools / "ansible-test"), "sanity", "--venv", f"--python={PYTHON}", "--color=no", *options]
        return subprocess.run(command, cwd=collection, env=environment).returncode


def copy_checkout(target: Path) -> None:
    """Copy every file that git knows, or would offer to add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
