# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the report's files: shape what the hosts measured, judge nothing anew, leave nothing half-written."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._junit import junit
from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact
from ansible_collections.meshlab.istio.plugins.module_utils._report_known import NOTHING, known, looked_at, with_known
from ansible_collections.meshlab.istio.plugins.module_utils._report_page import page
from ansible_collections.meshlab.istio.plugins.module_utils._report_schema import (
    SCHEMA,
    SCHEMA_ID,
    violations,
    without_empty,
)
from ansible_collections.meshlab.istio.plugins.module_utils._report_summary import summary

FILES = {"json": "report.json", "html": "report.html", "junit": "report.xml"}
"""What a report consists of, besides the commands of each host."""

OURS = re.compile(r'"schema": *"' + re.escape(SCHEMA_ID.rpartition(":")[0]))
"""How a report.json of any release says that it is one."""

BEGINNING = 1000
"""Characters of a file that are read for that."""

NOT_IN_NAMES = re.compile(r"[^\w.:-]", re.ASCII)
"""Of a host's name, what is no part of a file's name."""


def report(module: AnsibleModule) -> dict[str, Any]:
    """Do the work of the module ``report``; see its documentation for options and return values."""
    given, directory = module.params["hosts"], Path(module.params["dest"])
    need_ours(directory)
    earlier = known(directory / FILES["json"])
    shaped = shape(given, module.params["next_steps"], earlier, module.params["inventory"])
    if not module.check_mode:
        write_all(directory, shaped, given)
    paths = {kind: str(directory / name) for kind, name in FILES.items()}
    written = None if module.check_mode else paths["html"]
    return {
        "changed": False,
        "paths": {**paths, "commands": str(directory / "commands")},
        "summary": {host["name"]: summary(host, written) for host in _of_this_run(shaped, given)},
    }


def need_ours(directory: Path) -> None:
    """Refuse a directory with files of a report's names that belong to no report of ours.

    Ours is told by its report.json, which is written first. An empty file counts as none.

    :raises InputError: there is such a file.
    """
    there = [directory / name for name in FILES.values()]
    there = [path for path in there if os.path.lexists(path) and not (path.is_file() and path.stat().st_size == 0)]
    if not there or OURS.search(_beginning(directory / FILES["json"])):
        return
    raise InputError(
        f"{', '.join(map(str, there))}: there already, and of no report of this collection, so it may be yours. "
        "Nothing was written. Move it away, or give another directory as dest (report_path)."
    )


def _beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(BEGINNING)
    except OSError:
        return ""


def write_all(directory: Path, shaped: dict[str, Any], hosts: Sequence[dict[str, Any]]) -> None:
    """Write every file of a report.

    :param shaped: the report, see ``shape``.
    :param hosts: what the hosts of this run gave, with their ``commands``; JUnit XML is about them alone.

    :raises InputError: the directory or a file cannot be written.
    """
    write(directory, FILES["json"], json.dumps(shaped, indent=2, ensure_ascii=False) + "\n")
    write(directory, FILES["html"], page(shaped))
    write(directory, FILES["junit"], junit({**shaped, "hosts": _of_this_run(shaped, hosts)}))
    for host in hosts:
        write(directory / "commands", f"{NOT_IN_NAMES.sub('_', host['name'])}.jsonl", commands_log(host))


def _of_this_run(shaped: dict[str, Any], hosts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {host["name"] for host in hosts}
    return [host for host in shaped["hosts"] if host["name"] in names]


def shape(
    hosts: Sequence[dict[str, Any]],
    next_steps: Sequence[dict[str, Any]] = (),
    earlier: Mapping[str, Any] | None = None,
    inventory: Collection[str] = (),
) -> dict[str, Any]:
    """Return the report as ``SCHEMA`` describes it: without secrets, without keys that hold nothing.

    :param earlier: the report before this one, None if there was none; see ``_report_known`` for what is kept of it.
    :param inventory: names of the hosts that may be kept without being among ``hosts``.

    :raises InputError: something is not of its type; every such place is named.
    """
    earlier = earlier or NOTHING
    hosts = [{key: value for key, value in host.items() if key != "commands"} for host in hosts]
    given = {
        "schema": SCHEMA_ID,
        "generated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "hosts": [_with_units(host) for host in hosts],
        "next": list(next_steps),
    }
    shaped: dict[str, Any] = without_empty(redact(given), SCHEMA)
    wrong = list(violations(shaped, SCHEMA, "report"))
    if wrong:
        raise InputError(
            "The report was not written, because what the hosts gave is not in its shape"
            f" (docs/report.schema.json): {' '.join(wrong)}",
            violations=wrong,
        )
    looked = [looked_at(host) for host in hosts]
    return {**shaped, "hosts": with_known(shaped["hosts"], looked, redact(dict(earlier)), inventory)}


def commands_log(host: dict[str, Any]) -> str:
    """Return the commands that ran on a host, one JSON object a line in their order, without secrets."""
    return "".join(json.dumps(redact(command), ensure_ascii=False) + "\n" for command in host.get("commands") or [])


def _with_units(host: dict[str, Any]) -> dict[str, Any]:
    """Name a histogram's bounds as published; the module mesh_traffic calls them le."""
    traffic = host.get("traffic")
    if not isinstance(traffic, dict) or not isinstance(traffic.get("histogram"), list):
        return host
    renamed = [
        {"le_ms" if key == "le" else key: value for key, value in bucket.items()}
        if isinstance(bucket, dict)
        else bucket
        for bucket in traffic["histogram"]
    ]
    return {**host, "traffic": {**traffic, "histogram": renamed}}


def make_private(directory: Path) -> None:
    """Make a directory and those above it that are missing, each for its owner only (``mkdir`` does so to the last)."""
    for each in (*reversed(directory.parents), directory):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)


def write(directory: Path, name: str, text: str) -> None:
    """Put ``text`` into the file ``name``, readable by its owner only, whole or not at all.

    :raises InputError: the directory or the file cannot be written.
    """
    beside = None
    try:
        make_private(directory)
        # mkstemp makes files 0600.
        handle, beside = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(beside, directory / name)
    except OSError as error:
        if beside is not None and os.path.exists(beside):
            os.unlink(beside)
        raise InputError(
            f"{directory / name} could not be written: {error.strerror}. Give another directory as dest (report_path)."
        ) from error
