# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: preset
author: meshlab contributors (@meshlab)
short_description: A value of the preset that O(ignore:lab_preset) names
version_added: 0.1.0
description:
  - The roles' defaults ask this plugin, so that a preset is beaten by a variable of the inventory, and that by C(-e).
  - A preset is a file of the collection's folder C(presets), a flat map of role variables.
options:
  _terms:
    description: The role variable to look up, one.
    required: true
  default:
    description: The value without a preset, or when the preset does not set the variable.
    type: raw
  lab_preset:
    description: The preset's name; empty for none.
    type: str
    default: ''
    vars:
      - name: lab_preset
"""

EXAMPLES = r"""
- name: What a role's default says
  ansible.builtin.debug:
    msg: "{{ lookup('meshlab.istio.preset', 'minikube_cpus', default=4) }}"
"""

RETURN = r"""
_raw:
  description: The value, of whatever type it has.
  type: list
  elements: raw
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

PRESETS = Path(__file__).resolve().parents[2] / "presets"


class LookupModule(LookupBase):
    """Reads one value of the chosen preset."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """Return a list with the value; raises AnsibleError for an unknown preset."""
        self.set_options(var_options=variables, direct=kwargs)
        values = read_preset(str(self.get_option("lab_preset")))
        return [values.get(str(term), self.get_option("default")) for term in terms]


@cache
def read_preset(name: str) -> dict[str, Any]:
    """Return the variables that a preset sets; {} for the empty name.

    :raises AnsibleError: no such preset; the message lists those that exist.
    """
    known = {path.stem: path for path in sorted(PRESETS.glob("*.yml"))}
    if not name:
        return {}
    if name not in known:
        raise AnsibleError(f"There is no lab_preset {name!r}. Choose one of: {', '.join(known)}, or leave it out.")
    values: dict[str, Any] = yaml.safe_load(known[name].read_text()) or {}
    return values
