# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command-line tool: every way in which one can end, and what is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _command
from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError


class Python(CommandLineTool):
    """The interpreter of the tests plays a tool; a test gives it a program."""

    name = "python"
    install_hint = "Install it by hand."


def python(**environment: str) -> Python:
    return Python(sys.executable, environment)


def ends(pid: int) -> bool:
    """Tell whether a process that is not our child is gone within two seconds (or a zombie nobody asked for)."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_both_streams_are_kept_apart_and_told_line_by_line() -> None:
    told: list[str] = []
    tool = python()
    program = "import sys; print('one\\ntwo'); print('Ärger', file=sys.stderr)"
    done = tool.run(["-X", "utf8", "-c", program], timeout=20, on_line=told.append)
    assert (done.rc, done.stdout, done.stderr) == (0, "one\ntwo\n", "Ärger\n")
    assert sorted(told) == ["one", "two", "Ärger"]
    assert tool.log[0]["rc"] == 0
    assert tool.log[0]["cmd"].startswith(f"{sys.executable} -X utf8 -c 'import sys;")
    assert 0 <= tool.log[0]["seconds"] <= done.seconds + 0.01


def test_bytes_that_are_no_text_do_not_end_the_reading() -> None:
    done = python().run(["-c", r"import os; os.write(1, b'a\xffb\n'); os.write(1, b'c\n')"], timeout=20)
    assert done.stdout == "a\ufffdb\nc\n"


def test_words_are_english_and_the_environment_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("KUBECTL_KUBERC", "true")
    monkeypatch.setenv("INHERITED", "yes")
    tool = python(ADDED="too", LC_ALL="fr_FR.UTF-8")
    program = "import os; print(*(os.environ[name] for name in ('LC_ALL', 'INHERITED', 'ADDED', 'KUBECTL_KUBERC')))"
    # A user's kuberc would change what kubectl does for us.
    assert tool.run(["-c", program], timeout=20).stdout == "C yes too false\n"


def test_input_is_given_and_empty_without() -> None:
    program = "import sys; print(repr(sys.stdin.read()))"
    assert python().run(["-c", program], timeout=20, input_text="ä\nb").stdout == "'ä\\nb'\n"
    assert python().run(["-c", program], timeout=20).stdout == "''\n"


def test_a_tool_may_leave_its_input_unread() -> None:
    done = python().run(["-c", "print('enough')"], timeout=20, input_text="x" * 1_000_000)
    assert done.stdout == "enough\n"


def test_input_that_is_never_read_does_not_outlast_the_time_out() -> None:
    started = time.monotonic()
    with pytest.raises(CommandError, match=r"did not end within 0\.3 s"):
        python().run(["-c", "import time; time.sleep(60)"], timeout=0.3, input_text="x" * 1_000_000)
    assert time.monotonic() - started < 8


def test_a_failure_says_what_failed_with_its_last_words() -> None:
    tool = python()
    program = "import sys; print('out'); print('first\\nthe reason', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandError) as raised:
        tool.run(["-c", program], timeout=20)
    assert str(raised.value).endswith("failed with exit code 3: the reason")
    assert raised.value.details == {
        "cmd": [sys.executable, "-c", program], "rc": 3, "stdout": "out\n", "stderr": "first\nthe reason\n",
    }  # fmt: skip
    assert tool.log[0]["rc"] == 3


@pytest.mark.parametrize(
    ("program", "reason"),
    [("print('on stdout'); raise SystemExit(1)", "on stdout"), ("raise SystemExit(1)", "it said nothing")],
)
def test_a_failure_without_words_on_standard_error(program: str, reason: str) -> None:
    with pytest.raises(CommandError, match=f"exit code 1: {reason}$"):
        python().run(["-c", program], timeout=20)


def test_a_failure_that_is_asked_for_is_returned() -> None:
    assert python().run(["-c", "raise SystemExit(7)"], timeout=20, check=False).rc == 7


def test_a_time_out_stops_the_tool_and_its_children_and_keeps_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_command, "PATIENCE_SECONDS", 0.5)
    # The child ignores SIGINT; the tool itself does not.
    child = (
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    program = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    tool = python()
    with pytest.raises(CommandError) as raised:
        tool.run(["-c", program], timeout=1.5)
    assert "did not end within 1.5 s and was stopped" in str(raised.value)
    assert raised.value.details["rc"] is None
    assert tool.log[0]["rc"] is None
    assert ends(int(raised.value.details["stdout"]))


def test_a_tool_that_ignores_being_asked_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_command, "PATIENCE_SECONDS", 0.3)
    program = (
        "import os, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    with pytest.raises(CommandError) as raised:
        python().run(["-c", program], timeout=1.5)
    assert ends(int(raised.value.details["stdout"]))


def test_a_group_that_ended_by_itself_is_no_problem() -> None:
    process = subprocess.Popen(["true"], text=True, start_new_session=True)
    process.wait()
    _command._kill_group(process)
    assert process.returncode == 0


def test_what_holds_the_pipe_open_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_command, "DRAIN_SECONDS", 0.2)
    program = "import subprocess, sys; subprocess.Popen(['sleep', '6']); print('done')"
    done = python().run(["-c", program], timeout=20)
    assert done.stdout == "done\n"
    assert done.seconds < 4


def test_a_tool_that_is_not_there() -> None:
    tool = Python("no-such-program")
    assert not tool.found()
    with pytest.raises(CommandError, match=r"^python was not found as 'no-such-program' on this host\. Install it by"):
        tool.run(["--version"], timeout=1)
    assert tool.log == []


def test_a_tool_is_found_in_its_own_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").symlink_to("/bin/true")
    assert Python(None, {"PATH": str(tmp_path)}).resolve() == str(tmp_path / "python")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Python("~/python").found()


def test_a_program_of_another_architecture(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_bytes(b"\x7fELF\x00cut off")
    program.chmod(0o755)
    with pytest.raises(CommandError, match="cannot be run on this host: Exec format error") as raised:
        Python(str(program)).run([], timeout=1)
    assert raised.value.details["cmd"] == [os.fspath(program)]


def test_no_pipe_no_work() -> None:
    _command._collect(None, [], None)
    _command._feed(None, "text")
