# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a minikube cluster is: a note in the profile's folder, which says which cluster was made here.

`minikube delete` removes that folder with all that is in it, also that of a damaged profile (config.DeleteProfile and
deleteInvalidProfile, minikube v1.38.1). So the note goes with its cluster, and one made later by hand has none.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._minikube import Minikube
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_api import cluster_uid

NOTE = "meshlab.json"
SCHEMA = "meshlab.istio/cluster/1"

HOST_CA = "/var/lib/minikube/certs/ca.crt"
"""The cluster's CA on its node (vmpath.GuestKubernetesCertsDir), which with the driver none is this host."""

HOST_KUBERNETES = "/etc/kubernetes"
"""Where kubeadm keeps a cluster's configuration on its node (KubernetesDir of kubeadm 1.34), also one that minikube did
not make. With the driver none a start removes what it finds there of another cluster (clearStaleConfigs of
pkg/minikube/bootstrapper/kubeadm, minikube v1.38.1) and writes its own in the place, and a deletion takes it all
(kubeadm reset)."""

OF_KUBEADM = (
    "admin.conf", "kubelet.conf", "bootstrap-kubelet.conf", "controller-manager.conf", "scheduler.conf", "pki/ca.crt",
    "manifests/*",
)  # fmt: skip
"""What is in that folder of a cluster that kubeadm made or that this host joined, and the static pods of a kubelet. Of
one that minikube deleted nothing is left (cleanupPaths of pkg/drivers/none and kubeadm reset)."""

ENGINES = {
    "docker": ("docker", "container", "inspect", "--format", "{{.Id}}"),
    "podman": ("sudo", "-n", "podman", "container", "inspect", "--format", "{{.Id}}"),
    "kvm2": ("virsh", "--connect", "qemu:///system", "domuuid"),
}
"""What tells the ID of a node by the profile's name. An engine has one of a name for all homes of minikube: a new
profile of another home deletes the container of that name (Create of pkg/drivers/kic/kic.go), and a deletion takes
whatever has it (Remove of pkg/drivers/kvm/kvm.go)."""

ENGINE_SECONDS = 10.0

NAME_ONLY = "~/.local/share/meshlab/clusters"
"""Where an earlier version of this collection noted names of profiles. A name proves nothing."""

LEFT_BY_A_START = {NOTE, "events.json"}
"""What a start that failed before it stored a profile may leave in its folder (localpath.EventLog)."""

LOOK_SECONDS = 0.5
"""How often a first start is looked at. A module that is killed knows the cluster as it was then."""

FOREIGN = (
    "`foreign: true` (with the collection's playbooks in `minikube_options`; for teardown "
    "`-e minikube_delete_foreign=true`)"
)
"""The option as a remedy names it."""


