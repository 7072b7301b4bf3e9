# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a minikube cluster: option, flag, where it is stored, and what minikube does when it changes.

The table follows updateExistingConfigFromFlags and generateNewConfigFromFlags of minikube v1.38.1
(cmd/minikube/cmd/start_flags.go). minikube itself reports none of this as an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import REMEDIES, release

# What a changed value does to a cluster that exists.
START = "applied by the next start"
HOW = "not a property of the cluster"
KEPT = "minikube warns and keeps the old value"
IGNORED = "minikube ignores the new value without a word"
UNSAFE = "minikube stores the new value, but the cluster was built with the old one"
REFUSED = "minikube refuses it"
LAST = "minikube replaces these by others, but has no flag that takes the last one away"

CONTAINERS = ("docker", "podman")
ALIASES = {"kvm": "kvm2", "native": "none", "generic": "ssh", "qemu": "qemu2"}
"""Other names of the drivers (pkg/minikube/driver/driver.go)."""

SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,18})?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
COUNT = re.compile(r"\d{1,18}")
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50, "": 1}


# -- normal forms: of what is asked for and of what is stored; None cannot be compared --------------


def text(value: Any) -> Any:
    """Normal form of a word."""
    return str(value)


def size(value: Any) -> Any:
    """Normal form of an amount in MiB: a bare number is MiB, units count in 1024s (pkg/util/utils.go)."""
    if str(value) in ("max", "no-limit"):
        return None
    if COUNT.fullmatch(str(value)):
        return int(value)
    found = SIZE.fullmatch(str(value))
    if found is None:
        raise InputError(f"{value!r} is not an amount. Give MiB as a number, or a unit, such as 12g or 12384mb.")
    return int(float(found.group(1)) * UNITS[found.group(2).lower()]) // 2**20


def count(value: Any) -> Any:
    """Normal form of a number; a list stands for its length."""
    if isinstance(value, list):
        return len(value)
    if str(value) in ("max", "no-limit"):
        return None
    if not COUNT.fullmatch(str(value)):
        raise InputError(f"{value!r} is not a number.")
    return int(value)


def switch(value: Any) -> Any:
    """Normal form of yes or no."""
    return bool(value)


def listing(value: Any) -> Any:
    """Normal form of a list whose order means nothing."""
    return sorted({str(item) for item in value or []})


def gates(value: Any) -> Any:
    """Normal form of key=value pairs with commas between them."""
    return listing(filter(None, str(value or "").split(",")))


def extra(value: Any) -> Any:
    """Normal form of extra-config: component.key=value, stored as objects."""
    pairs = [
        "{Component}.{Key}={Value}".format(**item) if isinstance(item, dict) else str(item) for item in value or []
    ]
    for pair in pairs:
        if not re.fullmatch(r"[^.=]+\.[^=]+=.*", pair, re.DOTALL):
            raise InputError(f"extra_config {pair!r} is not component.key=value, such as kubelet.max-pods=150.")
    return listing(pairs)


def enabled(value: Any) -> Any:
    """Normal form of addons: those that are on."""
    return listing(name for name, on in value.items() if on) if isinstance(value, dict) else listing(value)


def driver_name(value: Any) -> Any:
    """Normal form of a driver."""
    return ALIASES.get(str(value), str(value))


def runtime(value: Any) -> Any:
    """Normal form of a container runtime; without a name it is minikube's choice."""
    return {"cri-o": "crio", "": None}.get(str(value), str(value))


def network(value: Any) -> Any:
    """Normal form of a CNI: nothing means auto."""
    return str(value) or "auto"


def repository(value: Any) -> Any:
    """Normal form of an image repository: without scheme and last slash, as validateImageRepository makes it."""
    return None if str(value).lower() == "auto" else re.sub(r"^\w+://", "", str(value)).rstrip("/")


