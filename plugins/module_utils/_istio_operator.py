# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One IstioOperator document out of profile, files, inline spec, dedicated options and ``set`` entries."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_set import apply_set
from ansible_collections.meshlab.istio.plugins.module_utils._sources import need_json
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read

SYSTEM_NAMESPACE = "istio-system"
GATEWAYS = {"ingressGateways": "istio-ingressgateway", "egressGateways": "istio-egressgateway"}
"""Lists of components and the name of the gateway that every profile has in each (manifests/profiles/default.yaml)."""

PROFILES = {
    "default": {"ingressGateways": True, "egressGateways": False},
    "demo": {"ingressGateways": True, "egressGateways": True},
    "openshift": {"ingressGateways": True, "egressGateways": False},
    "preview": {"ingressGateways": True, "egressGateways": False},
    "stable": {"ingressGateways": True, "egressGateways": False},
    "ambient": {"ingressGateways": False, "egressGateways": False},
    "empty": {"ingressGateways": False, "egressGateways": False},
    "external": {"ingressGateways": False, "egressGateways": False},
    "minimal": {"ingressGateways": False, "egressGateways": False},
    "openshift-ambient": {"ingressGateways": False, "egressGateways": False},
    "remote": {"ingressGateways": False, "egressGateways": False},
}
"""Whether a profile enables that gateway (manifests/profiles/*.yaml at 1.31.0-dev; ``external`` exists up to 1.23).
A profile that is not listed (a file of the user's own) brings its gateways itself, and its lists are left alone."""


def build(
    *,
    profile: str | None = None,
    filename: Sequence[str] = (),
    spec: Mapping[str, Any] | None = None,
    revision: str | None = None,
    hub: str | None = None,
    tag: str | None = None,
    set_entries: Sequence[str] = (),
) -> dict[str, Any]:
    """Merge everything into one IstioOperator, later ones winning: files in order, spec, options, ``set`` in order.

    Gateways of ``components.ingressGateways`` and ``egressGateways`` are merged by name, with the profile's own as the
    first, whatever the release: istioctl does that itself up to 1.23 and replaces the whole list afterwards.

    :param filename: paths of IstioOperator files on this host.
    :param spec: the content of ``spec``.
    :param revision: ``default`` means the one without a name, as it does to ``istioctl uninstall``.
    :param set_entries: ``path=value`` entries, typed as istioctl types them.
    :returns: the document as JSON has it: the keys of mappings are text.
    :raises InputError: a file cannot be read, is no IstioOperator, or holds several; or the spec is not in its form.
    """
    document: dict[str, Any] = {
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": {},
        "spec": {},
    }
    for path in filename:
        _merge(document, _read(path))
    for name in ("metadata", "spec"):
        # An empty section in a file reads as null.
        document[name] = document[name] or {}
    _merge(document["spec"], _checked_spec(spec or {}))
    options = {
        "profile": profile, "hub": hub, "tag": tag, "revision": None if revision == "default" else revision
    }  # fmt: skip
    document["spec"].update({key: value for key, value in options.items() if value})
    # --set can choose the profile, so it is read first on a copy.
    trial = copy.deepcopy(document["spec"])
    for entry in set_entries:
        if entry.strip().startswith("profile="):
            apply_set(trial, entry)
    chosen = trial.get("profile") or "default"
    if not isinstance(chosen, str):
        raise InputError(f"`profile` of the IstioOperator must be the name of a profile, not {chosen!r}.")
    _seed_gateways(document["spec"], chosen, set_entries)
    for entry in set_entries:
        apply_set(document["spec"], entry)
    need_json(document, "The IstioOperator")
    exact: dict[str, Any] = json.loads(json.dumps(document))
    return exact


def revision_of(document: Mapping[str, Any]) -> str:
    """Return the revision that the document asks for; the empty string for the one without a name."""
    spec = document["spec"]
    return str(_walk(spec, "values", "revision") or spec.get("revision") or "")


