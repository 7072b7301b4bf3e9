# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before anything is touched: can all that a run is asked for be had? Every problem is said at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.meshlab.istio.plugins.lookup.preset import read_preset
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import home_problem, profile_problem
from ansible_collections.meshlab.istio.plugins.plugin_utils._sources import Bundle

ROLES = Path(__file__).resolve().parents[2] / "roles"
PROVIDERS = ("minikube", "existing")
WANTED: dict[str, tuple[list[str], str]] = {
    "host_kubectl_version": (["bin/kubectl"], "__host_kubectl_releases"),
    "minikube_version": (["bin/minikube"], "__minikube_releases"),
    # Without a bundle minikube downloads these itself, in any version.
    "minikube_kubernetes_version": (["bin/kubeadm", "bin/kubelet"], ""),
    "istio_version": ([], "__istio_releases"),
}
"""Variable to what it is the version of: files of a bundle (Istio is a folder), and the role's pinned releases."""

KUBERNETES = re.compile(r"v?1\.\d+(\.\d+(-[\w.]+)?)?|stable|latest", re.ASCII)
"""What may be a version for minikube; whether there is such a release only minikube finds out."""


class ActionModule(ActionBase):
    """Only looks at variables and at the bundle; nothing is sent to the host."""

    _requires_connection = False
    _VALID_ARGS = frozenset({"versions"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return failed and msg."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.variables = task_vars or {}
        self.bundle_in = cache(Bundle)
        # What is wrong with a bundle or an architecture is wrong for each version.
        problems = dict.fromkeys(self._unknown())
        return {**result, "changed": False, "failed": bool(problems), "msg": " ".join(problems)}

    def _unknown(self) -> Iterator[str]:
        """Yield what is not there to choose: a provider, a preset, a driver, a version."""
        provider = self._value("lab_provider", "minikube")
        if provider not in PROVIDERS:
            yield f"There is no lab_provider {provider!r}. Choose one of: {', '.join(PROVIDERS)}."
        preset_is_known = True
        try:
            read_preset(str(self._value("lab_preset", "")))
        except AnsibleError as error:
            preset_is_known = False
            yield error.args[0]
        if provider == "minikube":
            yield from self._minikube()
        if not boolean(self._task.args.get("versions", True)):
            return
        for name in WANTED if provider == "minikube" else ("host_kubectl_version", "istio_version"):
            try:
                version = str(self._value(name))
            except AnsibleError:
                if preset_is_known:
                    raise
                continue
            yield from self._unavailable(name, version)
        if provider == "minikube" and preset_is_known and self._value("minikube_bundle"):
            driver = self._value("minikube_driver")
            if driver != "none":
                yield (
                    f"minikube_driver is {driver}, and a bundle's images are only loaded with the driver none. "
                    "Choose minikube_driver=none, or leave lab_bundle out."
                )

    def _minikube(self) -> Iterator[str]:
        """Yield what minikube would refuse, or read in another way later."""
        profile = self._value("minikube_profile")
        yield from filter(None, [profile_problem("" if profile is None else str(profile))])
        options = self._value("minikube_options")
        if not isinstance(options, Mapping):
            yield f"minikube_options is {options!r}. Give options of the module minikube, such as {{nodes: 2}}."
        elif home := options.get("minikube_home"):
            # As the shell reads it; the host knows its user's home.
            yield from filter(None, [home_problem("/" + str(home)[1:] if re.match("~(/|$)", str(home)) else str(home))])

    def _unavailable(self, name: str, version: str) -> Iterator[str]:
        """Yield why a version cannot be had."""
        role = name.split("_", 1)[0]
        paths, table = WANTED[name]
        directory = self._value(f"{role}_bundle")
        if directory:
            try:
                bundle = self.bundle_in(directory)
            except AnsibleError as error:
                yield error.args[0]
                return
            try:
                for path in paths:
                    bundle.file(path, version)
                if not paths:
                    bundle.members(f"istio-{version}")
            except AnsibleError as error:
                yield f"{name}: {error.args[0]}"
        elif not table:
            if not KUBERNETES.fullmatch(version):
                releases = ", ".join(self._value("__host_kubectl_releases"))
                yield f"{name}: there is no Kubernetes {version}. Choose a release, such as one of: {releases}."
        else:
            pinned = self._value(table)
            architecture = self._value(f"__{role}_architecture")
            if version not in pinned:
                yield (
                    f"{name}: the collection has no checksum for {version}. Choose one of: {', '.join(pinned)}; or "
                    "bring it in a bundle (lab_bundle)."
                )
            elif architecture not in pinned[version]:
                yield (
                    f"The collection has no releases for this host's architecture {architecture}, only for "
                    f"{' and '.join(pinned[version])}. Bring its files in a bundle (lab_bundle)."
                )

    def _value(self, name: str, default: Any = None) -> Any:
        """Return a variable as the roles will see it, be it of a role that this play only includes later."""
        if name not in self.variables and default is None:
            role = name.strip("_").split("_", 1)[0]
            file = ROLES / role / ("vars" if name.startswith("__") else "defaults") / "main.yml"
            default = self._loader.load_from_file(str(file), trusted_as_template=True)[name]
        return self._templar.template(self.variables.get(name, default))