@dataclass(frozen=True)
class Setting:
    """One option of ``minikube start``.

    :param normal: brings a wanted or stored value into a form that compares.
    :param effect: what minikube does when the value of an existing cluster changes.
    :param field: where the profile stores it, dotted; empty for HOW.
    :param drivers: the only drivers that heed it; empty means all but ``deaf``.
    :param deaf: drivers that do not heed it.
    :param since: the first release that knows the flag, where it is newer than the oldest one supported.
    :param until: the first release that ignores the flag.
    :param added: beginnings of values which minikube adds to a list by itself.
    """

    option: str
    normal: Callable[[Any], Any]
    effect: str
    field: str = ""
    drivers: tuple[str, ...] = ()
    deaf: tuple[str, ...] = ()
    since: tuple[int, ...] = ()
    until: tuple[int, ...] = ()
    added: tuple[str, ...] = ()

    def heeded_by(self, driver: str | None) -> bool:
        """Tell whether a driver (None: not known) does anything with this setting."""
        return driver is None or (driver not in self.deaf and (not self.drivers or driver in self.drivers))


SETTINGS = (
    Setting("driver", driver_name, REFUSED, "Driver"),
    # The none driver uses the whole host (driver.HasResourceLimits).
    Setting("memory", size, KEPT, "Memory", deaf=("none",)),
    Setting("cpus", count, KEPT, "CPUs", deaf=("none",)),
    Setting("disk_size", size, KEPT, "DiskSize", deaf=("none",)),
    Setting("nodes", count, KEPT, "Nodes"),
    Setting("kubernetes_version", text, START, "KubernetesConfig.KubernetesVersion"),
    Setting("container_runtime", runtime, UNSAFE, "KubernetesConfig.ContainerRuntime"),
    Setting("cni", network, UNSAFE, "KubernetesConfig.CNI"),
    Setting("service_cluster_ip_range", text, UNSAFE, "KubernetesConfig.ServiceCIDR"),
    Setting("addons", enabled, START, "Addons", added=("",)),
    # FlagDefaults and getExtraOptions add to these; so does a rootless engine or btrfs.
    Setting("extra_config", extra, START, "KubernetesConfig.ExtraOptions",
            added=("kubelet.resolv-conf=", "kubelet.cgroups-per-qos=", "kubelet.enforce-node-allocatable=",
                   "kubelet.housekeeping-interval=", "kubelet.localStorageCapacityIsolation=")),
    Setting("feature_gates", gates, START, "KubernetesConfig.FeatureGates",
            added=("KubeletInUserNamespace=", "LocalStorageCapacityIsolation=")),
    Setting("insecure_registry", listing, IGNORED, "InsecureRegistry"),
    Setting("registry_mirror", listing, IGNORED, "RegistryMirror"),
    Setting("image_repository", repository, IGNORED, "KubernetesConfig.ImageRepository"),
    # From 1.37 on --mount-string alone is enough, and --mount is no longer read (CHANGELOG.md, #21250).
    Setting("mount", switch, HOW, until=(1, 37)),
    Setting("mount_string", text, START, "MountString"),
    Setting("embed_certs", switch, START, "EmbedCerts"),
    Setting("static_ip", text, KEPT, "StaticIP", drivers=CONTAINERS, since=(1, 29)),  # CHANGELOG.md, #15553
    Setting("apiserver_names", listing, START, "KubernetesConfig.APIServerNames"),
    Setting("apiserver_ips", listing, START, "KubernetesConfig.APIServerIPs"),
    # The nodes keep the port they were made with (configureNodes in start.go).
    Setting("apiserver_port", count, UNSAFE, "APIServerPort"),
    Setting("listen_address", text, IGNORED, "ListenAddress", drivers=CONTAINERS),
    # A container's ports are fixed when it is made.
    Setting("ports", listing, UNSAFE, "ExposedPorts", drivers=CONTAINERS),
    Setting("wait", listing, HOW),
    Setting("wait_timeout", text, HOW),
    Setting("preload", switch, HOW),
    Setting("cache_images", switch, HOW),
    Setting("install_addons", switch, HOW),
    Setting("auto_update_drivers", switch, HOW),
    Setting("keep_context", switch, HOW),
    Setting("force", switch, HOW),
)  # fmt: skip


