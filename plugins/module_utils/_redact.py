# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take secrets out of data that people will pass on: reports, logs, diffs."""

from __future__ import annotations

import re
from typing import Any

REDACTED = "(redacted)"

_SECRET_KEY = re.compile(
    r"passw(or)?d|credential|authorization|cookie|private[_-]?key|client[_-]?key"
    r"|^((access|api|auth|bearer|client|id|refresh)[_-]?)?(secret|token)$",
    re.I,
)

_NAME_KEY = re.compile(r"(Name|Ref|[_-](name|ref))$")
"""Where a secret is kept is none itself, such as credentialName of a Gateway."""

_SECRET_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    # A private key in PEM, as text or as base64 (LS0tLS1CRUdJTi is "-----BEGIN").
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), REDACTED),
    (re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+"), REDACTED),
    # A JWT: three base64url parts, of which the first two are JSON objects.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"), REDACTED),
    (re.compile(r"\b(Authorization[\"']?\s*[:=]\s*[\"']?[A-Za-z]+)\s+[^\s\"']+", re.I), rf"\1 {REDACTED}"),
    (re.compile(r"\b(Bearer)\s+[A-Za-z0-9._~+/=-]{20,}"), rf"\1 {REDACTED}"),
    # password=…, DB_PASSWORD: …, "token": "…", --token=…, and the keys of a kubeconfig.
    (
        re.compile(
            r"(?<![\w-])((?:[\w-]*(?:passwd|password)|(?:[\w-]*[_-])?token|[\w-]*(?:client[_-]secret|api[_-]?key)"
            r"|client-key-data)[\"']?[ \t]*[:=][ \t]*[\"']?)(?!\(redacted\)|(?:Bearer|Basic)\b)[^\s\"',;&|>{\[]+",
            re.I,
        ),
        rf"\1{REDACTED}",
    ),
    # What is left of a private key whose beginning was cut off, as in the last lines of a log.
    (re.compile(r"\A[A-Za-z0-9+/=\s]*-----END [A-Z ]*PRIVATE KEY-----"), REDACTED),
    # user:password@ in a URL.
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+@"), f"{REDACTED}@"),
)

_SECRET_VARIABLE = re.compile(r"passw(or)?d|credential|private_?key|(^|_)(secret|token|api_?key)$", re.I)
"""The name of an environment variable that holds a secret."""

_YAML_DOCUMENT = re.compile(r"(?m)^(---.*\n?)")
_YAML_SECRET = re.compile(r"(?m)^kind:\s*[\"']?Secret[\"']?\s*$")
_YAML_DATA = re.compile(r"(?m)^(?:data|stringData):[ \t]*\n(?:[ \t]+.*(?:\n|\Z))+|^(?:data|stringData):[ \t]*\{.*$")
_YAML_ENTRY = re.compile(r"(?m)^([ \t]+)([^\s:#][^:\n]*):(?:.*)$(?:\n\1[ \t]+.*$)*")


def redact(value: Any) -> Any:
    """Return ``value`` (JSON types) with every secret replaced by REDACTED.

    Secrets are told by the name of their key, by the shape of their text, and as the data of a Kubernetes Secret,
    be it an object or YAML inside a text.
    """
    if isinstance(value, str):
        return _redact_text(value)
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, dict):
        if isinstance(value.get("value"), str) and _SECRET_VARIABLE.search(str(value.get("name", ""))):
            # A container's environment variable.
            value = {**value, "value": REDACTED}
        secret = value.get("kind") == "Secret"
        return {key: _redact_item(key, item, secret) for key, item in value.items()}
    return value


def _redact_item(key: str, item: Any, of_secret: bool) -> Any:
    if of_secret and key in ("data", "stringData") and isinstance(item, dict):
        return dict.fromkeys(item, REDACTED)
    if isinstance(item, str) and item and _SECRET_KEY.search(key) and not _NAME_KEY.search(key):
        return REDACTED
    return redact(item)


def _redact_text(text: str) -> str:
    if "Secret" in text:
        text = "".join(_redact_yaml(part) for part in _YAML_DOCUMENT.split(text))
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _redact_yaml(document: str) -> str:
    if not _YAML_SECRET.search(document):
        return document
    return _YAML_DATA.sub(_redact_block, document)


def _redact_block(block: re.Match[str]) -> str:
    text = block.group(0)
    if "\n" not in text.rstrip("\n"):
        return text.split(":", 1)[0] + f": {REDACTED}"
    head, rest = text.split("\n", 1)
    return head + "\n" + _YAML_ENTRY.sub(rf"\1\2: {REDACTED}", rest)
