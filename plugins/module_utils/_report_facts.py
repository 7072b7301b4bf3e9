# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report's numbers say: verdict, totals and how numbers are written for a person."""

from __future__ import annotations

from typing import Any

Host = dict[str, Any]

OK, PROBLEM, UNKNOWN = "ok", "problem", "unknown"

PARTS = {
    "url": "the gateway's URL",
    "gateway_url": "GATEWAY_URL",
    "browser_url": "the URL from your computer",
    "tunnel": "the tunnel to type",
    "gateway_method": "how the URL was found",
    "ingress_host": "INGRESS_HOST",
    "ingress_port": "INGRESS_PORT",
    "secure_ingress_port": "SECURE_INGRESS_PORT",
    "prometheus": "Prometheus' count",
    "graph": "the service graph",
    "stand_ins": "stand-ins",
    "listening": "what listens",
}
"""Parts of a host in words, where the key is not one."""

PROGRAMS = {
    "minikube": "minikube",
    "kubernetes": "Kubernetes",
    "istio": "Istio",
    "istioctl": "istioctl",
    "ansible": "Ansible",
    "meshlab.istio": "meshlab.istio",
}
"""Key in ``versions`` to the program's own name, in the order they are shown."""


def versions(host: Host) -> list[tuple[str, str]]:
    """Return (program, version) pairs, the known ones first."""
    given: dict[str, Any] = host.get("versions", {})
    keys = [key for key in PROGRAMS if key in given] + [key for key in given if key not in PROGRAMS]
    return [(PROGRAMS.get(key, key), str(given[key])) for key in keys]


def answered(host: Host) -> tuple[int, int] | None:
    """Return (requests answered 200, requests sent), or None when no traffic was sent."""
    traffic = host.get("traffic")
    if not traffic:
        return None
    return traffic["status"].get("200", 0), traffic["sent"]


def increase(host: Host) -> float | None:
    """Return by how much Prometheus' counter grew during the traffic, or None when it was not asked."""
    counted = host.get("prometheus")
    if not counted:
        return None
    grown: float = counted["requests_after"] - counted["requests_before"]
    return grown


def pod_ready(pod: dict[str, Any]) -> bool | None:
    """Return whether a pod is ready (``2/2`` is), or None when that is not known."""
    ready = pod.get("ready")
    if isinstance(ready, str):
        have, _slash, want = ready.partition("/")
        return have == want and have != "0"
    return ready


def pods_ready(host: Host) -> tuple[int, int] | None:
    """Return (pods ready, pods whose readiness is known), or None when none is."""
    known = [ready for ready in map(pod_ready, host.get("pods", [])) if ready is not None]
    return (sum(known), len(known)) if known else None


def total_seconds(host: Host) -> float | None:
    """Return the seconds from the run's start to the end of its last stage, or None without timings of this run."""
    return max((stage["end"] for stage in host.get("timings", []) if not stage.get("earlier")), default=None)


def earlier(host: Host, part: str) -> str | None:
    """Return when a part that this run did not look at was reported, or None if it did look at it."""
    return host.get("earlier", {}).get(part)  # type: ignore[no-any-return]


def as_reported(host: Host, *parts: str) -> str:
    """Write which of ``parts`` this run did not look at, and when they were reported; empty if it looked at all.

    :param parts: keys of the host; of a map, such as versions, each entry that is earlier is named.
    """
    by_time: dict[str, list[str]] = {}
    for mark, at in host.get("earlier", {}).items():
        part, _dot, entry = mark.partition(".")
        if part in parts:
            by_time.setdefault(at, []).append(PROGRAMS.get(entry, entry) or PARTS.get(part, part))
    return "; ".join(f"{', '.join(names)}: as reported at {at}" for at, names in sorted(by_time.items()))


