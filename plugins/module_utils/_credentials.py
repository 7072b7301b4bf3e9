# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With what a kubeconfig's user shows who they are: headers, a client certificate, or a plugin that makes either.

Sources: client-go 0.34.4, plugin/pkg/client/auth/exec/exec.go and transport/round_trippers.go.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool, Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError, NoWay, words_of
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import Access

PLUGIN_SECONDS = 60.0
EARLY_SECONDS = 30.0
"""How long before its end a credential is made anew."""
VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
LONGEST_WORDS = 400

AS = {"as": "User", "as-uid": "Uid"}
"""Field of a user → the header that asks to act as somebody else."""


class CredentialError(NoWay):
    """Nobody knows who asks: a credential plugin failed, or a token cannot be had."""


class Credentials:
    """What one user of a kubeconfig shows.

    :param access: the way to the cluster.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._made: Mapping[str, Any] = {}
        self._ends: float | None = None

    @property
    def renewable(self) -> bool:
        """Whether a plugin makes them, so that refused ones can be made anew."""
        return isinstance(self.access.user.get("exec"), Mapping)

    def forget(self) -> None:
        """Let the plugin make new credentials for the next request."""
        self._made = {}

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers for a request.

        :raises CredentialError, InputError: they cannot be had.
        """
        user = self.access.user
        token = _file(user["tokenFile"]) if user.get("tokenFile") else str(user.get("token") or "")
        headers = []
        if not token and not user.get("username"):
            token = str(self._plugin().get("token") or "") or self._of_provider()
        if token:
            headers.append(("Authorization", f"Bearer {token}"))
        elif user.get("username"):
            pair = f"{user['username']}:{user.get('password') or ''}"
            headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
        headers += [(f"Impersonate-{field}", str(user[key])) for key, field in AS.items() if user.get(key)]
        groups = user.get("as-groups")
        headers += [("Impersonate-Group", str(group)) for group in (groups if isinstance(groups, list) else [])]
        if any("\n" in value or "\r" in value or not value.isascii() for _name, value in headers):
            raise InputError(
                f"The credentials of the context {self.access.context} of {self.access.path} cannot be sent: "
                "a header holds visible ASCII characters only."
            )
        return headers

    def certificate(self) -> tuple[bytes, bytes] | None:
        """Return certificate and key as PEM, or None.

        :raises CredentialError, InputError: they cannot be had.
        """
        user = self.access.user
        mine = tuple(content(user, name) for name in ("client-certificate", "client-key"))
        if mine[0]:
            return mine[0], mine[1] or b""
        made = self._plugin()
        if made.get("clientCertificateData"):
            return str(made["clientCertificateData"]).encode(), str(made.get("clientKeyData") or "").encode()
        return None

    def _plugin(self) -> Mapping[str, Any]:
        """Return the ``status`` that the credential plugin gives; {} without one."""
        if not self.renewable:
            return {}
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        if not self._made or (self._ends is not None and now > self._ends - EARLY_SECONDS):
            self._made = _run(self.access)
            self._ends = _time(self._made.get("expirationTimestamp"))
        return self._made

    def _of_provider(self) -> str:
        """Return the token that kubectl keeps for an ``auth-provider``, of which only oidc is left (kubectl 1.34)."""
        provider = self.access.user.get("auth-provider")
        if not isinstance(provider, Mapping):
            return ""
        kept = provider.get("config")
        token = kept.get("id-token") if isinstance(kept, Mapping) else None
        ends = _end_of(str(token or ""))
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        if not token or (ends is not None and ends < now):
            raise CredentialError(
                f"The auth-provider {provider.get('name')} of the context {self.access.context} has no valid token. "
                f"Run `kubectl --context {self.access.context} get --raw /version` once, which renews it."
            )
        return str(token)


