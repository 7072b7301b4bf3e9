# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""istioctl as a tool: how it is told the cluster, and which version it is."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool, Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_versions import (
    NEWEST,
    Release,
    Version,
    has,
    release,
)
from ansible_collections.meshlab.istio.plugins.module_utils._sources import checked
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read

VERSION_SECONDS = 20.0
"""Printing its own version takes istioctl 0.1 s; a cold disk has to read 100 MB first."""
RENDER_SECONDS = 120.0
"""Rendering takes 0.6 to 1.6 s on two cores."""


class Istioctl(CommandLineTool):
    """One istioctl binary and the cluster it is pointed at.

    :param path: the binary; None means ``istioctl`` in PATH.
    :param kubeconfig: passed as ``--kubeconfig``; None leaves istioctl its own default.
    :param context: passed as ``--context``.
    """

    name = "istioctl"
    install_hint = "Install it, for example with the role meshlab.istio.istio, or give its full path in `path`."

    def __init__(self, path: str | None = None, kubeconfig: str | None = None, context: str | None = None) -> None:
        super().__init__(os.path.expanduser(path) if path else None)
        self.cluster_arguments: list[str] = []
        if kubeconfig:
            self.cluster_arguments += ["--kubeconfig", os.path.expanduser(kubeconfig)]
        if context:
            self.cluster_arguments += ["--context", context]
        self.warnings: list[str] = []
        self._version_text: str | None = None

    @property
    def version_text(self) -> str:
        """The version as istioctl writes it on every object, such as 1.31.0-dev. Asked once.

        A release that the version table does not know is among the warnings from then on.

        :raises CommandError: no such binary, or its answer is not istioctl's.
        """
        if self._version_text is None:
            # Without --remote=false it asks the cluster, and from 1.28 on a dead API server makes it hang for ever.
            done = self.run(["version", "--remote=false", "--output", "json"], timeout=VERSION_SECONDS)
            self._version_text = _client_version(done.stdout)
            if self._version_text is None:
                raise CommandError(
                    f"{done.cmd[0]} did not tell its version as istioctl does. Is it really istioctl?",
                    cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
                )  # fmt: skip
            self.warnings += release(self.version)[1]
        return self._version_text

    @property
    def version(self) -> Version:
        """The parsed version; a build without a proper one counts as the newest release known."""
        parsed = Version.parse(self.version_text)
        return parsed if parsed is not None else Version(1, NEWEST.minor, 0, False, self.version_text)

    @property
    def release(self) -> Release:
        """The row of the version table."""
        return release(self.version)[0]

    def has(self, feature: str) -> bool:
        """Tell whether this istioctl has one of ``_istio_versions.FEATURES``."""
        return has(feature, self.release.minor)

    def generate(self, operator_file: str, *, cluster_specific: bool, force: bool = False) -> list[dict[str, Any]]:
        """Render the manifests of an IstioOperator file.

        :param cluster_specific: ask the cluster what it is, as ``install`` does.
        :returns: the Kubernetes objects in istioctl's order, without owner labels and namespace.
        :raises CommandError: the spec is refused, the cluster cannot be asked, or what is written is no manifest.
        """
        arguments = ["manifest", "generate", "--filename", operator_file]
        if cluster_specific:
            arguments += ["--cluster-specific", *self.cluster_arguments]
        if force:
            arguments.append("--force")
        done = self.run(arguments, timeout=RENDER_SECONDS)
        # Up to 1.23 notices for people can stand before the first document.
        start = 0 if done.stdout.startswith("apiVersion:") else done.stdout.find("\napiVersion:") + 1
        return manifests(done, done.stdout[start:])


def manifests(done: Completed, text: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects that a command has written; ``text`` is its output from the first of them on.

    :raises CommandError: it is something else.
    """
    where = f"the output of istioctl {done.cmd[1]}"
    try:
        return [checked(document, where) for document in read(text, where)]
    except InputError as error:
        raise CommandError(
            f"istioctl wrote something that is not the manifests it was asked for: {error.message}",
            cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
        ) from error  # fmt: skip


def _client_version(stdout: str) -> str | None:
    try:
        version = json.loads(stdout)["clientVersion"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if isinstance(version, str) and version else None
