# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a kubeconfig's entries of a profile's name are this cluster's.

minikube asks nobody: each start writes cluster, user and context of the profile's name (PopulateFromSettings of
pkg/minikube/kubeconfig, v1.38.1), and a deletion removes all three (DeleteContext there), whatever they led to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import MINIKUBE, PARTS, parsed

OF_A_USER = {"client-certificate", "client-key", "client-certificate-data", "client-key-data"}
"""What minikube writes of a user, as paths into its home or embedded."""


def foreign_entries(kubeconfig: str, profile: str, home: str) -> list[str]:
    """Return the entries of this name that are not of the profile's cluster, such as ``user lab``.

    A kubeconfig that cannot be read has none: minikube refuses it by itself. Neither has one where PyYAML is missing,
    as in check mode on a bare host.
    """
    try:
        with open(os.path.expanduser(kubeconfig), "rb") as stream:
            content = parsed(stream.read())
    except (OSError, InputError, ImportError):
        return []
    there = {part: _entry(content, plural, part, profile) for plural, part in PARTS.items()}
    cluster, user, context = there["cluster"], there["user"], there["context"]
    made = cluster is not None and _of_minikube(cluster) and _inside(cluster.get("certificate-authority"), home)
    strange = {
        "cluster": cluster is not None and not made,
        # Embedded certificates say nothing of where they are from: they are as good as the cluster beside them.
        "user": user is not None and not (set(user) <= OF_A_USER and _inside(user.get("client-certificate"), home)
                                          and (made or not {key for key in user if key.endswith("-data")})),
        "context": context is not None and context.get("cluster") != profile,
    }  # fmt: skip
    return [f"{part} {profile}" for part in ("cluster", "user", "context") if strange[part]]


def _entry(content: Any, plural: str, part: str, name: str) -> Mapping[str, Any] | None:
    entries = content.get(plural) if isinstance(content, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and str(entry.get("name")) == name:
            said = entry.get(part)
            return said if isinstance(said, Mapping) else {}
    return None


def _of_minikube(cluster: Mapping[str, Any]) -> bool:
    extensions = cluster.get("extensions")
    extensions = extensions if isinstance(extensions, list) else []
    notes = [note.get("extension") for note in extensions if isinstance(note, Mapping)]
    return any(isinstance(note, Mapping) and note.get("provider") == MINIKUBE for note in notes)


def _inside(path: Any, home: str) -> bool:
    """Tell whether a path leads into this home. One that leads nowhere is nobody's any more."""
    if not path or not os.path.exists(str(path)):
        return True
    return os.path.realpath(str(path)).startswith(os.path.realpath(home) + os.sep)
