#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: python_environment
short_description: Have a Python environment with pinned libraries, without the network
version_added: 0.1.0
description:
  - Makes a virtual environment from wheels that lie on the host. Neither pip nor ensurepip need be installed;
    pip itself is one of the wheels. No configuration of pip's counts, neither a file nor a variable.
  - It is made again when the requirements or the Python (such as 3.11) are others, or when the Python it was made from
    has been upgraded. What is at O(path) and was not made by this module is not touched; then the module refuses.
author: meshlab contributors (@meshlab)
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode).
    support: full
options:
  path:
    description: The environment's folder. The other modules of this collection look for the default one.
    type: path
    default: ~/.local/share/meshlab/python
  python:
    description: The Python to make it from.
    type: str
    default: python3
  requirements:
    description: Text of a requirements file with hashes.
    type: str
    required: true
  find_links:
    description: The folder with the wheels, pip's among them.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Have the libraries of the Kubernetes modules
  meshlab.istio.python_environment:
    requirements: "{{ lookup('ansible.builtin.file', 'requirements.txt') }}"
    find_links: /srv/wheels
"""

RETURN = r"""
python:
  description: The environment's interpreter.
  type: str
  returned: success
  sample: /root/.local/share/meshlab/python/bin/python3
"""

import glob
import os
import shutil
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._files import OWN

DEFAULT = f"{OWN}/python"
"""What is there is ours, also if an earlier release was interrupted."""
MARK = ".meshlab-python"
"""The file by which a folder is known to be ours, from before anything else is in it."""
STAMP = ".requirements"
SECONDS = 300.0
ASKED = "import os, sys, sysconfig; print(sys.implementation.cache_tag, os.path.isdir(sysconfig.get_path('purelib')))"
"""What tells an interpreter's version, such as cpython-311, and whether it has a folder for packages."""


class Python(CommandLineTool):
    """A Python interpreter."""

    name = "python3"
    install_hint = "Install python3, or name another interpreter with `python`."

    def version(self) -> tuple[str, bool]:
        """Return its version as the names of compiled files have it, and whether it has a folder for packages."""
        words = self.run(["-I", "-c", ASKED], timeout=SECONDS).stdout.split()
        if len(words) != 2:
            raise InputError(f"{self.path} does not say which Python it is. {self.install_hint}")
        return words[0], words[1] == "True"


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result. The stamp is written last, so an interrupted environment is made again."""
    path, requirements = module.params["path"], module.params["requirements"]
    python = os.path.join(path, "bin", "python3")
    before, made_from = _there(path, python)
    wanted_from = Python(module.params["python"]).version()[0]
    result = {
        "changed": (before, made_from) != (requirements, wanted_from),
        "python": python,
        "diff": {
            "before": before, "before_header": f"{path} ({made_from or 'absent'})",
            "after": requirements, "after_header": f"{path} ({wanted_from})",
        },
    }  # fmt: skip
    if not result["changed"]:
        return result
    _refuse_foreign(path)
    if module.check_mode:
        return result
    wheels = module.params["find_links"]
    pip = sorted(glob.glob(os.path.join(glob.escape(wheels), "pip-*.whl")))
    if not pip:
        raise InputError(f"There is no pip-*.whl in {wheels}, so nothing can be installed. Add it to the wheels.")
    try:
        _make(module.params["python"], path, requirements, wheels, pip[-1])
    except OSError as error:
        raise InputError(
            f"The Python environment {path} cannot be made: {error.strerror or error}. Make room there, or give this "
            "user the right to write there, and run the playbook again."
        ) from error
    return result


def _there(path: str, python: str) -> tuple[str, str]:
    """Return the requirements of the environment that is there, and its Python; "" each if it cannot be used."""
    try:
        with open(os.path.join(path, STAMP), encoding="utf-8") as stream:
            requirements = stream.read()
    except (OSError, UnicodeDecodeError):
        return "", ""
    if not os.access(python, os.X_OK):
        return requirements, ""
    try:
        version, has_packages = Python(python).version()
    except (CommandError, InputError):
        return requirements, ""
    # After an upgrade of the host bin/python3 is another Python, and the packages are in the folder of the old one.
    return requirements, version if has_packages else ""


def _refuse_foreign(path: str) -> None:
    """Raise InputError if what is at ``path`` is not ours to replace.

    An environment that an earlier release of this collection finished has the stamp, and a virtual environment's file.
    """
    if not os.path.lexists(path) or path == _runtime.in_home(DEFAULT):
        return
    if os.path.isdir(path):
        names = set(os.listdir(path))
        if not names or MARK in names or {STAMP, "pyvenv.cfg"} <= names:
            return
    raise InputError(
        f"The Python environment belongs at {path}, and what is there was not made by this collection, so it may be "
        "yours. It was not touched. Move it away, or choose another folder with `path`."
    )


def _make(python: str, path: str, requirements: str, wheels: str, pip: str) -> None:
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, MARK), "w", encoding="utf-8") as stream:
        stream.write("Made by meshlab.istio.python_environment, which replaces what is in this folder.\n")
    for name in set(os.listdir(path)) - {MARK}:
        inside = os.path.join(path, name)
        if os.path.isdir(inside) and not os.path.islink(inside):
            shutil.rmtree(inside)
        else:
            os.unlink(inside)
    Python(python).run(["-I", "-m", "venv", "--without-pip", path], timeout=SECONDS)
    wanted = os.path.join(path, "requirements.txt")
    with open(wanted, "w", encoding="utf-8") as stream:
        stream.write(requirements)
    Python(os.path.join(path, "bin", "python3"), {"PYTHONPATH": pip}).run(
        ["-m", "pip", "--isolated", "install", "--quiet", "--no-index", "--find-links", wheels, "--require-hashes",
         "-r", wanted],
        timeout=SECONDS,
    )  # fmt: skip
    os.replace(wanted, os.path.join(path, STAMP))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": DEFAULT},
            "python": {"type": "str", "default": "python3"},
            "requirements": {"type": "str", "required": True},
            "find_links": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
