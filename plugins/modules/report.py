#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: write what a run measured."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write what a run measured as a page, as JSON and as JUnit XML
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Writes C(report.json), whose shape is C(docs/report.schema.json), C(report.html), one page that loads nothing, and
    C(report.xml), the proofs and scenarios as JUnit XML for CI systems.
  - Writes C(commands/HOST.jsonl), one JSON object a line for each command that ran, with C(task), C(cmd), C(rc) and
    C(seconds).
  - All files are readable by their owner only, and appear whole or not at all. Secrets are replaced.
  - What a host did not measure is shown as not run.
  - Run it once on the controller, with C(delegate_to) and C(run_once).
options:
  hosts:
    description:
      - One dictionary a host, in the shape of C(hosts) in C(docs/report.schema.json); only C(name) is required.
      - Keys that the schema does not know are kept in C(report.json) and not shown on the page. C(commands) is not
        kept there; it becomes C(commands/HOST.jsonl).
    type: list
    elements: dict
    required: true
  dest:
    description: The directory for the files. It is made, for its owner only, if it is missing.
    type: path
    required: true
  inventory:
    description:
      - Names of hosts that an earlier report in O(dest) may know and that are kept, though they are not in O(hosts).
      - Of a host in O(hosts) its earlier scenarios are kept, marked C(earlier). If the host has no C(url) and has not
        failed, everything is kept that it did not measure now.
    type: list
    elements: str
    default: []
  next_steps:
    description: Commands to offer at the end of the page.
    type: list
    elements: dict
    default: []
    suboptions:
      title:
        description: What the command does.
        type: str
        required: true
      command:
        description: The command line to type.
        type: str
        required: true
attributes:
  check_mode:
    description: Returns the summary and writes nothing.
    support: full
  diff_mode:
    description: Reporting is never a change, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Write the report on the controller
  meshlab.istio.report:
    hosts:
      - name: lab1
        url: http://10.96.0.20:80/productpage
        versions:
          istio: 1.31.0
        traffic:
          sent: 100
          status:
            "200": 100
    dest: "{{ inventory_dir }}/report"
  delegate_to: localhost
  run_once: true
  register: written

- name: Say it in a few lines
  ansible.builtin.debug:
    msg: "{{ written.summary[inventory_hostname] }}"
"""

RETURN = r"""
paths:
  description: Where the files are, or would be in check mode.
  returned: success
  type: dict
  sample:
    html: /home/me/meshlab-report/report.html
    json: /home/me/meshlab-report/report.json
    junit: /home/me/meshlab-report/report.xml
    commands: /home/me/meshlab-report/commands
summary:
  description: Host to a list of lines that a person can act on.
  returned: success
  type: dict
  sample: {"lab1": ["The Istio lab on lab1 works.", "  Traffic          100/100 requests answered 200"]}
violations:
  description: Every place where what the hosts gave is not in the report's shape.
  returned: when the hosts' data cannot be used
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._report import report

COMMAND: dict[str, Any] = {
    "title": {"type": "str", "required": True},
    "command": {"type": "str", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "hosts": {"type": "list", "elements": "dict", "required": True},
            "dest": {"type": "path", "required": True},
            "inventory": {"type": "list", "elements": "str", "default": []},
            "next_steps": {"type": "list", "elements": "dict", "default": [], "options": COMMAND},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, report)


if __name__ == "__main__":
    main()
