# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask each addon of Istio's samples by its own API whether it works: one table of who is asked what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

Fetch = Callable[[str, Mapping[str, str]], Any]
"""Asks a path with a query; returns the answer's JSON, or its text where it is none."""

STAND_IN = "stand_in"
"""The field by which the JSON of a stand-in says that it is one."""


class NotHealthy(Exception):
    """An addon answers, and says that something is missing. The text is the rest of a sentence about it."""


@dataclass(frozen=True)
class Addon:
    """How one addon is asked.

    :param service: its service and port in the samples of Istio 1.19 to 1.31.
    :param asked: paths with their queries; the answers go to ``judge`` in this order.
    :param judge: says in a few words what the answers tell, or raises NotHealthy. Its first argument is the namespace
        of the addons.
    """

    service: str
    port: int
    asked: tuple[tuple[str, Mapping[str, str]], ...]
    judge: Callable[..., str]


def check(name: str, namespace: str, fetch: Fetch) -> dict[str, Any]:
    """Ask one addon.

    :param name: one of ADDONS.
    :param namespace: where the addons are.
    :param fetch: how this addon is asked; what it raises goes through.
    :returns: ``says`` (str), ``stand_in`` (bool).
    :raises NotHealthy: it answers, but does not work; also when it answers something else than its API would.
    """
    addon = ADDONS[name]
    answers = [fetch(path, query) for path, query in addon.asked]
    try:
        says = addon.judge(namespace, *answers)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise NotHealthy(f"its answer is not one of {name}'s API: {str(answers)[:100]}") from error
    return {"says": says, STAND_IN: any(map(is_stand_in, answers))}


def is_stand_in(answer: Any) -> bool:
    """Tell whether an answer comes from a stand-in, which says so in each JSON object."""
    objects = answer if isinstance(answer, list) else [answer]
    return any(isinstance(each, dict) and each.get(STAND_IN) is True for each in objects)


def _prometheus(namespace: str, found: Mapping[str, Any]) -> str:
    """All of the mesh's own targets are up; what else is scraped is counted.

    The series ``up`` would not do: that of a pod which went while Prometheus was down stays for minutes.
    """
    targets = [(target["labels"], target["health"] == "up") for target in found["data"]["activeTargets"]]
    if not targets:
        raise NotHealthy("it has scraped no target yet")
    down = [
        labels.get("pod") or labels["instance"]
        for labels, is_up in targets
        if not is_up and labels.get("namespace", namespace) == namespace
    ]
    if down:
        raise NotHealthy(f"{len(down)} of its {len(targets)} targets are down: {', '.join(sorted(down)[:3])}")
    return f"{sum(is_up for _labels, is_up in targets)} of {len(targets)} targets up"


def _loki(_namespace: str, ready: Any, build: Mapping[str, Any]) -> str:
    if str(ready).strip() != "ready":
        raise NotHealthy(f"it says {str(ready).strip()[:60]!r}")
    return f"ready, version {build['version']}"


def _kiali(_namespace: str, answer: Mapping[str, Any]) -> str:
    status = answer["status"]
    if status["Kiali state"] != "running":
        raise NotHealthy(f"its state is {status['Kiali state']}")
    return f"running, version {status['Kiali version']}"


def _jaeger(_namespace: str, answer: Mapping[str, Any]) -> str:
    return _traced(answer["data"] or [])


def _zipkin(_namespace: str, answer: Sequence[str]) -> str:
    return _traced(answer)


def _traced(services: Sequence[str]) -> str:
    return f"traces of {len(services)} services"


def _grafana(_namespace: str, health: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> str:
    if health["database"] != "ok":
        raise NotHealthy(f"its database is {health['database']}")
    if not sources:
        raise NotHealthy("it has no data source")
    return f"data sources {', '.join(sorted(source['name'] for source in sources))}"


ADDONS: dict[str, Addon] = {
    "prometheus": Addon("prometheus", 9090, (("/api/v1/targets", {"state": "active"}),), _prometheus),
    "loki": Addon("loki", 3100, (("/ready", {}), ("/loki/api/v1/status/buildinfo", {})), _loki),
    "kiali": Addon("kiali", 20001, (("/kiali/api/status", {}),), _kiali),
    "jaeger": Addon("tracing", 80, (("/jaeger/api/services", {}),), _jaeger),
    "zipkin": Addon("tracing", 80, (("/api/v2/services", {}),), _zipkin),
    "grafana": Addon("grafana", 3000, (("/api/health", {}), ("/api/datasources", {})), _grafana),
}
"""Read in the samples' manifests and in Prometheus 3.10 (web/api/v1), Loki 3.6 (pkg/loki), Kiali 2 (models/status.go),
Jaeger 2 (cmd/query), Zipkin 3.4 (zipkin-server) and Grafana 12 (pkg/api/datasources.go)."""
