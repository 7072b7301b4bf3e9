# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state a cluster is in, from its profile, its status and its certificate."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_health as health
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_api import certificate
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_health import describe, find, judge
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_settings import stored
from tests.unit.plugins.fake_minikube import PAUSED, PROFILE, RUNNING, STOPPED, World, node

WORKER = node("Running", "Running", "Irrelevant", "Irrelevant", "minikube-m02", worker=True)


@pytest.mark.parametrize(
    ("rows", "state", "reason"),
    [
        ([], "incomplete", "never finished"),
        ([RUNNING], "started", ""),
        ([RUNNING, WORKER], "started", ""),
        ([STOPPED], "stopped", "this host was restarted"),
        ([PAUSED], "paused", "paused"),
        ([node("Running", "Stopped", "Stopped", "Configured")], "degraded", "minikube: APIServer is Stopped"),
        ([node("Running", "Running", "Running", "Misconfigured")], "degraded", "Kubeconfig is Misconfigured"),
        ([RUNNING, {**WORKER, "Host": "Stopped", "Kubelet": "Stopped"}], "degraded", "minikube-m02: Host is Stopped"),
        ([{**RUNNING, "Host": "InsufficientStorage"}], "degraded", "/var is at least 99 % full; free some space"),
        ([WORKER], "started", ""),
    ],
)
def test_what_a_status_means(rows: list[dict[str, Any]], state: str, reason: str) -> None:
    judged, reasons = judge(rows)
    assert judged == state
    assert reason in "; ".join(reasons)
    assert bool(reasons) == (state != "started")


def test_a_cluster_that_is_not_there_needs_no_minikube(tmp_path: Path) -> None:
    world = World(tmp_path)
    found = find(world, "minikube")
    assert (found.state, found.exists, found.node, world.asked) == ("absent", False, {}, [])
    assert found.sentence("minikube") == "There was no cluster minikube."


