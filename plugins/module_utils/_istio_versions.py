# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each minor release of Istio can do and which Kubernetes it takes, as tables whose rows name their source.

Sources: ``TAG path`` is a file of istio/istio at that tag, 2026-08-27 standing for the module version of that day
(1.31.0-dev), and ``istio/istio#N`` a change to it; ``ran`` means that the behaviour was seen with an istioctl built
from that module version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Version(NamedTuple):
    """An Istio or Kubernetes version; compares as semantic versioning does, short of the parts of a pre-release."""

    major: int
    minor: int
    patch: int = 0
    released: bool = True
    """False for a pre-release such as 1.31.0-dev, which is older than 1.31.0."""
    pre: str = ""

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Read 1.30.3, v1.34.4, 1.31.0-dev, 1.31-alpha.1 or 1.34+; None when it is none of these."""
        found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$", text.strip())
        if found is None:
            return None
        major, minor, patch, pre = found.groups()
        return cls(int(major), int(minor), int(patch or 0), pre is None, pre or "")

    def is_older_than(self, other: Version) -> bool:
        """Tell whether this is an older release, or a pre-release of the other.

        Pre-releases of one release are in no order: development builds are named after commits.
        """
        return self[:4] < other[:4]


@dataclass(frozen=True)
class Release:
    """One minor release of Istio.

    :param kubernetes: oldest and newest minor of Kubernetes 1.x that the project supports it on.
    :param source: where that comes from. The project keeps these ranges on a page, not in its sources.
    """

    minor: int
    kubernetes: tuple[int, int]
    source: str


_PAGE = "istio.io supported-releases page"
_MIN = "istioctl/pkg/install/k8sversion/version.go"
RELEASES = (
    Release(19, (25, 28), _PAGE),
    Release(20, (25, 29), _PAGE),
    Release(21, (26, 29), _PAGE),
    Release(22, (27, 30), _PAGE),
    Release(23, (27, 30), _PAGE),
    Release(24, (28, 31), _PAGE),
    Release(25, (29, 32), _PAGE),
    Release(26, (29, 33), _PAGE),
    Release(27, (29, 33), _PAGE),
    Release(28, (30, 34), _PAGE),
    Release(29, (31, 35), _PAGE),
    Release(30, (32, 36), f"1.30.3 {_MIN}:31 for the lower end; a vendor's add-on table for the upper one"),
    Release(31, (32, 36), f"2026-08-27 {_MIN}:31; 1.30's upper end, as none is published for the build"),
)

CANNOT_WORK_BELOW = 22
"""Oldest Kubernetes minor with server-side apply, by which istioctl installs and every prediction here is made.

