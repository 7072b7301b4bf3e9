# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server on loopback that knows discovery, and answers what a test gives it.

with Api() as api:
    api.give("GET", "/api/v1/namespaces/n/pods/a", {...})
    Cluster(kubeconfig(folder, api.url))
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

VERBS = ["create", "delete", "get", "list", "patch", "watch"]


def resource(name: str, kind: str, namespaced: bool = True, verbs: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": verbs or VERBS}


# What discovery asks for, in the form of kube-apiserver 1.34.4, with a few kinds only.
DISCOVERY: dict[str, Any] = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.4"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": [{
        "name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
        "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"},
    }]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        resource("namespaces", "Namespace", namespaced=False), resource("pods", "Pod"),
        resource("twins", "Twin", verbs=["create"]), resource("twinreviews", "Twin"),
    ]},
    "/apis/apps/v1": {"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
        resource("deployments", "Deployment"),
    ]},
}  # fmt: skip


def status(code: int, reason: str, message: str) -> tuple[int, bytes]:
    """An answer of the API server that is a failure."""
    return code, json.dumps({"kind": "Status", "status": "Failure", "message": message, "reason": reason,
                             "code": code}).encode()  # fmt: skip


class Api:
    """An API server: what a test puts in ``answers`` by (verb, path), and discovery."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.delay = 0.0  # seconds before what a test gave, but for health
        self.pieces: list[bytes] | None = None
        self.promised: int | None = None
        self.seen: list[tuple[str, str, dict[str, str], dict[str, str], bytes]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if parts.path not in DISCOVERY:
                    api.seen.append((self.command, parts.path, dict(parse_qsl(parts.query)), headers, body))
                code, answer = api.answer(self.command, parts.path)
                if parts.path not in DISCOVERY and parts.path != "/readyz":
                    time.sleep(api.delay)
                self.send_response(code)
                self.send_header("content-type", "application/json")
                if api.pieces is None or parts.path in DISCOVERY:
                    self.send_header("content-length", str(api.promised or len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                    if api.promised:
                        self.close_connection = True
                    return
                self.end_headers()
                for piece in api.pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
                self.close_connection = True

            do_PATCH = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Api:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, verb: str, path: str) -> tuple[int, bytes]:
        if path in DISCOVERY:
            return 200, json.dumps(DISCOVERY[path]).encode()
        return self.answers.get((verb, path), status(404, "NotFound", f'"{path}" not found'))

    def give(self, verb: str, path: str, document: Any) -> None:
        self.answers[(verb, path)] = (200, json.dumps(document).encode())


def kubeconfig(folder: Path, server: str) -> str:
    path = folder / "config"
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {"server": server}}],
        "users": [{"name": "lab", "user": {"token": "bearer"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
    }))  # fmt: skip
    return str(path)
