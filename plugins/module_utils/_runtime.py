# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module's main() shares: the Python that has our libraries, common options, one way to fail."""

from __future__ import annotations

import importlib.util
import os
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from ansible_collections.meshlab.istio.plugins.module_utils._command import RAN
from ansible_collections.meshlab.istio.plugins.module_utils._errors import MeshlabError, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._lifeline import Lifeline, let_go

PYTHON = "~/.local/share/meshlab/python/bin/python3"
"""The environment that the role ``host`` makes, with kubernetes and jmespath in it."""

CLUSTER_OPTIONS: dict[str, Any] = {"kubeconfig": {"type": "path"}, "context": {"type": "str"}}
PROGRESS_OPTIONS: dict[str, Any] = {"progress_file": {"type": "path"}}


def need_libraries(module: AnsibleModule, *names: str) -> None:
    """Make sure that ``names`` can be imported: start the module again under PYTHON if they can't be here.

    :raises Unreachable: check mode on a bare host, where PYTHON would be made before the module runs in earnest.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    python = os.path.expanduser(PYTHON)
    if missing and not has_respawned() and os.access(python, os.X_OK):
        let_go()
        respawn_module(python)
    if missing and module.check_mode:
        raise Unreachable(f"This host does not have the Python libraries {', '.join(missing)} yet.")
    if missing:
        module.fail_json(
            msg=missing_required_lib(missing[0])
            + f" The role meshlab.istio.host makes such an environment at {PYTHON}.",
            missing=missing,
        )


def run(module: AnsibleModule, work: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    """Call ``work`` and end the module with what it returns, or with the MeshlabError that it raises.

    With an error goes what the process ran up to then, as ``commands``.

    It ends without a result when nobody waits for one any more (see Lifeline).
    """
    try:
        with Lifeline():
            result = work(module)
    except MeshlabError as error:
        module.fail_json(**{"commands": RAN, **error.result()})
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)
