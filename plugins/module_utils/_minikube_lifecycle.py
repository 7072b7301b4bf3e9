# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a minikube cluster into the state asked for: find, compare, act, look again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_settings as settings
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import RECREATE, Minikube, profile_problem
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_context import foreign_entries
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_events import Events, Progress
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_health import (
    ABSENT,
    DAMAGED,
    DEGRADED,
    INCOMPLETE,
    PAUSED,
    STARTED,
    STOPPED,
    Found,
    find,
    warn_soon,
)
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_owner import FOREIGN, Note
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import (
    CURABLE,
    UNFORCED,
    Host,
    check,
    message,
)

START = "start"
STOP = "stop"
PAUSE = "pause"
UNPAUSE = "unpause"
DELETE = "delete"

# What leads from the state found (second key) to the one asked for (first key). No entry: nothing to do.
ACTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    STARTED: {
        ABSENT: (START,),
        INCOMPLETE: (START,),
        STOPPED: (START,),
        PAUSED: (UNPAUSE,),
        DEGRADED: (START,),
    },
    PAUSED: {
        ABSENT: (START, PAUSE),
        INCOMPLETE: (START, PAUSE),
        STOPPED: (START, PAUSE),
        DEGRADED: (START, PAUSE),
        STARTED: (PAUSE,),
    },
    STOPPED: {PAUSED: (UNPAUSE, STOP), DEGRADED: (STOP,), STARTED: (STOP,)},
    ABSENT: {
        DAMAGED: (DELETE,),
        INCOMPLETE: (DELETE,),
        STOPPED: (DELETE,),
        PAUSED: (UNPAUSE, DELETE),
        DEGRADED: (DELETE,),
        STARTED: (DELETE,),
    },
}

# What goes with a cluster, by driver; any other driver is a virtual machine.
LOST = {
    "none": "this host's /etc/kubernetes, /var/lib/kubelet and /var/lib/minikube",
    "docker": "its containers and their volumes",
    "podman": "its containers and their volumes",
}

# What may be done to a cluster of the user's only if told so, and what the user may want instead.
GUARDED = {
    DELETE: "If it is to go with all that is in it, set {foreign}. To take out of it only what site put into it, use "
    "`-e lab_provider=existing`, which removes all of Istio. If the lab is in another cluster, give the same variables "
    "as to site.",
    STOP: "To stop it, call `minikube stop --profile {profile}`, or set {foreign}.",
    PAUSE: "To pause it, call `minikube pause --profile {profile}`, or set {foreign}.",
}

LATER = "Without check mode an earlier task may bring that first."


