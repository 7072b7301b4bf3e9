#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: stage
short_description: Note that a stage of the run begins
version_added: 0.1.0
description:
  - Sets the fact C(lab_timings), from which the report shows where the time of the run went.
  - This is an action plugin; it runs on the controller and takes a few milliseconds.
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
    description: The stage that begins; the one before it ends.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Stage
  meshlab.istio.stage:
    name: traffic
"""

RETURN = r"""
ansible_facts:
  description: C(lab_timings), with C(began) (Unix time) and C(stages).
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Refuse to run on a host; the action plugin does the work."""
    module = AnsibleModule(argument_spec={"name": {"type": "str", "required": True}}, supports_check_mode=True)
    module.fail_json(msg="meshlab.istio.stage runs as an action plugin; use it in a playbook.")


if __name__ == "__main__":
    main()