class Note:
    """The note of one profile.

    While a first start is at work the note holds the state of the stored profile, which every start of minikube writes
    anew: a start by somebody else is seen. Once the cluster runs the note holds what only this cluster has.
    """

    def __init__(self, minikube: Minikube, profile: str) -> None:
        self._home = minikube.home
        self._profile = profile
        self._config = minikube.profile_file(profile)
        self._folder = os.path.dirname(self._config)
        self.path = os.path.join(self._folder, NOTE)

    def doubt(self, node: dict[str, Any]) -> str:
        """Return why the cluster cannot be proven to be made by this collection, as a sentence; "" if it is proven.

        :param node: its control plane's IP and Port, {} where its API server cannot be asked now.
        """
        which = f"minikube cluster {self._profile} in {self._home}"
        whose = f"The {which}"
        yours = "so it is taken for one of yours and was not touched."
        note = self._read()
        if note is None:
            if os.path.exists(os.path.join(os.path.expanduser(NAME_ONLY), self._profile)):
                return (
                    f"{whose} carries no note of this collection. An earlier version noted a cluster of this name, "
                    f"which does not prove that it is this one, {yours}"
                )
            return f"{whose} carries no note that this collection made it, {yours}"
        if not note:
            return f"{whose} has a note that cannot be read ({self.path}), {yours}"
        other = self._host_has_another(note)
        if not note["finished"]:
            node_now = self._node(note["driver"])
            other = other or bool(node_now and node_now != note.get("node"))
            if other or note["config"] != self._stamp():
                return f"A start of this collection began the {which}, and somebody changed it since, {yours}"
            return ""
        now = self._identity(note["driver"], node)
        differing = [
            name
            for name, value in note["identity"].items()
            if (value or name in PROOF) and value != now.get(name) and (now.get(name) or name in PROOF)
        ]
        if note["profile"] != self._profile or differing or other:
            what = " and ".join(differing) or ("CA on this host" if other else "name")
            return f"{whose} carries the note of another cluster (the {what} differs), {yours}"
        return ""

    def leftovers(self, driver: str | None) -> list[str]:
        """Return what is left of a cluster without a stored profile: a start would go on with it, whosever it was."""
        machine = os.path.join(self._home, "machines", self._profile)
        left = [machine] if os.path.exists(machine) else []
        with contextlib.suppress(OSError):
            left += [
                os.path.join(self._folder, name) for name in sorted(set(os.listdir(self._folder)) - LEFT_BY_A_START)
            ]
        # minikube chooses docker itself where it is there.
        engine = driver or "docker"
        if self._node(engine):
            left.append(f"{self._profile} of {engine}")
        if driver == "none":
            places = [os.path.join(glob.escape(HOST_KUBERNETES), name) for name in OF_KUBEADM]
            left += [path for place in (glob.escape(HOST_CA), *places) for path in sorted(glob.glob(place))]
        return left

    @contextlib.contextmanager
    def beginning(self, driver: str | None) -> Iterator[None]:
        """Keep the note up to date while the block starts a cluster of ours, however that ends."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK_SECONDS):
                self.begun(driver)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.begun(driver)
            if (self._read() or {}).get("finished"):
                # A start that fails may have made the machine anew.
                self.finished(driver, {}, started=True)

    def begun(self, driver: str | None) -> None:
        """Note the stored profile as it is now, unless the note is of a finished cluster."""
        note, stamp = self._read(), self._stamp()
        if stamp and not (note and note["finished"]):
            node = self._node(driver) or (note or {}).get("node", "")
            self._write({"finished": False, "driver": driver, "config": stamp, "node": node})

    def finished(self, driver: str | None, node: dict[str, Any], *, started: bool) -> None:
        """Note what only this cluster has.

        :param node: as for ``doubt``.
        :param started: it was started just now; else what cannot be seen now stays as it was noted.
        """
        identity = self._identity(driver, node)
        if not all(identity[name] for name in PROOF):
            return
        if not started:
            known = (self._read() or {}).get("identity") or {}
            identity = {name: value or known.get(name, "") for name, value in identity.items()}
        self._write({"finished": True, "driver": driver, "identity": identity})

    def forget(self) -> None:
        """Remove the note, as of a cluster that is gone."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def _node(self, driver: str | None) -> str:
        """Return the ID that the driver's engine has given to the node, "" if there is none or it does not answer."""
        command = ENGINES.get(str(driver))
        if command is None or shutil.which(command[0]) is None:
            return ""
        try:
            done = subprocess.run(
                [*command, self._profile], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                timeout=ENGINE_SECONDS, text=True, errors="replace", check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def _identity(self, driver: str | None, node: dict[str, Any]) -> dict[str, str]:
        """Return what tells this cluster from others; "" for what cannot be seen.

        minikube makes a client's certificate for each profile, and an SSH key for each machine that is not this host.
        Kubernetes gives a new UID to the namespace kube-system of each new cluster.
        """
        return {
            "CA": _checksum(os.path.join(self._home, "ca.crt")),
            "client certificate": _checksum(os.path.join(self._folder, "client.crt")),
            "machine's key": _checksum(os.path.join(self._home, "machines", self._profile, "id_rsa.pub")),
            "node": self._node(driver),
            "UID": cluster_uid(str(node.get("IP") or ""), int(node.get("Port") or 0), self._home, self._profile)
            if node
            else "",
        }

    def _host_has_another(self, note: dict[str, Any]) -> bool:
        """Tell whether the driver none would find the cluster of another home on this host."""
        on_host = _checksum(HOST_CA) if note["driver"] == "none" else ""
        return bool(on_host) and on_host != _checksum(os.path.join(self._home, "ca.crt"))

    def _stamp(self) -> int:
        """Return when the stored profile was written, in nanoseconds; 0 without one."""
        try:
            return os.stat(self._config).st_mtime_ns
        except OSError:
            return 0

    def _read(self) -> dict[str, Any] | None:
        """Return the note, {} if it has another form, None if there is none."""
        try:
            with open(self.path, encoding="utf-8") as stream:
                note: Any = json.load(stream)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            return {}
        good = (
            isinstance(note, dict) and note.get("schema") == SCHEMA and {"profile", "finished", "driver"} <= set(note)
        )
        good = good and (isinstance(note.get("identity"), dict) and set(PROOF) <= set(note["identity"])
                         if note["finished"] else isinstance(note.get("config"), int))  # fmt: skip
        return note if good else {}

    def _write(self, content: dict[str, Any]) -> None:
        """Replace the note at once.

        A note that cannot be written proves nothing: minikube has just removed the folder, or the disk is full.
        """
        note = {"schema": SCHEMA, "profile": self._profile, **content}
        if self._read() == note:
            return
        partial = os.path.join(self._folder, f".{NOTE}.{os.getpid()}")
        with contextlib.suppress(OSError):
            try:
                handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(note, stream, indent=2)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(partial, self.path)
            except OSError:
                os.unlink(partial)


PROOF = ("CA", "client certificate")
"""What each cluster has in every state, so that a note without it proves nothing."""


def _checksum(path: str) -> str:
    """Return a file's sha256, "" if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return ""
