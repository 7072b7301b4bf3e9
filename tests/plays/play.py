# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real run of ansible-playbook on this machine, in a directory of its own, that a test can watch and disturb."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT = 120.0
"""Seconds after which a test gives up; it never takes so long unless the code is wrong."""

SUDO = """#!/bin/sh
while :; do case "$1" in -u) shift 2;; -*) shift;; *) break;; esac; done
echo "$@" >> {log}
exec "$@"
"""
"""A stand-in: it is asked for privileges and has none to give."""

CONNECTIONS = '''
"""Stand-ins for ssh that run their commands on this machine."""
import os
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local, DOCUMENTATION

class Connection(Local):
    transport = "{name}"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        {body}
        return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
'''
TELLING = {
    "library": """
import json, os
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"progress_file": {"type": "path"}}, supports_check_mode=True)
with open(os.environ["PLAY"] + "/given", "a") as stream:
    print(json.dumps(module.params["progress_file"]), file=stream)
module.exit_json()
""",
    "action_plugins": """
from ansible_collections.meshlab.istio.plugins.plugin_utils._progress import ShowsProgress
class ActionModule(ShowsProgress):
    pass
""",
}
"""A module that writes down which file it was given, and its action."""
BODIES = {
    "apart": 'cmd = "setsid --wait " + cmd  # as sshd does it: no signal of the controller arrives',
    "deaf": """if "tail -n 1" in cmd:
            open(os.environ["PLAY"] + "/asked", "w")
            raise AnsibleConnectionFailure("no second session")""",
}


def eventually(holds: Callable[[], object]) -> bool:
    end = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Play:
    """A run of ansible-playbook on the one host ``lab``, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        (directory / "connection").mkdir()
        for name, body in BODIES.items():
            text = CONNECTIONS.replace("{name}", name).replace("{body}", body)
            (directory / "connection" / f"{name}.py").write_text(text)
        for name, text in TELLING.items():
            (directory / name).mkdir()
            (directory / name / "telling.py").write_text(text)
        self.sudo_log = directory / "sudo.log"
        (directory / "sudo").write_text(SUDO.format(log=self.sudo_log))
        (directory / "sudo").chmod(0o755)
        self.process: subprocess.Popen[bytes] | None = None
        self.started = self.seconds = 0.0

    def start(
        self, tasks: list[dict[str, Any]], *words: str, connection: str = "local", program: str = "ansible-playbook",
        **environment: str,
    ) -> None:  # fmt: skip
        """Start it; each of ``environment`` is a setting of Ansible in lower case."""
        playbook = self.directory / "play.yml"
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        variables = {
            "ansible_connection": connection, "ansible_python_interpreter": sys.executable,
            "ansible_become_exe": str(self.directory / "sudo"),
        }  # fmt: skip
        settings = {
            "home": str(self.directory / "home"), "connection_plugins": str(self.directory / "connection"),
            "library": str(self.directory / "library"), "action_plugins": str(self.directory / "action_plugins"),
            "system_tmpdirs": f"/elsewhere,{self.temporary}", "become_allow_same_user": "yes", "nocolor": "yes",
            **environment,
        }  # fmt: skip
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        ours = {f"ANSIBLE_{name.upper()}": value for name, value in settings.items()}
        what = "all" if program == "ansible" else str(playbook)
        self.started = time.monotonic()
        with (self.directory / "out").open("w") as out, (self.directory / "err").open("w") as err:
            self.process = subprocess.Popen(
                [Path(sys.executable).parent / program, "-i", "lab,", "-e", json.dumps(variables), *words, what],
                env={**inherited, **ours, "PLAY": str(self)},
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip

    def __str__(self) -> str:
        return str(self.directory)

    def out(self) -> str:
        return (self.directory / "out").read_text()

    def shown(self) -> str:
        return (self.directory / "err").read_text()

    def given(self) -> list[Any]:
        """Return which file each run of the module ``telling`` was given."""
        return [json.loads(line) for line in (self.directory / "given").read_text().splitlines()]

    def files(self) -> list[Path]:
        return list(self.temporary.iterdir())

    def wait(self) -> int:
        assert self.process is not None
        code = self.process.wait(LIMIT)
        self.seconds = time.monotonic() - self.started
        return code

    def modules(self) -> list[int]:
        """Return the processes that run the play's modules on the "host"."""
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                ours = f"PLAY={self}".encode() in (directory / "environ").read_bytes().split(b"\0")
                command = (directory / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if ours and command[0] == sys.executable.encode() and b"ansible-playbook" not in b" ".join(command):
                found.append(int(directory.name))
        return found

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIMIT)
        for process in self.modules():
            os.kill(process, signal.SIGKILL)
