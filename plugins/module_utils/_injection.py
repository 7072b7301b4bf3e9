# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who injects sidecars: the revisions and tags that have a webhook, and which one a namespace asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster

Object = dict[str, Any]

REVISION = "istio.io/rev"
TAG = "istio.io/tag"
INJECTION = "istio-injection"
DEFAULT = "default"


@dataclass(frozen=True)
class Injectors:
    """The live MutatingWebhookConfigurations that inject sidecars, by the name that namespaces ask for them.

    :ivar revisions: those that belong to a control plane, by its revision.
    :ivar tags: those of revision tags, by the tag.
    """

    revisions: dict[str, Object]
    tags: dict[str, Object]

    @classmethod
    def of(cls, cluster: Cluster) -> Injectors:
        """Return what injects on a cluster."""
        hooks = cluster.list("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", label_selector=REVISION)
        labels = [(hook["metadata"]["labels"], hook) for hook in hooks]
        return cls(
            {each[REVISION]: hook for each, hook in labels if TAG not in each},
            {each[TAG]: hook for each, hook in labels if TAG in each},
        )

    def revision(self, name: str | None) -> str | None:
        """Return the revision that a revision or a tag stands for, None when nothing of this name injects."""
        hook = self.tags.get(name or "") or self.revisions.get(name or "")
        return None if hook is None else str(hook["metadata"]["labels"][REVISION])

    def sentence(self) -> str:
        """Say what there is."""
        revisions, tags = sorted(self.revisions), sorted(set(self.tags) - {DEFAULT})
        if not revisions:
            return "No revision is installed; meshlab.istio.istioctl_install installs one."
        more = f", and there are the tags {', '.join(tags)}" if tags else ""
        return f"Installed are {', '.join(revisions)}{more}."


def chosen(space: Mapping[str, Any]) -> str | None:
    """Return the revision or tag that a namespace asks for; None where it asks for none.

    istio-injection outdoes istio.io/rev: a webhook of a revision looks only at namespaces without it (1.31.0-dev
    istio-discovery/templates/revision-tags-mwc.yaml; the same since 1.19).
    """
    labels = space["metadata"].get("labels") or {}
    if INJECTION in labels:
        return DEFAULT if labels[INJECTION] == "enabled" else None
    return labels.get(REVISION) or None
