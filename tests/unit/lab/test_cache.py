# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made exactly once, whatever interrupts it, and every failure a sentence."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from tests.lab import cache
from tests.lab.cache import LabError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "CACHE", tmp_path)
    return tmp_path


def test_made_once_survives_an_interruption(folder: Path) -> None:
    calls: list[str] = []

    def interrupted(made: Path) -> None:
        calls.append("interrupted")
        (made / "half").touch()
        raise KeyboardInterrupt

    def whole(made: Path) -> None:
        calls.append("whole")
        assert list(made.iterdir()) == []
        (made / "program").write_text("x")

    with pytest.raises(KeyboardInterrupt):
        cache.made_once("tool-1", "tool", interrupted)
    assert not (folder / "build/tool-1").exists()
    for _ in range(2):
        assert cache.made_once("tool-1", "tool", whole) == folder / "build/tool-1"
        assert time.time() - (folder / "build/tool-1").stat().st_mtime < 60, "the second call uses it too"
        os.utime(folder / "build/tool-1", (0, 0))
    assert calls == ["interrupted", "whole"]
    assert [path.name for path in (folder / "build").iterdir()] == ["tool-1"]
    assert (folder / "build/tool-1/program").read_text() == "x"


def test_a_digest_tells_names_and_contents(tmp_path: Path) -> None:
    def digest(**files: str) -> str:
        source = tmp_path / "source"
        cache.remove_tree(source)
        source.mkdir()
        for name, text in files.items():
            (source / name).write_text(text)
        return cache.digest_of(source, "tag")

    first = digest(a="1", b="2")
    assert first == digest(b="2", a="1")
    assert len({first, digest(a="2", b="2"), digest(a="1", c="2"), digest(a="1")}) == 4
    assert cache.digest_of("a") != cache.digest_of("b")
    (tmp_path / "file").write_text("x")
    assert cache.digest_of(tmp_path / "file") != cache.digest_of()


def test_a_command_that_fails_says_what_and_what_to_do() -> None:
    assert cache.execute(["echo", Path("a")], what="x", remedy="y") == "a\n"
    with pytest.raises(LabError, match=r"^Building failed \(exit code 3 of sh\):\n    why\nTry again\.$"):
        cache.execute(["sh", "-c", "echo why >&2; exit 3"], what="Building", remedy="Try again.")
    with pytest.raises(LabError, match=r"^Building needs the program no-such, which is not installed\. Install it\.$"):
        cache.execute(["no-such"], what="Building", remedy="Install it.")


def test_space_is_looked_at_first(folder: Path) -> None:
    cache.need_space(folder / "new", 0.000001, "It")
    with pytest.raises(LabError, match=rf"It needs 1000000 GB free at {folder}, and there are .* XDG_CACHE_HOME"):
        cache.need_space(folder, 1e6, "It")


def test_the_size_of_a_folder(folder: Path) -> None:
    assert cache.size_of(folder / "none") == 0
    (folder / "file").write_bytes(b"x" * 1_000_000)
    assert 0.001 <= cache.size_of(folder) < 0.0012


def test_two_runs_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def second() -> None:
        with cache.locked("bundle"):
            order.append("second")

    with cache.locked("bundle"):
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert "Waiting for another run that holds" in capsys.readouterr().out


def test_the_guard_turns_problems_into_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(error: BaseException) -> int:
        raise error

    assert cache.main_guard(lambda: 5) == 5
    assert cache.main_guard(lambda: fail(LabError("No room."))) == 1
    assert cache.main_guard(lambda: os.mkdir("/proc/x")) == 1
    assert cache.main_guard(lambda: fail(KeyboardInterrupt())) == 130
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "ERROR: No room."
    assert lines[1].startswith("ERROR: [Errno 2] No such file or directory: '/proc/x'. Free what it names")
    assert lines[2].startswith("Interrupted. What was finished is kept")
