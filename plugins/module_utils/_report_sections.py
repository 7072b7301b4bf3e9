# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of a host's part of report.html. What was not run says so; nothing is drawn that was not measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils import _charts as charts
from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts
from ansible_collections.meshlab.istio.plugins.module_utils._html import Markup, join, tag
from ansible_collections.meshlab.istio.plugins.module_utils._report_facts import Host
from ansible_collections.meshlab.istio.plugins.module_utils._report_parts import label, not_run, pairs, passed, table
from ansible_collections.meshlab.istio.plugins.module_utils._report_scenarios import scenarios
from ansible_collections.meshlab.istio.plugins.module_utils._service_graph import service_graph

_TUTORIAL_NAMES = (
    ("ingress_host", "INGRESS_HOST"),
    ("ingress_port", "INGRESS_PORT"),
    ("secure_ingress_port", "SECURE_INGRESS_PORT"),
    ("gateway_url", "GATEWAY_URL"),
)


def link(address: Any, words: str | None = None) -> Markup:
    """Return a link if ``address`` is a web address, otherwise its text as code."""
    if not facts.is_link(address):
        return tag("code", address)
    return tag("a", words or address, href=address)


def commands(steps: Sequence[dict[str, Any]]) -> Markup:
    """Return commands with their titles; one click selects a whole command."""
    return tag("ol", [tag("li", step["title"], _command(step)) for step in steps], class_="steps")


def _command(step: dict[str, Any]) -> Markup:
    return tag("pre", tag("code", step["command"]), class_="command", tabindex="0", aria_label=step["title"])


def _links(host: Host) -> Markup:
    browser = host.get("browser_url")
    rows: list[tuple[str, Any]] = []
    if browser:
        proof = "it answered from the controller" if facts.is_link(browser) else "this command was tried"
        rows.append(("From your computer", (link(browser), tag("small", proof))))
    if host.get("tunnel", browser) != browser:
        rows.append(("Dashboards first need", (host["tunnel"], tag("small", "typed on your computer"))))
    if "url" in host:
        method = host.get("gateway_method")
        proof = "it answered on the host" + (f", found by {method}" if method else "")
        rows.append(("On the host", (link(host["url"]), tag("small", proof))))
    rows += [(name, tag("code", host[key])) for key, name in _TUTORIAL_NAMES if key in host]
    rows += [(addon["name"], link(addon["url"])) for addon in host.get("addons", []) if "url" in addon]
    glance = list(facts.versions(host)[:3])
    glance += [(label(key), str(value)) for key, value in host.get("lab", {}).items()]
    return tag(
        "div",
        tag("div", tag("h3", "Links"), pairs(rows, "long") or not_run("No URL was proven."), class_="card"),
        tag("div", tag("h3", "The lab"), pairs(glance) or not_run("Not reported."), class_="card"),
        class_="two",
    )


def _graph(host: Host) -> Markup:
    graph = host.get("graph")
    if graph is None:
        return tag("div", not_run(), class_="card")
    between = f", {facts.seconds(graph['seconds'])} apart" if "seconds" in graph else ""
    says = {
        "before": "Number of all requests that were counted by then, also those while the lab started.",
        "after": f"Requests a second between the two readings{between}, and nothing from before.",
    }
    parts = []
    for key, words in (("before", "Before the traffic"), ("after", "After the traffic")):
        edges = graph.get(key)
        inside: Any = not_run("Not measured.")
        if edges is not None:
            kiali = _kiali(graph) if key == "after" else None
            inside = (tag("p", says[key], class_="muted"), kiali, _graph_of(edges, words))
        parts.append(tag("div", tag("h3", words), inside, class_="card"))
    note = tag(
        "p",
        "Requests between workloads as Prometheus counted them. An arrow with requests that failed is red, with their"
        " share; one without any request is dashed. The lock is closed for mutual TLS, open if any came as plain text.",
        class_="muted",
    )
    return join([note, tag("div", parts, class_="two")])


def _kiali(graph: dict[str, Any]) -> Markup | None:
    if "kiali" not in graph:
        return None
    used = [edge for edge in graph.get("after", []) if not facts.idle(edge)]
    nodes = {edge[end] for edge in used for end in ("source", "destination")}
    kialis, ours = _size(**graph["kiali"]), _size(len(nodes), len(used))
    return tag("p", f"Kiali's own graph of the last minute: {kialis}. In use here: {ours}.", class_="muted")


def _size(nodes: int, edges: int, **_more: Any) -> str:
    return f"{nodes} node{'' if nodes == 1 else 's'}, {edges} edge{'' if edges == 1 else 's'}"


