# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in _runtime.CLUSTER_OPTIONS."""

from __future__ import annotations


class ModuleDocFragment:
    """Which cluster a module talks to."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the kubeconfig on the host that the task runs on.
      - Without it the environment variable C(KUBECONFIG) and then C(~/.kube/config) are used.
    type: path
  context:
    description: Name of the kubeconfig's context. Without it the current one is used.
    type: str
requirements:
  - PyYAML on the host that the task runs on, or in the environment that P(meshlab.istio.host#role) makes
"""
