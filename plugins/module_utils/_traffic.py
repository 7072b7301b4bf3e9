# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the module mesh_traffic: options to a plan, measurements to a verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._http import HTTP_OPTIONS, target
from ansible_collections.meshlab.istio.plugins.module_utils._load import Plan, generate, unmeasured
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import (
    COUNTS,
    PERCENTILES,
    check_hypothesis,
    judge,
    sentence,
)

MOST_CONNECTIONS = 1000
"""Above the usual limit of open files (1024) connections would fail on this side and be counted as errors."""

LATE_MS = 100.0
"""A request later than this was not held up by the scheduler but by answers that took too long."""

METRICS = frozenset(
    ["sent", "succeeded", "success_share", "throughput", "behind_ms", "seconds"]
    + [f"latency_ms.{name}" for name in ("min", "mean", "max", *(f"p{percent}" for percent in PERCENTILES))]
)
"""What a threshold can be about, besides one kind of the COUNTS."""


class ThresholdError(MeshlabError):
    """The traffic was sent and measured, and is not as it should be; details hold the whole measurement."""


def work(module: AnsibleModule) -> dict[str, Any]:
    """Send the traffic that the module's parameters describe and judge it; in check mode send nothing."""
    params = module.params
    plan = _plan(params)
    for threshold in params["thresholds"]:
        _check(threshold, plan)
    asked = target(
        params["url"],
        method=params["method"],
        timeout=params["timeout"],
        **{name: params[name] for name in HTTP_OPTIONS},
    )
    if module.check_mode:
        return {
            "changed": False,
            "skipped": True,
            "msg": "No traffic is sent in check mode.",
            **unmeasured(),
            "thresholds": [],
        }
    measured = generate(asked, plan, Progress(params["progress_file"]))
    verdicts = [judge(threshold, measured) for threshold in params["thresholds"]]
    result = {"changed": False, **measured, "thresholds": verdicts}
    missed = [sentence(verdict) for verdict in verdicts if not verdict["passed"]]
    if missed:
        raise ThresholdError(f"The traffic to {params['url']} is not as it should be: {'; '.join(missed)}.", **result)
    return {**result, "warnings": _warnings(measured, params)}


def _plan(params: Mapping[str, Any]) -> Plan:
    for name in ("requests", "duration", "concurrency", "rate", "timeout"):
        if params[name] is not None and not 0 < params[name] < float("inf"):
            raise InputError(f"`{name}` must be more than 0, not {params[name]}.")
    if params["concurrency"] > MOST_CONNECTIONS:
        raise InputError(f"`concurrency` must be at most {MOST_CONNECTIONS}, not {params['concurrency']}.")
    pattern = None
    if params["version_pattern"]:
        try:
            pattern = re.compile(params["version_pattern"].encode())
        except re.error as error:
            raise InputError(f"`version_pattern` is not a regular expression: {error}.") from error
        if not pattern.groups:
            raise InputError("`version_pattern` needs a group, in parentheses, around the version.")
    names = ("requests", "duration", "concurrency", "rate", "keep_alive")
    body = (params["body_contains"] or "").encode()
    return Plan(**{name: params[name] for name in names}, body_contains=body, version_pattern=pattern)


def _check(threshold: Mapping[str, Any], plan: Plan) -> None:
    metric = threshold["metric"]
    kind, _dot, name = metric.partition(".")
    if metric not in METRICS and not (kind in COUNTS and name):
        counts = ", ".join(f"{count}.NAME" for count in sorted(COUNTS))
        raise InputError(f"{metric!r} is not measured; use one of {', '.join(sorted(METRICS))}, {counts}.")
    if "version" in kind and plan.version_pattern is None:
        raise InputError(f"A threshold of {metric!r} needs `version_pattern`.")
    check_hypothesis(threshold)


def _warnings(measured: Mapping[str, Any], params: Mapping[str, Any]) -> list[str]:
    warnings = []
    failed = measured["sent"] - measured["succeeded"]
    if failed and not params["thresholds"]:
        warnings.append(f"{failed} of {measured['sent']} requests to {params['url']} were not answered as expected.")
    if params["rate"] and measured["behind_ms"] > LATE_MS:
        warnings.append(
            f"{params['concurrency']} connections were too few for {params['rate']:g} requests a second: "
            f"some were sent {measured['behind_ms']:.0f} ms late."
        )
    return warnings
