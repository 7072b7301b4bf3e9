# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""minikube as a command: its profiles and status as data, its failures with remedies.

Facts are from minikube v1.38.1 (files named beside them) and were tried with its binary.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool, Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError, words_of
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_events import Events, Progress, explain_exit

OLDEST = (1, 26)
"""The first minor release whose start, stop, pause and delete all speak JSON (CHANGELOG.md, 1.26.0)."""

MISSING_PROFILE = 85
STATUS_BITS = 7
"""`status` adds 1 for the host, 2 for kubelet or API server, 4 for the kubeconfig (cmd/minikube/cmd/status.go)."""

KUBERNETES_BINARIES = "/var/lib/minikube/binaries"
"""Where a node has its kubeadm, by version (pkg/minikube/vmpath); this host, with the driver none."""

LOG_LINES = 25

LOCKS = "/tmp/minikube-locks-*/*.lock"  # noqa: S108
"""minikube's locks (pkg/util/lock/lock.go)."""
LOCK_TABLE = "/proc/locks"

MINIKUBE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "default": "minikube"},
    "minikube_home": {"type": "path"},
    "kubeconfig": {"type": "path"},
}
"""Options of every module that asks minikube; the documentation fragment ``minikube`` describes them."""

RECREATE = "`recreate: true` (with the collection's playbooks `-e minikube_recreate=true`)"
FORCE = "`force: true` (with the collection's playbooks in `minikube_options`)"
"""Options as a remedy names them: for who writes a task, and for who only calls the playbooks."""

# What minikube leaves unsaid, by the name of its error.
REMEDIES = {
    "DRV_AS_ROOT": f"Run the task as an ordinary user (`become: false`), or set {FORCE}.",
    "HOST_CONFIG_LOAD": f"The profile's file is damaged: set {RECREATE}, or remove it with `state: absent`.",
    "GUEST_DRIVER_MISMATCH": f"Set {RECREATE} to replace the cluster.",
}