def namespace_of(document: Mapping[str, Any]) -> str:
    """Return the namespace of the control plane (B operator/pkg/render/manifest.go translateIstioOperatorToHelm)."""
    return str(_walk(document["spec"], "values", "global", "istioNamespace") or SYSTEM_NAMESPACE)


def value_of(document: Mapping[str, Any], *path: str) -> Any:
    """Return the value at ``spec.values.PATH`` of the document, None when it is not set there."""
    return _walk(document["spec"], "values", *path)


@contextmanager
def written(document: Mapping[str, Any], directory: str | None = None) -> Iterator[str]:
    """Write the document to a file only its owner can read, give its path, and remove it at the end.

    JSON is YAML, and cannot turn a tag such as 1.30 into a number.
    """
    handle, path = tempfile.mkstemp(prefix="istio-operator-", suffix=".yaml", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1, sort_keys=True)
        yield path
    finally:
        os.unlink(path)


def _read(path: str) -> dict[str, Any]:
    try:
        full = os.path.expanduser(path)
        with open(full, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, ValueError) as error:
        raise InputError(f"The IstioOperator file {path} cannot be read: {error}") from error
    documents = read(text, f"The IstioOperator file {full}")
    if len(documents) != 1 or not isinstance(documents[0], dict) or documents[0].get("kind") != "IstioOperator":
        raise InputError(f"{full} must hold exactly one document of kind IstioOperator; it holds {len(documents)}.")
    for name in ("metadata", "spec"):
        if not isinstance(documents[0].get(name) or {}, dict):
            raise InputError(f"`{name}` in the IstioOperator file {full} is no mapping.")
    return documents[0]


def _checked_spec(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    if "apiVersion" in spec or "kind" in spec:
        raise InputError("`spec` takes what stands under `spec:` of an IstioOperator, not the whole document.")
    return spec


def _merge(target: dict[str, Any], overlay: Mapping[str, Any], path: tuple[str, ...] = ()) -> None:
    """Merge mappings key by key, gateways by name; everything else is replaced."""
    for key, value in overlay.items():
        here = (*path, key)
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value, here)
        elif key in GATEWAYS and path[-1:] == ("components",) and isinstance(value, (list, tuple)):
            target[key] = _merge_gateways(target.get(key) or [], value, GATEWAYS[key])
        else:
            target[key] = copy.deepcopy(value)


def _merge_gateways(target: Any, overlay: Any, default_name: str) -> list[dict[str, Any]]:
    for gateways in (target, overlay):
        if not isinstance(gateways, (list, tuple)):
            raise InputError(f"The gateways in `components` must be a list, not {gateways!r}.")
        for item in gateways:
            if not isinstance(item, Mapping):
                raise InputError(f"A gateway in `components` must be a mapping, not {item!r}.")
    merged = [copy.deepcopy(dict(item)) for item in target]
    for item in overlay:
        name = item.get("name") or default_name
        twin = next((old for old in merged if (old.get("name") or default_name) == name), None)
        if twin is None:
            merged.append({**copy.deepcopy(dict(item)), "name": name})
        else:
            _merge(twin, item)
    return merged


def _seed_gateways(spec: dict[str, Any], profile: str, set_entries: Sequence[str]) -> None:
    """Put the profile's gateway in front of each list of gateways that files, spec or ``set`` mention."""
    for key, name in GATEWAYS.items():
        mentioned = any(f"components.{key}" in entry.partition("=")[0] for entry in set_entries)
        components = spec.get("components") or {}
        if not isinstance(components, dict):
            raise InputError(f"`components` of the IstioOperator must be a mapping, not {components!r}.")
        if not mentioned and key not in components:
            continue
        base = [{"name": name, "enabled": PROFILES[profile][key]}] if profile in PROFILES else []
        components[key] = _merge_gateways(base, components.get(key) or [], name)
        spec["components"] = components


def _walk(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
