# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where built parts are kept, and how each is made exactly once: build beside, then rename."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
COMMAND = ".venv/bin/python -m tests.lab"
"""The lab's command line, as a reader can type it in a checkout."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meshlab"


class LabError(Exception):
    """The sealed lab cannot be built or booted; the message says what to do."""


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, flush=True)


def digest_of(*sources: Path | str) -> str:
    """Return a short sha256 over files, folders (names and contents) and literal strings."""
    total = hashlib.sha256()
    for source in sources:
        if isinstance(source, str):
            total.update(source.encode())
            continue
        files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
        for path in files:
            total.update(str(path.relative_to(source.parent)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def made_once(key: str, title: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``build/key`` of the cache, calling ``make(folder)`` only when it isn't there yet.

    An interrupted ``make`` leaves nothing under the final name; the next call begins that part again.
    """
    final = CACHE / "build" / key
    if final.exists():
        os.utime(final)  # what nobody asks for any more is removed (tests.lab.bundle)
        return final
    partial = final.with_name(final.name + ".partial")
    remove_tree(partial)
    partial.mkdir(parents=True)
    started = time.monotonic()
    with _heartbeat(title):
        make(partial)
    partial.rename(final)
    say(f"  {title}: done in {time.monotonic() - started:.0f} s")
    return final


def remove_tree(path: Path) -> None:
    """Remove a folder that may not exist and may hold read-only files."""
    if path.exists():
        shutil.rmtree(path)


def execute(command: Sequence[str | Path], *, what: str, remedy: str, env: dict[str, str] | None = None,
            cwd: Path | None = None) -> str:  # fmt: skip
    """Run a command and return its standard output, or raise LabError with its last words and the remedy."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, env=env, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise LabError(f"{what} needs the program {words[0]}, which is not installed. {remedy}") from error
    if done.returncode != 0:
        last = "\n    ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-8:])
        raise LabError(f"{what} failed (exit code {done.returncode} of {words[0]}):\n    {last}\n{remedy}")
    return done.stdout


def need_space(path: Path, gigabytes: float, what: str) -> None:
    """Raise LabError unless the file system of ``path`` has that much room."""
    path.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path).free / 1e9
    if free < gigabytes:
        raise LabError(
            f"{what} needs {gigabytes:.0f} GB free at {path}, and there are {free:.1f} GB. "
            "Make room, or set XDG_CACHE_HOME to a folder on a larger disk."
        )


def size_of(folder: Path) -> float:
    """Return how many GB a folder takes; 0 for one that is not there. Another run may be filling it meanwhile."""
    done = subprocess.run(["du", "--summarize", "--block-size=1", str(folder)], capture_output=True, text=True)
    return int((done.stdout or "0").split()[0]) / 1e9


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold an exclusive lock, so that two runs don't build or boot the same thing at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another run that holds {stream.name} …")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def _heartbeat(title: str) -> Iterator[None]:
    """Say once a minute that ``title`` is still being made."""
    ended = threading.Event()
    started = time.monotonic()

    def beat() -> None:
        while not ended.wait(60):
            say(f"  {title}: {(time.monotonic() - started) / 60:.0f} min so far")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def main_guard(work: Callable[[], int]) -> int:
    """Run ``work``; turn a LabError into a sentence on standard error and exit code 1."""
    try:
        return work()
    except LabError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"ERROR: {error}. Free what it names, or choose another place for it, and run the command again.",
              file=sys.stderr)  # fmt: skip
        return 1
    except KeyboardInterrupt:
        print("Interrupted. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130