def content(part: Mapping[str, Any], name: str) -> bytes | None:
    """Return what a kubeconfig holds in itself (``NAME-data``) or in a file that it names; None for neither.

    :raises InputError: it cannot be read.
    """
    if part.get(f"{name}-data"):
        try:
            return base64.b64decode("".join(str(part[f"{name}-data"]).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InputError(f"The kubeconfig's {name}-data is not base64: {error}.") from error
    return _file(part[name]).encode() if part.get(name) else None


class _Plugin(CommandLineTool):
    """A program that writes an ExecCredential."""

    name = "credential plugin"

    def __init__(self, access: Access, plugin: Mapping[str, Any]) -> None:
        command = str(plugin.get("command") or "")
        if os.sep in command:
            command = os.path.join(access.folder, command)
        pairs = [each for each in plugin.get("env") or [] if isinstance(each, Mapping)]
        about = {
            "apiVersion": str(plugin.get("apiVersion") or VERSIONS[0]),
            "kind": "ExecCredential",
            "spec": {
                "interactive": False,
                **({"cluster": _told(access)} if _yes(plugin, "provideClusterInfo") else {}),
            },
        }
        super().__init__(
            command,
            {
                **{str(pair.get("name")): str(pair.get("value") or "") for pair in pairs},
                "KUBERNETES_EXEC_INFO": json.dumps(about),
            },
        )
        self.install_hint = str(plugin.get("installHint") or self.install_hint).strip()
        self.api_version = about["apiVersion"]

    def ask(self, arguments: list[str]) -> Mapping[str, Any]:
        """Return the ``status`` of the ExecCredential that the plugin writes. Raises CommandError, ValueError."""
        done: Completed = self.run(arguments, timeout=PLUGIN_SECONDS, check=False)
        if done.rc != 0:
            said = " ".join((done.stderr.strip() or done.stdout.strip() or "it said nothing").split())
            raise ValueError(f"ended with exit code {done.rc}: {said[-LONGEST_WORDS:]}")
        try:
            answer = json.loads(done.stdout)
            status = answer["status"]
            known = answer["apiVersion"] == self.api_version and answer["kind"] == "ExecCredential"
        except (ValueError, KeyError, TypeError):
            known, status = False, None
        if not known or not isinstance(status, Mapping):
            raise ValueError(f"wrote something that is no ExecCredential of {self.api_version} with a status")
        if not (status.get("token") or status.get("clientCertificateData")):
            raise ValueError("gave neither a token nor a client certificate")
        return status


def _run(access: Access) -> Mapping[str, Any]:
    """Run the credential plugin. Raises CredentialError with the plugin's own words."""
    plugin = access.user["exec"]
    arguments = [str(each) for each in plugin.get("args") or []] if isinstance(plugin.get("args"), list) else []
    tool = _Plugin(access, plugin)
    of = f"of the context {access.context} of {access.path}"
    if not plugin.get("command"):
        raise CredentialError(f"The credential plugin {of} names no `command`.")
    try:
        if plugin.get("interactiveMode") == "Always":
            raise ValueError("wants a terminal (interactiveMode: Always), which a module does not have")
        return tool.ask(arguments)
    except (ValueError, CommandError) as error:
        said = f"{tool.path} {error}" if isinstance(error, ValueError) else error.message
        raise CredentialError(
            f"The credential plugin {of} brings no credentials: {said.rstrip('.')}. Run it by hand as the user of this "
            "task, or give another `context`."
        ) from error


def _told(access: Access) -> dict[str, Any]:
    """Return what a plugin may know of the cluster (client-go, rest/exec.go, ConfigToExecCluster)."""
    cluster = access.cluster
    told: dict[str, Any] = {"server": access.server}
    if cluster.get("tls-server-name"):
        told["tls-server-name"] = str(cluster["tls-server-name"])
    if _yes(cluster, "insecure-skip-tls-verify"):
        told["insecure-skip-tls-verify"] = True
    authority = content(cluster, "certificate-authority")
    if authority:
        told["certificate-authority-data"] = base64.b64encode(authority).decode()
    if cluster.get("proxy-url"):
        told["proxy-url"] = str(cluster["proxy-url"])
    return told


def _yes(part: Mapping[str, Any], name: str) -> bool:
    return str(part.get(name)).lower() == "true"


def _file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().strip()
    except (OSError, ValueError) as error:
        why = words_of(error)
        raise InputError(f"{path}, which the kubeconfig names, cannot be read: {why}.") from error


def _time(text: Any) -> float | None:
    """Read a time of Kubernetes (RFC 3339) as seconds since the epoch; None for no time."""
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _end_of(token: str) -> float | None:
    """Return when a JSON Web Token ends, in seconds since the epoch; None if it does not say so."""
    try:
        claims = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return None
