# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for an image registry and for an admission webhook; runs on a lab host with its own Python.

    python3 registry.py IMAGE.tar SECONDS [CERTIFICATE.pem]

The registry (127.0.0.1:5000) has one image, an archive as `ctr images export` writes it, under every name that begins
with `slow` or `quick`; `slow` takes SECONDS for each of its layers. What else is asked for does not exist. The webhook
(https://127.0.0.1:9443) denies everything.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import ssl
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SLICES = 50
GZIP = b"\x1f\x8b"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"


class Registry(BaseHTTPRequestHandler):
    """The part of the distribution API that a pull uses."""

    protocol_version = "HTTP/1.1"
    blobs: dict[str, bytes] = {}  # noqa: RUF012 - one archive a process
    manifest = ""
    media_type = ""
    layers: frozenset[str] = frozenset()
    seconds = 0.0

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        found = re.fullmatch(r"/v2/(slow|quick)/(manifests|blobs)/(.+)", self.path)
        digest = found and (self.manifest if found[2] == "manifests" and ":" not in found[3] else found[3])
        if self.path == "/v2/":
            self._answer(200, b"{}", "application/json")
        elif found and digest in self.blobs:
            kind = self.media_type if found[2] == "manifests" else "application/octet-stream"
            self._answer(200, self.blobs[digest], kind, digest,
                         self.seconds if found[1] == "slow" and digest in self.layers else 0.0)  # fmt: skip
        else:
            error = {"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}
            self._answer(404, json.dumps({"errors": [error]}).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str, digest: str = "", seconds: float = 0.0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command == "HEAD":
            return
        size = max(1, -(-len(body) // SLICES))
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            time.sleep(seconds / SLICES)


class Webhook(BaseHTTPRequestHandler):
    """Says no."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": {"message": "no pods on Tuesdays"}}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def load(path: str) -> None:
    """Read the image archive, and make of it an image that no host has yet: a layer that is known is not pulled."""
    blobs: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            if member.name.startswith("blobs/sha256/") and member.isfile():
                blobs["sha256:" + member.name.rsplit("/", 1)[1]] = archive.extractfile(member).read()
        index = json.load(archive.extractfile("index.json"))
    manifest = json.loads(blobs[index["manifests"][0]["digest"]])
    config = json.loads(blobs[manifest["config"]["digest"]])
    layer = blobs[manifest["layers"][-1]["digest"]]
    tar = io.BytesIO(gzip.decompress(layer) if layer.startswith(GZIP) else layer)
    with tarfile.open(fileobj=tar, mode="a") as archive:
        unique = tarfile.TarInfo("unique")
        unique.size = 4096
        archive.addfile(unique, io.BytesIO(os.urandom(unique.size)))
    config["rootfs"]["diff_ids"][-1] = manifest["layers"][-1]["digest"] = _kept(tar.getvalue())
    manifest["layers"][-1].update(size=len(tar.getvalue()), mediaType=LAYER)
    text = json.dumps(config).encode()
    manifest["config"].update(digest=_kept(text), size=len(text), mediaType=CONFIG)
    manifest["mediaType"] = Registry.media_type = MANIFEST
    Registry.manifest = _kept(json.dumps(manifest).encode())
    Registry.layers = frozenset(layer["digest"] for layer in manifest["layers"])
    Registry.blobs.update(blobs)


def _kept(content: bytes) -> str:
    """Keep a blob; return its digest."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    Registry.blobs[digest] = content
    return digest


def main() -> None:
    """Serve until the process is ended."""
    load(sys.argv[1])
    Registry.seconds = float(sys.argv[2])
    if len(sys.argv) > 3:
        webhook = ThreadingHTTPServer(("127.0.0.1", 9443), Webhook)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        webhook.socket = context.wrap_socket(webhook.socket, server_side=True)
        threading.Thread(target=webhook.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", 5000), Registry).serve_forever()


if __name__ == "__main__":
    main()
