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

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, words_of
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

    Gateways of ``components.ingressGateways`` and ``egressGateways`` are merged by name and namespace (``_twin``), with
    the profile's own as the first, whatever the release: istioctl merges itself up to 1.23, by name alone, and replaces
    the whole list afterwards.

    :param filename: paths of IstioOperator files on this host.
    :param spec: the content of ``spec``.
    :param revision: ``default`` means the one without a name, as it does to ``istioctl uninstall``.
    :param set_entries: ``path=value`` entries, typed as istioctl types them.
    :returns: the document as JSON has it: the keys of mappings are text.
    :raises InputError: a file cannot be read, is no IstioOperator, or holds several; or the spec is not in its form.
    """
    layers = [*map(_read, filename), {"spec": _checked_spec(spec or {})}]
    options = {
        "profile": profile, "hub": hub, "tag": tag, "revision": None if revision == "default" else revision
    }  # fmt: skip
    layers.append({"spec": {key: value for key, value in options.items() if value}})
    # --set can choose the profile and Istio's namespace, which tell gateways apart: both are read first on a copy.
    trial = _layered(layers, SYSTEM_NAMESPACE)
    for entry in set_entries:
        if entry.strip().startswith(("profile=", "values.global.istioNamespace=")):
            apply_set(trial["spec"], entry)
    chosen = trial["spec"].get("profile") or "default"
    if not isinstance(chosen, str):
        raise InputError(f"`profile` of the IstioOperator must be the name of a profile, not {chosen!r}.")
    document = _layered(layers, namespace_of(trial))
    _seed_gateways(document["spec"], chosen, set_entries, namespace_of(trial))
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


def need_names_apart(document: Mapping[str, Any], version: str) -> None:
    """Raise InputError for two gateways of one name, for a release that merges gateways by name alone.

    Up to 1.23 it would merge the second one into the first without a word (1.19.3 operator/pkg/util/merge_iop.go:102,
    a strategic merge with the key ``name``).
    """
    for key, default in GATEWAYS.items():
        found = _walk(document["spec"], "components", key) or []
        # `set` can put anything there, of which istioctl has its own words.
        names = [str(each.get("name") or default) for each in found if isinstance(each, Mapping)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(
                f"istioctl {version} tells gateways apart by their names alone, and would install one of those "
                f"called {twice[0]}. Give each a name of its own, or use istioctl 1.24 or newer."
            )


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
        raise InputError(f"The IstioOperator file {path} cannot be read: {words_of(error)}") from error
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


def _layered(layers: Sequence[Mapping[str, Any]], namespace: str) -> dict[str, Any]:
    """Return the layers as one document, the later ones winning.

    :param namespace: that of gateways which name none.
    """
    document: dict[str, Any] = {
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": {},
        "spec": {},
    }
    for layer in layers:
        # An empty section in a file reads as null.
        _merge(document, {key: value for key, value in layer.items() if value is not None}, namespace)
    return document


def _merge(target: dict[str, Any], overlay: Mapping[str, Any], namespace: str, path: tuple[str, ...] = ()) -> None:
    """Merge mappings key by key, gateways by name and namespace; everything else is replaced."""
    for key, value in overlay.items():
        here = (*path, key)
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value, namespace, here)
        elif key in GATEWAYS and path[-1:] == ("components",) and isinstance(value, (list, tuple)):
            target[key] = _merge_gateways(target.get(key) or [], value, GATEWAYS[key], namespace)
        else:
            target[key] = copy.deepcopy(value)


def _merge_gateways(target: Any, overlay: Any, default_name: str, namespace: str) -> list[dict[str, Any]]:
    for gateways in (target, overlay):
        if not isinstance(gateways, (list, tuple)):
            raise InputError(f"The gateways in `components` must be a list, not {gateways!r}.")
        for item in gateways:
            if not isinstance(item, Mapping):
                raise InputError(f"A gateway in `components` must be a mapping, not {item!r}.")
    merged = [copy.deepcopy(dict(item)) for item in target]
    known = [_identity(item, default_name, namespace) for item in target]
    meant = {_identity(item, default_name, namespace) for item in overlay}
    for item in overlay:
        identity = _identity(item, default_name, namespace)
        place = _twin(item, identity, merged, known, meant)
        if place is None:
            merged.append({**copy.deepcopy(dict(item)), "name": identity[0]})
            known.append(identity)
        else:
            _merge(merged[place], item, namespace)
            known[place] = identity
    return merged


def _identity(gateway: Mapping[str, Any], default_name: str, namespace: str) -> tuple[str, str]:
    """Return name and namespace of a gateway, by which its objects differ from those of another."""
    return str(gateway.get("name") or default_name), str(gateway.get("namespace") or namespace)


def _twin(
    item: Mapping[str, Any],
    identity: tuple[str, str],
    merged: Sequence[Mapping[str, Any]],
    known: Sequence[tuple[str, str]],
    meant: set[tuple[str, str]],
) -> int | None:
    """Return the place of the gateway that an item of an overlay speaks of, None for a new one.

    It is the one of its name and namespace. Where only one of the two sides says a namespace, it is the only one of
    its name, as long as no other item speaks of that: so ``namespace`` moves the profile's gateway.

    :param known: the identities of ``merged``.
    :param meant: the identities of all items of the overlay.
    """
    if identity in known:
        return known.index(identity)
    alike = [place for place, other in enumerate(known) if other[0] == identity[0]]
    if len(alike) != 1 or known[alike[0]] in meant or (item.get("namespace") and merged[alike[0]].get("namespace")):
        return None
    return alike[0]


def _seed_gateways(spec: dict[str, Any], profile: str, set_entries: Sequence[str], namespace: str) -> None:
    """Put the profile's gateway in front of each list of gateways that files, spec or ``set`` mention."""
    for key, name in GATEWAYS.items():
        mentioned = any(f"components.{key}" in entry.partition("=")[0] for entry in set_entries)
        components = spec.get("components") or {}
        if not isinstance(components, dict):
            raise InputError(f"`components` of the IstioOperator must be a mapping, not {components!r}.")
        if not mentioned and key not in components:
            continue
        base = [{"name": name, "enabled": PROFILES[profile][key]}] if profile in PROFILES else []
        components[key] = _merge_gateways(base, components.get(key) or [], name, namespace)
        spec["components"] = components


def _walk(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
