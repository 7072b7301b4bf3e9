# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets leave; what only looks like one stays."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED, redact

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\ndef==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZXNobGFiIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"key: {PEM} end", f"key: {REDACTED} end"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", REDACTED),
        (f"tls.key: {base64.b64encode(PEM.encode()).decode()}", f"tls.key: {REDACTED}"),
        (f"curl -H 'Authorization: Bearer {JWT}'", f"curl -H 'Authorization: Bearer {REDACTED}'"),
        (f"token {JWT} ends", f"token {REDACTED} ends"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {REDACTED}"),
        ("-H 'authorization: token 12345' x", f"-H 'authorization: token {REDACTED}' x"),
        ("Bearer 0123456789abcdef01234567", f"Bearer {REDACTED}"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', f'{{"authorization": "Basic {REDACTED}"}}'),
        ("DB_PASSWORD=hunter2 --token=abc.def", f"DB_PASSWORD={REDACTED} --token={REDACTED}"),
        ('{"password": "hunter2", "a": 1}', f'{{"password": "{REDACTED}", "a": 1}}'),
        ("  token: 0123abc\n  name: x", f"  token: {REDACTED}\n  name: x"),
        ("GET /?access_token=abc&x=1", f"GET /?access_token={REDACTED}&x=1"),
        ("def==\nabc=\n-----END PRIVATE KEY-----\nmore", f"{REDACTED}\nmore"),
        ("https://user:pass@example.org/a", f"https://{REDACTED}@example.org/a"),
    ],
)
def test_secret_text_is_replaced(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize(
    "value",
    [
        "http://10.0.0.1:80/productpage?a=b@c",
        "ssh -L 8080:10.0.0.1:80 root@lab1",
        "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        "Basic authentication, bearer authentication by JWT, Bearer authentication",
        {"secure_ingress_port": 443, "valid token": "accepted", "no_token": "refused", "secret_name": "tls"},
        {"tokens": ["a"], "token": 200, "password": None, "secret": ""},
        {"tls": {"credentialName": "bookinfo-tls", "credential_name": "a", "passwordRef": "b", "secretName": "c"}},
        {"valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        "kind: ConfigMap\ndata:\n  Secret: shown\n",
        "automountServiceAccountToken: true\ntokenReview: a\n  token:\n    b",
        [{"name": "PASSWORD_FILE_COUNT", "value": 3}, {"name": "TOKEN_AUDIENCES", "value": "istio-ca"}],
    ],
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert redact(value) == value


@pytest.mark.parametrize(
    "key",
    ["password", "db_passwd", "token", "access_token", "client-key-data", "Authorization", "privateKey", "credentials"],
)
def test_secret_key_is_told_by_its_name(key: str) -> None:
    assert redact([{"deep": {key: "hunter2"}}]) == [{"deep": {key: REDACTED}}]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "GITHUB_TOKEN", "CLIENT_SECRET", "API_KEY", "token"])
def test_environment_variable_is_told_by_its_name(name: str) -> None:
    container = {"env": [{"name": name, "value": "hunter2"}, {"name": "HOST", "value": "b"}]}
    assert redact(container) == {"env": [{"name": name, "value": REDACTED}, {"name": "HOST", "value": "b"}]}


def test_kubernetes_secret_as_object() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"user": "YQ=="}, "stringData": {"x": "y"}}
    assert redact(secret) == {
        "kind": "Secret", "metadata": {"name": "a"}, "data": {"user": REDACTED}, "stringData": {"x": REDACTED},
    }  # fmt: skip


def test_kubernetes_secret_as_yaml() -> None:
    text = """\
apiVersion: v1
kind: ConfigMap
data:
  shown: yes
---
apiVersion: v1
kind: Secret
metadata:
  name: credential
  labels: {a: b}
data:
  user: c2VjcmV0MQ==
  long: |
    c2VjcmV0Mg==
    c2VjcmV0Mw==
  last: c2VjcmV0NA==
type: Opaque
---
kind: "Secret"
stringData: {user: secret5}
"""
    left = redact(text)
    assert "ecret1" not in left
    assert not any(secret in left for secret in ("c2Vjcm", "secret5"))
    first, second, third = yaml.safe_load_all(left)
    assert first == {"apiVersion": "v1", "kind": "ConfigMap", "data": {"shown": True}}
    assert second["data"] == {"user": REDACTED, "long": REDACTED, "last": REDACTED}
    assert second["metadata"] == {"name": "credential", "labels": {"a": "b"}}
    assert second["type"] == "Opaque"
    assert third["stringData"] == REDACTED
