# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a Prometheus inside the cluster, through the API server's proxy: no port-forward, no open port.

The answers' form is that of Prometheus 3.10's HTTP API (web/api/v1/api.go, ``/api/v1/query`` and ``targets``).
"""

from __future__ import annotations

import contextlib
import datetime
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    Unreachable,
    WaitError,
)
from ansible_collections.meshlab.istio.plugins.module_utils._names import through_service
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import check_hypothesis, judge

POLL_SECONDS = 1.0

NOT_UP_YET = {404, 429, 500, 502, 503, 504}
"""What the API server's proxy and Prometheus answer while Prometheus starts: no service, no endpoints, loading."""


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the module ``prometheus_query_info`` documents and return its return values."""
    options = module.params
    try:
        need_libraries(module, "yaml")
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

    def look() -> dict[str, Any]:
        result = query(cluster, options)
        value = single(result)
        if expected is None or judge(expected, {"value": value})["passed"]:
            return {"result": result, "value": value}
        if len(result) > 1:
            raise InputError(
                f"The query gives {len(result)} values, which cannot be compared with one bound. Use sum(…)."
            )
        raise WaitError(
            f"{options['query']} was {'no value' if value is None else value}, not {expected['relation']} "
            f"{expected['bound']}, after {options['timeout']:g} s. See whether Prometheus scrapes what should "
            "report it (its page /targets), and whether its scrape interval is shorter than `timeout`.",
            value=value, result=result,
        )  # fmt: skip

    found, waited = _until(look, f"the query {options['query']!r}", options)
    return {**found, "waited": waited}


def lookback(cluster: Cluster, options: Mapping[str, Any]) -> str | None:
    """Return how old a sample may be that a pod still stands behind: three times the longest scrape interval.

    A pod that goes while Prometheus runs is marked so and counts no more. One that went while Prometheus was down, as
    when the host reboots, is not, and would count for five more minutes beside the one that took its place.

    :param options: as for ``ask``, but for ``query``.
    :returns: a duration for ``query``; None where no target is a pod, or where Prometheus does not tell.
    :raises ClusterError: Prometheus does not answer when the time is up.
    """
    targets = _until(lambda: _targets(cluster, options), "the list of its targets", options)[0]
    longest = max((_duration(target.get("scrapeInterval", "")) for target in targets), default=0.0)
    return f"{3 * longest:g}s" if longest else None


def scraped(cluster: Cluster, options: Mapping[str, Any], since: float) -> float:
    """Wait until Prometheus has scraped every pod that it knows as a target since a time of its own clock.

    Asked are the targets, not the series ``up``: that of a pod which went while Prometheus was down stays for minutes.
    A failed scrape counts too.

    :param options: as for ``ask``, but for ``query``.
    :param since: seconds since the epoch.
    :returns: the seconds waited.
    :raises WaitError: some have not been scraped when the time is up; it names them.
    :raises ClusterError: Prometheus does not answer when the time is up.
    """

    def look() -> None:
        late = [
            f"{target['labels']['pod']} ({target.get('lastError') or target.get('scrapeUrl')})"
            for target in _targets(cluster, options)
            if _seconds(target["lastScrape"]) < since
        ]
        if late:
            raise WaitError(
                f"Prometheus has not scraped {len(late)} of its pods within {options['timeout']:g} s, among them "
                f"{', '.join(late[:3])}. Is its scrape interval shorter than `timeout`?",
                late=late,
            )

    return _until(look, "the list of its targets", options)[1]


def _until(look: Callable[[], Any], what: str, options: Mapping[str, Any]) -> tuple[Any, float]:
    """Call ``look`` each second until it raises neither WaitError nor that Prometheus is not up yet.

    :returns: what it returned, and the seconds waited.
    """
    started = time.monotonic()
    while True:
        asked = time.monotonic()
        try:
            return look(), round(time.monotonic() - started, 2)
        except WaitError as error:
            failure: Exception = error
        except ClusterError as error:
            if not isinstance(error, Unreachable) and error.details.get("status") not in NOT_UP_YET:
                raise InputError(f"Prometheus refuses {what}: {error.message}") from error
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

    :param options: as for ``ask``; with ``lookback``, a sample older than that is none (else than five minutes).
    :raises ClusterError: Prometheus or the way to it answered with an error.
    """
    parameters = {"query": str(options["query"])}
    if options.get("lookback"):
        parameters["lookback_delta"] = str(options["lookback"])
    with _form_of(options):
        return _samples(_get(cluster, options, "query", parameters), str(options["query"]))


def _samples(data: Mapping[str, Any], asked: str) -> list[dict[str, Any]]:
    if data["resultType"] == "string":
        raise InputError(f"{asked} is a text in PromQL, which has no value. Ask for a number.")
    if data["resultType"] == "scalar":
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


def _get(cluster: Cluster, options: Mapping[str, Any], what: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return ``data`` of an answer of Prometheus' HTTP API."""
    path = f"{through_service(options['namespace'], options['service'], options['port'])}/api/v1/{what}"
    data: dict[str, Any] = cluster.json(path, parameters)["data"]
    return data


@contextlib.contextmanager
def _form_of(options: Mapping[str, Any]) -> Iterator[None]:
    """Say that something else answers, where an answer has another form than Prometheus gives it."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"What answers at service {options['namespace']}/{options['service']}:{options['port']} is no Prometheus. "
            "Correct `service` and `port`."
        ) from error


def _targets(cluster: Cluster, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return those of Prometheus' targets that are pods."""
    with _form_of(options):
        targets: list[dict[str, Any]] = _get(cluster, options, "targets", {"state": "active"})["activeTargets"]
        return [target for target in targets if target["labels"].get("pod")]


def _duration(text: str) -> float:
    """Return the seconds of a duration as Prometheus writes it, such as 15s or 1m30s; 0 for another text."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|[smhd])", text))


def _seconds(text: str) -> float:
    """Read a time as Go writes it (RFC 3339 with up to nine digits); 0 for one before 1970, which stands for never."""
    matched = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if matched is None:
        raise InputError(f"Prometheus gave {text!r} as a time, which is none.")
    whole, fraction, zone = matched.groups()
    offset = zone.replace("Z", "+0000").replace(":", "")
    at = datetime.datetime.strptime(whole + offset, "%Y-%m-%dT%H:%M:%S%z")
    return max(0.0, at.timestamp()) + float(fraction or 0)


def _number(text: str) -> float | None:
    """Read a sample; None for NaN and the infinities, which JSON does not know."""
    value = float(text)
    return value if math.isfinite(value) else None
