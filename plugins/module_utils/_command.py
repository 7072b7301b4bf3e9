# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command-line tool: an argument list, a hard time-out, English words, a record of what ran.

``AnsibleModule.run_command`` has no time-out, and istioctl from 1.28 on hangs for ever on a dead
API server, so the standard library's subprocess is used instead.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError
from ansible_collections.meshlab.istio.plugins.module_utils._lifeline import postponed
from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact

PATIENCE_SECONDS = 3.0
"""How long a tool may take to end after SIGINT, before SIGKILL comes."""
DRAIN_SECONDS = 2.0
"""How long each stream may still bring something after the tool's end."""

FIXED = {"LC_ALL": "C", "KUBECTL_KUBERC": "false"}
"""English words, and no preferences of the user's: with a kuberc (kubectl 1.34) `delete` may ask, and do nothing."""

RAN: list[dict[str, Any]] = []
"""Every command that this process ran, whichever tool's: cmd (text), rc (None after a time-out), seconds."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables for a tool: this process's and ``more``, and what makes its answers those of everybody."""
    return {**os.environ, **(more or {}), **FIXED}


@dataclass(frozen=True)
class Completed:
    """What a finished command left behind: exit code, both streams as text, and seconds of wall time."""

    cmd: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str
    seconds: float


class CommandLineTool:
    """A command-line tool and how it is run. minikube, istioctl and kubectl are thin subclasses.

    :param path: the binary: an absolute path, or a name that is looked up in PATH.
    :param environment: variables added to the inherited ones; FIXED is always set,
        because words of the output are read.
    """

    name = "command"
    install_hint = "Install it, or give its full path."

    def __init__(self, path: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.path = path or self.name
        self.environment = dict(environment or {})
        self.log: list[dict[str, Any]] = []

    def found(self) -> bool:
        """Tell whether the binary is there; in check mode an earlier task might first bring it."""
        try:
            self.resolve()
        except CommandError:
            return False
        return True

    def resolve(self) -> str:
        """Return the binary's absolute path, or raise CommandError naming the remedy."""
        found = shutil.which(os.path.expanduser(self.path), path=self._environ().get("PATH"))
        if found is None:
            raise CommandError(
                f"{self.name} was not found as {self.path!r} on this host. {self.install_hint}",
                cmd=[self.path], rc=None, stdout="", stderr="",
            )  # fmt: skip
        return found

    def run(
        self,
        arguments: Sequence[str],
        *,
        timeout: float,
        check: bool = True,
        input_text: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run the tool and wait for it.

        :param arguments: everything after the tool's own name.
        :param timeout: seconds after which the whole process group is killed.
        :param check: raise CommandError on a non-zero exit code.
        :param input_text: given to standard input; otherwise that is empty, so no prompt can block.
        :param on_line: called from reader threads with each line of either stream as it appears.
        :raises CommandError: not found, timed out, or failed while ``check`` is set.
        """
        cmd = [self.resolve(), *arguments]
        started = time.monotonic()
        streams: tuple[list[str], list[str]] = ([], [])
        timed_out = False
        with self._running(cmd, with_input=input_text is not None) as process:
            readers = [
                threading.Thread(target=_collect, args=(pipe, lines, on_line), daemon=True)
                for pipe, lines in zip((process.stdout, process.stderr), streams)
            ]
            # Written beside, as a tool that doesn't read more than a pipe holds would outlast any time-out.
            writer = threading.Thread(target=_feed, args=(process.stdin, input_text or ""), daemon=True)
            for thread in (*readers, writer):
                thread.start()
            try:
                process.wait(timeout=timeout)
            except subprocess.TimeoutExpired:
                timed_out = True
        for reader in readers:
            # A grandchild may hold the pipe open; what was read so far is enough.
            reader.join(timeout=DRAIN_SECONDS)
        seconds = time.monotonic() - started
        done = Completed(tuple(cmd), process.returncode, "".join(streams[0]), "".join(streams[1]), seconds)
        self.record(cmd, None if timed_out else done.rc, seconds)
        if timed_out:
            raise CommandError(
                f"{self.name} {arguments[0] if arguments else ''} did not end within {timeout:g} s and was stopped.",
                cmd=cmd, rc=None, stdout=done.stdout, stderr=done.stderr,
            )  # fmt: skip
        if check and done.rc != 0:
            raise self.failure(done)
        return done

    def record(self, cmd: Sequence[str], rc: int | None, seconds: float) -> None:
        """Note that a command ran, in the tool's own ``log`` and in RAN; both are shown."""
        entry = {"cmd": redact(shlex.join(cmd)), "rc": rc, "seconds": round(seconds, 2)}
        self.log.append(entry)
        RAN.append(entry)

    @contextlib.contextmanager
    def _running(self, cmd: list[str], *, with_input: bool) -> Iterator[subprocess.Popen[str]]:
        """Start ``cmd``; at the end of the block, however it comes, nothing of it runs any more."""
        process: subprocess.Popen[str] | None = None
        try:
            with postponed():
                process = subprocess.Popen(
                    cmd,
                    stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._environ(),
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,
                )
            yield process
        except OSError as error:
            if process is not None:
                raise
            # Such as "Exec format error": the file is of another architecture, or was cut off.
            raise CommandError(
                f"{cmd[0]} cannot be run on this host: {error.strerror}. {self.install_hint}",
                cmd=cmd, rc=None, stdout="", stderr="",
            ) from error  # fmt: skip
        finally:
            if process is not None and process.poll() is None:
                _kill_group(process)

    def failure(self, done: Completed) -> CommandError:
        """Turn a non-zero exit into an error; subclasses add what they know about the tool's codes."""
        reason = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        return CommandError(
            f"{shlex.join([self.name, *done.cmd[1:3]])} failed with exit code {done.rc}: {reason}",
            cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
        )  # fmt: skip

    def _environ(self) -> dict[str, str]:
        return environment(self.environment)


def _collect(pipe: IO[str] | None, lines: list[str], on_line: Callable[[str], None] | None) -> None:
    if pipe is None:
        return
    for line in pipe:
        lines.append(line)
        if on_line is not None:
            on_line(line.rstrip("\n"))


def _feed(pipe: IO[str] | None, text: str) -> None:
    """Write a tool's standard input; one that ends without reading all of it is its own affair."""
    if pipe is None:
        return
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(text)


def _kill_group(process: subprocess.Popen[str]) -> None:
    """Ask the process group to end, then make it: also those of it that outlive the tool itself."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(timeout=PATIENCE_SECONDS)
