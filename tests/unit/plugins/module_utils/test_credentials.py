# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user of a kubeconfig shows, and what is said when a credential plugin fails."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _credentials
from ansible_collections.meshlab.istio.plugins.module_utils._credentials import CredentialError, Credentials
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import Access

V1BETA1 = "client.authentication.k8s.io/v1beta1"


def credentials(user: dict[str, Any], folder: str = "/", **cluster: Any) -> Credentials:
    return Credentials(Access("/k/config", "lab", "https://api:6443", cluster, user, folder))


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A credential plugin, to be filled with a script."""
    path = tmp_path / "bin" / "cloud-token"
    path.parent.mkdir()
    path.touch(stat.S_IRWXU)
    return path


def execs(plugin: Path, script: str, **more: Any) -> dict[str, Any]:
    plugin.write_text(f"#!/bin/sh\n{script}\n")
    return {"exec": {"apiVersion": V1BETA1, "command": str(plugin), "args": ["token", "--cluster", "lab"], **more}}


def answer(**status: Any) -> str:
    return json.dumps({"apiVersion": V1BETA1, "kind": "ExecCredential", "status": status})


def test_headers(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    basic = base64.b64encode(b"me:pw").decode()
    for user, expected in (
        ({}, []),
        ({"token": "t", "as": "jane", "as-uid": "7", "as-groups": ["a", "b"]}, [
            ("Authorization", "Bearer t"), ("Impersonate-User", "jane"), ("Impersonate-Uid", "7"),
            ("Impersonate-Group", "a"), ("Impersonate-Group", "b"),
        ]),
        # As client-go: the file counts.
        ({"token": "t", "tokenFile": str(tmp_path / "token")}, [("Authorization", "Bearer from-file")]),
        ({"username": "me", "password": "pw"}, [("Authorization", f"Basic {basic}")]),
    ):  # fmt: skip
        assert credentials(user).headers() == expected
    for wrong in ("a\nb", "ä"):
        with pytest.raises(InputError, match="cannot be sent") as raised:
            credentials({"token": wrong}).headers()
        assert wrong not in raised.value.message
    with pytest.raises(InputError, match="No such file"):
        credentials({"tokenFile": "/missing"}).headers()


def test_a_plugin_is_asked_once_while_its_credential_lasts(plugin: Path) -> None:
    asked = plugin.parent / "asked"
    script = (
        f'echo "$* $CLOUD_PROFILE" >> {asked}; echo "$KUBERNETES_EXEC_INFO" > {asked}.info; '
        f"echo '{answer(token='t', expirationTimestamp='2999-01-01T00:00:00Z')}'"
    )
    user = execs(plugin, script, env=[{"name": "CLOUD_PROFILE", "value": "lab"}], provideClusterInfo="true")
    mine = credentials(user, **{"certificate-authority-data": base64.b64encode(b"PEM").decode()})
    assert mine.headers() == mine.headers() == [("Authorization", "Bearer t")]
    assert asked.read_text() == "token --cluster lab lab\n"
    assert json.loads(Path(f"{asked}.info").read_text()) == {
        "apiVersion": V1BETA1, "kind": "ExecCredential", "spec": {"interactive": False, "cluster": {
            "server": "https://api:6443", "certificate-authority-data": base64.b64encode(b"PEM").decode(),
        }},
    }  # fmt: skip
    mine.forget()
    assert mine.headers()
    assert asked.read_text().count("\n") == 2


def test_a_credential_that_ends_is_made_anew(plugin: Path) -> None:
    asked = plugin.parent / "asked"
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5))
    mine = credentials(execs(plugin, f"echo x >> {asked}; echo '{answer(token='t', expirationTimestamp=soon)}'"))
    assert mine.headers() == mine.headers()
    assert asked.read_text() == "x\nx\n"


def test_a_plugin_may_bring_a_certificate(plugin: Path) -> None:
    mine = credentials(execs(plugin, f"echo '{answer(clientCertificateData='C', clientKeyData='K')}'"))
    assert (mine.certificate(), mine.headers()) == ((b"C", b"K"), [])


@pytest.mark.parametrize(
    ("script", "more", "words"),
    [
        # The plugin's own words: the library asked as nobody instead, and got 403 for system:anonymous.
        ("echo 'The session has ended. Run cloud login.' >&2; exit 255", {}, "code 255: The session has ended."),
        ("exit 1", {}, "exit code 1: it said nothing"),
        ("echo hello", {}, "wrote something that is no ExecCredential"),
        ("echo '[]'", {}, "wrote something that is no ExecCredential"),
        (f"echo '{answer()}'", {}, "neither a token nor a client certificate"),
        (f"echo '{answer(token='t')}'", {"apiVersion": V1BETA1.replace("beta1", "")}, "no ExecCredential of"),
        ("", {"interactiveMode": "Always"}, "wants a terminal"),
        ("", {"command": "not-there", "installHint": "Get it from your cloud."}, "'not-there' on this host. Get it"),
        ("", {"command": ""}, "names no `command`"),
    ],
)  # fmt: skip
def test_a_plugin_that_fails_says_why(plugin: Path, script: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(CredentialError) as raised:
        credentials(execs(plugin, script, **more)).headers()
    assert words in raised.value.message
    assert "The credential plugin of the context lab of /k/config" in raised.value.message


def test_a_plugin_beside_the_kubeconfig(plugin: Path) -> None:
    user = execs(plugin, f"echo '{answer(token='t')}'", command="bin/cloud-token")
    assert credentials(user, str(plugin.parent.parent)).headers() == [("Authorization", "Bearer t")]


def test_a_plugin_that_does_not_end(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_credentials, "PLUGIN_SECONDS", 0.2)
    with pytest.raises(CredentialError, match=r"did not end within 0\.2 s"):
        credentials(execs(plugin, "exec sleep 20")).headers()


def test_the_token_that_kubectl_keeps_for_oidc() -> None:
    def token(ends: float) -> str:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": ends}).encode()).decode().rstrip("=")
        return f"h.{claims}.s"

    def user(kept: Any) -> dict[str, Any]:
        return {"auth-provider": {"name": "oidc", "config": kept}}

    good = token(time.time() + 60)
    assert credentials(user({"id-token": good})).headers() == [("Authorization", f"Bearer {good}")]
    for kept in ({"id-token": token(time.time() - 60)}, {}, None):
        with pytest.raises(CredentialError, match="Run `kubectl --context lab get --raw /version` once"):
            credentials(user(kept)).headers()


def test_certificates_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("C\n")
    user = {"client-certificate": str(tmp_path / "c"), "client-key-data": base64.b64encode(b"K").decode()}
    assert credentials(user).certificate() == (b"C", b"K")
    assert credentials({}).certificate() is None
    with pytest.raises(InputError, match="client-certificate-data is not base64"):
        credentials({"client-certificate-data": "!"}).certificate()
    assert os.path.exists(tmp_path)
