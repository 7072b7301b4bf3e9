# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take secrets out of data that people will pass on: reports, logs, diffs.

What has a structure is judged by it: Secrets, kubeconfigs, environment variables, arguments, keys by their names; also
in JSON inside a text. What is left is text, which ``_redact_text`` takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._redact_names import (
    REDACTED,
    Verdict,
    harmless,
    verdict,
    verdict_of_variable,
)
from ansible_collections.meshlab.istio.plugins.module_utils._redact_text import _PROGRAMS, _key_like, redact_text

__all__ = ["REDACTED", "redact"]

DEPTH = 100
"""What is nested deeper is not looked at, and taken out."""

ATTEMPTS = 2000
"""How often something in one text may look like JSON and be none; after that only the passes for text look on."""
_DATA = ("data", "stringData")
_SOURCES_OF_ENVOY = ("inline_string", "inline_bytes", "inlineString", "inlineBytes", "value", "Value", "plaintext")
"""Where a secret is that its key holds as an object (Envoy's DataSource)."""
_PLURALS = ("secrets", "passwords", "credentials")
_NAME_KEYS = ("name", "Name", "key", "Key")
_VALUE_KEYS = ("value", "Value")


class _Duplicate(ValueError):
    """JSON with a key that stands twice: what is read from it would not be all of it."""


def redact(value: Any) -> Any:
    """Return ``value`` (JSON types) with every secret replaced by REDACTED; keys, lists and other types stay."""
    return _redact(value, 0)


def _redact(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _redact_string(value, depth)
    if depth > DEPTH and isinstance(value, (list, tuple, dict)):
        return REDACTED
    if isinstance(value, (list, tuple)):
        return _redact_list(value, depth)
    if isinstance(value, dict):
        return _redact_dict(value, depth)
    return value


def _redact_dict(value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    kind = value.get("kind")
    result = {}
    for key, item in value.items():
        if kind == "Secret" and key in _DATA:
            result[key] = _hidden(item)
        elif kind == "SecretList" and key == "items" and isinstance(item, list):
            result[key] = [
                _redact({**each, "kind": "Secret"}, depth + 2) if isinstance(each, dict) else each for each in item
            ]
            result[key] = [
                {name: inner for name, inner in new.items() if name in old}
                if isinstance(old, dict)
                else _redact(old, depth + 1)
                for old, new in zip(item, result[key])
            ]
        else:
            result[key] = _redact_item(str(key), item, depth + 1)
    _hide_named_value(value, result)
    if any(isinstance(key, str) and "://" in key and "@" in key for key in result):
        result = {redact_text(key) if isinstance(key, str) else key: item for key, item in result.items()}
    if "client.authentication" in str(value.get("apiVersion", "")) and "command" in value:
        # The credential plugin of a kubeconfig.
        for key in ("args", "env"):
            if isinstance(value.get(key), list):
                result[key] = [
                    {**each, "value": REDACTED}
                    if isinstance(each, dict) and "value" in each
                    else REDACTED
                    if isinstance(each, str)
                    else each
                    for each in value[key]
                ]
    return result


def _hidden(item: Any) -> Any:
    """Return the data of a Secret with its keys alone."""
    if isinstance(item, dict):
        return dict.fromkeys(item, REDACTED)
    return item if item is None else REDACTED


def _hide_named_value(value: dict[Any, Any], result: dict[Any, Any]) -> None:
    """Hide the value of ``{name: DB_PASSWORD, value: …}``: an environment variable, a header, a parameter."""
    name = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    for key in _VALUE_KEYS:
        item = value.get(key)
        if name and isinstance(item, str) and not harmless(item) and verdict_of_variable(name) is Verdict.SECRET:
            result[key] = REDACTED


def _redact_item(key: str, item: Any, depth: int) -> Any:
    found = verdict(key)
    if found is Verdict.NO:
        return _redact(item, depth)
    if isinstance(item, str):
        if found is Verdict.SECRET and not harmless(item):
            return REDACTED
        if found is Verdict.MAYBE and _key_like(item, key):
            return REDACTED
    elif found is Verdict.SECRET and isinstance(item, dict):
        every = key.lower().endswith(_PLURALS)
        item = {
            name: REDACTED if isinstance(inner, str) and inner and (every or name in _SOURCES_OF_ENVOY) else inner
            for name, inner in item.items()
        }
    elif found is Verdict.SECRET and isinstance(item, list) and not key.lower().endswith("tokens"):
        return [REDACTED if isinstance(each, str) and not harmless(each) else _redact(each, depth + 1) for each in item]
    elif found is Verdict.SECRET and isinstance(item, int) and not isinstance(item, bool) and "pass" in key.lower():
        return REDACTED
    return _redact(item, depth)


def _redact_list(items: Sequence[Any], depth: int) -> list[Any]:
    """Hide, beside what each item shows by itself, the argument of a flag such as ``--token``."""
    result = [_redact(item, depth + 1) for item in items]
    program = ""
    for place, item in enumerate(items):
        if not isinstance(item, str):
            continue
        name = item.rsplit("/", 1)[-1]
        if name in _PROGRAMS:
            program = name
        flag = item.startswith("-") and "=" not in item and " " not in item
        following = items[place + 1] if place + 1 < len(items) else None
        if not (flag and isinstance(following, str) and following and not following.startswith("-")):
            continue
        takes_secret = verdict(item.lstrip("-")) is Verdict.SECRET or (program and item in _PROGRAMS[program])
        if takes_secret and not harmless(following):
            result[place + 1] = REDACTED
    return result


# --- JSON in a text ---------------------------------------------------------------------------------------------------


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Duplicate
    return result


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
_JSON_START = re.compile(r"[{\[](?=\s*[\"{\[])|\"(?=\s*[{\[]\s*\\\")")
_WORTH = re.compile(r"\"(?:kind|name|Name|auths|Key|env|args|command|exec|items|user|data|key)\\*\"")
"""Keys by which structure tells more than the text passes see."""


def _redact_string(text: str, depth: int) -> str:
    if depth <= DEPTH and ("{" in text or "[" in text) and _WORTH.search(text):
        text = _redact_json(text, depth)
    return redact_text(text)


def _redact_json(text: str, depth: int) -> str:
    """Judge by its structure each JSON value in ``text``, and each JSON string that holds one."""
    parts: list[str] = []
    at, spent, failed = 0, 0, 0
    while True:
        start = _JSON_START.search(text, at)
        if start is None or spent > 4 * len(text) or failed > ATTEMPTS:
            break
        parts.append(text[at : start.start()])
        at = start.start()
        try:
            value, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            spent += error.pos - at
            failed += 1
            parts.append(text[at])
            at += 1
            continue
        except (ValueError, RecursionError):
            failed += 1
            parts.append(text[at])
            at += 1
            continue
        if not _WORTH.search(text, at, end):
            # The passes for text see all that there is to see.
            parts.append(text[at:end])
            at = end
            continue
        new = _redact(value, depth + 1)
        parts.append(text[at:end] if new == value else _dumped(new, text[at:end]))
        at = end
    return "".join([*parts, text[at:]])


def _dumped(value: Any, like: str) -> str:
    """Return ``value`` as JSON, in the layout of ``like``."""
    indent = re.match(r"[{\[]\n( +)", like)
    if indent:
        return json.dumps(value, indent=len(indent[1]), ensure_ascii=False)
    compact = '": ' not in like and '\\": ' not in like
    return json.dumps(value, separators=(",", ":") if compact else None, ensure_ascii=False)
