# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running Bookinfo to hold to its contract: the lab's stand-ins, upstream's own programs, or a cluster's.

- without any variable: the stand-in (BOOKINFO_BINARY, else the one that the lab runs) is started once per role;
- BOOKINFO_COMMAND_PRODUCTPAGE, _DETAILS, _REVIEWS, _RATINGS: the command that starts a role instead, with `{port}` in
  it; it is given upstream's environment variables;
- BOOKINFO_URL: the productpage of a running set; DETAILS_URL, REVIEWS_URL, RATINGS_URL: its other services where they
  can be reached. Tests that must start a role with backends of their own are skipped then.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.lab import build

START_LIMIT = 90  # seconds; upstream's reviews is a Java server
REVIEWS_ENVIRONMENT = {
    "v1": {"ENABLE_RATINGS": "false", "STAR_COLOR": "black"},
    "v2": {"ENABLE_RATINGS": "true", "STAR_COLOR": "black"},
    "v3": {"ENABLE_RATINGS": "true", "STAR_COLOR": "red"},
}


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers (names in lower case) and the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str


def ask(
    url: str, path: str = "/", method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
) -> Answer:
    """Send one request over a connection of its own, follow no redirect, and return the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
    finally:
        connection.close()


@dataclass
class Backend:
    """A service of the test's own: answers every request alike and remembers what it was sent, and from where."""

    status: int = 200
    body: str = "{}"
    delay: float = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    clients: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""

    def start(self) -> ThreadingHTTPServer:
        """Listen on a free port of the loopback; the caller shuts the returned server down."""
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                backend.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                backend.clients.append(self.client_address)
                time.sleep(backend.delay)
                self.send_response(backend.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(backend.body)))
                self.end_headers()
                self.wfile.write(backend.body.encode())

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(OSError):  # the service under test has given up waiting
                    super().handle()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server


@pytest.fixture
def backend() -> Iterator[Callable[..., Backend]]:
    """A function that starts a Backend with the given status, body and delay."""
    servers: list[ThreadingHTTPServer] = []

    def start(**options: object) -> Backend:
        made = Backend(**options)  # type: ignore[arg-type]
        servers.append(made.start())
        return made

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def address(url: str, name: str) -> dict[str, str]:
    """The two variables that tell a service of Bookinfo where another one is."""
    parts = urlsplit(url)
    return {f"{name}_HOSTNAME": parts.hostname or "", f"{name}_SERVICE_PORT": str(parts.port)}


@dataclass
class Program:
    """One started role."""

    url: str
    process: subprocess.Popen[bytes]


class Launcher:
    """Starts roles of Bookinfo as processes on the loopback and ends them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.programs: list[Program] = []
        self._binary = os.environ.get("BOOKINFO_BINARY", "")

    def binary(self) -> str:
        if not self._binary:
            self._binary = str(build.stand_ins() / "bookinfo")
        return self._binary

    def __call__(self, role: str, version: str = "v1", **backends: str) -> Program:
        """Start a role; backends are the URLs of details, reviews and ratings as far as it asks them."""
        port = free_port()
        template = os.environ.get(f"BOOKINFO_COMMAND_{role.upper()}")
        if template is None and "BOOKINFO_URL" in os.environ:
            pytest.skip(f"no way to start {role} with backends of the test's own: set BOOKINFO_COMMAND_{role.upper()}")
        command = shlex.split(template.format(port=port)) if template else [self.binary(), str(port)]
        environment = {"SERVICE": role, "VERSION": version, "SERVICE_VERSION": version}
        environment["HOSTNAME"] = f"{role}-{version}-7d4f8b9c6-abcde"
        if role == "reviews":
            environment.update(REVIEWS_ENVIRONMENT[version])
        for name, url in backends.items():
            environment.update(address(url, name.upper()))
        with (self.directory / f"{role}-{port}.log").open("wb") as log:
            process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
        program = Program(f"http://127.0.0.1:{port}", process)
        self.programs.append(program)
        self._wait(program, Path(log.name))
        return program

    def _wait(self, program: Program, log: Path) -> None:
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end and program.process.poll() is None:
            try:
                if ask(program.url, "/health").status == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{program.process.args!r} does not answer: {log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        for program in self.programs:
            program.process.terminate()
        for program in self.programs:
            try:
                program.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                program.process.kill()


@pytest.fixture(scope="session")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    launcher = Launcher(tmp_path_factory.mktemp("bookinfo"))
    yield launcher
    launcher.stop()


@pytest.fixture(scope="session")
def ratings_url(launch: Launcher) -> str:
    return _given("RATINGS_URL") or launch("ratings").url


@pytest.fixture(scope="session")
def details_url(launch: Launcher) -> str:
    return _given("DETAILS_URL") or launch("details").url


@pytest.fixture(scope="session")
def reviews_url(launch: Launcher, request: pytest.FixtureRequest) -> str:
    """Reviews with ratings (v2), so that a whole set shows stars."""
    return _given("REVIEWS_URL") or launch("reviews", "v2", ratings=request.getfixturevalue("ratings_url")).url


@pytest.fixture(scope="session")
def productpage_url(launch: Launcher, request: pytest.FixtureRequest) -> str:
    if "BOOKINFO_URL" in os.environ:
        return os.environ["BOOKINFO_URL"].rstrip("/").removesuffix("/productpage")
    names = ("details", "reviews", "ratings")
    return launch("productpage", **{name: request.getfixturevalue(f"{name}_url") for name in names}).url


def _given(variable: str) -> str:
    """The URL in a variable; with BOOKINFO_URL but without it, the service cannot be reached by itself."""
    url = os.environ.get(variable, "").rstrip("/")
    if not url and "BOOKINFO_URL" in os.environ:
        pytest.skip(f"{variable} does not say where this service of the running set is")
    return url
