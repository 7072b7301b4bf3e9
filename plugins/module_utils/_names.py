# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as Kubernetes allows them, and paths of its API made of them.

A name that is no single segment of a path would reach another object, or all objects of a kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123, what a namespace is called (apimachinery 0.34.4, pkg/util/validation, IsDNS1123Label)."""

GROUP_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""An apiVersion: the version alone, or behind its group and a slash."""

LONGEST_NAME = 253
_SEGMENT = "!$&'()*+,;=:@~"  # RFC 3986, 3.3: what a segment may hold as it is


def name(value: Any, what: str = "metadata.name") -> str:
    """Return a name that can stand in a path. Raises InputError.

    The rule is what every kind has in common (apimachinery 0.34.4, pkg/api/validation/path, IsValidPathSegmentName).

    :param what: how the message calls it.
    """
    if not isinstance(value, str) or not value or len(value) > LONGEST_NAME or value in (".", ".."):
        raise InputError(
            f"{value!r} cannot be a name in Kubernetes: it is a text of 1 to {LONGEST_NAME} characters, and neither "
            f"'.' nor '..'. Correct `{what}`."
        )
    if "/" in value or "%" in value:
        raise InputError(f"{value!r} cannot be a name in Kubernetes: '/' and '%' are not allowed. Correct `{what}`.")
    return value


def namespace(value: Any, what: str = "namespace") -> str:
    """Return the name of a namespace. Raises InputError for what Kubernetes takes for none."""
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise InputError(
            f"{value!r} cannot be the name of a namespace: it consists of up to 63 small letters, digits and hyphens. "
            f"Correct `{what}`."
        )
    return value


def service(value: Any, what: str = "service") -> str:
    """Return the name of a service. Raises InputError for what Kubernetes takes for none."""
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise InputError(
            f"{value!r} cannot be the name of a service: it consists of up to 63 small letters, digits and hyphens. "
            f"Correct `{what}`."
        )
    return value


def api_root(api_version: Any) -> str:
    """Return the path below which the API serves a version, such as /apis/apps/v1. Raises InputError."""
    if not isinstance(api_version, str) or not GROUP_VERSION.fullmatch(api_version):
        raise InputError(f"{api_version!r} cannot be an apiVersion; it is written as apps/v1, or v1.")
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def in_namespace(api_version: str, space: Any, *segments: Any) -> str:
    """Return the path of something in a namespace.

    :param space: the namespace.
    :param segments: what follows, each of them one segment, such as ``services``, ``prometheus:9090`` and ``proxy``.
    :raises InputError: one of them cannot be a segment.
    """
    return "/".join((f"{api_root(api_version)}/namespaces/{namespace(space)}", *(segment(each) for each in segments)))


def identity(apiversion: Any, metadata: Mapping[str, Any]) -> None:
    """Raise InputError for an object that no path could name for sure.

    :param metadata: an object's; its ``namespace`` is looked at if it has one.
    """
    api_root(apiversion)
    name(metadata.get("name"))
    if metadata.get("namespace"):
        namespace(metadata["namespace"], "metadata.namespace")


def through_service(space: Any, name: Any, port: Any) -> str:
    """Return the path below which the API server passes requests on to a service. Raises InputError."""
    return in_namespace("v1", space, "services", f"{service(name)}:{port}", "proxy")


def segment(value: Any, what: str = "metadata.name") -> str:
    """Return a name, encoded as one segment of a path. Raises InputError."""
    return quote(name(value, what), safe=_SEGMENT)


def one_place(path: str) -> str:
    """Return a path, encoded, that means the same to everyone who reads it; InputError for one that leads elsewhere."""
    *folders, last = unquote(path)[1:].split("/")
    if not path.startswith("/") or not all(folders) or {".", ".."} & {*folders, last}:
        raise InputError(f"{path!r} is no path of the API: a part of it is empty, '.' or '..'.")
    return quote(path, safe=f"/%{_SEGMENT}")