Source: Kubernetes 1.22 release notes (general availability); 1.19.3 helmreconciler/reconciler.go:255-284."""


@dataclass(frozen=True)
class Feature:
    """A behaviour of istioctl: there from minor ``first`` to minor ``last``, both included; None leaves an end open."""

    first: int | None
    last: int | None
    source: str


_INFORMER = "istioctl/pkg/cli/context.go:212-238"
FEATURES = {
    # Subcommands. One that was removed under a parent that still exists prints help and exits with 0.
    "verify-install": Feature(None, 20, "1.19.3 istioctl/pkg/verifier/verifier.go; gone in 1.21; exits 64: ran"),
    "x revision": Feature(None, 20, "last in 1.20.0; from 1.21 help and exit 0: ran"),
    "x wait": Feature(None, 22, "last in 1.22.0; from 1.23 help and exit 0: ran"),
    "profile": Feature(None, 23, "1.23.0 operator/cmd/mesh/profile-dump.go; exits 64 afterwards: ran"),
    "operator": Feature(None, 23, "removed with the in-cluster operator in 1.24; exits 64 afterwards: ran"),
    "manifest diff": Feature(None, 23, "removed in 1.24; from then on help and exit 0: ran"),
    "manifest translate": Feature(24, None, "1.24.0 operator/cmd/mesh/manifest-translate.go"),
    "waypoint": Feature(
        23, None, "1.30.3 istioctl/pkg/waypoint/waypoint.go; top level from 1.23, before that x waypoint"
    ),
    # Flags and output shapes.
    "install --verify works": Feature(None, 23, "1.30.3 operator/cmd/mesh/install.go:71 parses it and never uses it"),
    "manifest generate --component": Feature(None, 23, "1.30.3 operator/cmd/mesh/manifest-generate.go:64-77"),
    "generate may print notices before the YAML": Feature(None, 23, "1.19.3 operator/cmd/mesh/shared.go:131"),
    "precheck -o json": Feature(20, None, "1.20.0 istioctl/pkg/precheck/precheck.go"),
    "precheck --from-version": Feature(
        21, None, "1.30.3 istioctl/pkg/precheck/precheck.go:117-122; came after 1.20 with istio/istio#48449"
    ),
    "analyze --recursive": Feature(
        None, 24, "1.30.3 istioctl/pkg/analyze/analyze.go:135-138 says removed and exits 0: istio/istio#53582"
    ),
    "upgrade --revision": Feature(
        24, None, "1.30.3 operator/cmd/mesh/install.go:79-90; 1.19.3 upgrade.go:30-42 without"
    ),
    "manifest generate -o DIRECTORY": Feature(None, 23, "1.19.3 operator/cmd/mesh/manifest-generate.go:76-92"),
    "manifest generate -o FILE": Feature(31, None, "2026-08-27 operator/cmd/mesh/manifest-generate.go; not in 1.30.3"),
    "tag list -o json": Feature(21, None, "1.30.3 istioctl/pkg/tag/tag.go:234"),
    "proxy-status -o json": Feature(27, None, "1.30.3 istioctl/pkg/proxystatus/proxystatus.go:190-199"),
    # Behaviour.
    "version hangs on a dead API server": Feature(28, None, f"1.30.3 {_INFORMER}; ran: killed at 45 s"),
    "proxy-status hangs on a dead API server": Feature(28, None, f"1.30.3 {_INFORMER}"),
    "precheck --from-version hangs on a dead API server": Feature(28, None, f"1.30.3 {_INFORMER}"),
    "ConfigMap values": Feature(
        26, None, "1.30.3 manifests/charts/istio-control/istio-discovery/templates/configmap-values.yaml:5-20"
    ),
    "lists of an overlay replace the profile's": Feature(24, None, "1.30.3 operator/pkg/values/map.go:132-150; ran"),
    "owner label installed-state": Feature(None, 23, "1.19.3 operator/pkg/helmreconciler/reconciler.go:392-445"),
    "CRD istiooperators": Feature(None, 23, "1.19.3 manifests/charts/base/crds; dropped in 1.24"),
    "prunes Istio's own kinds": Feature(None, 23, "1.19.3 operator/pkg/helmreconciler/prune.go:51-106"),
    "default tag has a Service": Feature(28, None, "1.30.3 istioctl/pkg/tag/generate.go:145-162; ran"),
}

NEWEST = RELEASES[-1]
OLDEST = RELEASES[0]


def release(version: Version) -> tuple[Release, list[str]]:
    """Return the row for a version of istioctl, and warnings when it is a neighbour's row."""
    for row in RELEASES:
        if (version.major, version.minor) == (1, row.minor):
            return row, []
    row = OLDEST if (version.major, version.minor) < (1, OLDEST.minor) else NEWEST
    return row, [
        f"istioctl {version.major}.{version.minor} is not one of the releases this collection knows "
        f"(1.{OLDEST.minor} to 1.{NEWEST.minor}); it is treated as 1.{row.minor}."
    ]


def has(feature: str, minor: int) -> bool:
    """Tell whether the release 1.``minor`` has one of FEATURES."""
    row = FEATURES[feature]
    return (row.first is None or minor >= row.first) and (row.last is None or minor <= row.last)


def kubernetes_problem(istio: Version, kubernetes: Version) -> tuple[str, bool] | None:
    """Judge a pair of versions.

    :returns: None when the project supports the pair, else a sentence that names both ranges and whether it is fatal.
    """
    row, _warnings = release(istio)
    low, high = row.kubernetes
    if kubernetes.major == 1 and low <= kubernetes.minor <= high:
        return None
    taking = [each.minor for each in RELEASES if each.kubernetes[0] <= kubernetes.minor <= each.kubernetes[1]]
    instead = f"Istio 1.{min(taking)} to 1.{max(taking)}" if taking else "no release known here"
    text = (
        f"Istio 1.{row.minor} is supported on Kubernetes 1.{low} to 1.{high}; this cluster runs "
        f"{kubernetes.major}.{kubernetes.minor}, for which {instead} is supported."
    )
    if (kubernetes.major, kubernetes.minor) < (1, CANNOT_WORK_BELOW):
        return f"{text} It cannot work: the cluster has no server-side apply.", True
    return text, False
