# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html: well-formed, self-contained, escaped, readable, and silent about what was not measured."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._html import VOID
from ansible_collections.meshlab.istio.plugins.module_utils._report import shape
from ansible_collections.meshlab.istio.plugins.module_utils._report_page import page
from ansible_collections.meshlab.istio.plugins.module_utils._report_sections import SECTIONS
from ansible_collections.meshlab.istio.plugins.module_utils._report_style import STYLE

SAMPLE: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures/report/sample.json").read_text(encoding="utf-8"))
LOADING = {"script", "img", "iframe", "link", "object", "embed", "video", "audio", "use", "image", "form"}


class Page(HTMLParser):
    """Reads a page strictly: every element must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words of the page."""
        return "|".join(self.words)

    def values(self, attribute: str) -> list[str]:
        """Every value of an attribute."""
        return [found for _tag, attributes in self.elements if (found := attributes.get(attribute))]


def render(hosts: list[dict[str, Any]], steps: Any = ()) -> Page:
    return Page(page(shape(hosts, steps)))


def test_each_section_says_what_of_it_is_earlier() -> None:
    then = "2026-11-25T12:00:00Z"
    stages = [
        {"stage": "host", "start": 0, "end": 9, "earlier": True, "at": then},
        {"stage": "b", "start": 0, "end": 1},
    ]
    host = {
        **SAMPLE["hosts"][0], "timings": stages,
        "earlier": {"traffic": then, "versions.istio": then, "pods": then, "lab.driver": then},
    }  # fmt: skip
    text = render([host]).text
    said = f"This run did not look at it. {{}}: as reported at {then}."
    for words in ("traffic", "Istio, driver", "pods", "Istio"):
        assert said.format(words) in text, words
    assert text.count("This run did not look at it.") == 4
    assert f"Stages of an earlier run, reported at {then}" in text
    assert "requests answered 200, earlier" in text
    assert "|1 s|time of the run" in text


@pytest.mark.parametrize("hosts", [SAMPLE["hosts"][:1], SAMPLE["hosts"], [{"name": "a"}], []])
def test_page_is_whole_and_loads_nothing(hosts: list[dict[str, Any]]) -> None:
    made = render(hosts, SAMPLE["next_steps"])
    assert not LOADING & {name for name, _attributes in made.elements}
    assert not made.values("src")
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    ids = made.values("id")
    assert len(ids) == len(set(ids))
    inside = {address[1:] for address in made.values("href") if address.startswith("#")}
    assert inside - {"top"} <= set(ids)
    assert all(address.startswith(("#", "http://", "https://")) for address in made.values("href"))


def test_every_measured_thing_is_shown() -> None:
    text = render(SAMPLE["hosts"][1:2], SAMPLE["next_steps"]).text
    for words in (
        "981/1000", "+981", "186 ms", "26/27", "3/4", "4 min 19 s", "ssh -L 8080:10.106.41.7:80", "10.106.41.7:80",
        "INGRESS_HOST", "1.34.4", "productpage", "ratings-v1-7bd6c8b4d9-7d4xq", "mutual TLS", "plain text", "14.3 %",
        "p95  186 ms", "90 %  (883)", "Canary release, 90 to 10", "kind: VirtualService", "90.2 %", "52 requests/s",
        "minikube start", "3fd9a1fa4ae9a3b5f0f2b6c8d0b77f4c2c1f1f4e8c9cf9a44e6c5d4d9b8a7c61", "Kiali 2.17",
        "NodePort of istio-ingressgateway, http2", "The cluster was stopped; it was started again.",
        "curl -s http://10.106.41.7:80/productpage", "meshlab.istio.teardown", "istio_requests_total",
    ):  # fmt: skip
        assert words in text, words


def test_stand_ins_are_marked_where_they_appear() -> None:
    made = render(SAMPLE["hosts"][:1])
    marked = [attributes for _tag, attributes in made.elements if attributes.get("class") == "badge standin"]
    # Four addons, a file, an image, and five rows of the stand-ins' own table: the image is an addon's.
    assert len(marked) == 11
    assert "Stand-ins, not the real programs: kiali, grafana, jaeger, loki, bookinfo-images.tar." in made.text


def test_what_was_not_run_says_so_and_draws_nothing() -> None:
    made = render([{"name": "bare"}])
    assert [heading for _name, heading, _draw in SECTIONS if heading not in made.text] == []
    assert made.text.count("not run|") == 4
    assert "svg" not in {name for name, _attributes in made.elements}
    # Links, lab, graph, traffic, scenarios, time, pods, versions, files, stand-ins, listening, next.
    assert made.values("class").count("empty") == 12


def test_measured_but_empty_differs_from_not_run() -> None:
    host = {"name": "a", "graph": {"before": []}, "listening": [], "traffic": {"sent": 3, "status": {}}}
    text = render([host]).text
    assert "No requests between workloads were counted." in text
    assert "Not measured." in text
    assert "No latency was measured." in text
    assert "No version was recognised in the answers." in text
    assert "Nothing." in text
    assert "0/3" in text


def _hostile(value: Any) -> Any:
    """Put markup into every text of the sample."""
    if isinstance(value, str):
        return f"\"'><script>alert(1)</script>&{value}"
    if isinstance(value, list):
        return [_hostile(item) for item in value]
    if isinstance(value, dict):
        return {key: _hostile(item) for key, item in value.items()}
    return value