def test_a_damaged_profile(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store()
    Path(world.profile_file("minikube")).write_text("{broken")
    found = find(world, "minikube")
    assert (found.state, found.exists, found.config) == ("damaged", False, {})
    assert describe(world, "minikube")["settings"] == {}


@pytest.mark.parametrize(
    "broken",
    [
        {"Memory": "much"},
        {"InsecureRegistry": 5},
        {"KubernetesConfig": {"ExtraOptions": [{"Component": "kubelet", "Value": "1"}]}},
        {"KubernetesConfig": {"ExtraOptions": ["x"]}},
    ],
)
def test_a_profile_with_a_value_of_another_form_is_damaged(tmp_path: Path, broken: dict[str, Any]) -> None:
    world = World(tmp_path)
    world.store(**broken)
    assert find(world, "minikube").state == "damaged"
    with pytest.raises(InputError, match=r"minikube's profile holds .*recreate: true"):
        stored(world.read_profile("minikube") or {})


@pytest.mark.parametrize(
    ("rows", "state", "exists"),
    [
        ([], "incomplete", False),
        ([STOPPED], "stopped", True),
        ([PAUSED], "paused", True),
        ([RUNNING], "started", True),
    ],
)
def test_a_profile_with_a_status(tmp_path: Path, rows: list[dict[str, Any]], state: str, exists: bool) -> None:
    world = World(tmp_path)
    world.store()
    world.rows = rows
    found = find(world, "minikube")
    assert (found.state, found.exists) == (state, exists)
    assert found.config["Memory"] == 4096
    assert ("was running" in found.sentence("minikube")) == (state == "started")


def test_the_none_driver_at_an_address_of_another_day(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store(Driver="none", Nodes=[{**PROFILE["Nodes"][0], "IP": "192.0.2.1"}])
    for rows, state in (([STOPPED], "stopped"), ([RUNNING], "degraded")):
        world.rows = rows
        found = find(world, "minikube")
        assert found.state == state
        assert "192.0.2.1, which is no longer an address of this host" in found.sentence("minikube")
    world.store(Driver="none", Nodes=[{**PROFILE["Nodes"][0], "IP": "127.0.0.1", "Port": 1}])
    assert find(world, "minikube").state == "started"
    world.store(Driver="none", Nodes=[{**PROFILE["Nodes"][0], "IP": "2001:db8::1", "Port": 1}])
    assert find(world, "minikube").state == "degraded"


YEARS = 3000
"""A certificate that ends later than in so many days begins a day before that."""


class ApiServer:
    """Shows a certificate for 127.0.0.1, as an API server does; ``home`` holds the ca.crt that signed it."""

    def __init__(self, home: Path, days: float) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now + datetime.timedelta(days=days - 1 if days > YEARS else -100))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        home.mkdir(parents=True, exist_ok=True)
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        (home / "ca.crt").write_bytes(pem)
        (home / "both.pem").write_bytes(
            pem
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(home / "both.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        """Shake hands with each that comes."""
        while True:
            try:
                plain, _address = self.listener.accept()
            except OSError:
                return
            try:
                self.context.wrap_socket(plain, server_side=True).close()
            except (ssl.SSLError, OSError):
                plain.close()


@pytest.fixture
def api(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ApiServer]:
    server = ApiServer(tmp_path / ".minikube", request.param)
    yield server
    server.listener.close()


@pytest.mark.parametrize(("api", "days"), [(1000.5, 1000), (3.5, 3)], indirect=["api"])
def test_days_until_the_certificate_ends(tmp_path: Path, api: ApiServer, days: int) -> None:
    world = World(tmp_path)
    world.store(Nodes=[{**PROFILE["Nodes"][0], "IP": "127.0.0.1", "Port": api.port}])
    world.rows = [RUNNING]
    found = find(world, "minikube")
    assert (found.state, found.certificate_days) == ("started", days)
    assert describe(world, "minikube")["certificate_days"] == days
    warnings = health.warn_soon(found, "minikube")
    assert bool(warnings) == (days < health.SOON_DAYS)
    assert days > 30 or f"ends in {days} days" in warnings[0]


@pytest.mark.parametrize("api", [-1.0], indirect=True)
def test_an_expired_certificate_needs_a_start(tmp_path: Path, api: ApiServer) -> None:
    world = World(tmp_path)
    world.store(Nodes=[{**PROFILE["Nodes"][0], "IP": "127.0.0.1", "Port": api.port}])
    world.rows = [RUNNING]
    found = find(world, "minikube")
    assert found.state == "degraded"
    assert found.reasons == ["the API server's certificate has expired; the next start renews it"]
    assert health.warn_soon(found, "minikube") == []


@pytest.mark.parametrize("api", [YEARS + 1.0], indirect=True)
def test_a_certificate_that_is_not_valid_yet_is_named(tmp_path: Path, api: ApiServer) -> None:
    """As on a host whose clock is wrong."""
    world = World(tmp_path)
    world.store(Nodes=[{**PROFILE["Nodes"][0], "IP": "127.0.0.1", "Port": api.port}])
    world.rows = [RUNNING]
    found = find(world, "minikube")
    assert (found.state, found.certificate_days) == ("degraded", None)
    assert "the API server's certificate is not valid yet: this host's clock says 20" in found.sentence("minikube")


@pytest.mark.parametrize("api", [10.0], indirect=True)
def test_a_certificate_that_cannot_be_seen_is_no_fault(tmp_path: Path, api: ApiServer) -> None:
    assert certificate("127.0.0.1", 1, str(tmp_path / ".minikube")) == (None, [])
    assert certificate("", 0, str(tmp_path / ".minikube")) == (None, [])
    assert certificate("127.0.0.1", api.port, str(tmp_path)) == (None, [])
    ApiServer(tmp_path / "other", 10).listener.close()
    assert certificate("127.0.0.1", api.port, str(tmp_path / "other")) == (None, [])


def test_a_description_holds_settings_and_nodes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store()
    world.rows = [STOPPED]
    described = describe(world, "minikube")
    assert described["settings"]["memory"] == 4096
    assert described["settings"]["driver"] == "kvm2"
    assert described["nodes"] == [
        {"name": "minikube", "ip": "", "port": 8443, "control_plane": True, "worker": True}
    ]  # fmt: skip
    assert described["status"] == [STOPPED]
    json.dumps(described)
