# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python_environment: a real environment from wheels that lie on the host."""

from __future__ import annotations

import ensurepip
import hashlib
import json
import os
import shutil
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
    assert arguments.startswith("['--isolated', 'install', ")
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


@pytest.fixture
def real_wheels(tmp_path: Path) -> tuple[Path, str]:
    """pip as this Python brings it, and a small library; with the requirements that name it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    pip = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"), None)
    if pip is None:
        pytest.skip("this Python brings no wheel of pip")
    shutil.copy(pip, folder)
    wheel = folder / "library-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("library.py", "")
        archive.writestr("library-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: library\nVersion: 1\n")
        archive.writestr("library-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("library-1.dist-info/RECORD", "")
    return folder, f"library==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def test_a_users_configuration_of_pip_does_not_count(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, real_wheels: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    code, made = run(capsys, path=str(tmp_path / "python"), python=sys.executable, find_links=str(real_wheels[0]),
                     requirements=real_wheels[1])  # fmt: skip
    assert code == 0, made
    subprocess.run([made["python"], "-c", "import library"], check=True)
    assert not (tmp_path / "elsewhere").exists()


def test_made_again_when_its_python_is_another(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wheels: Path
) -> None:
    options = {"path": str(tmp_path / "python"), "python": sys.executable, "find_links": str(wheels),
               "requirements": "library==1\n"}  # fmt: skip
    run(capsys, **options)
    assert not run(capsys, **options)[1]["changed"]
    other = tmp_path / "python3.99"
    other.write_text("#!/bin/sh\necho cpython-399 True\n")
    other.chmod(0o755)
    asked = run(capsys, **{**options, "python": str(other)}, _ansible_check_mode=True)[1]
    assert (asked["changed"], asked["diff"]["after_header"]) == (True, f"{tmp_path}/python (cpython-399)")
    # As after an upgrade of the host: the packages are in the folder of the Python before.
    packages = next((tmp_path / "python/lib").glob("python*"))
    packages.rename(packages.with_name("python3.2"))
    assert run(capsys, **options)[1]["changed"]
    assert not run(capsys, **options)[1]["changed"]
    assert not (tmp_path / "python/lib/python3.2").exists()


@pytest.mark.parametrize("names", [["notes.txt"], [".requirements"], ["pyvenv.cfg", "bin"], None])
def test_a_folder_of_the_users_is_left_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wheels: Path, names: list[str] | None
) -> None:
    path = tmp_path / "project"
    if names is None:
        path.write_text("mine")
    else:
        path.mkdir()
        for name in names:
            (path / name).write_text("mine")
    for check_mode in (True, False):
        code, result = run(capsys, path=str(path), python=sys.executable, find_links=str(wheels), requirements="a==1\n",
                           _ansible_check_mode=check_mode)  # fmt: skip
        assert code == 1
        assert "was not made by this collection, so it may be yours. It was not touched." in result["msg"]
    assert path.read_text() == "mine" if names is None else sorted(os.listdir(path)) == sorted(names)


def test_what_an_earlier_release_made_is_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path, wheels: Path) -> None:
    path = tmp_path / "python"
    path.mkdir()
    for name in (".requirements", "pyvenv.cfg"):
        (path / name).write_text("old==1\n")
    code, result = run(capsys, path=str(path), python=sys.executable, find_links=str(wheels), requirements="a==1\n")
    assert (code, result["changed"]) == (0, True)
    subprocess.run([result["python"], "-c", "import library"], check=True)


def test_what_was_interrupted_is_made_again(capsys: pytest.CaptureFixture[str], tmp_path: Path, wheels: Path) -> None:
    path = tmp_path / "python"
    options = {"path": str(path), "python": sys.executable, "find_links": str(wheels)}
    assert run(capsys, **options, requirements="bad==1\n")[0] == 1
    (path / "rest").touch()
    assert run(capsys, **options, requirements="a==1\n")[0] == 0
    assert not (path / "rest").exists()
