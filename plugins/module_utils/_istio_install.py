# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an installation of Istio what it should be: compare, install only what differs, wait as long as asked."""

from __future__ import annotations

import hashlib
import json
import shlex
import threading
import time
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import changed_fields
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError, WaitError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_plan import Plan
from ansible_collections.meshlab.istio.plugins.module_utils._istio_remove import HELM_RELEASE
from ansible_collections.meshlab.istio.plugins.module_utils._istio_run import Run
from ansible_collections.meshlab.istio.plugins.module_utils._istio_tag import TAG
from ansible_collections.meshlab.istio.plugins.module_utils._istio_versions import Version, kubernetes_problem
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for, wait_gone

Object = dict[str, Any]

FAIL_CLOSED = {
    "kind": "ValidatingWebhookConfiguration",
    "condition": "length(webhooks[?failurePolicy!='Fail']) == `0`",
}
"""istiod closes its webhook when it can validate; before that, invalid configuration slips in."""

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
POLL_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""Between two looks at what istioctl has written by now."""


class Installer:
    """Brings one revision on one cluster to the state an IstioOperator asks for.

    :param document: the IstioOperator.
    :param timeout: seconds to wait in this call; istioctl gets the same for each of its components.
    :param failure_grace: seconds that a passing trouble of a pod may last.
    :param force: istioctl's ``--force``.
    :param adopt: also change a control plane that this host never installed.
    :param run: the cluster's install, see ``_istio_run``.
    """

    def __init__(
        self,
        istioctl: Istioctl,
        cluster: Cluster,
        document: Mapping[str, Any],
        run: Run,
        *,
        timeout: float,
        failure_grace: float,
        force: bool = False,
        adopt: bool = True,
        progress: Callable[[str], None],
    ) -> None:
        self.istioctl = istioctl
        self.cluster = cluster
        self.document = document
        self.run = run
        self.timeout = timeout
        self.failure_grace = failure_grace
        self.force = force
        self.adopt = adopt
        self.progress = progress
        self._end = time.monotonic() + timeout
        self._ours = False
        text = json.dumps([istioctl.version_text, document, force], sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()

    def check_versions(self) -> list[str]:
        """Return warnings about the pair of Istio and Kubernetes; InputError for one that cannot work."""
        kubernetes = Version.parse(self.cluster.version())
        if kubernetes is None:
            return []
        sentence, fatal = kubernetes_problem(self.istioctl.version, kubernetes) or ("", False)
        if fatal:
            raise InputError(sentence)
        return [sentence] if sentence else []

    def plan(self, allow_downgrade: bool) -> Plan:
        """Return what an install would change.

        :raises InputError: it would be a downgrade, or change somebody else's control plane, and that was not asked
            for.
        """
        plan = plans.make(self.istioctl, self.cluster, self.document, force=self.force)
        here, new = Version.parse(plan.installed or ""), Version.parse(plan.version)
        if here and new and new.is_older_than(here) and not allow_downgrade:
            raise InputError(
                f"Revision {plan.revision} runs Istio {plan.installed}, and this istioctl is {plan.version}: that "
                "would be a downgrade. Use a newer istioctl, or set `allow_downgrade` if it is meant."
            )
        if not self.adopt:
            self._need_ours(plan)
        return plan

    def install(self, wait: str, allow_downgrade: bool) -> tuple[Plan, bool, bool]:
        """Bring the cluster to the desired state and wait for it.

        :param wait: ``none``, ``control_plane`` or ``all``.
        :returns: the plan that was carried out, whether istioctl is still at work, and whether another call's install
            of the same state was joined: what the plan says is not this call's doing then.
        :raises WaitError: a component cannot become ready, or the time is up; istioctl was stopped.
        :raises CommandError: istioctl failed.
        """
        if not self._lock_or_join():
            self.progress("joining the install that is running already")
            self._ours = True
            plan = self.plan(allow_downgrade=True)
            self._wait(wait, plan)
            return plan, self.run.running(), True
        try:
            self._until_namespace_is_whole()
            plan = self.plan(allow_downgrade)
            if plan.needs_install:
                self._ours = True
                self.progress(f"installing Istio {plan.version}: {len(plan.changes)} objects change")
                cmd = [
                    self.istioctl.resolve(), "install", "--skip-confirmation", "--filename", self.run.operator_file,
                    "--readiness-timeout", f"{max(1, round(self.timeout))}s", *self.istioctl.cluster_arguments,
                ]  # fmt: skip
                self.run.start([*cmd, "--force"] if self.force else cmd, self.document, self.digest)
        finally:
            self.run.release()
        self._wait(wait, plan)
        for change in plan.leftovers:
            obj = change.object
            metadata = obj["metadata"]
            self.cluster.delete(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
        return plan, self.run.running(), False

    def command(self) -> dict[str, Any]:
        """Return the install that was started as an entry of ``commands``; rc is None while it runs."""
        result = self.run.result() or {}
        state = self.run.state()
        seconds = result.get("seconds", round(time.time() - state["started"], 2))
        return {"cmd": shlex.join(state["cmd"]), "rc": result.get("rc"), "seconds": seconds}

    # -- inside ----------------------------------------------------------------------------------

    def _need_ours(self, plan: Plan) -> None:
        """Refuse to change what Helm installed, or a control plane that nobody installed from here."""
        releases = sorted({
            name
            for change in plan.changes
            if (name := ((change.before or {}).get("metadata", {}).get("annotations") or {}).get(HELM_RELEASE))
        })  # fmt: skip
        if releases:
            whose = f"Helm installed Istio in this cluster, by the releases {', '.join(releases)}"
        elif plan.installed is not None and plan.changes and not self.run.installed_before():
            whose = f"Revision {plan.revision} runs Istio {plan.installed}, and this user never installed it from here"
        else:
            return
        raise InputError(
            f"{whose}, so it may be yours. An install of {plan.version} would change {len(plan.changes)} objects of it,"
            " and its settings to those asked for. Nothing was changed. Use a revision of its own (istio_revision), or "
            "set `adopt: true` (with the collection's playbooks `-e istio_adopt=true`) to have it changed."
        )

    def _lock_or_join(self) -> bool:
        """Return True with the lock held, or False when the same install is running and can be joined."""
        while not self.run.acquire():
            if self.run.state().get("digest") == self.digest and self.run.result() is None:
                return False
            self.progress("waiting for another install on this cluster to end")
            if time.monotonic() >= self._end:
                raise CommandError(
                    f"Another install on this cluster was still running after {self.timeout:g} s; its log is "
                    f"{self.run.log_file} on the host. Wait for it, or end the process {self.run.state().get('pid')}.",
                    cmd=self.run.state().get("cmd", []), rc=None, stdout="\n".join(self.run.log_tail()), stderr="",
                )  # fmt: skip
            time.sleep(POLL_SECONDS)
        self.run.forget()
        return True

    def _until_namespace_is_whole(self) -> None:
        """Wait while the namespace of the control plane is being deleted: nothing can be created in it."""
        space = self.cluster.find("v1", "Namespace", operators.namespace_of(self.document))
        if space is not None and space["metadata"].get("deletionTimestamp"):
            wait_gone(self.cluster, [space], self._left(), progress=self.progress)

    def _wait(self, wait: str, plan: Plan) -> None:
        if wait == "none":
            return
        changes = {owned.key_of(change.object): change for change in plan.changes}
        workloads = [obj for obj in plan.objects if obj["kind"] in WORKLOADS]
        hooks = [obj for obj in plan.objects if obj["kind"].endswith("WebhookConfiguration")]
        try:
            if wait == "control_plane":
                mine = [obj for obj in workloads if owned.component_of(obj) == "Pilot"]
                injectors = [
                    obj for obj in hooks if obj["kind"].startswith("Mutating") and TAG not in owned.labels_of(obj)
                ]
                if self._ours:
                    self._until_applied([changes[owned.key_of(obj)] for obj in mine if owned.key_of(obj) in changes])
                self._watch([*mine, *injectors], until_ready=True)
                return
            while self._ours and self.run.running():
                self._watch_written(workloads, changes)
            self._check_result()
            conditions = [FAIL_CLOSED] if any(obj["kind"] == FAIL_CLOSED["kind"] for obj in hooks) else []
            wait_for(
                self.cluster, [*workloads, *hooks], self._left(),
                failure_grace=self.failure_grace, conditions=conditions, progress=self.progress,
            )  # fmt: skip
        except WaitError as error:
            if self._ours and self.run.running():
                self.run.stop()
                error.details["istioctl_log"] = self.run.log_tail()
            raise

    def _until_applied(self, changes: list[plans.Change]) -> None:
        """Wait until istioctl has written ``changes``: an old control plane that is still ready proves nothing."""
        while not all(self._applied(change) for change in changes):
            if not self.run.running():
                self._check_result()
                return
            if self._left() <= 0:
                raise WaitError(
                    f"istioctl had not applied the control plane after {self.timeout:g} s.", failures=[], pending=[]
                )
            time.sleep(POLL_SECONDS)

    def _watch_written(self, workloads: list[Object], changes: Mapping[owned.Key, plans.Change]) -> None:
        """Watch what is as planned already: what istioctl is about to correct may be in trouble for just that."""
        ahead = {owned.key_of(obj) for obj in workloads} & changes.keys()
        ahead = {key for key in ahead if not self._applied(changes[key])}
        self._watch(
            [obj for obj in workloads if owned.key_of(obj) not in ahead], until_ready=False,
            outdated=lambda: any(self._applied(changes[key]) for key in ahead),
        )  # fmt: skip

    def _applied(self, change: plans.Change) -> bool:
        obj = change.object
        live = self.cluster.find(
            obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace")
        )
        if live is None or change.before is None:
            return live is not None
        still = {each["field"] for each in changed_fields(live, change.after)}
        return not still & {each["field"] for each in change.fields}

    def _watch(self, objects: list[Object], *, until_ready: bool, outdated: Callable[[], bool] = lambda: False) -> None:
        """Wait for ``objects`` and for istioctl at once.

        Returns when istioctl ends, or when all are ready: at once with ``until_ready``, else after a second in which
        istioctl may see so too, or go on to the next component.

        :param outdated: asked each second; returns True when there are other objects to wait for.
        """
        box: dict[str, Any] = {}
        over = threading.Event()

        def progress(text: str) -> None:
            if not over.is_set():
                self.progress(text)

        def work() -> None:
            try:
                box["done"] = wait_for(
                    self.cluster, objects, self._left(), failure_grace=self.failure_grace, progress=progress
                )
            except Exception as error:
                box["error"] = error

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        alive = self.run.running()
        look = time.monotonic() + LOOK_SECONDS
        try:
            while thread.is_alive():
                thread.join(POLL_SECONDS)
                if alive and not self.run.running():
                    self._check_result()
                    if not until_ready:
                        return
                    alive = False
                if time.monotonic() >= look:
                    if outdated():
                        return
                    look = time.monotonic() + LOOK_SECONDS
        finally:
            over.set()
        if "error" in box:
            raise box["error"]
        pause = time.monotonic() + (0.0 if until_ready else 1.0)
        while time.monotonic() < pause and self.run.running():
            time.sleep(POLL_SECONDS)
        if not until_ready and self._left() <= 0 and self.run.running():
            raise WaitError(
                f"What istioctl has written is ready, but it had not ended after {self.timeout:g} s.",
                failures=[], pending=[],
            )  # fmt: skip

    def _check_result(self) -> None:
        """Raise CommandError when the install that was started has failed."""
        result = self.run.result()
        if not self._ours or (result is not None and result["rc"] == 0):
            return
        tail = self.run.log_tail()
        errors = [line for line in tail if line.lstrip().startswith(("Error", "✘"))]
        said = (errors or tail or ["it said nothing"])[-1]
        rc = None if result is None else result["rc"]
        raise CommandError(
            f"istioctl install failed with exit code {rc}: {said.strip()}",
            cmd=self.run.state().get("cmd", []), rc=rc, stdout="\n".join(tail), stderr="",
        )  # fmt: skip

    def _left(self) -> float:
        return max(0.0, self._end - time.monotonic())