def _graph_of(edges: Sequence[dict[str, Any]], title: str) -> Markup:
    if not edges:
        return not_run("No requests between workloads were counted.")
    rows = [
        [
            (edge["source"], tag("small", "to ", edge["destination"]), tag("small", _transport(edge))),
            _requests(edge),
            facts.percent(edge["error_share"]) if "error_share" in edge else "" if facts.idle(edge) else "not known",
        ]
        for edge in edges
    ]
    numbers = table(["From, to, by", "Requests", "Errors"], rows, numeric=(1, 2))
    between = [edge for edge in edges if edge["source"] != edge["destination"]]
    drawn = tag("div", service_graph(between, f"Service graph. {title}"), class_="scroll") if between else None
    return join([drawn, tag("details", tag("summary", "The same as a table"), numbers)])


def _transport(edge: dict[str, Any]) -> str:
    return "idle" if facts.idle(edge) else facts.transport(edge) or "transport not known"


def _requests(edge: dict[str, Any]) -> Any:
    rate = f"{facts.number(edge['rate'])}/s" if "rate" in edge else None
    if "requests" not in edge:
        return rate or "?"
    return facts.number(edge["requests"]), tag("small", rate) if rate else None


def _traffic(host: Host) -> Markup:
    traffic = host.get("traffic")
    if not traffic:
        return tag("div", not_run("Not run: no requests were sent."), class_="card")
    counts = [("Sent", facts.number(traffic["sent"]))]
    counts += [(f"Status {code}", facts.number(count)) for code, count in sorted(traffic["status"].items())]
    counts += [(kind, facts.number(count)) for kind, count in traffic.get("errors", {}).items()]
    if "seconds" in traffic:
        counts.append(("Duration", facts.seconds(traffic["seconds"])))
    if "throughput" in traffic:
        counts.append(("Throughput", f"{facts.number(traffic['throughput'])} a second"))
    if "prometheus" in host:
        counted = host["prometheus"]
        before, after = facts.number(counted["requests_before"]), facts.number(counted["requests_after"])
        counts.append(("Prometheus", f"{facts.number(facts.increase(host))} more (from {before} to {after})"))
    latency = traffic.get("latency_ms", {})
    buckets = [bucket for bucket in traffic.get("histogram", []) if bucket["count"]]
    spread = charts.histogram(traffic["histogram"], latency) if buckets else not_run("No latency was measured.")
    all_latency = pairs([(name, facts.milliseconds(value)) for name, value in latency.items()])
    query = host.get("prometheus", {}).get("query")
    return join([
        tag(
            "div",
            tag("div", tag("h3", "Latency"), spread,
                tag("details", tag("summary", "All percentiles"), all_latency) if latency else None,
                class_="card"),
            tag("div", tag("h3", "Answers"), pairs(counts),
                tag("details", tag("summary", "The query"), tag("pre", tag("code", query), tabindex="0"))
                if query else None,
                class_="card"),
            tag("div", tag("h3", "Share by version"), _by_version(traffic.get("by_version", {})),
                class_="card" if traffic.get("thresholds") else "card alone"),
            tag("div", tag("h3", "Bounds"), _bounds(traffic["thresholds"]), class_="card")
            if traffic.get("thresholds") else None,
            class_="two",
        ),
    ])  # fmt: skip


def _by_version(counts: dict[str, int]) -> Markup:
    total = sum(counts.values())
    if not total:
        return not_run("No version was recognised in the answers.")
    rows = [
        {"label": name, "value": count, "text": f"{facts.percent(count / total)}  ({facts.number(count)})"}
        for name, count in sorted(counts.items())
    ]
    shares = ", ".join(f"{row['label']} {row['text']}" for row in rows)
    return charts.bars(rows, title=f"Share by version. {shares}", largest=total, distinct=True)


def _bounds(thresholds: Sequence[dict[str, Any]]) -> Markup:
    rows = [[facts.threshold(bound), passed(bound["passed"], "kept", "missed")] for bound in thresholds]
    return table(["Bound", "Result"], rows)


def _time(host: Host) -> Markup:
    runs: dict[str | None, list[dict[str, Any]]] = {}
    for stage in host.get("timings", []):
        runs.setdefault(stage.get("at", "some time") if stage.get("earlier") else None, []).append(stage)
    if not runs:
        return tag("div", not_run("Not measured."), class_="card")
    words = "Stages that overlap ran at the same time. The longest one is orange."
    return tag("div", tag("p", words, class_="muted"), [
        (tag("h3", f"Stages of an earlier run, reported at {at}") if at else None, charts.gantt(stages))
        for at, stages in sorted(runs.items(), key=lambda run: (run[0] is not None, run[0] or ""))
    ], class_="card")  # fmt: skip


