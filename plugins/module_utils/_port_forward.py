# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A `kubectl port-forward` on 127.0.0.1 that lives as long as a with block."""

from __future__ import annotations

import contextlib
import re
import select
import subprocess
import time
from collections.abc import Iterator
from typing import IO, cast

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError

START_SECONDS = 10.0
STOP_SECONDS = 3.0

# kubectl 1.34.4, staging/src/k8s.io/client-go/tools/portforward/portforward.go, listenOnPortAndAddress
_READY = re.compile(r"^Forwarding from 127\.0\.0\.1:(\d+) ->")


class Kubectl(CommandLineTool):
    """kubectl with a kubeconfig and a context."""

    name = "kubectl"
    install_hint = "Install it, or give its path in `kubectl`."

    def __init__(self, path: str | None = None, kubeconfig: str | None = None, context: str | None = None) -> None:
        super().__init__(path)
        self.cluster = [f"--kubeconfig={kubeconfig}"] if kubeconfig else []
        if context:
            self.cluster.append(f"--context={context}")

    @contextlib.contextmanager
    def port_forward(self, namespace: str, resource: str, port: int) -> Iterator[int]:
        """Forward a free port of 127.0.0.1 to ``port`` of ``resource`` (such as service/NAME) within the block.

        :returns: the local port, on which kubectl already listens.
        :raises CommandError: kubectl is missing, or did not listen within START_SECONDS.
        """
        cmd = [
            self.resolve(), *self.cluster, f"--namespace={namespace}", "port-forward", "--address=127.0.0.1",
            "--", resource, f":{port}",
        ]  # fmt: skip
        started = time.monotonic()
        process = subprocess.Popen(
            cmd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environ(),
            text=True,
            start_new_session=True,
        )
        try:
            yield _local_port(process, cmd)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            self.record(cmd, process.returncode, time.monotonic() - started)


def _local_port(process: subprocess.Popen[str], cmd: list[str]) -> int:
    """Wait for the line that tells the port. Raises CommandError."""
    stdout = cast(IO[str], process.stdout)
    listening = select.select([stdout], [], [], START_SECONDS)[0]
    line = stdout.readline() if listening else ""
    match = _READY.match(line)
    if match:
        return int(match.group(1))
    if listening and not line:
        silence = f"it ended with exit code {process.wait()}"
    else:
        silence = f"it said nothing within {START_SECONDS:g} s"
    process.kill()
    _out, err = process.communicate()
    reason = (err.strip() or line.strip() or silence).splitlines()[-1]
    raise CommandError(
        f"kubectl port-forward does not listen: {reason}", cmd=cmd, rc=process.returncode, stdout=line, stderr=err
    )
