# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install that goes on in the background: real processes, one at a time."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._istio_run import Run


def until(test: object) -> None:
    end = time.monotonic() + 10
    while not test():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def program(text: str) -> list[str]:
    return [sys.executable, "-ISc", text]


def test_an_install_outlives_its_starter_and_leaves_its_result(tmp_path: Path) -> None:
    run = Run("uid", str(tmp_path / "root"))
    assert not run.running()
    assert run.acquire()
    run.start(program(f"import os, time; print('hello\\n\\nworld', flush=True)\n"
                      f"while not os.path.exists('{tmp_path}/go'): time.sleep(0.01)\nraise SystemExit(7)"),
              {"kind": "IstioOperator"}, "digest")  # fmt: skip
    other = Run("uid", str(tmp_path / "root"))
    assert run.running()
    assert other.running()
    assert not other.acquire()
    assert other.result() is None
    state = other.state()
    assert state["digest"] == "digest"
    assert os.getsid(state["pid"]) == state["pid"]
    (tmp_path / "go").touch()
    until(lambda: not other.running())
    result = other.result()
    assert result is not None
    assert result["rc"] == 7
    assert other.log_tail() == ["hello", "world"]
    for path in (tmp_path / "root" / "uid").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((tmp_path / "root" / "uid").stat().st_mode) == 0o700
    assert other.acquire()
    other.forget()
    other.forget()
    assert other.state() == {}
    other.release()


def test_stop_ends_it_and_it_is_written_down(tmp_path: Path) -> None:
    run = Run("uid", str(tmp_path))
    run.stop()
    run.acquire()
    run.start(program("import time; time.sleep(30)"), {}, "d")
    until(run.state)
    time.sleep(0.2)
    run.stop()
    assert not run.running()
    assert run.result() == {"rc": -signal.SIGTERM, "seconds": pytest.approx(0.2, abs=3)}


def test_a_deaf_install_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.meshlab.istio.plugins.module_utils._istio_run.STOP_SECONDS", 0.3)
    run = Run("uid", str(tmp_path))
    run.acquire()
    run.start(program("import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(30)"),
              {}, "d")  # fmt: skip
    until(lambda: run.log_tail() == ["1"])
    run.stop()
    until(lambda: not run.running())
    assert run.result() is None


def test_one_of_many_gets_the_lock(tmp_path: Path) -> None:
    runs = [Run("uid", str(tmp_path)) for _ in range(8)]
    got: list[bool] = []
    threads = [threading.Thread(target=lambda run=run: got.append(run.acquire())) for run in runs]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(True) == 1
    for run in runs:
        run.release()
    assert runs[3].acquire()
    assert runs[3].acquire()
    runs[3].release()


def test_start_needs_the_lock(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        Run("uid", str(tmp_path)).start(["true"], {}, "d")


def test_damaged_files_count_as_missing(tmp_path: Path) -> None:
    run = Run("uid", str(tmp_path))
    assert run.log_tail() == []
    (tmp_path / "uid" / "state.json").write_text("{trunc")
    (tmp_path / "uid" / "result.json").write_text("[]")
    assert run.state() == {}
    assert run.result() is None


def test_the_log_is_shown_without_secrets(tmp_path: Path) -> None:
    run = Run("uid", str(tmp_path))
    key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
    Path(run.log_file).write_text(f"password: hunter2\n\n{key}\nend\n")
    assert run.log_tail() == ["password: (redacted)", "(redacted)", "end"]
