# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a cluster that is there already be used? Asked the same way as the modules will, before anything is touched.

A bare host has no YAML, so the kubeconfig's content comes parsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import HEALTH_SECONDS, ILL_ADVICE, ailing
from ansible_collections.meshlab.istio.plugins.module_utils._credentials import CredentialError
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, NoWay, Unreachable, words_of
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import NoContext, chosen
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import Problem
from ansible_collections.meshlab.istio.plugins.module_utils._transport import Transport

SERVER_REMEDY = "Start the cluster, or name another one with `lab_kubeconfig` and `lab_context`."
REMEDY = "Name the cluster's kubeconfig on this host with `lab_kubeconfig`, and its context with `lab_context`."


def check(path: str, content: Any, context: str | None, timeout: float) -> list[dict[str, str]]:
    """Return every problem as {check, problem, remedy}; [] for a cluster that answers.

    :param path: the kubeconfig.
    :param content: what is in it, parsed; None if it could not be read or parsed.
    :param context: the context's name; None means the file's current one.
    :param timeout: seconds for a connection, and for the API server's answer.
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
            why = words_of(error)
        yield Problem("kubeconfig", f"the kubeconfig {path} cannot be read: {why}", REMEDY)
        return
    try:
        way = chosen({path: content}, context)
        yield from _asked(Transport(way, timeout), timeout)
    except NoContext as error:
        yield Problem("context", error.message, REMEDY)
    except CredentialError as error:
        yield Problem("credentials", error.message.rstrip("."), REMEDY)
    except (Unreachable, NoWay) as error:
        remedy = error.advice if isinstance(error, NoWay) else SERVER_REMEDY
        yield Problem("server", f"the API server {way.server} does not answer: {error.why}", remedy)
    except InputError as error:
        yield Problem("kubeconfig", f"the kubeconfig {path} cannot be used: {error.message.rstrip('.')}", REMEDY)


def _asked(transport: Transport, timeout: float) -> Iterator[Problem]:
    """Ask who the API server is, and whether it is well: without its etcd it still answers the first."""
    way = transport.access
    try:
        answer = transport.ask("GET", "/version", seconds=timeout)
        if answer.status >= 500:
            yield Problem("server", f"the API server {way.server} answers {answer.status}", SERVER_REMEDY)
        elif answer.status == 401:
            yield Problem(
                "credentials", f"the API server {way.server} refuses the credentials of {way.context}", REMEDY
            )
        else:
            ill = ailing(transport, max(timeout, HEALTH_SECONDS))
            if ill:
                yield Problem(
                    "server",
                    f"the API server {way.server} answers, but is not well: {', '.join(ill)} failed",
                    ILL_ADVICE,
                )
    finally:
        transport.close()
