# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules share: the Python with the libraries, one way to end, progress, errors."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _command, _errors, _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._lifeline import SIGNALS, Lifeline
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress


def ended(capsys: pytest.CaptureFixture[str], call: Any) -> tuple[int, dict[str, Any]]:
    """Return exit code and output of a module in which ``call(module)`` ran."""
    with patch_module_args({}), pytest.raises(SystemExit) as end:
        call(AnsibleModule(argument_spec={}))
    return int(end.value.code or 0), json.loads(capsys.readouterr().out)


def test_a_result_with_warnings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    # What Ansible makes of a warning differs between a host and the controller; that it is told counts here.
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: warned.append(text))
    code, result = ended(
        capsys, lambda module: _runtime.run(module, lambda _m: {"x": 1, "warnings": ["Mind token=a1."]})
    )
    assert (code, result["x"], warned) == (0, 1, ["Mind token=(redacted)"])


def test_an_error_is_a_sentence_with_details(capsys: pytest.CaptureFixture[str]) -> None:
    def work(_module: AnsibleModule) -> dict[str, Any]:
        raise _errors.CommandError("It failed.", cmd=["a"], rc=3, stdout="", stderr="why")

    code, result = ended(capsys, lambda module: _runtime.run(module, work))
    assert code == 1
    assert (result["failed"], result["msg"], result["rc"], result["stderr"]) == (True, "It failed.", 3, "why")


def test_an_error_tells_which_commands_ran_before(capsys: pytest.CaptureFixture[str]) -> None:
    _command.RAN.clear()

    def work(_module: AnsibleModule) -> dict[str, Any]:
        _command.CommandLineTool("true").run([], timeout=30)
        _command.CommandLineTool("false").run([], timeout=30)
        return {}

    _code, result = ended(capsys, lambda module: _runtime.run(module, work))
    assert [(ran["cmd"].rpartition("/")[2], ran["rc"]) for ran in result["commands"]] == [("true", 0), ("false", 1)]


def test_an_error_and_what_ran_before_tell_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    _command.RAN.clear()

    def work(_module: AnsibleModule) -> dict[str, Any]:
        _command.CommandLineTool("true").run(["--env", "DB_PASSWORD=hunter2"], timeout=30)
        said = "dial postgres://root:hunter2@db: refused"
        raise _errors.CommandError(said, cmd=["a", "token=hunter2"], rc=3, stdout=said, stderr=said, log=[said])

    _code, result = ended(capsys, lambda module: _runtime.run(module, work))
    assert "hunter2" not in json.dumps(result)
    assert result["stderr"] == result["msg"] == "dial postgres://(redacted)@db: refused"
    assert result["commands"][0]["cmd"].endswith("true --env DB_PASSWORD=(redacted)")


def test_any_other_error_is_a_bug_and_not_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    def work(_module: AnsibleModule) -> dict[str, Any]:
        raise ZeroDivisionError("token=a1, x")

    code, result = ended(capsys, lambda module: _runtime.run(module, work))
    assert code == 1
    assert "(ZeroDivisionError: token=(redacted), x). That is a fault of the collection meshlab.istio" in result["msg"]
    assert "in work" in result["traceback"]
    assert "a1" not in result["traceback"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device: /srv/x. Free some space on this disk, and run it again."),
        (
            errno.EROFS,
            "Read-only file system: /srv/x. The file system is read-only: choose a place that can be written.",
        ),
        (errno.ENOENT, "No such file or directory: /srv/x."),
    ],
)
def test_an_error_of_the_operating_system_is_a_sentence(
    capsys: pytest.CaptureFixture[str], number: int, words: str
) -> None:
    def work(_module: AnsibleModule) -> dict[str, Any]:
        raise OSError(number, os.strerror(number), "/srv/x")

    code, result = ended(capsys, lambda module: _runtime.run(module, work))
    assert (code, result["msg"], "traceback" in result) == (1, words, False)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "The option wait_timeout is nan, but it needs a number of seconds, at most"),
        (float("inf"), "The option wait_timeout is inf, but it needs a number of seconds, at most"),
        (1e300, "The option wait_timeout is 1e+300, but it needs a number of seconds, at most"),
        (
            {"b": ["x\0y"]},
            "The option wait_timeout has a character that no file, program or URL can be given: 'x\\x00y'.",
        ),
        (
            {"x\ud800": 1},
            "The option wait_timeout has a character that no file, program or URL can be given: 'x\\ud800'.",
        ),
    ],
)
def test_what_no_option_can_mean_is_refused(capsys: pytest.CaptureFixture[str], value: Any, words: str) -> None:
    def call(module: AnsibleModule) -> None:
        module.params = {"wait_timeout": value}
        _runtime.run(module, lambda _module: {})

    code, result = ended(capsys, call)
    assert code == 1
    assert result["msg"].startswith(words)


