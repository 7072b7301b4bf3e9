# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens and certificates, checked by another library than the one that made them."""

from __future__ import annotations

import base64
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ansible_collections.meshlab.istio.plugins.module_utils._throwaway_keys import Authority, Tokens


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(token: str, keys: str) -> dict[str, Any]:
    """Return a token's claims; raises InvalidSignature if the key set did not sign it."""
    (key,) = json.loads(keys)["keys"]
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(decoded(key[name]), "big") for name in ("e", "n")))
    head, body, signature = token.split(".")
    assert json.loads(decoded(head))["kid"] == key["kid"]
    numbers.public_key().verify(decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    claims: dict[str, Any] = json.loads(decoded(body))
    return claims


def test_tokens(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    ours, strange = (Tokens(folder) for folder in folders)
    claims = verified(ours.token({"iss": "us", "group": "staff"}), ours.public())
    assert (claims["iss"], claims["group"]) == ("us", "staff")
    assert claims["iat"] < time.time() < claims["exp"]
    old = verified(ours.token({}, lifetime=-60), ours.public())
    assert old["iat"] < old["exp"] < time.time()
    with pytest.raises(InvalidSignature):
        verified(strange.token({"iss": "us"}), ours.public())
    assert stat.S_IMODE(ours.key.stat().st_mode) == 0o600


def test_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.certificate("server", "bookinfo.example")
    authority.certificate("client")
    ca, server, client = (
        x509.load_pem_x509_certificate((tmp_path / f"{name}.crt").read_bytes()) for name in ("ca", "server", "client")
    )
    for certificate, usage in ((server, ExtendedKeyUsageOID.SERVER_AUTH), (client, ExtendedKeyUsageOID.CLIENT_AUTH)):
        certificate.verify_directly_issued_by(ca)
        assert usage in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["bookinfo.example"]
    assert stat.S_IMODE((tmp_path / "server.key").stat().st_mode) == 0o600