class Lifecycle:
    """One run of the module.

    :param minikube: the command.
    :param options: the module's options; None means not given.
    :param host: what preflight asks about this machine.
    """

    def __init__(self, minikube: Minikube, options: Mapping[str, Any], host: Host, progress: Progress) -> None:
        self.minikube = minikube
        self.options = dict(options)
        self.host = host
        self.progress = progress
        self.profile = str(options["profile"])
        self.note = Note(minikube, self.profile)
        self.steps: list[dict[str, Any]] = []
        self.warnings: list[str] = []

    def run(self, check_mode: bool) -> dict[str, Any]:
        """Return the module's result. In check mode nothing is changed, and ``after`` is a prediction.

        :raises InputError: an option cannot be used, a setting cannot be changed without ``recreate``, the cluster is
            not ours, or the host is not fit; in check mode just as well, unless an earlier task of the play may still
            bring what lacks.
        :raises CommandError: minikube failed.
        """
        began = time.monotonic()
        if problem := profile_problem(self.options["profile"]):
            raise InputError(problem)
        target = str(self.options["state"])
        self.options["kubernetes_version"] = self._version(check_mode)
        found = find(self.minikube, self.profile)
        driver = self._driver(found)
        chosen = self._chosen(target, driver)
        before = self._view(found, chosen)
        doubt = "" if found.state == ABSENT else self.note.doubt(found.asked)
        actions, lost = self._plan(target, found, before, chosen, driver, doubt)
        self._guard(actions, found, doubt)
        self._guard_context(actions)
        after = {**before, "state": target, **chosen} if actions or self._new_defaults() else before
        if target == ABSENT and actions:
            after = {"state": ABSENT}
        changed = before != after
        now = found
        flags = self._ready(found, driver, check_mode) if START in actions else []
        # A new cluster is ours, except on what is left of another one.
        ours = DELETE in actions or not (self.note.leftovers(driver) if found.state == ABSENT else doubt)
        if changed and not check_mode:
            now = self._perform(target, actions, found, flags, driver, ours)
            after = self._view(now, chosen) if target != ABSENT else {"state": now.state}
            self._complain(after, chosen)
        if ours and not check_mode:
            self._keep_note(now, driver, started=changed and START in actions)
        self.warnings += warn_soon(now, self.profile) + (lost if target != ABSENT else [])
        return {
            "changed": changed,
            "before": before,
            "after": after,
            "diff": {"before": before, "after": after},
            "found": found.sentence(self.profile),
            "cluster_exists": now.exists,
            "ours": now.state != ABSENT and not self.note.doubt(now.asked),
            "profile": self.profile,
            "context": self.profile,
            "kubeconfig": self.minikube.kubeconfig,
            "driver": driver,
            "node_ip": str(now.node.get("IP") or "") or None,
            "kubernetes_version": (now.config.get("KubernetesConfig") or {}).get("KubernetesVersion"),
            "certificate_days": now.certificate_days,
            "lost": lost,
            "steps": self.steps,
            "commands": self.minikube.log,
            "seconds": round(time.monotonic() - began, 2),
            "warnings": self.warnings,
        }

    # -- before anything is touched --------------------------------------------------------------

    def _driver(self, found: Found) -> str | None:
        name = self.options.get("driver") or found.config.get("Driver")
        name = name or (self.options.get("config") or self.minikube.defaults()).get("driver")
        return str(settings.driver_name(name)) if name else None

    def _version(self, check_mode: bool) -> str | None:
        """Return the full Kubernetes version; in check mode minikube may not be there yet to tell."""
        asked = self.options.get("kubernetes_version")
        if not asked or self.options["state"] not in (STARTED, PAUSED):
            return None
        try:
            return self.minikube.kubernetes_version(str(asked))
        except CommandError:
            if not check_mode:
                raise
            return str(asked)

    def _chosen(self, target: str, driver: str | None) -> dict[str, Any]:
        """Return what the cluster should be like, as far as the options say; only a cluster that runs is compared."""
        if target not in (STARTED, PAUSED):
            return {}
        if self.options.get("addons") and self.options.get("install_addons") is False:
            raise InputError(
                "With `install_addons: false` minikube enables none of the `addons`: leave one of them out."
            )
        self.warnings += settings.unheeded(self.options, driver)
        chosen = settings.wanted(self.options, driver)
        if self.options.get("config"):
            chosen["config"] = {key: _plain(value) for key, value in self.options["config"].items()}
        return chosen

    def _view(self, found: Found, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Return a cluster as before or after shows it: its state, and each chosen setting as it is stored."""
        view: dict[str, Any] = {"state": found.state}
        if found.config:
            view.update(settings.current(found.config, chosen))
        if "config" in chosen:
            stored = self.minikube.defaults()
            view["config"] = {key: _plain(stored[key]) for key in chosen["config"] if key in stored}
        return view

    def _new_defaults(self) -> dict[str, Any]:
        """Return the values that `minikube config set` has to store."""
        stored = self.minikube.defaults()
        asked = self.options.get("config") or {}
        if self.options["state"] not in (STARTED, PAUSED):
            return {}
        return {key: value for key, value in asked.items() if _plain(stored.get(key)) != _plain(value)}

    def _guard(self, actions: tuple[str, ...], found: Found, doubt: str) -> None:
        """Refuse to delete, stop or pause a cluster of the user's, whatever its state, unless told so."""
        if not doubt or self.options.get("foreign"):
            return
        for action, way_on in GUARDED.items():
            if action in actions:
                told = way_on.format(profile=self.profile, foreign=FOREIGN)
                raise InputError(f"{found.sentence(self.profile)} {doubt} {told}")

    def _guard_context(self, actions: tuple[str, ...]) -> None:
        """Refuse to write over, or delete, what a kubeconfig says of another cluster under the profile's name."""
        if self.options.get("foreign") or not {START, DELETE} & set(actions):
            return
        kubeconfig = self.minikube.kubeconfig
        strange = foreign_entries(kubeconfig, self.profile, self.minikube.home)
        if strange:
            what = "remove" if START not in actions else "replace"
            raise InputError(
                f"The kubeconfig {kubeconfig} has {' and '.join(strange)}, not of the minikube cluster {self.profile} "
                f"in {self.minikube.home}, and minikube would {what} that. Nothing was touched. Choose another profile "
                "(minikube_profile) or another kubeconfig (minikube_kubeconfig), or save what is needed and remove it "
                f"(`kubectl config --kubeconfig {kubeconfig} delete-{strange[0]}`), or set {FOREIGN}."
            )

    def _plan(
        self,
        target: str,
        found: Found,
        before: Mapping[str, Any],
        chosen: Mapping[str, Any],
        driver: str | None,
        doubt: str,
    ) -> tuple[tuple[str, ...], list[str]]:
        """Return the actions that are needed, and sentences about what a deletion among them destroys.

        :param doubt: why the cluster may not be ours, "" if it is.
        """
        recreate = bool(self.options.get("recreate"))
        actions = ACTIONS[target].get(found.state, ())
        if target == ABSENT:
            return actions, self._lost(found) if actions else []
        if found.state == DAMAGED and target != STOPPED:
            if not recreate:
                settings.stored(self.minikube.read_profile(self.profile) or {})  # one of them raises, with the remedy
            return (DELETE, *ACTIONS[target][ABSENT]), self._lost(found)
        if not found.config:
            if START in actions:
                self._new_name(driver)
            return actions, []
        if found.cut_off and target == STOPPED:
            return (STOP,), []
        if found.cut_off:
            if found.used and not recreate:
                raise InputError(
                    f"{found.sentence(self.profile)} A start does not finish it, and it is in use already: "
                    f"{', '.join(found.used[:5])}. Set {RECREATE} to delete it with everything in it and start "
                    "a new one.",
                    before=dict(before),
                )
            return (DELETE, *ACTIONS[target][ABSENT]), self._lost(found)
        drift = settings.drift(before, chosen, driver)
        if drift and doubt and not self.options.get("foreign"):
            raise InputError(self._refusal_of_foreign(drift, doubt), drift=drift, before=dict(before))
        fixed = [item for item in drift if item["effect"] != settings.START]
        if fixed and not recreate:
            raise InputError(self._refusal(fixed), drift=drift, before=dict(before))
        if fixed:
            unpause = (UNPAUSE,) if found.state == PAUSED else ()
            return (*unpause, DELETE, *ACTIONS[target][ABSENT]), self._lost(found)
        if drift and START not in actions:
            unpause = (UNPAUSE,) if found.state == PAUSED else ()
            return (*unpause, START, *((PAUSE,) if target == PAUSED else ())), []
        return actions, []

    def _new_name(self, driver: str | None) -> None:
        """Refuse a name for a new cluster that another one has a part of. minikube would refuse, or go on with it."""
        if other := self.minikube.machine_of(self.profile):
            raise InputError(
                f"minikube takes no new profile (minikube_profile) of the name {self.profile!r}: a machine of the "
                f"profile {other} has it. Choose another name."
            )
        left = self.note.leftovers(driver)
        if left and not self.options.get("foreign"):
            raise InputError(
                f"minikube has no profile {self.profile} in {self.minikube.home}, but this is left of a cluster: "
                f"{', '.join(left[:5])}. A start would go on with it or replace it, and whose it is cannot be proven. "
                f"Remove what is left (`minikube delete --profile {self.profile}`, in the home that made it; `kubeadm "
                "reset`, if kubeadm did), choose another profile (minikube_profile) or, beside the driver none, "
                f"another driver (minikube_driver), or set {FOREIGN} to go on with it."
            )

    def _refusal(self, fixed: list[dict[str, Any]]) -> str:
        return (
            f"The cluster {self.profile} exists with settings that cannot be changed: {_lines(fixed)}. Set {RECREATE} "
            "to delete it with everything in it and start a new one, or give the settings it has."
        )

    def _refusal_of_foreign(self, drift: list[dict[str, Any]], doubt: str) -> str:
        return (
            f"{doubt} It has other settings than asked for: {_lines(drift)}. To use it as it is, give the settings "
            "that it has. For a cluster of the lab's own, choose another profile (minikube_profile). To have it "
            f"changed, set {FOREIGN}."
        )

    def _lost(self, found: Found) -> list[str]:
        driver = str(found.config.get("Driver") or "")
        what = (
            LOST.get(driver, "its virtual machine with the disk") if driver else "what its damaged profile still names"
        )
        nodes = len(found.config.get("Nodes") or [])
        size = f" of {nodes} node{'s' if nodes != 1 else ''}" if nodes else ""
        return [f"With the cluster {self.profile}{size} everything that was deployed and stored in it goes: {what}."]

    def _ready(self, found: Found, driver: str | None, check_mode: bool) -> list[str]:
        """Return the flags of a start that nothing stands in the way of."""
        flags: list[str] = []
        try:
            flags = settings.arguments(self.options, driver, self.minikube.version())
        except CommandError as error:
            if not check_mode or error.details["rc"] is not None:
                raise
            self.warnings.append(f"{error.message} {LATER}")
        self._preflight(found.state == ABSENT, driver, check_mode)
        return flags

    def _preflight(self, new: bool, driver: str | None, check_mode: bool) -> None:
        problems = check(self.host, {**self.options, "driver": driver, "home": self.minikube.home}, new=new)
        if not problems:
            return
        curable = check_mode and all(item["check"] in CURABLE for item in problems)
        forced = self.options.get("force") and not any(item["check"] in UNFORCED for item in problems)
        if not forced and not curable:
            raise InputError(message(problems), problems=problems)
        self.warnings.append(f"{message(problems)} {LATER}" if curable else message(problems))

    # -- the work --------------------------------------------------------------------------------

    def _perform(
        self,
        target: str,
        actions: tuple[str, ...],
        found: Found,
        flags: list[str],
        driver: str | None,
        ours: bool,
        again: bool = False,
    ) -> Found:
        """Carry out the actions, a start with ``flags``, and return the cluster as it is then.

        :param ours: what a start begins here is ours.
        :param again: this is the second attempt, after a cluster that turned out to be half-made.
        """
        for key, value in self._new_defaults().items():
            self.minikube.run(["config", "set", key, _plain(value)], timeout=30)
        for action in actions:
            if action == START:
                if found.state == ABSENT:
                    self.note.forget()
                with self.note.beginning(driver) if ours else contextlib.nullcontext():
                    self._act(found, [START, "--interactive=false", *flags])
            elif action == STOP and self.options.get("keep_context"):
                self._act(found, [STOP, "--keep-context-active"])
            else:
                if action == DELETE and found.state == DAMAGED:
                    self.minikube.mend_profile(self.profile)
                self._act(found, [action])
        now = find(self.minikube, self.profile)
        mine = ours or self.options.get("foreign")
        if now.cut_off and not now.used and START in actions and mine and not again:
            # Only now that it answers can it be seen that it was never finished.
            self.warnings += [f"{now.sentence(self.profile)} It was deleted and started anew."]
            return self._perform(target, (DELETE, *ACTIONS[target][ABSENT]), now, flags, driver, True, again=True)
        if now.state != target and not (target == STOPPED and now.state == INCOMPLETE):
            raise CommandError(
                f"minikube {' and '.join(actions)} ended without an error, but the cluster {self.profile} is "
                f"{now.state}: {'; '.join(now.reasons)}. `minikube logs --profile {self.profile}` says more.",
                cmd=[], rc=0, stdout="", stderr="", steps=self.steps,
            )  # fmt: skip
        return now

    def _keep_note(self, now: Found, driver: str | None, *, started: bool) -> None:
        """Note that a cluster of ours is as it is now."""
        driver = now.config.get("Driver") or driver
        if now.state in (STARTED, PAUSED):
            self.note.finished(driver, now.asked, started=started)
        else:
            self.note.begun(driver)

    def _act(self, found: Found, command: list[str]) -> Events:
        timeout = float(self.options.get("start_timeout") or 0)
        try:
            events = self.minikube.act(
                [command[0], "--profile", self.profile, *command[1:]], timeout=timeout, progress=self.progress
            )
        except CommandError as error:
            text = found.sentence(self.profile) + " " + error.message
            if command[0] == START and found.state != ABSENT:
                text += f" If it cannot be brought back, {RECREATE} replaces it."
            details = {**error.details, "steps": self.steps + error.details.get("steps", [])}
            raise CommandError(text, **details) from error
        self.steps += events.steps
        self.warnings += [text for text in events.warnings if "--force" not in text]
        return events

    def _complain(self, after: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
        """Warn of each setting that minikube took without an error and did not store."""
        for option, value in chosen.items():
            if after.get(option) != value:
                self.warnings.append(
                    f"minikube kept {option} at {after.get(option)!r}, although {value!r} was asked for."
                )


def _lines(drift: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{item['option']} is {item['old']!r}, asked for {item['new']!r} ({item['effect']})" for item in drift
    )


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
