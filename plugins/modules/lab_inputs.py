#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_inputs
short_description: See that all that a run is asked for can be had, before anything is touched
version_added: 0.1.0
description:
  - Looks at the variables of the lab and of the roles V(host), V(minikube) and V(istio). The provider and the preset
    must be known, and each version must be in the bundle, or pinned in the collection where there is no bundle.
  - For minikube, the profile's name must be one that minikube takes, and its home a full path.
  - With a bundle, the driver must be V(none), the only one for which its images are loaded.
  - Every problem is said at once, with what there is to choose from.
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
  versions:
    description: Whether the versions, the bundle and the driver are looked at too, as before a run that brings them.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: See that all that is asked for can be had
  meshlab.istio.lab_inputs:
"""

RETURN = r"""
msg:
  description: One sentence for each problem.
  type: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Refuse to run on a host; the action plugin does the work."""
    module = AnsibleModule(argument_spec={"versions": {"type": "bool", "default": True}}, supports_check_mode=True)
    module.fail_json(msg="meshlab.istio.lab_inputs runs as an action plugin; use it in a playbook.")


if __name__ == "__main__":
    main()
