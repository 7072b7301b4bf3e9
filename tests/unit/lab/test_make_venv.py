# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package registry that does not answer ends requirements/make-venv with a sentence, and soon."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "requirements/make-venv"
PIP = """\
#!/bin/sh
echo "$@" > "$(dirname "$0")/asked"
echo "WARNING: Retrying (Retry(total=1, connect=None" >&2
echo "ERROR: No matching distribution found for ruff==1" >&2
exit 1
"""
PYTHON = f"""\
#!/bin/sh
# What make-venv asks of a Python: checks by -c, and -m venv FOLDER.
[ "$1" = -c ] && exit 0
mkdir -p "$3/bin"
cat > "$3/bin/python" <<'END'
{PIP}END
chmod +x "$3/bin/python"
"""
APT = """\
#!/bin/sh
echo "Err:1 http://registry.example/debian bookworm InRelease"
echo "E: Unable to fetch some archives"
exit 100
"""


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def run(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run make-venv where pip finds no registry."""
    python = program(tmp_path, "python", PYTHON)
    return subprocess.run([SCRIPT, python, tmp_path / "venv"], capture_output=True, text=True)


def test_pip_without_a_registry(tmp_path: Path, run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 1
    [sentence] = run.stderr.splitlines()
    assert sentence.startswith(
        "Installing the tools failed: ERROR: No matching distribution found for ruff==1. Is the "
    )
    log = Path(sentence.split(" is in ")[1].split(";")[0])
    assert "WARNING: Retrying" in log.read_text()
    log.unlink()
    asked = (tmp_path / "venv/bin/asked").read_text().split()
    assert {"--timeout", "--retries", "--no-input"} <= set(asked)


def test_apt_without_a_registry(tmp_path: Path) -> None:
    program(tmp_path, "apt-get", APT)
    program(tmp_path, "id", "#!/bin/sh\necho 0\n")
    done = subprocess.run(
        [SCRIPT, "no-such-python", tmp_path / "venv"], capture_output=True, text=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(
        "Installing python3-venv failed: E: Unable to fetch some archives. Is the package registry"
    )
