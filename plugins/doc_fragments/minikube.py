# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in _minikube.MINIKUBE_OPTIONS."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that asks minikube."""

    DOCUMENTATION = r"""
options:
  path:
    description: The minikube binary, as a path or as a name that is looked up in E(PATH). Version 1.26 or newer.
    type: path
    default: minikube
  minikube_home:
    description:
      - Directory that minikube keeps its files under (E(MINIKUBE_HOME)), in a folder C(.minikube) of it, or that folder
        itself. A full path.
      - Without it, E(MINIKUBE_HOME) of the environment, then the home directory.
    type: path
  kubeconfig:
    description:
      - The kubeconfig that minikube merges its context into, given to it as E(KUBECONFIG).
      - Without it, E(KUBECONFIG) of the environment, then C(~/.kube/config).
    type: path
requirements:
  - minikube 1.26 or newer
  - PyYAML on the host that the task runs on, or in the environment that P(meshlab.istio.host#role) makes, where there
    is a kubeconfig already
"""
