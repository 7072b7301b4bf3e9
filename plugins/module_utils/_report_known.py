# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier report knows and this run did not measure: kept, and told apart from what is new."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._report_schema import SCHEMA, SCHEMA_ID, violations

Host = dict[str, Any]

OF_ONE_RUN = frozenset({"failure", "finished", "found", "timings"})
"""What is true of one run only, and never of a later one."""


def known(path: Path) -> list[Host]:
    """Return the hosts of an earlier report.json; none if there is no such file, or it is of another shape."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(report, dict) or report.get("schema") != SCHEMA_ID or any(violations(report, SCHEMA, "")):
        return []
    hosts: list[Host] = report["hosts"]
    return hosts


def with_known(hosts: Sequence[Host], earlier: Sequence[Host], inventory: Collection[str]) -> list[Host]:
    """Return what is known of every host of the inventory.

    A host that this run did not look at stays as it was. Of a host that it did look at, scenarios that were not run
    now are kept, marked ``earlier``; and a run that did not even look for the gateway's URL, such as one of the
    scenarios alone, leaves all that it did not measure. A run that failed leaves nothing else: what it would have
    measured is not known any more.

    :param hosts: entries of this run, without keys that hold nothing.
    :param earlier: entries of the report before it.
    :param inventory: names of the hosts that may be kept.
    """
    before = {host["name"]: host for host in earlier}
    now = {host["name"]: _merged(host, before.get(host["name"], {})) for host in hosts}
    kept = {name: _aged(host) for name, host in before.items() if name in inventory and name not in now}
    order = [*(name for name in before if name in now or name in kept), *(name for name in now if name not in before)]
    return [{**kept, **now}[name] for name in order]


def _merged(host: Host, before: Host) -> Host:
    partial = "url" not in host and host.get("finished") is not False
    lasting = _lasting(before) if partial else {}
    # An empty list is what a part that was not run gathers.
    merged = {**lasting, **{key: value for key, value in host.items() if value not in ([], {}) or key not in lasting}}
    scenarios = _scenarios(host.get("scenarios", []), _aged(before).get("scenarios", []))
    return {**merged, "scenarios": scenarios} if scenarios else merged


def _lasting(host: Host) -> Host:
    return {key: value for key, value in host.items() if key not in OF_ONE_RUN}


def _aged(host: Host) -> Host:
    """Return an entry with its scenarios marked as those of an earlier run."""
    if not host.get("scenarios"):
        return host
    return {**host, "scenarios": [{**run, "earlier": True} for run in host["scenarios"]]}


def _scenarios(now: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the scenarios of both, those of this run in the place of what was known of them."""
    by_name = {run["name"]: run for run in now}
    known_names = {run["name"] for run in before}
    return [
        *(by_name.get(run["name"], run) for run in before),
        *(run for run in now if run["name"] not in known_names),
    ]
