# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode makes of a cluster that cannot be asked: one rule for all modules.

A cluster that is still to come is empty. One of minikube's that does not answer, such as a stopped lab, is not known:
an earlier task starts it, so what is wanted counts as new, nothing counts as removed, and a warning says so. Neither is
a failure. Any other cluster that does not answer fails in check mode too, as nothing would start it.
"""

from __future__ import annotations

from typing import Callable

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotYet, Unreachable


def connected(connect: Callable[[], Cluster], *, check_mode: bool) -> Cluster:
    """Return the cluster; in check mode only one that answers, so that later requests need not ask themselves.

    :raises Unreachable: there is none yet (NotYet), or in check mode it does not answer and can be started.
    :raises ClusterError: in check mode it does not answer, and nothing would start it.
    """
    cluster = connect()
    if check_mode:
        try:
            cluster.version()
        except Unreachable as error:
            if cluster.startable:
                raise
            raise ClusterError(error.message, **error.details) from error
    return cluster


def unknown(error: Unreachable) -> list[str]:
    """Return the warning that a cluster is there but not known; [] for one that is still to come."""
    if isinstance(error, NotYet):
        return []
    return [
        "The cluster does not answer, so what it holds is not known: what is wanted counts as new, and what would be "
        f"removed cannot be told. {error.message}"
    ]
