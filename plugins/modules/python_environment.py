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
    pip itself is one of the wheels.
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
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

STAMP = ".requirements"
SECONDS = 300.0


class Python(CommandLineTool):
    """A Python interpreter."""

    name = "python3"
    install_hint = "Install python3, or name another interpreter with `python`."


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result. The stamp is written last, so an interrupted environment is made again."""
    path, requirements = module.params["path"], module.params["requirements"]
    python = os.path.join(path, "bin", "python3")
    before = ""
    if os.path.exists(os.path.join(path, STAMP)) and os.access(python, os.X_OK):
        with open(os.path.join(path, STAMP), encoding="utf-8") as stream:
            before = stream.read()
    result = {"changed": before != requirements, "python": python, "diff": {"before": before, "after": requirements}}
    if before == requirements or module.check_mode:
        return result
    wheels = module.params["find_links"]
    pip = sorted(glob.glob(os.path.join(wheels, "pip-*.whl")))
    if not pip:
        raise InputError(f"There is no pip-*.whl in {wheels}, so nothing can be installed. Add it to the wheels.")
    shutil.rmtree(path, ignore_errors=True)
    Python(module.params["python"]).run(["-m", "venv", "--without-pip", path], timeout=SECONDS)
    wanted = os.path.join(path, "requirements.txt")
    with open(wanted, "w", encoding="utf-8") as stream:
        stream.write(requirements)
    Python(python, {"PYTHONPATH": pip[-1]}).run(
        ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheels, "--require-hashes", "-r", wanted],
        timeout=SECONDS,
    )
    os.replace(wanted, os.path.join(path, STAMP))
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "~/.local/share/meshlab/python"},
            "python": {"type": "str", "default": "python3"},
            "requirements": {"type": "str", "required": True},
            "find_links": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
