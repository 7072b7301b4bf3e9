# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one scenario: its steps in order, every expectation judged, everything put back; the work of ``scenario``."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched_document
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import need_libraries
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_form import all_steps, check, filled, kind_of
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_result import Outcome
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_rivals import bystanders, rivals
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_steps import (
    ACKNOWLEDGE_SECONDS,
    ACTIONS,
    MEASUREMENTS,
    REMEMBERED,
    Stage,
)
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_undo import Undo
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import judge
from ansible_collections.meshlab.istio.plugins.module_utils._xds import ControlPlane

PUT_BACK_SECONDS = 180.0
POLL_SECONDS = 0.5


class ScenarioError(MeshlabError):
    """A scenario did not come out as expected; details hold ``scenario``, its entry of the report."""


def work(module: AnsibleModule) -> dict[str, Any]:
    """Run the scenario that the module's parameters describe; in check mode say what it would do."""
    params = module.params
    scenario = patched_document(params["definition"], params["patches"], f"scenario {params['definition'].get('name')}")
    check(scenario)
    if module.check_mode:
        would = [_words(step) for step in all_steps(scenario["steps"])]
        return {"changed": False, "skipped": True, "msg": "No scenario is run in check mode.", "would": would}
    need_libraries(module, "yaml", "websocket")
    outcome = run(scenario, params, Progress(params["progress_file"]))
    result = {"changed": False, "scenario": outcome.entry(), "warnings": outcome.warnings}
    if not outcome.passed:
        result.pop("warnings")
        raise ScenarioError(f"The scenario {scenario['name']} failed: {'; '.join(outcome.problems)}.", **result)
    return result


def run(scenario: Mapping[str, Any], params: Mapping[str, Any], progress: Progress) -> Outcome:
    """Run a scenario whose form was checked and put everything back, whatever happens meanwhile.

    :param params: the module's options under their names.
    :returns: what was measured and judged; a step that could not be done is a problem of the outcome.
    :raises MeshlabError: the cluster cannot be used, or what an interrupted run left cannot be put back.
    """
    cluster = Cluster(params["kubeconfig"], params["context"])
    outcome = Outcome(scenario)
    control_plane = ControlPlane(cluster, params["control_plane_namespace"], params["namespace"])
    values = _values(params)
    undo = Undo(cluster, params["namespace"])
    if undo.notes:
        outcome.warnings.append("An earlier scenario had been interrupted; what it left was put back first.")
        _put_back(undo, control_plane, progress)
    in_the_way = rivals(cluster, scenario["steps"], params["namespace"], values)
    if in_the_way:
        outcome.problems += [
            f"it was not begun: {why}. Take it out for as long as the scenario runs" for why in in_the_way
        ]
        return outcome
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="meshlab-") as folder:
        stage = Stage(
            cluster, control_plane, undo, params["namespace"], params["release_dir"], Path(folder), values, progress,
        )  # fmt: skip
        try:
            _play(scenario["steps"], stage, outcome)
        except MeshlabError as error:
            outcome.problems.append(error.message.rstrip("."))
        finally:
            stage.close()
            outcome.manifest(stage.applied)
            try:
                _put_back(undo, control_plane, progress)
            except MeshlabError as error:
                outcome.problems.append(f"not everything could be put back: {error.message.rstrip('.')}")
    strange = bystanders(cluster, params["namespace"]) if outcome.problems else []
    if strange:
        outcome.problems.append(
            f"in {params['namespace']} stands configuration that this lab did not make and that may be the cause: "
            + ", ".join(strange)
        )
    return outcome


def _play(steps: Sequence[Mapping[str, Any]], stage: Stage, outcome: Outcome) -> None:
    for step in steps:
        stage.progress(f"{outcome.title}: {_words(step)}")
        kind = kind_of(dict(step))
        if kind in ACTIONS:
            ACTIONS[kind](stage, filled(step[kind] or {}, stage.values))
            continue
        # What runs beside it is filled when its turn comes, for earlier steps may make values for it.
        ready = filled({key: value for key, value in step.items() if key != "during"}, stage.values)
        outcome.add(ready, _measured(ready, kind, step.get("during"), stage, outcome))


def _measured(
    step: Mapping[str, Any],
    kind: str,
    beside: Sequence[Mapping[str, Any]] | None,
    stage: Stage,
    outcome: Outcome,
) -> dict[str, Any]:
    """Measure once, or again and again until what is expected is there or ``within`` seconds are over."""
    measure, options = MEASUREMENTS[kind], step[kind] or {}
    if beside:
        return measure(stage, options, lambda: _play(beside, stage, outcome))
    end = time.monotonic() + step.get("within", 0.0)
    while True:
        measurement = measure(stage, {**options, "name": step["name"]} if kind in REMEMBERED else options)
        reached = all(judge(hypothesis, measurement)["passed"] for hypothesis in step.get("expect", []))
        if reached or time.monotonic() >= end:
            return measurement
        time.sleep(POLL_SECONDS)


def _put_back(undo: Undo, control_plane: ControlPlane, progress: Progress) -> None:
    if not undo.notes:
        return
    # A control plane that the scenario stopped cannot be asked before it is put back.
    before = control_plane.nonces() if control_plane.pods() else {}
    restored, gone = undo.put_back(PUT_BACK_SECONDS, progress)
    control_plane.wait(before, restored, gone, ACKNOWLEDGE_SECONDS, progress)


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the data can refer to from the start."""
    url = urlsplit(params["url"])
    if not url.hostname:
        raise InputError(f"{params['url']!r} is no URL of the gateway.")
    return {
        "url": params["url"],
        "host": params.get("host"),
        "namespace": params["namespace"],
        "control_plane_namespace": params["control_plane_namespace"],
        "gateway": url.netloc.rpartition(":")[0] if url.port else url.netloc,
        "secure_port": params["secure_port"],
    }


def _words(step: Mapping[str, Any]) -> str:
    kind = kind_of(dict(step))
    return f"{kind}: {step['name']}" if "name" in step else kind


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a polite end of this process put everything back first."""

    def leave(number: int, _frame: Any) -> None:
        raise SystemExit(128 + number)

    former = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
