# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring manifests to a form that can be applied again and again, and say what is wrong with one in plain words."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

Object = dict[str, Any]

OF_ONE_MOMENT = ("resourceVersion", "uid", "managedFields")
"""Metadata by which a manifest is bound to one state of one object: ``kubectl get -o yaml`` writes it."""

_UNTYPED = "failed to create typed patch object"
_UNDECLARED = re.compile(r"\.?(\S+): field not declared in schema")
_TWICE = re.compile(r"\.?(\S+): duplicate entries for key \[([^\]]*)\]")
_WRONG_TYPE = re.compile(r"\.?(\S+): expected (\w+), got")


def sendable(obj: Object) -> Object:
    """Return a manifest as it can be applied at any time.

    ``stringData`` of a Secret becomes ``data``: the API server forgets who wrote ``stringData``, so that a key that is
    taken out of a manifest would stay (Kubernetes 1.34.4).

    :raises InputError: it is bound to one state of an object, or a Secret's ``stringData`` is not text.
    """
    bound = [name for name in OF_ONE_MOMENT if obj["metadata"].get(name)]
    if bound:
        fields = " and ".join(f"metadata.{name}" for name in bound)
        raise InputError(
            f"{reference(obj)} has {fields}, as an object that was exported from a cluster. That binds the manifest to "
            f"one moment, and the API server refuses it ever after. Take {fields} out of the manifest."
        )
    texts = obj.get("stringData")
    if (obj["apiVersion"], obj["kind"]) != ("v1", "Secret") or "stringData" not in obj:
        return obj
    texts = {} if texts is None else texts
    wrong = [key for key, text in texts.items() if not isinstance(text, str)] if isinstance(texts, dict) else None
    if wrong is None or wrong:
        what = f"stringData.{wrong[0]}" if wrong else "stringData"
        raise InputError(f"{what} of {reference(obj)} is not text. Put it between quotes.")
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in obj.items() if key != "stringData"}
    return {**rest, "data": {**(obj.get("data") or {}), **data}}


def problems(message: str, obj: Mapping[str, Any]) -> list[str]:
    """Return in plain words what an API server finds wrong with the form of a manifest; [] if it says something else.

    It answers 500 and a sentence of structured-merge-diff's (v6.3.0, Kubernetes 1.34.4).
    """
    if _UNTYPED not in message:
        return []
    kind = f"{obj['kind']} ({obj['apiVersion']})"
    said = [f"{_plain(path)} is not a field of {kind}" for path in _UNDECLARED.findall(message)]
    said += [f"{_plain(path)} has the item with {_plain(key)} twice" for path, key in _TWICE.findall(message)]
    said += [f"{_plain(path)} must be of the type {wanted}" for path, wanted in _WRONG_TYPE.findall(message)]
    return list(dict.fromkeys(said))


def _plain(path: str) -> str:
    return path.replace('"', "").lstrip(".")