class Minikube(CommandLineTool):
    """The minikube command for one user.

    :param path: the binary, or a name that is looked up in PATH.
    :param home: MINIKUBE_HOME; None or "" means the environment's, then ``~``.
    :param kubeconfig: the file that minikube merges its context into; None means ``$KUBECONFIG``,
        then ``~/.kube/config``.
    :raises InputError: the home is a relative path.
    """

    name = "minikube"
    install_hint = "The role meshlab.istio.minikube installs it; otherwise give its full path as `path`."

    def __init__(self, path: str | None = None, home: str | None = None, kubeconfig: str | None = None) -> None:
        environment = {"MINIKUBE_WANTUPDATENOTIFICATION": "false"}
        if home:
            environment["MINIKUBE_HOME"] = os.path.expanduser(home)
        variable = environment.get("MINIKUBE_HOME") or os.environ.get("MINIKUBE_HOME")
        if variable and (problem := home_problem(variable)):
            raise InputError(problem)
        if kubeconfig:
            environment["KUBECONFIG"] = os.path.expanduser(kubeconfig)
        super().__init__(path, environment)
        self.home = home_directory(variable)
        default = os.path.expanduser("~/.kube/config")
        paths = (environment.get("KUBECONFIG") or os.environ.get("KUBECONFIG") or "").split(os.pathsep)
        self.kubeconfig = next(filter(None, paths), default)
        self._version: tuple[int, ...] | None = None

    def version(self) -> tuple[int, ...]:
        """Return the release as numbers, such as (1, 38, 1). Raises InputError for one that is too old."""
        if self._version is None:
            done = self.run(["version", "--output", "json"], timeout=30)
            told = _json(done.stdout, dict)
            version = release(str((told or {}).get("minikubeVersion", "")))
            if not version:
                raise _unlike_minikube(done, "its version")
            self._version = version
            if self._version < OLDEST:
                raise InputError(
                    f"minikube {done.stdout.strip()} is too old: {OLDEST[0]}.{OLDEST[1]} is the first release "
                    "whose commands all speak JSON. Install a newer one."
                )
        return self._version

    # -- what is stored --------------------------------------------------------------------------

    def profile_file(self, profile: str) -> str:
        """Return the path of a profile's stored configuration (pkg/minikube/localpath)."""
        return os.path.join(self.home, "profiles", profile, "config.json")

    @property
    def last_start_file(self) -> str:
        """The log that `minikube start` leaves (localpath.LastStartLog)."""
        return os.path.join(self.home, "logs", "lastStart.txt")

    def profiles(self) -> list[str]:
        """Return the names of all profiles that have a stored configuration, damaged ones included."""
        files = glob.glob(os.path.join(glob.escape(self.home), "profiles", "*", "config.json"))
        return sorted(os.path.basename(os.path.dirname(path)) for path in files)

    def read_profile(self, profile: str) -> dict[str, Any] | None:
        """Return a profile's stored configuration (ClusterConfig of pkg/minikube/config/types.go), None without one.

        :raises InputError: the file is there and cannot be read.
        """
        path = self.profile_file(profile)
        try:
            with open(path, encoding="utf-8") as stream:
                config: Any = json.load(stream)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            config = words_of(error)
        if not _is_profile(config):
            raise InputError(f"minikube's profile {path} cannot be read ({config}). {REMEDIES['HOST_CONFIG_LOAD']}")
        known: dict[str, Any] = config
        return known

    def machine_of(self, name: str) -> str:
        """Return the profile that has a machine of this name, "" if none has.

        A new profile must not have the name of a machine (validateProfileName of cmd/minikube/cmd/start.go).
        """
        for profile in self.profiles():
            try:
                config = self.read_profile(profile) or {}
            except InputError:
                continue
            nodes, cluster = config.get("Nodes") or [], str(config.get("Name"))
            # config.MachineName: the first node, and the only one, have the cluster's own name.
            names = {
                cluster if len(nodes) == 1 or not node.get("Name") else f"{cluster}-{node['Name']}" for node in nodes
            }
            if config.get("Driver") and name in names:
                return profile
        return ""

    def defaults(self) -> dict[str, Any]:
        """Return what ``minikube config set`` has stored for this user; {} without any."""
        try:
            with open(os.path.join(self.home, "config", "config.json"), encoding="utf-8") as stream:
                return dict(json.load(stream))
        except (OSError, ValueError, TypeError, RecursionError):
            return {}

    def mend_profile(self, profile: str) -> None:
        """Write what a damaged profile must hold for `minikube delete` to find the cluster.

        With a profile that it cannot read, minikube removes the file and leaves the cluster: the next start goes on
        with the old one (deleteProfile of cmd/minikube/cmd/delete.go; tried with the driver none). What is written
        comes from the file of the machine beside it; without that one there is nothing to find.
        """
        machines = os.path.join(self.home, "machines")
        try:
            with open(os.path.join(machines, profile, "config.json"), encoding="utf-8") as stream:
                machine: Any = json.load(stream)
            driver = str(machine["DriverName"])
            runtime = str(machine["Driver"].get("ContainerRuntime") or "")
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return
        version = max(
            map(os.path.basename, glob.glob(os.path.join(KUBERNETES_BINARIES, "v*"))), key=release, default=""
        )
        workers = glob.glob(os.path.join(glob.escape(machines), f"{glob.escape(profile)}-m[0-9]*"))
        names = ["", *sorted(os.path.basename(path)[len(profile) + 1 :] for path in workers)]
        kubernetes = {"ClusterName": profile, "ContainerRuntime": runtime, "KubernetesVersion": version}
        nodes = [{"Name": name, "ControlPlane": not name, "Worker": True} for name in names]
        config = {"Name": profile, "Driver": driver, "KubernetesConfig": kubernetes, "Nodes": nodes}
        with open(self.profile_file(profile), "w", encoding="utf-8") as stream:
            json.dump(config, stream)

    # -- what is asked ---------------------------------------------------------------------------

    def status(self, profile: str) -> list[dict[str, Any]]:
        """Return the status of each node; [] when the profile or its host does not exist.

        A row holds Name, Host, Kubelet, APIServer, Kubeconfig (Running, Stopped, Paused, Configured,
        Misconfigured, Nonexistent, Irrelevant, …: pkg/minikube/cluster/status.go) and Worker (bool).
        """
        done = self.run(["status", "--profile", profile, "--output", "json"], timeout=60, check=False)
        if done.rc == MISSING_PROFILE:
            return []
        rows = _json(done.stdout, (dict, list, type(None)), default=())
        rows = [rows] if isinstance(rows, dict) else [] if rows is None else rows
        if done.rc > STATUS_BITS or (done.rc and rows == ()):
            raise self.failure(done)
        if rows == () or not all(isinstance(row, dict) for row in rows):
            raise _unlike_minikube(done, "the status")
        return list(rows)

    def kubernetes_version(self, wanted: str) -> str:
        """Return the full version, such as v1.34.4, for v1.34.4, 1.34.4, 1.34, stable or latest."""
        if wanted.lower() in ("stable", "latest", "newest"):
            text = self.run(["start", "--help"], timeout=30).stdout
            word = "stable" if wanted.lower() == "stable" else "latest"
            found = re.search(rf"'{word}' for (v[0-9][\w.-]*[0-9])", text)
            if found:
                return found.group(1)
        elif re.fullmatch(r"v?\d+\.\d+\.\d+(-[\w.]+)?", wanted):
            return "v" + wanted.lstrip("v")
        elif re.fullmatch(r"v?\d+\.\d+", wanted):
            done = self.run(["config", "defaults", "kubernetes-version", "-o", "json"], timeout=30)
            known = _json(done.stdout, list)
            if known is None:
                raise _unlike_minikube(done, "the Kubernetes versions that it knows")
            for version in known:
                if str(version).startswith(f"v{wanted.lstrip('v')}."):
                    return str(version)
        raise InputError(
            f"This minikube does not know the Kubernetes version {wanted!r}. Give a full one, such as v1.34.4; "
            "`minikube config defaults kubernetes-version` lists them."
        )

    # -- what is done ----------------------------------------------------------------------------

    def act(self, arguments: Sequence[str], *, timeout: float, progress: Progress | None = None) -> Events:
        """Run a command that changes something and reports with ``--output json``; return its events.

        :param arguments: the command and its flags, without the output format.
        :param timeout: seconds.
        :raises CommandError: with minikube's own message, advice and the name of its exit code.
        """
        events = Events(progress)
        try:
            self.run([*arguments, "--output", "json"], timeout=timeout, on_line=events.feed)
        except CommandError as error:
            if error.details["rc"] is None and events.steps:
                # minikube waits for a lock without a word. It has ended by now: who holds one is another process.
                waited = _lock_remedy(_lock_holders())
                raise CommandError(
                    f"{error.message} Its last step was: {events.steps[-1]['message']}. {waited}".rstrip(),
                    **error.details, steps=events.steps, log=self._log_tail(),
                ) from error  # fmt: skip
            raise
        return events

    def failure(self, done: Completed) -> CommandError:
        """Turn a non-zero exit into an error that says what the code means and what minikube advises."""
        events = Events()
        for line in (done.stdout + done.stderr).splitlines():
            events.feed(line)
        fatal = events.fatal()
        name = fatal.get("name", "")
        reason = (
            fatal.get("message") or (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[0]
        )
        # Some advice is printed with its template's fields unfilled (seen in K8S_DOWNGRADE_UNSUPPORTED of 1.38.1).
        advice = "" if "{{" in fatal.get("advice", "") else fatal.get("advice", "")
        locked = re.search(r"(acquir\w+|waiting for) .*lock", reason)
        remedy = REMEDIES.get(name) or (_lock_remedy(_lock_holders() or ["?"]) if locked else "") or advice
        named = f", {name}" if name else ""
        message = f"minikube {done.cmd[1]} failed (exit code {done.rc}{named}, {explain_exit(done.rc)}): {reason}"
        return CommandError(
            " ".join(filter(None, (message.rstrip(".") + ".", remedy))),
            cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
            name=name, advice=advice, url=fatal.get("url", ""), steps=events.steps,
            log=self._log_tail() if done.cmd[1] == "start" else [],
        )  # fmt: skip

    def _log_tail(self) -> list[str]:
        """Return the last warnings and errors of the log that `minikube start` leaves."""
        try:
            with open(self.last_start_file, encoding="utf-8", errors="replace") as stream:
                # klog begins each line with its severity; minikube repeats its boxed plea for a bug report there.
                return [line.rstrip() for line in stream if re.match(r"[WEF]\d{4} [^╭]*$", line)][-LOG_LINES:]
        except OSError:
            return []


def home_directory(variable: str | None) -> str:
    """Return minikube's directory for a value of MINIKUBE_HOME (pkg/minikube/localpath, MiniPath).

    Go's filepath.Base passes over slashes at the end, and its filepath.Join cleans the path.
    """
    base = variable or os.path.expanduser("~")
    named = os.path.basename(base.rstrip("/")) == ".minikube"
    return re.sub("^/+", "/", os.path.normpath(base if named else os.path.join(base, ".minikube")))


def home_problem(variable: str) -> str:
    """Return why a value of MINIKUBE_HOME cannot be used, as a sentence; "" if it can."""
    if "\0" in variable:
        return f"minikube_home is {variable!r}, and no path holds a null byte. Give a full path, such as /data/lab."
    if os.path.isabs(variable):
        return ""
    return (
        f"minikube_home is {variable!r}, and minikube would look for it in whatever folder it is called from: in "
        "another one at boot than now. Give a full path, such as /data/lab."
    )


LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"


def profile_problem(name: Any) -> str:
    """Return why minikube refuses a profile's name, as a sentence; "" if it takes it.

    ProfileNameValid of pkg/minikube/config/profile.go, which `minikube start` asks in every case.
    """
    if isinstance(name, str) and len(name) > 1 and re.fullmatch(rf"({LABEL}\.)*{LABEL}", name):
        return ""
    return (
        f"minikube takes no profile (minikube_profile) of the name {name!r}. Give at least two letters, digits or "
        "dashes, with a letter or digit at both ends, such as lab."
    )


def release(text: str) -> tuple[int, ...]:
    """Return a version's numbers, such as (1, 34, 4) for v1.34.4-rc.1; () when there are none."""
    found = re.match(r"v?(\d{1,9}(?:\.\d{1,9})*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def _lock_holders() -> list[str]:
    """Return the processes that hold minikube's locks. These are flocks: one that nobody holds is never in the way."""
    inodes = {str(os.stat(path).st_ino) for path in glob.glob(LOCKS)}
    try:
        with open(LOCK_TABLE, encoding="ascii") as stream:
            rows = [line.split() for line in stream]
    except OSError:
        rows = []
    return sorted({row[4] for row in rows if len(row) > 5 and row[5].split(":")[-1] in inodes})


def _lock_remedy(holders: Sequence[str]) -> str:
    """Say what to do about processes that hold minikube's lock, ? for one that is not known; "" for none."""
    if not holders:
        return ""
    who = "another minikube process" if "?" in holders else f"process {', '.join(holders)}"
    return f"Its lock is held by {who}: wait until that one ends, or end it, then run this again."


def _json(text: str, kinds: Any, default: Any = None) -> Any:
    """Return the value of JSON text, ``default`` when it is no JSON or of none of these types."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return default
    return value if isinstance(value, kinds) else default


def _unlike_minikube(done: Completed, what: str) -> CommandError:
    return CommandError(
        f"{' '.join(done.cmd[:2])} did not tell {what} as minikube does. Is it really minikube?",
        cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
    )  # fmt: skip


def _is_profile(config: Any) -> bool:
    """Tell whether this has the form of a ClusterConfig, as far as it is read."""
    if not isinstance(config, dict) or not config.get("KubernetesConfig"):
        return False
    nodes = config.get("Nodes") or []
    return (
        isinstance(config["KubernetesConfig"], dict)
        and isinstance(nodes, list)
        and all(isinstance(node, dict) and isinstance(node.get("Port") or 0, int) for node in nodes)
    )
