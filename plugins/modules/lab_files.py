#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_files
short_description: Bring programs, release folders and container images to a host
version_added: 0.1.0
description:
  - Takes them from a bundle on the controller, or downloads a pinned release to the controller, once for all hosts.
  - A host gets only what it lacks, each as one stream over the task's own connection, checked on arrival.
    An interrupted transfer goes on where it stopped.
  - This is an action plugin; the module itself is the host's half of it.
author: meshlab contributors (@meshlab)
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode).
    support: full
options:
  bundle:
    description: The bundle's directory on the controller; empty to download the releases.
    type: path
  files:
    description:
      - Files to have. Each is a map with C(path) in the bundle, C(dest) on the host, C(mode), C(version), and
        C(url) and C(sha256) of the release for use without a bundle.
      - What is at C(dest) already is replaced only if this module placed it and nobody changed it since, or if it lies
        in C(~/.local/share/meshlab). Else the module refuses. C(variable) is the variable of a role that says where the
        file goes; the refusal names it.
    type: list
    elements: dict
    default: []
  trees:
    description:
      - Folders to have, or archives to have unpacked. Maps as in O(files), without C(mode).
      - A folder at C(dest) is replaced only if this module unpacked it and nothing in it was changed since.
    type: list
    elements: dict
    default: []
  links:
    description:
      - Symbolic links to have. Each is a map with C(target) and C(dest) on the host, and C(variable) as in O(files).
      - A link at C(dest) is pointed elsewhere only if it leads into a folder that this module unpacked, or into
        C(~/.local/share/meshlab).
    type: list
    elements: dict
    default: []
  wheels:
    description:
      - The wheels of a requirements file with hashes, as a map with C(requirements) (a path on the controller),
        C(python_version) and C(architecture) of the host, and C(dest).
    type: dict
  images:
    description: Load all images of the bundle with this tool; without it, no images are brought.
    type: str
    choices: [containerd]
  step:
    description: Used between the action plugin and the module.
    type: str
    choices: [lacking, place]
  items:
    description: Used between the action plugin and the module.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Have minikube from the bundle
  meshlab.istio.lab_files:
    bundle: /srv/meshlab-bundle
    files:
      - path: bin/minikube
        version: v1.38.1
        dest: /usr/local/bin/minikube
        mode: "0755"
"""

RETURN = r"""
sent:
  description: What was sent, each with name, bytes and seconds.
  type: list
  elements: dict
  returned: success
checked:
  description:
    - What the files, folders and images on the host are checked against, whether they had to be sent or not, each with
      C(kind) (V(file), V(tree) or V(image)), C(name), C(sha256), C(origin), C(version), and C(stand_in) where it isn't
      upstream's own. An image's name is its reference, which has the version in it.
    - A bundle's folder is checked as the archive that is made of it; the programs in its C(bin) are named too.
    - Wheels are not among them.
  type: list
  elements: dict
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _files, _runtime


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result."""
    if module.params["step"] == "lacking":
        return {"changed": False, "lacking": _files.lacking(module.params["items"], module.check_mode)}
    if module.params["step"] == "place":
        _files.place(module.params["items"])
    return {"changed": bool(module.params["items"])}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "bundle": {"type": "path"},
            "files": {"type": "list", "elements": "dict", "default": []},
            "trees": {"type": "list", "elements": "dict", "default": []},
            "links": {"type": "list", "elements": "dict", "default": []},
            "wheels": {"type": "dict"},
            "images": {"type": "str", "choices": ["containerd"]},
            "step": {"type": "str", "choices": ["lacking", "place"]},
            "items": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