def stand_ins(host: Host) -> list[tuple[str, str]]:
    """Return (name, what it stands for) of everything that is not the real program, each once."""
    named = {item["name"]: item["stands_for"] for item in host.get("stand_ins", [])}
    for item in [*host.get("addons", []), *host.get("files", [])]:
        if item.get("stand_in"):
            # Of a file or an image the bare name, without its folder, registry and tag.
            name = item["name"].rsplit("/", 1)[-1].split(":")[0]
            named.setdefault(name, name)
    return list(named.items())


def problems(host: Host) -> list[str]:
    """Return a sentence for each measured thing that is not as it should be."""

    def then(part: str) -> str:
        at = earlier(host, part)
        return f" (as reported at {at})" if at else ""

    found = []
    if host.get("finished") is False:
        why = host.get("failure", {}).get("message")
        found.append("The run ended on this host before everything was done" + (f": {why}" if why else "."))
    good = answered(host)
    if good is not None and good[0] < good[1]:
        found.append(
            f"{number(good[1] - good[0])} of {number(good[1])} requests were not answered 200{then('traffic')}."
        )
    grown = increase(host)
    if grown is not None and good is not None and grown < good[0]:
        found.append(f"Prometheus counted {number(grown)} of {number(good[0])} answered requests{then('prometheus')}.")
    pods = pods_ready(host)
    if pods is not None and pods[0] < pods[1]:
        found.append(f"{pods[1] - pods[0]} of {pods[1]} pods are not ready{then('pods')}.")
    for addon in host.get("addons", []):
        if addon.get("ready") is False:
            found.append(f"The addon {addon['name']} is not ready{then('addons')}.")
    for bound in host.get("traffic", {}).get("thresholds", []):
        if not bound["passed"]:
            found.append(f"The traffic missed its bound: {threshold(bound)}{then('traffic')}.")
    for scenario in host.get("scenarios", []):
        if not scenario["passed"]:
            ran = " when it was run earlier" if scenario.get("earlier") else ""
            found.append(f"The scenario {scenario['name']} did not give what was expected{ran}.")
    return found


def verdict(host: Host) -> str:
    """Return PROBLEM if anything measured is wrong, OK if traffic was measured and is right, else UNKNOWN."""
    if problems(host):
        return PROBLEM
    return OK if answered(host) else UNKNOWN


def threshold(bound: dict[str, Any]) -> str:
    """Write a bound and what was measured, such as ``p95 < 500, measured 34.2``."""
    rule = " ".join(str(bound[key]) for key in ("metric", "relation", "bound") if key in bound)
    return rule + (f", measured {number(bound['measured'])}" if "measured" in bound else "")


def idle(edge: dict[str, Any]) -> bool:
    """Return whether an edge of the service graph was measured, and had no request."""
    counted = [edge[key] for key in ("requests", "rate") if key in edge]
    return bool(counted) and not any(counted)


def transport(edge: dict[str, Any]) -> str | None:
    """Write how an edge's requests came, or return None if that is not known."""
    if "mtls" not in edge:
        return None
    share = edge.get("mtls_share", 0)
    return "mutual TLS" if edge["mtls"] else f"mutual TLS for {percent(share)}" if share else "plain text"


def is_link(text: Any) -> bool:
    """Return whether ``text`` is a web address; anything else is never made clickable."""
    return isinstance(text, str) and text.startswith(("http://", "https://"))


def number(value: Any) -> str:
    """Write a number: whole ones without a fraction, others with three significant digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def milliseconds(value: float) -> str:
    """Write a latency given in milliseconds."""
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"


def seconds(value: float) -> str:
    """Write a duration given in seconds, such as ``2 min 31 s``."""
    if value < 10:
        return f"{value:.1f}".removesuffix(".0") + " s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(share: float) -> str:
    """Write a share between 0 and 1; what is not quite nothing or everything does not look like it."""
    value = share * 100
    if 0 < value < 0.1:
        return "< 0.1 %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    return f"{value:.1f}".rstrip("0").rstrip(".") + " %"
