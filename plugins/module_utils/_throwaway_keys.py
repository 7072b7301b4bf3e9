# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys for one scenario, made on the spot with openssl: signed tokens (JWT) and certificates of an own authority.

Private keys are in a folder that only its owner can read and that goes with the scenario.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool

OPENSSL_SECONDS = 60.0
HOUR = 3600


class OpenSsl(CommandLineTool):
    """openssl, with which keys are made and used; 1.1.1 or newer."""

    name = "openssl"
    install_hint = "Install openssl, or leave out the scenarios that need keys."


class Tokens:
    """A key pair that signs tokens (RS256).

    :param folder: where the private key is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.openssl = OpenSsl()
        self.key = folder / "token.key"
        self._run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(self.key))

    def public(self) -> str:
        """Return the public key as a JSON Web Key Set (RFC 7517)."""
        modulus = self._run("rsa", "-in", str(self.key), "-noout", "-modulus").strip().partition("=")[2]
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "meshlab", "e": "AQAB"}
        return json.dumps({"keys": [{**key, "n": _url64(bytes.fromhex(modulus))}]})

    def token(self, claims: Mapping[str, Any], *, lifetime: float = HOUR) -> str:
        """Return a signed token (RFC 7519) with some claims.

        :param lifetime: seconds until it expires; a negative one gives a token that has.
        """
        now = int(time.time())
        header = {"alg": "RS256", "kid": "meshlab", "typ": "JWT"}
        body = {"iat": now - 2 * HOUR, "exp": int(now + lifetime), **claims}
        text = ".".join(_url64(json.dumps(part).encode()) for part in (header, body))
        unsigned, signature = self.folder / "token.txt", self.folder / "token.sig"
        unsigned.write_text(text, encoding="ascii")
        self._run("dgst", "-sha256", "-sign", str(self.key), "-out", str(signature), str(unsigned))
        return f"{text}.{_url64(signature.read_bytes())}"

    def _run(self, *arguments: str) -> str:
        return self.openssl.run(arguments, timeout=OPENSSL_SECONDS).stdout


class Authority:
    """A certificate authority for one hour's tests.

    :param folder: where keys and certificates are kept: ca.crt, and NAME.crt with NAME.key of each certificate.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.openssl = OpenSsl()
        self._run("req", "-x509", *self._new("ca"), "-days", "1", "-subj", "/CN=meshlab test authority",
                  "-out", str(folder / "ca.crt"))  # fmt: skip

    def certificate(self, name: str, host: str | None = None) -> None:
        """Make a certificate: for the server ``host``, or without it for a client called ``name``."""
        folder = self.folder
        extensions = folder / f"{name}.ext"
        usage = f"serverAuth\nsubjectAltName=DNS:{host}" if host else "clientAuth"
        extensions.write_text(f"extendedKeyUsage={usage}\n", encoding="ascii")
        self._run("req", *self._new(name), "-subj", f"/CN={host or name}", "-out", str(folder / f"{name}.csr"))
        self._run(
            "x509", "-req", "-in", str(folder / f"{name}.csr"), "-CA", str(folder / "ca.crt"),
            "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", "1", "-extfile", str(extensions),
            "-out", str(folder / f"{name}.crt"),
        )  # fmt: skip

    def _new(self, name: str) -> list[str]:
        return ["-newkey", "rsa:2048", "-nodes", "-keyout", str(self.folder / f"{name}.key")]

    def _run(self, *arguments: str) -> None:
        self.openssl.run(arguments, timeout=OPENSSL_SECONDS)


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
