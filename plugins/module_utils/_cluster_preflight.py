# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a cluster that is there already be used? By what a bare host has: no kubectl, no kubernetes library."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._http import HttpError, fetch, target
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import Problem

OTHERS = ("exec", "auth-provider")
"""Credentials that only kubectl's own ways can make; the API server is asked without them."""
SERVER_REMEDY = "Start the cluster, or name another one with `lab_kubeconfig` and `lab_context`."
REMEDY = "Name the cluster's kubeconfig on this host with `lab_kubeconfig`, and its context with `lab_context`."


def check(path: str, content: Any, context: str | None, timeout: float) -> list[dict[str, str]]:
    """Return every problem as {check, problem, remedy}; [] for a cluster that answers.

    :param path: the kubeconfig.
    :param content: what is in it, parsed; None if it could not be read or parsed.
    :param context: the context's name; None means the file's current one.
    :param timeout: seconds for the API server's answer.
    """
    return [
        {"check": item.check, "problem": item.problem, "remedy": item.remedy}
        for item in _problems(path, content, context, timeout)
    ]


def _problems(path: str, content: Any, context: str | None, timeout: float) -> Iterator[Problem]:
    if content is None:
        try:
            with open(path, "rb"):
                why = "it is no YAML"
        except OSError as error:
            why = error.strerror or str(error)
        yield Problem("kubeconfig", f"the kubeconfig {path} cannot be read: {why}", REMEDY)
        return
    known = _named(content, "contexts")
    name = context or (content.get("current-context") if isinstance(content, Mapping) else None)
    if name not in known:
        have = f"only {', '.join(sorted(known))}" if known else "none"
        what = f"no context {name}" if name else "no current context"
        yield Problem("context", f"the kubeconfig {path} has {what}, {have}", REMEDY)
        return
    wanted = _part(known[name], "context")
    cluster = _part(_named(content, "clusters").get(str(wanted.get("cluster")), {}), "cluster")
    user = _part(_named(content, "users").get(str(wanted.get("user")), {}), "user")
    server = str(cluster.get("server") or "")
    if not server:
        yield Problem("context", f"the context {name} of {path} leads to no cluster with a server", REMEDY)
        return
    if cluster.get("proxy-url"):
        # Through a proxy only the client's library knows the way.
        return
    try:
        status = _ask(server, os.path.dirname(path), cluster, user, timeout)
    except HttpError as error:
        yield Problem("server", f"the API server {server} does not answer: {error.reason}", SERVER_REMEDY)
    except (InputError, OSError, ValueError) as error:
        yield Problem("kubeconfig", f"the context {name} of {path} cannot be used: {str(error).rstrip('.')}", REMEDY)
    else:
        if status >= 500:
            yield Problem("server", f"the API server {server} answers {status}", SERVER_REMEDY)
        elif status == 401 and not any(other in user for other in OTHERS):
            yield Problem("credentials", f"the API server {server} refuses the credentials of {name}", REMEDY)


def _ask(server: str, folder: str, cluster: Mapping[str, Any], user: Mapping[str, Any], timeout: float) -> int:
    """Return the status with which the API server answers."""
    headers = {}
    token = user.get("token")
    if not token and user.get("tokenFile"):
        with open(os.path.join(folder, user["tokenFile"]), encoding="utf-8") as stream:
            token = stream.read().strip()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(_file(part, name, folder))
            for part, name in (
                (cluster, "certificate-authority"),
                (user, "client-certificate"),
                (user, "client-key"),
            )
        ]
        asked = target(
            server.rstrip("/") + "/version", headers=headers, timeout=timeout, host=cluster.get("tls-server-name"),
            validate_certs=not cluster.get("insecure-skip-tls-verify"),
            ca_path=files[0], client_cert=files[1], client_key=files[2],
        )  # fmt: skip
    return fetch(asked).status


@contextlib.contextmanager
def _file(part: Mapping[str, Any], name: str, folder: str) -> Iterator[str | None]:
    """Give the path of a file that a kubeconfig names or holds, in the latter case one in memory only."""
    if not part.get(f"{name}-data"):
        yield os.path.join(folder, part[name]) if part.get(name) else None
        return
    memory = os.memfd_create(name)
    try:
        with os.fdopen(os.dup(memory), "wb") as stream:
            stream.write(base64.b64decode(part[f"{name}-data"]))
        yield f"/proc/self/fd/{memory}"
    finally:
        os.close(memory)


def _named(content: Any, kind: str) -> dict[str, Any]:
    """Return a kubeconfig's entries of one kind by name."""
    entries = content.get(kind) if isinstance(content, Mapping) else None
    return {str(entry.get("name")): entry for entry in entries or [] if isinstance(entry, Mapping)}


def _part(entry: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    part = entry.get(kind)
    return part if isinstance(part, Mapping) else {}
