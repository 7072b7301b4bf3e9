# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html: one page that loads nothing and needs no script; with several hosts it opens on an index of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts
from ansible_collections.meshlab.istio.plugins.module_utils._html import Markup, document, tag
from ansible_collections.meshlab.istio.plugins.module_utils._report_facts import Host
from ansible_collections.meshlab.istio.plugins.module_utils._report_parts import table
from ansible_collections.meshlab.istio.plugins.module_utils._report_sections import SECTIONS, commands, not_looked_at
from ansible_collections.meshlab.istio.plugins.module_utils._report_style import STYLE

_VERDICTS = {facts.OK: "works", facts.PROBLEM: "has problems", facts.UNKNOWN: "not proven"}


def page(report: dict[str, Any]) -> str:
    """Return the page for a report in the shape of ``_report_schema.SCHEMA``."""
    steps = report["next"]
    hosts = [{**host, "next": [*host.get("next", []), *steps]} for host in report["hosts"]]
    many = len(hosts) != 1
    parts = [_index(hosts, steps)] if many else []
    parts += [_host(host, f"host-{number}", many) for number, host in enumerate(hosts, 1)]
    title = "Istio labs" if many else f"Istio lab on {hosts[0]['name']}"
    written = tag(
        "footer", f"Written by meshlab.istio at {report['generated_at']} (UTC). The same as data: report.json."
    )
    return document(title, STYLE, tag("main", parts, written))


def _index(hosts: list[Host], steps: list[dict[str, Any]]) -> Markup:
    rows = []
    for number, host in enumerate(hosts, 1):
        good, took = facts.answered(host), facts.total_seconds(host)
        address = host.get("browser_url", host.get("url"))
        name = tag("a", host["name"], href=f"#host-{number}")
        rows.append([
            (name, " ", _badge(host), tag("small", address) if address else None),
            (f"{good[0]}/{good[1]}", tag("small", "earlier") if facts.earlier(host, "traffic") else None)
            if good else "not run",
            facts.seconds(took) if took is not None else "",
        ])  # fmt: skip
    works = sum(facts.verdict(host) == facts.OK for host in hosts)
    return tag(
        "section",
        tag("header", tag("p", "meshlab.istio", class_="kicker"), tag("h1", "Istio labs")),
        tag("p", f"{works} of {len(hosts)} hosts have a lab that is proven to work."),
        tag("div", table(["Host", "Answered 200", "Time"], rows, numeric=(1, 2)), class_="card"),
        (tag("h2", "What to do next"), tag("div", commands(steps), class_="card")) if steps else None,
        class_="index",
    )


def _host(host: Host, anchor: str, many: bool) -> Markup:
    contents = [tag("li", tag("a", heading, href=f"#{anchor}-{name}")) for name, heading, _draw in SECTIONS]
    sections = [
        tag("section", tag("h2", heading, id=f"{anchor}-{name}"), not_looked_at(host, name), draw(host))
        for name, heading, draw in SECTIONS
    ]
    back = (tag("a", "All hosts", href="#top"), " / ") if many else None
    return tag(
        "article",
        tag(
            "header",
            tag("p", back, "Istio lab on", class_="kicker"),
            tag("div", tag("h1", host["name"]), _badge(host), class_="title"),
            _notes(host),
            _buttons(host),
            _tiles(host),
            tag("nav", tag("ul", contents, class_="contents"), aria_label=f"Contents for {host['name']}"),
        ),
        sections,
        id=anchor,
        class_="host of-many" if many else "host",
    )


def _badge(host: Host) -> Markup:
    state = facts.verdict(host)
    return tag("span", _VERDICTS[state], class_=f"badge {state}")


def _notes(host: Host) -> list[Markup | None]:
    """Return what a reader must know before the numbers: problems, what was found, what is not real."""
    wrong, found, instead = facts.problems(host), host.get("found", []), facts.stand_ins(host)
    names = ", ".join(name for name, _what in instead)
    return [
        _note("problem", wrong) if wrong else None,
        _note("", found, "What the run found") if found else None,
        _note("standin", [f"Stand-ins, not the real programs: {names}."]) if instead else None,
    ]


def _note(kind: str, sentences: list[str], title: str | None = None) -> Markup:
    inside = tag("ul", [tag("li", text) for text in sentences]) if len(sentences) > 1 else tag("p", sentences)
    return tag("div", tag("b", title) if title else None, inside, class_=f"note {kind}".strip())


def _buttons(host: Host) -> Markup | None:
    main = host.get("browser_url", host.get("url"))
    links = [tag("a", "Open the bookstore", href=main, class_="button main")] if facts.is_link(main) else []
    links += [
        tag("a", addon["name"].capitalize(), href=addon["url"], class_="button")
        for addon in host.get("addons", [])
        if facts.is_link(addon.get("url"))
    ]
    return tag("div", links, class_="buttons") if links else None


def _tiles(host: Host) -> Markup:
    good, grown, pods = facts.answered(host), facts.increase(host), facts.pods_ready(host)
    took = facts.total_seconds(host)
    latency = host.get("traffic", {}).get("latency_ms", {})
    runs = host.get("scenarios")
    passed = sum(run["passed"] for run in runs or [])
    arrived = None if grown is None or good is None else grown >= good[0]

    def words(text: str, part: str) -> str:
        return f"{text}, earlier" if facts.earlier(host, part) else text

    return tag(
        "div",
        _tile(
            f"{good[0]}/{good[1]}" if good else None,
            words("requests answered 200", "traffic"),
            good and good[0] == good[1],
        ),
        _tile(
            None if grown is None else f"+{facts.number(grown)}", words("counted by Prometheus", "prometheus"), arrived
        ),
        _tile(
            facts.milliseconds(latency["p95"]) if "p95" in latency else None,
            words("latency, 95th percentile", "traffic"),
        ),
        _tile(
            f"{pods[0]}/{pods[1]}" if pods else None,
            words("pods ready", "pods"),
            pods and pods[0] == pods[1],
            "not known",
        ),
        _tile(f"{passed}/{len(runs)}" if runs else None, "scenarios passed", passed == len(runs) if runs else None),
        _tile(None if took is None else facts.seconds(took), "time of the run", None, "not known"),
        class_="tiles",
    )


def _tile(value: str | None, words: str, good: bool | None = None, without: str = "not run") -> Markup:
    if value is None:
        return tag("div", tag("b", without), tag("span", words), class_="tile none")
    state = "" if good is None else facts.OK if good else facts.PROBLEM
    return tag("div", tag("b", value), tag("span", words), class_=f"tile {state}".strip())
