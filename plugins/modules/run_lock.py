#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Let one run at a time work on a host
version_added: 0.1.0
description:
  - From this task on until ansible-playbook ends, another run that has such a task for the same host fails at once, and
    says who runs; or it waits, if it is told to.
  - A process on the host keeps the run's place. It ends with ansible-playbook, however that ends, so nothing is left to
    be cleaned.
  - This is an action plugin; the module itself tells who works on the host.
  - In check mode nothing is kept, as nothing is changed.
author: meshlab contributors (@meshlab)
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode).
    support: none
options:
  name:
    description: What is kept. Runs with different names do not exclude each other.
    type: str
    default: meshlab
  wait:
    description: Seconds to wait for another run to end.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Wait up to half an hour for another run on this host
  meshlab.istio.run_lock:
    wait: 1800
"""

RETURN = r"""
holder:
  description:
    - Who works on this host, as the process on it tells it, C(run), C(user), C(controller), C(process), C(play) and
      C(since); and C(keeper), which is that process, with its C(account).
    - Null if nobody does, and in check mode.
  type: dict
  returned: success
python:
  description: The interpreter that the module ran with.
  type: str
  returned: success
"""

import sys
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _run_lock, _runtime


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result."""
    return {"changed": False, "holder": _run_lock.holder(module.params["name"]), "python": sys.executable}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"name": {"type": "str", "default": "meshlab"}, "wait": {"type": "int", "default": 0}},
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