def test_errors_are_one_family() -> None:
    kinds = (_errors.InputError, _errors.CommandError, _errors.ClusterError, _errors.NotFound, _errors.Unreachable,
             _errors.WaitError)  # fmt: skip
    for kind in kinds:
        assert issubclass(kind, _errors.MeshlabError)
        error = kind("What failed.", status=404)
        assert error.result() == {"msg": "What failed.", "status": 404}
        assert str(error) == "What failed."
    assert issubclass(_errors.NotFound, _errors.ClusterError)
    assert issubclass(_errors.Unreachable, _errors.ClusterError)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the environment that the role ``host`` makes; ``respawned`` says where the module went on."""
    monkeypatch.setenv("HOME", str(tmp_path))
    python = tmp_path / ".local/share/meshlab/python/bin/python3"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/python3")
    return tmp_path


class Respawned(Exception):
    """respawn_module() does not return."""


def respawn(path: str) -> None:
    """The other process is the one to be stopped; this one only waits for it."""
    assert {signal.getsignal(number) for number in SIGNALS} == {signal.SIG_IGN}
    raise Respawned(path)


def test_libraries_that_are_here_need_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_runtime, "respawn_module", respawn)
    with patch_module_args({}):
        _runtime.need_libraries(AnsibleModule(argument_spec={}), "json", "os")


def test_the_module_goes_on_where_the_libraries_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_runtime, "respawn_module", respawn)
    with (
        Lifeline(),
        patch_module_args({}),
        pytest.raises(Respawned, match=r"/\.local/share/meshlab/python/bin/python3$"),
    ):
        _runtime.need_libraries(AnsibleModule(argument_spec={}), "json", "no_such_library")


def test_a_python_of_the_same_version_reads_the_packages_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_runtime, "respawn_module", respawn)
    monkeypatch.setattr(sys, "path", [*sys.path])
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = home / ".local/share/meshlab/python/lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (packages / "library_of_the_lab.py").write_text("here = True\n", encoding="utf-8")
    first = sys.path[0]
    with patch_module_args({}):
        _runtime.need_libraries(AnsibleModule(argument_spec={}), "json", "library_of_the_lab")
    # Behind the module's own archive, before everything that the system has.
    assert sys.path[:2] == [first, str(packages)]


def test_arguments_that_no_pipe_holds_are_refused_and_not_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_runtime, "respawn_module", respawn)
    with patch_module_args({"definition": "x" * 100_000}), pytest.raises(SystemExit):
        _runtime.need_libraries(AnsibleModule(argument_spec={"definition": {"type": "str"}}), "no_such_library")
    assert "too long to be handed over. Give them as files" in json.loads(capsys.readouterr().out)["msg"]


@pytest.mark.parametrize("why", ["there already", "no such environment"])
def test_libraries_that_are_nowhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], why: str
) -> None:
    monkeypatch.setattr(_runtime, "respawn_module", respawn)
    if why == "there already":
        monkeypatch.setattr(_runtime, "has_respawned", lambda: True)
    else:
        (home / ".local/share/meshlab/python/bin/python3").unlink()
    with patch_module_args({"_ansible_check_mode": True}):
        module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    with pytest.raises(_errors.Unreachable, match="the Python libraries no_such_library yet"):
        _runtime.need_libraries(module, "json", "no_such_library")
    code, result = ended(capsys, lambda module: _runtime.need_libraries(module, "json", "no_such_library"))
    assert code == 1
    assert "no_such_library" in result["msg"]
    assert result["msg"].endswith("The role meshlab.istio.host makes such an environment at " + _runtime.PYTHON + ".")
    assert result["missing"] == ["no_such_library"]


def test_progress_is_written_for_its_owner_and_not_twice(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    old = os.umask(0)
    try:
        progress = Progress(str(path))
        for text in ("Starting", "Starting", "Wärmer", "Starting"):
            progress(text)
    finally:
        os.umask(old)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["text"] for line in lines] == ["Starting", "Wärmer", "Starting"]
    assert all(line["at"] > 1_700_000_000 for line in lines)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_progress_that_cannot_be_written_does_not_end_the_work(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("of somebody else")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in ("there", "link", "no/such/directory"):
        Progress(str(tmp_path / path))("Starting")
    assert (tmp_path / "there").read_text() == "of somebody else"
    assert not (tmp_path / "elsewhere").exists()


def test_the_file_goes_with_the_program_that_made_it(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    program = (
        "import os, sys\n"
        "from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress\n"
        "for path in sys.argv[1:]:\n"
        "    Progress(path)('Starting')\n"
        "print(*(os.path.exists(path) for path in sys.argv[1:]))\n"
        "raise SystemExit(3)"
    )
    paths = [str(tmp_path / name) for name in ("there", "new")]
    done = subprocess.run([sys.executable, "-c", program, *paths], stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout) == (3, "True True\n")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_progress_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Progress()("Starting")
    assert list(tmp_path.iterdir()) == []


def test_what_tools_said_is_returned_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"problems": ["login failed: token=abc1"], "log": ["--password 'a b'"], "version": "1.28.0"}
    _code, result = ended(capsys, lambda module: _runtime.run(module, lambda _m: dict(said)))
    assert result["problems"] == ["login failed: token=(redacted)"]
    assert result["log"] == ["--password '(redacted)'"]
    assert result["version"] == "1.28.0"


def test_progress_tells_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    Progress(str(path))("Pulling https://bob:hunter2@registry.example/x")
    assert json.loads(path.read_text(encoding="utf-8"))["text"] == "Pulling https://(redacted)@registry.example/x"
