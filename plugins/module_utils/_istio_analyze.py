# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``istioctl analyze`` and ``istioctl x precheck`` find, as data.

Their exit codes say little: analyze ends with 0 whatever it finds when it writes JSON, and with 0 and no output when
the namespace does not exist; precheck ends with 1 for a warning and writes nothing at all when it finds nothing.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError, MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_fields import unknown_fields
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl

LEVELS = ("Info", "Warning", "Error")
"""From harmless to severe (pkg/config/analysis/diag/level.go)."""


class FindingsError(MeshlabError):
    """What was found is as severe as the user does not accept. Details hold the module's whole result."""


def report(options: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the module istioctl_analyze_info is asked for; return its result.

    :param options: the module's parameters.
    :raises FindingsError: a finding reaches ``failure_threshold``.
    """
    started = time.monotonic()
    istioctl = Istioctl(options["path"], options["kubeconfig"], options["context"])
    result: dict[str, Any] = {"changed": False, "istioctl_version": istioctl.version_text}
    names = ("namespace", "all_namespaces", "filename", "use_kube", "revision", "suppress", "timeout")
    result["findings"] = rows = analyze(istioctl, **{name: options[name] for name in names})
    if options["precheck"]:
        narrowed = {name: options[name] for name in ("revision", "from_version", "timeout")}
        result["precheck"] = precheck(istioctl, **narrowed)
        rows = [*rows, *result["precheck"]]
    result["counts"] = counts(rows)
    result["commands"] = istioctl.log
    result["seconds"] = round(time.monotonic() - started, 2)
    threshold = options["failure_threshold"]
    worst = [row for row in rows if threshold and severity(row["level"]) >= severity(threshold)]
    if worst:
        first = worst[0]
        raise FindingsError(
            f"{len(worst)} findings are at least as severe as {threshold}, such as {first['code']} "
            f"({first['origin']}): {first['message']}", **result,
        )  # fmt: skip
    return {**result, "warnings": istioctl.warnings}


def analyze(
    istioctl: Istioctl,
    *,
    namespace: str | None = None,
    all_namespaces: bool = False,
    filename: Sequence[str] = (),
    use_kube: bool = True,
    revision: str | None = None,
    suppress: Sequence[str] = (),
    timeout: float = 60.0,
) -> list[dict[str, Any]]:
    """Return the findings of ``istioctl analyze``, and fields in files that Istio doesn't know, the most severe first.

    :param filename: files or directories with configuration that is not applied yet.
    :param use_kube: look at the cluster as well; without it only at the files.
    :param suppress: ``CODE=Kind name.namespace`` entries.
    :param timeout: seconds.
    :raises InputError: the namespace does not exist, or a file cannot be parsed.
    :raises CommandError: istioctl failed.
    """
    if not use_kube and not filename:
        raise InputError("There is nothing to analyze: give `filename`, or let `use_kube` be true.")
    arguments = ["analyze", "--output", "json", f"--use-kube={str(use_kube).lower()}", "--color=false"]
    arguments += ["--timeout", f"{max(1, round(timeout))}s"]
    if use_kube:
        arguments += istioctl.cluster_arguments
    if all_namespaces:
        arguments.append("--all-namespaces")
    elif namespace:
        arguments += ["--namespace", namespace]
    if revision:
        arguments += ["--revision", revision]
    for entry in suppress:
        arguments += ["--suppress", entry]
    done = istioctl.run([*arguments, "--", *filename], timeout=timeout + 10.0)
    if not done.stdout.strip():
        raise InputError(
            f"istioctl analyze looked at nothing: {done.stderr.strip() or 'it said nothing'}. "
            "Does the namespace exist?"
        )  # fmt: skip
    if "Error(s) adding files" in done.stderr:
        raise InputError(f"istioctl analyze could not read all of {', '.join(filename)}: {done.stderr.strip()}")
    rows = findings(done)
    rows += unknown_fields(istioctl, filename, namespace=namespace, suppress=suppress, timeout=timeout)
    return in_order(rows)


def precheck(
    istioctl: Istioctl, *, revision: str | None = None, from_version: str | None = None, timeout: float = 60.0
) -> list[dict[str, Any]]:
    """Return the findings of ``istioctl x precheck``, the most severe first.

    :param revision: look at the control plane of this revision only.
    :param from_version: report changes of behaviour since this minor, such as 1.27.
    :raises InputError: this istioctl writes no JSON here (before 1.20), or knows no ``from_version`` (before 1.21).
    :raises CommandError: istioctl failed for another reason than what it found.
    """
    if not istioctl.has("precheck -o json"):
        raise InputError(
            f"istioctl {istioctl.version_text} cannot give precheck's findings as data; 1.20 is the first."
        )
    if from_version and not istioctl.has("precheck --from-version"):
        raise InputError(
            f"istioctl {istioctl.version_text} cannot look for changes since `from_version`; 1.21 is the first. "
            "Leave it out, or use a newer istioctl."
        )
    arguments = ["experimental", "precheck", "--output", "json", *istioctl.cluster_arguments]
    if revision:
        arguments += ["--revision", revision]
    if from_version:
        arguments += ["--from-version", from_version]
    done = istioctl.run(arguments, timeout=timeout, check=False)
    found = findings(done) if done.stdout.strip() else []
    if done.rc != 0 and not found:
        raise istioctl.failure(done)
    return found


def findings(done: Completed) -> list[dict[str, Any]]:
    """Read the JSON array that both commands write (pkg/config/analysis/diag/message.go:72-100).

    :returns: code, level, origin, reference, message, documentation_url and cluster (None where not given).
    :raises CommandError: the output is something else.
    """
    # Log lines can stand in front.
    start = re.search(r"^\[", done.stdout, re.MULTILINE)
    try:
        messages = json.loads(done.stdout[start.start() :]) if start else None
        rows = [
            {
                "code": str(each["code"]),
                "level": str(each["level"]),
                "origin": str(each.get("origin") or ""),
                "reference": each.get("reference"),
                "message": str(each.get("message") or ""),
                "documentation_url": each.get("documentationUrl"),
                "cluster": each.get("cluster"),
            }
            for each in messages or []
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        messages = None
    if not isinstance(messages, list):
        raise CommandError(
            "istioctl wrote something that is not the list of findings it was asked for.",
            cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
        )  # fmt: skip
    return in_order(rows)


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return findings with the most severe first."""
    return sorted(rows, key=lambda row: (-severity(row["level"]), row["code"], row["origin"]))


def severity(level: str) -> int:
    """Return the rank of a level; one that is not known counts as the most severe."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def counts(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return how many findings there are of each level."""
    return {level: sum(row["level"] == level for row in rows) for level in LEVELS}
