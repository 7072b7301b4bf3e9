# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/failing-rollouts.md from docs/evidence/failing-rollouts.json (`python docs/build_failing_rollouts.py`).

Titles of the rows are those of the cases in tests/integration/all/rollouts.py; every number is the evidence's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "failing-rollouts.md"
SOURCE = ROOT / "docs" / "evidence" / "failing-rollouts.json"
NOTHING = "—"
LINK = "[json](evidence/failing-rollouts.json)"

TEXT = """<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by docs/build_failing_rollouts.py from the evidence; do not edit. -->
# Rollouts that fail, and rollouts that only look so

How long it takes until somebody says that a rollout cannot succeed. The same pod is a Deployment for `manifests` and
`kubernetes.core.k8s` (with `wait`), and by an overlay the gateway of an IstioOperator for `istioctl_install` and
`istioctl install`. Seconds of wall time, with the start of Ansible and of the tool in them; for ours in brackets the
seconds since the cluster itself first said the reason. Where nothing was said before the time that a tool was given was
up, it stands behind a ">". "Success" is what a tool said of a rollout that then failed.

Measured on {date} with Istio {istio} on the sealed lab ([what it is](architecture.md#the-sealed-lab)), on a machine
with two cores that runs the cluster too. Our modules ran one case after the other; the others, which spend the time
asleep, had all their cases at once.

| rollout | final | `manifests` | `istioctl_install` | `istioctl install` | `kubernetes.core.k8s` | reason | evidence |
|---|---|---|---|---|---|---|---|
{failing}

*Final*: no waiting helps, and the task ends within ten seconds of the first time that it is said. What is not final
may pass: a container that ends is given up at its third restart, at the second when it had too little memory, and a
readiness probe that fails only after `failure_grace`, which was {grace} s here and is 120 s by default.

## What is not given up

| trouble that passes | lasted at least | the task ended well after | evidence |
|---|---|---|---|
{passing}
"""


def render(evidence: dict[str, Any]) -> str:
    """Return the page for the content of an evidence file."""
    # The tests are no package of the collection: only a checkout has them.
    sys.path.insert(0, str(ROOT))
    from tests.integration.all.rollouts import FAILING, GRACE, LEAST, PASSING

    tests = evidence["measured"]["tests"]
    return TEXT.format(
        date=evidence["date"][:10], istio=evidence["versions"]["istio"], grace=GRACE,
        failing="\n".join(_failing(kind, rollout.title, rollout.final, tests) for kind, rollout in FAILING.items()),
        passing="\n".join(_passing(kind, rollout.title, LEAST[kind], tests) for kind, rollout in PASSING.items()),
    )  # fmt: skip


def _failing(kind: str, title: str, final: bool, tests: dict[str, Any]) -> str:
    ours = _passed(tests, f"test_a_rollout_that_fails_is_named[{kind}]")
    others = (_passed(tests, f"test_what_others_need[{by}-{kind}]") for by in ("istioctl", "k8s"))
    said = ours.get("manifests", {})
    found = (said, ours.get("istioctl_install", {}), *others)
    return _row([
        title, "yes" if final else "no", *map(_seconds, found),
        f"`{said['reason']}`" if said else NOTHING, LINK if said else "none",
    ])  # fmt: skip


def _passing(kind: str, title: str, least: float, tests: dict[str, Any]) -> str:
    found = _passed(tests, f"test_a_rollout_that_only_looks_so_is_not_given_up[{kind}]")
    return _row([title, f"{least:g} s" if found else NOTHING, f"{_seconds(found)} s" if found else NOTHING,
                 LINK if found else "none"])  # fmt: skip


def _passed(tests: dict[str, Any], name: str) -> dict[str, Any]:
    entry: dict[str, Any] = tests.get(name, {})
    return entry if entry.get("passed") else {}


def _seconds(found: dict[str, Any]) -> str:
    if not found:
        return NOTHING
    if not found.get("failed", True):
        return f"{found['seconds']:.1f}: success"
    if found.get("capped"):
        return f">{found['cap']}"
    since = found.get("seconds_after_the_cluster_said_so")
    return f"{found['seconds']:.1f}" + (f" ({since:.1f})" if since is not None else "")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    TARGET.write_text(render(json.loads(SOURCE.read_text(encoding="utf-8"))), encoding="utf-8")
