# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a Prometheus inside the cluster, through the API server's proxy: no port-forward, no open port.

The answers' form is that of Prometheus 3.10's HTTP API (web/api/v1/api.go, ``/api/v1/query``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    Unreachable,
    WaitError,
)
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import check_hypothesis, judge

POLL_SECONDS = 1.0

NOT_UP_YET = {404, 429, 500, 502, 503, 504}
"""What the API server's proxy and Prometheus answer while Prometheus starts: no service, no endpoints, loading."""


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module ``prometheus_query_info`` documents and return its return values."""
    options = module.params
    try:
        need_libraries(module, "kubernetes")
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=module.check_mode)
    except Unreachable as error:
        if not module.check_mode:
            raise
        nothing: dict[str, Any] = {"changed": False, "result": [], "value": None, "waited": 0.0}
        return {**nothing, "cluster_exists": False, "warnings": unknown(error)}
    expected = None
    if options["relation"]:
        expected = {"metric": "value", "relation": options["relation"], "bound": options["bound"]}
        check_hypothesis(expected)
    answer = ask(cluster, options, None if module.check_mode else expected)
    return {"changed": False, "cluster_exists": True, **answer}


def ask(cluster: Cluster, options: Mapping[str, Any], expected: Mapping[str, Any] | None) -> dict[str, Any]:
    """Query until Prometheus answers and, if something is ``expected``, until that is the answer.

    :param options: ``query``, ``namespace``, ``service``, ``port`` and ``timeout`` (seconds).
    :param expected: a hypothesis for ``_statistics.judge`` about the metric ``value``, or None.
    :returns: ``result``, ``value`` and ``waited`` (seconds), as the module documents them.
    :raises InputError: Prometheus refuses the query, or its many values cannot be compared with one bound.
    :raises WaitError: the value is not what was expected when the time is up.
    :raises ClusterError: Prometheus does not answer when the time is up.
    """
    started = time.monotonic()
    while True:
        asked = time.monotonic()
        try:
            result = query(cluster, options)
            value = single(result)
            if expected is None or judge(expected, {"value": value})["passed"]:
                return {"result": result, "value": value, "waited": round(time.monotonic() - started, 2)}
            if len(result) > 1:
                raise InputError(
                    f"The query gives {len(result)} values, which cannot be compared with one bound. Use sum(…)."
                )
            failure: Exception = WaitError(
                f"{options['query']} was {'no value' if value is None else value}, not {expected['relation']} "
                f"{expected['bound']}, after {options['timeout']:g} s. See whether Prometheus scrapes what should "
                "report it (its page /targets), and whether its scrape interval is shorter than `timeout`.",
                value=value, result=result,
            )  # fmt: skip
        except ClusterError as error:
            if not isinstance(error, Unreachable) and error.details.get("status") not in NOT_UP_YET:
                raise InputError(f"Prometheus refuses the query {options['query']!r}: {error.message}") from error
            failure = type(error)(
                f"Prometheus at service {options['namespace']}/{options['service']}:{options['port']} did not answer "
                f"within {options['timeout']:g} s: {error.message}",
                **error.details,
            )
        if time.monotonic() - started >= options["timeout"]:
            raise failure
        time.sleep(max(0.0, asked + POLL_SECONDS - time.monotonic()))


def query(cluster: Cluster, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Send one instant query; return its samples as ``labels`` with ``value``, or with ``values`` for a range.

    :raises ClusterError: Prometheus or the way to it answered with an error.
    """
    service = f"{options['service']}:{options['port']}"
    path = f"/api/v1/namespaces/{options['namespace']}/services/{service}/proxy/api/v1/query"
    data = cluster.json(path, {"query": options["query"]})["data"]
    if data["resultType"] in ("scalar", "string"):
        return [{"labels": {}, "value": _number(data["result"][1])}]
    return [
        {"labels": sample["metric"], "values": [[at, _number(text)] for at, text in sample["values"]]}
        if "values" in sample
        else {"labels": sample["metric"], "value": _number(sample["value"][1])}
        for sample in data["result"]
    ]


def single(result: list[dict[str, Any]]) -> float | None:
    """Return the value of a result that has just one, else None."""
    return result[0].get("value") if len(result) == 1 else None


def _number(text: str) -> float | None:
    """Read a sample; None for NaN and the infinities, which JSON does not know."""
    value = float(text)
    return value if math.isfinite(value) else None