def test_nothing_that_is_measured_becomes_markup() -> None:
    hosts = _hostile(deepcopy(SAMPLE["hosts"]))
    for host in hosts:
        for kind in ("lab", "versions"):
            host[kind] = {_hostile(key): value for key, value in host.get(kind, {}).items()}
        if "traffic" in host:
            host["traffic"]["by_version"] = {"<script>": 1}
            host["traffic"]["status"] = {"<script>": 1}
            host["traffic"]["errors"] = {"<script>": 1}
    made = render(hosts, _hostile(SAMPLE["next_steps"]))
    assert "script" not in {name for name, _attributes in made.elements}
    assert not [key for _tag, attributes in made.elements for key in attributes if key.startswith("on")]
    assert {address for address in made.values("href") if not address.startswith("#")} == set()


def test_what_is_no_web_address_is_no_link() -> None:
    host = {"name": "a", "url": "javascript:alert(1)", "browser_url": "ssh -L 1:2:3 x",
            "addons": [{"name": "kiali", "url": "javascript:alert(2)"}]}  # fmt: skip
    made = render([host])
    assert not [address for address in made.values("href") if not address.startswith("#")]
    assert "Open the bookstore" not in made.text


def test_several_hosts_have_an_index_with_one_row_each() -> None:
    made = render(SAMPLE["hosts"])
    assert "1 of 3 hosts have a lab that is proven to work." in made.text
    rows = [address for address in made.values("href") if re.fullmatch(r"#host-\d", address)]
    assert rows == ["#host-1", "#host-2", "#host-3"]
    assert made.values("class").count("host of-many") == 3


def test_one_host_has_no_index() -> None:
    made = render(SAMPLE["hosts"][:1])
    assert "index" not in made.values("class")
    assert "All hosts" not in made.text


def test_call_to_oneself_is_left_to_the_table() -> None:
    made = render([{"name": "a", "graph": {"after": [{"source": "x", "destination": "x", "requests": 7}]}}])
    assert "svg" not in {name for name, _attributes in made.elements}
    assert "to x" in made.text.replace("|", "")
    assert "|7|" in made.text


def test_graph_after_says_that_it_is_the_difference_and_shows_rates() -> None:
    edges = [
        {"source": "x", "destination": "y", "requests": 36, "rate": 2.0, "error_share": 0, "mtls": False,
         "mtls_share": 0.5},
        {"source": "y", "destination": "z", "requests": 0, "rate": 0},
    ]  # fmt: skip
    graph = {"before": [], "after": edges, "seconds": 18.0, "kiali": {"nodes": 9, "edges": 8}}
    made = render([{"name": "a", "graph": graph}])
    assert "Requests a second between the two readings, 18 s apart, and nothing from before." in made.text
    assert "Kiali's own graph of the last minute: 9 nodes, 8 edges. In use here: 2 nodes, 1 edge." in made.text
    assert "36|2/s|" in made.text
    assert "|mutual TLS for 50 %|" in made.text
    assert "|idle|" in made.text
    assert [kind for kind in made.values("class") if kind.startswith("edge")] == ["edge", "edge idle"]


def test_images_checksums_are_folded_away() -> None:
    files = [{"kind": "file", "name": "bin/minikube", "version": "v1.38.1", "sha256": "aa", "origin": "there"},
             {"kind": "tree", "name": "istio-1.30.3", "version": "1.30.3", "sha256": "bb"},
             {"kind": "image", "name": "docker.io/istio/pilot:1.30.3", "sha256": "cc"}]  # fmt: skip
    text = render([{"name": "a", "files": files}]).text
    assert text.index("bin/minikube") < text.index("istio-1.30.3") < text.index("Container images (1)")
    assert text.index("Container images (1)") < text.index("pilot") < text.index("cc")
    assert text.count("1.30.3") == 2
    assert "v1.38.1" in text
    assert "No checksums were reported." not in text


def test_single_scenario_with_the_least_it_can_say() -> None:
    text = render([{"name": "a", "scenarios": [{"name": "mtls", "passed": False, "picture": {}}]}]).text
    assert "mtls|failed" in text
    assert "0/1" in text


def test_charts_say_in_words_what_they_show() -> None:
    made = render(SAMPLE["hosts"])
    charts = [attributes for name, attributes in made.elements if name == "svg" and "class" in attributes]
    assert len(charts) >= 10
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})\b", block))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


LIGHT, DARK = (_colours(block) for block in re.findall(r":root\{(.*?)\}", STYLE, re.S))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "behind"),
    [
        ("text", "page"), ("text", "card"), ("text", "soft"), ("muted", "page"), ("muted", "card"), ("muted", "soft"),
        ("link", "page"), ("link", "card"), ("on-strong", "strong"), ("ok", "card"), ("ok", "ok-soft"), ("bad", "card"),
        ("bad", "bad-soft"), ("warn", "warn-soft"),
    ],
)  # fmt: skip
def test_text_has_enough_contrast(theme: dict[str, str], text: str, behind: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    bright, dim = sorted((_luminance(theme[text]), _luminance(theme[behind])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("series", ["s0", "s1", "s2", "s3", "s4", "s5"])
def test_bars_have_enough_contrast(theme: dict[str, str], series: str) -> None:
    """WCAG 2.2, 1.4.11: at least 3 to 1 for what must be seen in a picture."""
    bright, dim = sorted((_luminance(theme[series]), _luminance(theme["card"])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 3
