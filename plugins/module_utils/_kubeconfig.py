# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says of the way to a cluster, read as kubectl reads it.

Sources: client-go 0.34.4, tools/clientcmd (loader.go, client_config.go) and tools/clientcmd/api/v1/types.go.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, NotYet
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read

DEFAULT = "~/.kube/config"
PARTS = {"contexts": "context", "clusters": "cluster", "users": "user"}
FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
"""What names a file, relative to the kubeconfig's folder."""
MINIKUBE = "minikube.sigs.k8s.io"
"""The provider that minikube notes beside each cluster it writes (minikube 1.38.1, pkg/minikube/kubeconfig)."""

START = "Start the cluster first, or give `kubeconfig` and `context`."


class NoContext(NotYet):
    """The kubeconfig has no such context, or one that leads to no cluster."""


@dataclass(frozen=True)
class Access:
    """The way to one cluster.

    :ivar path: the kubeconfig, for messages.
    :ivar context: the name of the context.
    :ivar server: the API server's URL, without a slash at its end.
    :ivar cluster: what the kubeconfig says of the cluster; names of files are absolute.
    :ivar user: what it says of the user, likewise.
    :ivar folder: where the kubeconfig lies that describes the user.
    """

    path: str
    context: str
    server: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    folder: str

    @property
    def of_minikube(self) -> bool:
        """Whether minikube made the cluster, so that minikube can start it again."""
        notes = self.cluster.get("extensions") or []
        about = [note.get("extension") for note in notes if isinstance(note, Mapping)]
        return any(isinstance(note, Mapping) and note.get("provider") == MINIKUBE for note in about)


def access(kubeconfig: str | None = None, context: str | None = None) -> Access:
    """Read the way to a cluster from the files of this host.

    :param kubeconfig: a path, or several with colons between them; None means ``$KUBECONFIG``, then DEFAULT.
    :param context: the context's name; None means the current one.
    :raises NotYet: no file or no such context is there.
    :raises InputError: a file is there and cannot be used.
    """
    given = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT
    paths = [given] if os.path.exists(os.path.expanduser(given)) else given.split(os.pathsep)
    contents: dict[str, Any] = {}
    for path in (os.path.abspath(os.path.expanduser(each)) for each in paths if each):
        try:
            with open(path, "rb") as stream:
                contents[path] = parsed(stream.read())
        except FileNotFoundError:
            continue
        except (OSError, InputError) as error:
            why = error.message if isinstance(error, InputError) else error.strerror or str(error)
            raise InputError(
                f"The kubeconfig {path} cannot be used: {why.rstrip('.')}. Correct it, or give another."
            ) from error
    if not contents:
        raise NotYet(f"The kubeconfig {given} cannot be used: there is no such file. {START}")
    return chosen(contents, context)


def parsed(text: bytes) -> Any:
    """Return what a kubeconfig holds, null for an empty one.

    :raises InputError: it is no YAML.
    """
    try:
        documents = read(text.decode(), "the kubeconfig")
    except UnicodeDecodeError as error:
        raise InputError(f"the kubeconfig is not UTF-8: {error}") from error
    return documents[0] if documents else None


def chosen(contents: Mapping[str, Any], context: str | None) -> Access:
    """Return the way that a context describes.

    :param contents: path → what is in that kubeconfig; of two entries of a name the first counts.
    :raises NoContext: there is no such context, or it leads to no server.
    """
    where = os.pathsep.join(contents)
    named = {part: _named(contents, part) for part in PARTS}
    name = context or next(filter(None, (_text(content, "current-context") for content in contents.values())), "")
    if name not in named["contexts"]:
        have = f"only {', '.join(sorted(named['contexts']))}" if named["contexts"] else "none"
        raise NoContext(f"the kubeconfig {where} has {f'no context {name}' if name else 'no current context'}, {have}")
    wanted = named["contexts"][name][1]
    cluster_path, cluster = named["clusters"].get(_text(wanted, "cluster"), ("", {}))
    user_path, user = named["users"].get(_text(wanted, "user"), ("", {}))
    server = _text(cluster, "server")
    if not server:
        raise NoContext(f"the context {name} of {where} leads to no cluster with a server")
    if "://" not in server:
        secure = any(cluster.get(key) for key in ("certificate-authority", "certificate-authority-data"))
        server = f"{'https' if secure else 'http'}://{server}"
    try:
        parts = urlsplit(server)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:
        raise InputError(f"The server {server!r} of the context {name} of {where} is not a URL with http or https.")
    return Access(
        where, name, server.rstrip("/"), _with_paths(cluster, cluster_path), _with_paths(user, user_path),
        os.path.dirname(user_path),
    )  # fmt: skip


def _named(contents: Mapping[str, Any], part: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the entries of one part of all files: name → the file, and what it says."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for path, content in contents.items():
        entries = content.get(part) if isinstance(content, Mapping) else None
        for entry in entries if isinstance(entries, list) else []:
            said = entry.get(PARTS[part]) if isinstance(entry, Mapping) else None
            found.setdefault(_text(entry, "name"), (path, said if isinstance(said, Mapping) else {}))
    return found


def _with_paths(said: Mapping[str, Any], path: str) -> dict[str, Any]:
    folder = os.path.dirname(path)
    return {key: os.path.join(folder, str(value)) if key in FILES and value else value for key, value in said.items()}


def _text(mapping: Any, key: str) -> str:
    value = mapping.get(key) if isinstance(mapping, Mapping) else None
    return str(value) if isinstance(value, (str, int, float)) else ""