def _pods(host: Host) -> Markup:
    addons = [
        [
            (
                addon["name"],
                " ",
                tag("span", "stand-in", class_="badge standin") if addon.get("stand_in") else None,
                tag("small", addon["says"]) if "says" in addon else None,
            ),
            passed(addon.get("ready"), "ready", "not ready"),
        ]
        for addon in host.get("addons", [])
    ]
    cards = []
    pods = host.get("pods", [])
    for namespace in dict.fromkeys(pod["namespace"] for pod in pods):
        rows = [_pod(pod) for pod in pods if pod["namespace"] == namespace]
        cards.append(tag("div", tag("h3", f"Namespace {namespace} ({len(rows)})"),
                         table(["Pod", "Ready", "Restarts"], rows, numeric=(2,)), class_="card"))  # fmt: skip
    if addons:
        cards.append(tag("div", tag("h3", "Addons"), table(["Addon", "State"], addons), class_="card"))
    return tag("div", cards, class_="flow") if cards else tag("div", not_run("Not reported."), class_="card")


def _pod(pod: dict[str, Any]) -> list[Any]:
    inside = [tag("small", text) for text in (", ".join(pod.get("containers", [])), pod.get("image")) if text]
    ready = pod.get("ready")
    words = ready if isinstance(ready, str) else "ready" if ready else "not ready"
    return [(pod["name"], inside), passed(facts.pod_ready(pod), words, words), facts.number(pod.get("restarts", "?"))]


def _versions(host: Host) -> Markup:
    named = facts.versions(host)
    listed = host.get("files", [])
    images = [item for item in listed if item.get("kind") == "image"]
    others = [item for item in listed if item.get("kind") != "image"]
    files = [
        _files("File, origin and SHA-256", others) if others else None,
        tag("details", tag("summary", f"Container images ({len(images)})"), _files("Image, origin and SHA-256", images))
        if images else None,
    ] if listed else not_run("No checksums were reported.")  # fmt: skip
    return tag(
        "div",
        tag("div", tag("h3", "Versions"), pairs(named) or not_run("Not reported."), class_="card"),
        tag("div", tag("h3", "Files and what they were checked against"), files, class_="card"),
        class_="two",
    )


def _files(head: str, items: Sequence[dict[str, Any]]) -> Markup:
    rows = [
        [
            (item["name"], f" {item['version']}" if item.get("version", "") not in item["name"] else None, " ",
             tag("span", "stand-in", class_="badge standin") if item.get("stand_in") else None,
             tag("small", item["origin"]) if "origin" in item else None,
             tag("small", tag("code", item["sha256"]))),
        ]
        for item in items
    ]  # fmt: skip
    return table([head], rows)


def _stand_ins(host: Host) -> Markup:
    named = facts.stand_ins(host)
    if not named:
        return tag("div", not_run("None was reported."), class_="card")
    rows = [[tag("span", name, class_="badge standin"), what] for name, what in named]
    words = tag("p", "These are not the real programs. Whatever depends on them is not proven for the real ones.")
    return tag("div", words, table(["Stand-in", "Stands for"], rows), class_="card")


def _listening(host: Host) -> Markup:
    sockets = host.get("listening")
    if not sockets:
        return tag("div", not_run("Nothing was reported." if sockets is None else "Nothing."), class_="card")
    rows = [[tag("code", item["address"]), item["port"], item.get("what", "")] for item in sockets]
    return tag("div", table(["Address", "Port", "What"], rows, numeric=(1,)), class_="card")


def _next(host: Host) -> Markup:
    steps = list(host.get("next", []))
    if "url" in host:
        title = "Ask the bookstore for its page, on the host"
        steps.insert(0, {"title": title, "command": f"curl -s {host['url']}"})
    return tag("div", commands(steps) if steps else not_run("Nothing."), class_="card")


SECTIONS: tuple[tuple[str, str, Callable[[Host], Markup]], ...] = (
    ("links", "Links and the lab at a glance", _links),
    ("graph", "Service graph", _graph),
    ("traffic", "Traffic", _traffic),
    ("scenarios", "Scenarios", scenarios),
    ("time", "Where the time went", _time),
    ("pods", "Pods and addons", _pods),
    ("versions", "Versions and checksums", _versions),
    ("stand-ins", "Stand-ins", _stand_ins),
    ("listening", "What listens beyond loopback", _listening),
    ("next", "What to do next", _next),
)
"""Name in the page's addresses, heading, and what draws it, in the page's order."""

PARTS_OF = {
    "links": ("url", "gateway_url", "browser_url", "tunnel", "gateway_method", "ingress_host", "ingress_port",
              "secure_ingress_port", "lab", "versions"),
    "graph": ("graph",),
    "traffic": ("traffic", "prometheus"),
    "pods": ("pods", "addons"),
    "versions": ("versions", "files"),
    "stand-ins": ("stand_ins",),
    "listening": ("listening",),
}  # fmt: skip
"""Section to the parts of a host that it shows. Scenarios and stages say themselves that they are earlier."""


def not_looked_at(host: Host, section: str) -> Markup | None:
    """Return a line that says what of a section this run did not look at, or None if it looked at all of it."""
    words = facts.as_reported(host, *PARTS_OF.get(section, ()))
    return tag("p", f"This run did not look at it. {words}.", class_="muted") if words else None
