# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier report knows and this run did not measure: kept, and told apart from what is new."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._report_schema import SCHEMA, SCHEMA_ID, violations

Host = dict[str, Any]

OF_ONE_RUN = frozenset({"failure", "finished", "found"})
"""What is true of one run only, and never of a later one."""

MAPS = ("lab", "versions")
"""Parts whose entries are kept by themselves: a run of scenarios alone knows Ansible's version, not minikube's."""

IDENTITY = ("provider", "context")
"""What tells one lab of a host from another, in ``lab``."""

BY_NAME = ("scenarios", "timings")
"""Parts whose items are kept one by one, each with a mark of its own."""

NOTHING: Mapping[str, Any] = {"generated_at": "", "hosts": []}
"""A report that says nothing."""


def known(path: Path) -> Mapping[str, Any]:
    """Return what an earlier report.json says: its ``hosts``, and when that was, as ``generated_at``.

    There are no hosts if there is no such file, or it is of another shape.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return NOTHING
    if not isinstance(report, dict) or report.get("schema") != SCHEMA_ID or any(violations(report, SCHEMA, "")):
        return NOTHING
    return report


def looked_at(host: Host) -> set[str]:
    """Return the parts that a run looked at: None is what it gives for the others, and empty is what it found empty."""
    return {part for part, value in host.items() if value is not None}


def with_known(
    hosts: Sequence[Host], looked: Sequence[Collection[str]], earlier: Mapping[str, Any], inventory: Collection[str]
) -> list[Host]:
    """Return what is known of every host of the inventory.

    What a run did not look at stays as it was known, be the run of the scenarios alone, limited to other hosts, or one
    that failed before it came so far. ``earlier`` of a host says of each such part when it was reported; a scenario and
    a stage of the run say it of themselves. Of another lab than the one before nothing is kept.

    :param hosts: entries of this run, without keys that hold nothing.
    :param looked: for each of them the parts that the run looked at, also those that it found empty.
    :param earlier: the report before it, see ``known``.
    :param inventory: names of the hosts that may be kept.
    """
    before = {host["name"]: _aged(host, earlier["generated_at"]) for host in earlier["hosts"]}
    now = {host["name"]: _merged(host, parts, before.get(host["name"], {})) for host, parts in zip(hosts, looked)}
    kept = {name: host for name, host in before.items() if name in inventory and name not in now}
    order = [*(name for name in before if name in now or name in kept), *(name for name in now if name not in before)]
    return [{**kept, **now}[name] for name in order]


def _merged(host: Host, looked: Collection[str], before: Host) -> Host:
    """Return an entry of this run with what it did not look at from ``before``, which is marked already."""
    if _another_lab(host, before):
        return host
    kept: Host = {}
    for part, value in before.items():
        if part in MAPS:
            kept[part] = {key: entry for key, entry in value.items() if key not in host.get(part, {})}
        elif part not in looked and part not in {*OF_ONE_RUN, *BY_NAME, "earlier"}:
            kept[part] = value
    marks = {
        name: at
        for name, at in before.get("earlier", {}).items()
        if name in kept or name.partition(".")[2] in kept.get(name.partition(".")[0], {})
    }
    merged = {**kept, **host, **{part: {**kept[part], **host.get(part, {})} for part in MAPS if part in kept}}
    for part, name in zip(BY_NAME, ("name", "stage")):
        items = _by_name(host.get(part, []), before.get(part, []), name)
        # An empty list says that nothing of the kind was ever run, which stays true.
        merged |= {part: items} if part in host or part in before else {}
    return {**merged, "earlier": marks} if marks else merged


def _another_lab(host: Host, before: Host) -> bool:
    now, then = host.get("lab", {}), before.get("lab", {})
    return any(key in now and key in then and now[key] != then[key] for key in IDENTITY)


def _aged(host: Host, at: str) -> Host:
    """Return an entry of an earlier report with everything in it marked as reported then, or still earlier."""
    parts = [
        name
        for part, value in host.items()
        if part not in {"name", "earlier", *BY_NAME}
        for name in ([f"{part}.{key}" for key in value] if part in MAPS else [part])
    ]
    marks = {part: host.get("earlier", {}).get(part, at) for part in parts}
    items = {
        "scenarios": [{**run, "earlier": True} for run in host.get("scenarios", [])],
        "timings": [{"at": at, **stage, "earlier": True} for stage in host.get("timings", [])],
    }
    return {
        **host,
        **{part: value for part, value in items.items() if value},
        **({"earlier": marks} if marks else {}),
    }


def _by_name(now: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Return the items of both, those of this run in the place of what was known of them."""
    # A stage can be there twice, as the report's is in a run that failed after it.
    items: dict[str, list[dict[str, Any]]] = {item[key]: [] for item in [*before, *now]}
    new = {item[key] for item in now}
    for item in [*(item for item in before if item[key] not in new), *now]:
        items[item[key]].append(item)
    return [item for named in items.values() for item in named]
