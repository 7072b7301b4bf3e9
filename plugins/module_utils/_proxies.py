# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy a URL is asked through, by the environment as kubectl and istioctl read it.

The rules are those of Go (golang.org/x/net 0.46, http/httpproxy/proxy.go). Other than for curl or Python's own client
there is no ALL_PROXY, HTTP_PROXY counts for http alone, and nothing goes through a proxy to this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Union
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
VARIABLES = {scheme: (f"{scheme}_proxy".upper(), f"{scheme}_proxy") for scheme in PORTS}
"""Scheme → the variables that name its proxy; the first that is not empty counts."""
EXCEPTIONS = ("NO_PROXY", "no_proxy")

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


def proxy_of(url: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the proxy's URL and the variable that names it; None for the straight way.

    :param url: http or https, with a host.
    """
    parts = urlsplit(url)
    variable = next((each for each in VARIABLES.get(parts.scheme, ()) if environment.get(each)), None)
    if variable is None:
        return None
    exceptions = next((environment[each] for each in EXCEPTIONS if environment.get(each)), "")
    host = (parts.hostname or "").lower()
    if _excepted(host, parts.port or PORTS[parts.scheme], exceptions):
        return None
    named = environment[variable]
    return (named if "://" in named else f"http://{named}"), variable


def _excepted(host: str, port: int, exceptions: str) -> bool:
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    entries = [entry.strip().lower() for entry in exceptions.split(",")]
    return "*" in entries or any(_matches(entry, host, address, port) for entry in entries if entry)


def _matches(entry: str, host: str, address: Address | None, port: int) -> bool:
    """Tell whether an entry of NO_PROXY means a host: an address, CIDR or domain, the port behind it being optional."""
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            pass
    name, wanted = _split(entry)
    if not name or (wanted and wanted != str(port)):
        return False
    own = _address(name)
    if own is not None:
        return own == address
    if name.startswith("*."):
        name = name[1:]
    # A domain means its sub-domains too; with a dot before it only these.
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _split(entry: str) -> tuple[str, str]:
    """Return host and port of an entry; the port is empty where there is none."""
    if entry.startswith("["):
        name, _bracket, rest = entry[1:].partition("]")
        return name, rest.lstrip(":")
    name, colon, port = entry.partition(":")
    # An IPv6 address without brackets has no port.
    return (name, port) if colon and ":" not in port else (entry, "")


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
