# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python_environment: a real environment from wheels that lie on the host."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.modules import python_environment

# In place of pip's wheel: it notes how it was called and makes a library.
PIP = """
import pathlib, sys, sysconfig
pathlib.Path({log!r}).write_text(repr(sys.argv[1:]))
if "bad" in pathlib.Path(sys.argv[-1]).read_text():
    sys.exit("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.")
pathlib.Path(sysconfig.get_path("purelib"), "library.py").write_text("")
"""


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, dict[str, Any]]:
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        python_environment.main()
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "pip-25.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pip/__init__.py", "")
        wheel.writestr("pip/__main__.py", PIP.format(log=str(tmp_path / "pip-arguments")))
    return folder


def test_made_once_and_made_again_for_other_requirements(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wheels: Path
) -> None:
    options = {"path": str(tmp_path / "python"), "python": sys.executable, "find_links": str(wheels),
               "requirements": "library==1 --hash=sha256:1\n"}  # fmt: skip
    code, foreseen = run(capsys, **options, _ansible_check_mode=True)
    assert (code, foreseen["changed"], (tmp_path / "python").exists()) == (0, True, False)
    code, made = run(capsys, **options)
    assert (code, made["changed"], made["diff"]) == (0, True, foreseen["diff"])
    assert made["python"] == str(tmp_path / "python/bin/python3")
    subprocess.run([made["python"], "-c", "import library"], check=True)
    arguments = (tmp_path / "pip-arguments").read_text()
    assert "--require-hashes" in arguments
    assert f"'--no-index', '--find-links', '{wheels}'" in arguments
    code, again = run(capsys, **options)
    assert (code, again["changed"]) == (0, False)
    # Interrupted, or its Python upgraded away: the stamp alone does not count.
    (tmp_path / "python/bin/python3").unlink()
    assert run(capsys, **options, _ansible_check_mode=True)[1]["changed"]
    code, other = run(capsys, **{**options, "requirements": "library==2 --hash=sha256:2\n"}, _ansible_check_mode=True)
    assert other["changed"]
    assert other["diff"]["after"] == "library==2 --hash=sha256:2\n"


def test_a_failed_installation_is_not_taken_for_a_finished_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wheels: Path
) -> None:
    options = {"path": str(tmp_path / "python"), "python": sys.executable, "find_links": str(wheels),
               "requirements": "bad==1\n"}  # fmt: skip
    code, result = run(capsys, **options)
    assert code == 1
    assert "DO NOT MATCH THE HASHES" in result["msg"]
    assert run(capsys, **options, _ansible_check_mode=True)[1]["changed"]


def test_wheels_without_pip(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, result = run(capsys, path=str(tmp_path / "python"), find_links=str(tmp_path), requirements="x")
    assert (code, result["msg"]) == (
        1, f"There is no pip-*.whl in {tmp_path}, so nothing can be installed. Add it to the wheels.",
    )  # fmt: skip
    assert not (tmp_path / "python").exists()


def test_no_such_python(capsys: pytest.CaptureFixture[str], tmp_path: Path, wheels: Path) -> None:
    code, result = run(
        capsys, path=str(tmp_path / "python"), find_links=str(wheels), requirements="x", python="python9"
    )
    assert code == 1
    assert result["msg"].startswith("python3 was not found as 'python9' on this host. Install python3, or name another")
