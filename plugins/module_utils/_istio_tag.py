# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a revision tag as istioctl would make them, asked of istioctl itself.

``istioctl tag generate`` writes them without touching anything, but only where the revision's injector webhook is there
already, and ``istioctl install`` creates those of the tag ``default`` last, from the webhook that it has just applied.
So it is pointed at an API on loopback that holds the webhook and the service as the install will leave them.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl, manifests

Object = dict[str, Any]

TAG = "istio.io/tag"
REVISION = "istio.io/rev"
NOT_PRUNED = "install.operator.istio.io/owning-resource-not-pruned"
VALIDATOR = "istiod-default-validator"
TAG_SECONDS = 60.0
OPERATOR = "operator.istio.io"

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def default_tag(
    istioctl: Istioctl,
    injector: Object,
    service: Object,
    validator: Object | None,
    owner_labels: Mapping[str, str],
    *,
    namespace: str,
    auto_inject: bool,
) -> list[Object]:
    """Return webhooks and service of the tag ``default``, with the owner labels that an install gives them.

    :param injector: the revision's MutatingWebhookConfiguration as the install applies it, with the live caBundle.
    :param service: the revision's istiod Service.
    :param validator: the live ValidatingWebhookConfiguration istiod-default-validator; istioctl looks at it.
    :param auto_inject: values.sidecarInjectorWebhook.enableNamespacesByDefault.
    :raises CommandError: istioctl refuses; an install ignores that and makes no tag.
    """
    objects = generated(istioctl, "default", injector, service, validator, namespace=namespace, auto_inject=auto_inject)
    # A tag that a user generates loses these labels; the installer's own keeps them.
    inherited = {key: value for key, value in injector["metadata"]["labels"].items() if OPERATOR in key}
    for obj in objects:
        labels = obj["metadata"].get("labels") or {}
        obj["metadata"]["labels"] = {**labels, **inherited, **owner_labels, NOT_PRUNED: "true"}
    return objects


def generated(
    istioctl: Istioctl,
    name: str,
    injector: Object,
    service: Object | None,
    validator: Object | None,
    *,
    namespace: str,
    auto_inject: bool,
) -> list[Object]:
    """Return webhooks and service of a tag, with the labels that ``istioctl tag set`` gives them.

    :param name: the tag.
    :param injector, service, validator, auto_inject: see ``default_tag``.
    :raises CommandError: istioctl refuses.
    """
    revision = injector["metadata"]["labels"][REVISION]
    services = [service] if service is not None else []
    answers = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
        f"/api/v1/namespaces/{namespace}": {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}
        },
        f"/api/v1/namespaces/{namespace}/services": _list("v1", "ServiceList", services),
        "/api/v1/services": _list("v1", "ServiceList", services),
        f"{_ADMISSION}/mutatingwebhookconfigurations": _list(
            "admissionregistration.k8s.io/v1", "MutatingWebhookConfigurationList", [injector]
        ),
    }  # fmt: skip
    if validator is not None:
        answers[f"{_ADMISSION}/validatingwebhookconfigurations/{VALIDATOR}"] = validator
    arguments = ["tag", "generate", name, "--revision", revision, "--overwrite", "--skip-confirmation"]
    arguments += ["--istioNamespace", namespace]
    if auto_inject:
        arguments.append("--auto-inject-namespaces")
    with _served(answers) as kubeconfig:
        done = istioctl.run([*arguments, "--kubeconfig", kubeconfig], timeout=TAG_SECONDS)
    objects = manifests(done, done.stdout)
    if not objects:
        raise CommandError(
            "istioctl tag generate wrote no objects.", cmd=list(done.cmd), rc=done.rc, stdout="", stderr=done.stderr
        )
    return objects


def _list(api_version: str, kind: str, items: Sequence[Object]) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"resourceVersion": "1"}, "items": list(items)}


@contextmanager
def _served(answers: Mapping[str, Any]) -> Iterator[str]:
    """Serve GET answers by path on loopback; give the path of a kubeconfig that leads there."""

    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _mark, query = self.path.partition("?")
            if "sendInitialEvents=true" in query:
                # How an API server says that it cannot stream lists; anything else is logged into the output.
                self._answer(422, {"kind": "Status", "apiVersion": "v1", "reason": "Invalid", "code": 422})
            elif "watch=true" in query:
                # Nothing ever changes here.
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                closing.wait(TAG_SECONDS)
            elif path in answers:
                self._answer(200, answers[path])
            else:
                self._answer(404, {"kind": "Status", "apiVersion": "v1", "reason": "NotFound", "code": 404})

        def _answer(self, code: int, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Stay silent: a module's output is its result."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    handle, path = tempfile.mkstemp(prefix="istio-tag-", suffix=".kubeconfig")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(_kubeconfig(f"http://127.0.0.1:{server.server_port}"), stream)
        yield path
    finally:
        os.unlink(path)
        closing.set()
        server.shutdown()
        server.server_close()


def _kubeconfig(url: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "tag",
        "clusters": [{"name": "tag", "cluster": {"server": url}}],
        "users": [{"name": "tag", "user": {}}],
        "contexts": [{"name": "tag", "context": {"cluster": "tag", "user": "tag"}}],
    }
