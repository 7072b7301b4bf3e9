# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from inside the mesh: curl in a container of a pod, counted in the words of the load generator.

Source of the facts: curl's own --write-out (7.84 or newer), one line a request.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._load import NO_VERSION, SUCCESS
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import ready_pods, run_in_pod
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import summary

ERRORS = {"6": "name", "7": "refused", "28": "timeout", "35": "tls", "52": "closed", "56": "reset", "60": "certificate"}
"""curl's exit code → the kind of error, as the load generator calls it (curl 7.88.1, man page, EXIT CODES)."""

MARK = "@meshlab"
_LINE = re.compile(rf"\n{MARK} (\d+) ([\d.]+) (\d+) ?(.*)\n")

DEFAULTS: dict[str, Any] = {
    "pods": "app=sleep", "container": "sleep", "requests": 1, "parallel": 1, "timeout": 10, "method": "GET",
    "headers": {}, "data": None, "resolve": None, "version_pattern": None, "header": None, "slow_ms": None,
}  # fmt: skip
"""What a call can say besides its URL; see ``call``."""


def call(cluster: Cluster, namespace: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Send requests from a pod and count what became of each.

    :param options: ``url``; ``pods`` (label selector of the pods of which the first is used) and ``container``;
        ``requests`` to send, ``parallel`` of them at once; ``timeout`` of each in seconds; ``method``, ``headers``,
        ``data`` (body); ``resolve`` (HOST:PORT:ADDRESS, for a name that no server knows);
        ``version_pattern``, as the load generator has it (only when one at a time is sent);
        ``header`` of the answers to count; ``slow_ms``, from which on an answer counts as slow.
    :returns: sent, succeeded, success_share, status, errors, latency_ms, by_version as the load generator has them;
        ``versions``: how many different ones, ``most`` and ``least``: answers of the busiest and of the idlest one;
        ``with_header`` and ``slow``: numbers of answers.
    :raises NotFound: no pod is ready.
    :raises ClusterError: curl could not be run or said something else.
    """
    asked = {**DEFAULTS, **options}
    pods = ready_pods(cluster, namespace, asked["pods"])
    if not pods:
        raise NotFound(f"No pod of {namespace} with the labels {asked['pods']} is ready, so nothing can be sent.")
    started = time.monotonic()
    stdout = run_in_pod(
        cluster, namespace, pods[0]["metadata"]["name"], asked["container"], _command(asked),
        seconds=asked["timeout"] * asked["requests"] / asked["parallel"] + 30, check=False,
    )  # fmt: skip
    measured = _counted(stdout, asked)
    if measured["sent"] != asked["requests"]:
        raise ClusterError(
            f"curl reported {measured['sent']} of {asked['requests']} requests; its last words were {stdout[-200:]!r}."
        )
    return {**measured, "seconds": round(time.monotonic() - started, 3)}


def _command(asked: Mapping[str, Any]) -> list[str]:
    words = f"\n{MARK} %{{http_code}} %{{time_total}} %{{exitcode}}"
    if asked["header"]:
        words += f" %header{{{asked['header']}}}"
    command = ["curl", "--silent", "--max-time", str(asked["timeout"]), "--write-out", words + "\n"]
    if asked["parallel"] > 1:
        # Bodies would be mixed.
        command += ["--parallel", "--parallel-immediate", "--parallel-max", str(asked["parallel"]), "--output",
                    "/dev/null"]  # fmt: skip
    if asked["method"] != "GET":
        command += ["--request", asked["method"]]
    if asked["data"] is not None:
        command += ["--data", asked["data"]]
    if asked["resolve"]:
        command += ["--resolve", asked["resolve"]]
    for name, value in asked["headers"].items():
        command += ["--header", f"{name}: {value}"]
    # curl repeats the URL for each number, and never sends what stands behind the #.
    return [*command, f"{asked['url']}#[1-{asked['requests']}]"]


def _counted(stdout: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    status: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    latencies: list[float] = []
    with_header = succeeded = 0
    pattern = re.compile(asked["version_pattern"]) if asked["version_pattern"] else None
    # Text, then the four groups of the line behind it, then text again …
    parts = _LINE.split(stdout)
    for body, code, seconds, rc, header in zip(*(parts[index::5] for index in range(5))):
        if rc != "0":
            errors[ERRORS.get(rc, f"curl {rc}")] += 1
            continue
        latencies.append(float(seconds) * 1000)
        status[code] += 1
        with_header += bool(header)
        if int(code) in SUCCESS:
            succeeded += 1
            if pattern:
                found = pattern.search(body)
                versions[found.group(1) if found else NO_VERSION] += 1
    sent = sum(status.values()) + sum(errors.values())
    return {
        "sent": sent,
        "succeeded": succeeded,
        "success_share": succeeded / sent if sent else None,
        "status": dict(sorted(status.items())),
        "errors": dict(sorted(errors.items())),
        "latency_ms": summary(latencies),
        "by_version": dict(sorted(versions.items())),
        "versions": len(versions),
        "most": max(versions.values(), default=0),
        "least": min(versions.values(), default=0),
        "with_header": with_header,
        "slow": sum(value >= asked["slow_ms"] for value in latencies) if asked["slow_ms"] else None,
    }
