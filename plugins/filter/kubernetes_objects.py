# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_objects
author: meshlab contributors (@meshlab)
short_description: The Kubernetes objects of manifests, with the types that kubectl reads
version_added: 0.1.0
description:
  - Reads YAML or JSON as kubectl does, where P(ansible.builtin.from_yaml_all#filter) gives other values, such as 1065
    for C(17:45), a date for C(2026-12-24), or an error for C(=).
  - Lists are taken apart, empty documents and repetitions are left out.
options:
  _input:
    description: The text of a manifest, or a list of texts.
    type: raw
    required: true
  names:
    description: What the texts are called in a message, such as their paths, in the same order.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Say which kinds of objects a manifest brings
  ansible.builtin.debug:
    msg: >-
      {{ lookup('ansible.builtin.file', 'extra.yaml', rstrip=false)
         | meshlab.istio.kubernetes_objects(['extra.yaml']) | map(attribute='kind') | unique }}
"""

RETURN = r"""
_value:
  description: The objects, in the order of the texts.
  type: list
  elements: dict
"""

from collections.abc import Callable, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._sources import load_texts


def kubernetes_objects(texts: Any, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the objects of one text or several.

    :raises AnsibleFilterError: something else than text, or no manifest; the message names it, with line and column.
    """
    listed = [texts] if isinstance(texts, str) else texts
    if not isinstance(listed, (list, tuple)) or not all(isinstance(text, str) for text in listed):
        raise AnsibleFilterError("kubernetes_objects takes the text of a manifest, or a list of texts.")
    named = [str(name) for name in names] if len(names) == len(listed) else ["a manifest"] * len(listed)
    try:
        return load_texts(zip(named, listed))
    except InputError as error:
        # Ansible would add every cause, and with it the same words again.
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """Found by its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"kubernetes_objects": kubernetes_objects}