def wanted(options: Mapping[str, Any], driver: str | None) -> dict[str, Any]:
    """Return the comparable form of each given option that is a property of the cluster.

    :param options: the module's options; None means not given. ``kubernetes_version`` is a full version.
    :param driver: the cluster's driver, None when minikube is to choose one.
    :raises InputError: a value cannot be what it should be.
    """
    chosen = {}
    for setting in SETTINGS:
        value = options.get(setting.option)
        if value is None or not setting.field or not setting.heeded_by(driver):
            continue
        normal = setting.normal(value)
        if normal is not None:
            chosen[setting.option] = normal
    return chosen


def stored(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form of everything that a profile's stored configuration holds, by option; None if unset.

    :raises InputError: a value is not what minikube stores.
    """
    values = {}
    for setting in SETTINGS:
        value: Any = config
        try:
            for key in filter(None, setting.field.split(".")):
                value = (value or {}).get(key)
            if setting.field:
                values[setting.option] = None if value is None else setting.normal(value)
        except (InputError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"minikube's profile holds {value!r} as its {setting.field}. {REMEDIES['HOST_CONFIG_LOAD']}"
            ) from error
    return values


def current(config: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a profile's stored configuration holds for each option in ``chosen``.

    Of the values that minikube adds to a list by itself, only those that were asked for are shown.
    """
    values = stored(config)
    view = {}
    for setting in SETTINGS:
        if setting.option not in chosen:
            continue
        value, asked = values[setting.option], chosen[setting.option]
        if isinstance(asked, list):
            value = [item for item in value or [] if item in asked or not item.startswith(setting.added)]
        view[setting.option] = value
    return view


def drift(before: Mapping[str, Any], after: Mapping[str, Any], driver: str | None) -> list[dict[str, Any]]:
    """Return each setting that differs, as {option, old, new, effect}; see START, KEPT and the others.

    :param before: from ``current``.
    :param after: from ``wanted``.
    """
    return [
        {
            "option": setting.option,
            "old": before[setting.option],
            "new": after[setting.option],
            "effect": _effect(setting, before[setting.option], after[setting.option], driver),
        }
        for setting in SETTINGS
        if setting.option in before and before[setting.option] != after[setting.option]
    ]


def _effect(setting: Setting, old: Any, new: Any, driver: str | None) -> str:
    if setting.option == "kubernetes_version" and release(new) < release(old):
        return REFUSED  # K8S_DOWNGRADE_UNSUPPORTED, exit code 106
    if setting.option == "mount_string" and driver in CONTAINERS:
        return REFUSED  # GUEST_MOUNT_CONFLICT
    if setting.option == "extra_config" and not new:
        return LAST  # seen with v1.38.1: without --extra-config the next start keeps them
    return setting.effect


def arguments(options: Mapping[str, Any], driver: str | None, version: tuple[int, ...]) -> list[str]:
    """Return the flags of ``minikube start`` for the given options.

    :param version: minikube's release.
    :raises InputError: that release does not know a flag.
    """
    flags = []
    for setting in SETTINGS:
        value = options.get(setting.option)
        if value is None or not setting.heeded_by(driver) or (setting.until and version >= setting.until):
            continue
        if version < setting.since:
            raise InputError(
                f"The option {setting.option} needs minikube {'.'.join(map(str, setting.since))} or newer; "
                f"this is {'.'.join(map(str, version))}. Install a newer one, or leave the option out."
            )
        flag = "--" + setting.option.replace("_", "-")
        if setting.option == "extra_config":
            flags += [f"{flag}={item}" for item in value]
        elif isinstance(value, bool):
            flags.append(f"{flag}={str(value).lower()}")
        elif isinstance(value, list):
            flags.append(f"{flag}={','.join(map(str, value))}")
        else:
            flags.append(f"{flag}={value}")
    return flags


def unheeded(options: Mapping[str, Any], driver: str | None) -> list[str]:
    """Return a sentence for each given option that the driver does nothing with."""
    names = [
        setting.option
        for setting in SETTINGS
        if options.get(setting.option) is not None and not setting.heeded_by(driver)
    ]
    if not names:
        return []
    return [f"The driver {driver} does nothing with {', '.join(names)}; the option was left out."]
