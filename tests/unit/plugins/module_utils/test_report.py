# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's shape, its published schema, what it judges, the terminal summary and the files."""

from __future__ import annotations

import json
import os
import re
import stat
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED
from ansible_collections.meshlab.istio.plugins.module_utils._report import need_ours, shape, write
from ansible_collections.meshlab.istio.plugins.module_utils._report_schema import SCHEMA, SCHEMA_ID, violations
from ansible_collections.meshlab.istio.plugins.module_utils._report_summary import summary
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import histogram

PUBLISHED = Path(__file__).parents[4] / "docs" / "report.schema.json"
SAMPLE: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures/report/sample.json").read_text(encoding="utf-8"))


@pytest.fixture
def works() -> dict[str, Any]:
    """The sample host on which everything is right."""
    host: dict[str, Any] = deepcopy(SAMPLE["hosts"][0])
    return host


def test_published_schema_is_the_one_that_is_used() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == SCHEMA, "write SCHEMA to docs/report.schema.json again"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_report_follows_the_published_schema() -> None:
    report = shape(SAMPLE["hosts"], SAMPLE["next_steps"])
    jsonschema.validate(report, SCHEMA)
    assert [host["name"] for host in report["hosts"]] == ["lab1", "lab2.workshop.example.org", "lab3"]


def test_contract_of_the_design(works: dict[str, Any]) -> None:
    host = shape([works])["hosts"][0]
    assert {
        "name", "gateway_url", "browser_url", "ingress_host", "ingress_port", "secure_ingress_port", "versions",
        "pods", "traffic", "prometheus", "timings", "stand_ins",
    } <= host.keys()  # fmt: skip
    assert {"sent", "status", "latency_ms", "by_version"} <= host["traffic"].keys()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": 3}, "report.hosts[0].name must be text, not 3."),
        ({"traffic": {"sent": -1, "status": {}}}, "report.hosts[0].traffic.sent must be at least 0, not -1."),
        ({"traffic": {"sent": 1}}, "report.hosts[0].traffic lacks status."),
        ({"traffic": {"sent": True, "status": {}}}, "report.hosts[0].traffic.sent must be a whole number, not True."),
        ({"traffic": {"sent": 1, "status": {"200": "1"}}},
         "report.hosts[0].traffic.status.200 must be a whole number, not '1'."),
        ({"traffic": [1]}, "report.hosts[0].traffic must be a dictionary, not [1]."),
        ({"traffic": {"sent": 1, "status": {}, "histogram": [1]}},
         "report.hosts[0].traffic.histogram[0] must be a dictionary, not 1."),
        ({"pods": [{"namespace": "a", "name": "b", "ready": 1}]},
         "report.hosts[0].pods[0].ready must be true or false or text, not 1."),
        ({"timings": [{"stage": "a", "start": 0}]}, "report.hosts[0].timings[0] lacks end."),
    ],
)  # fmt: skip
def test_wrong_shape_is_refused_by_both_validators(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        shape([{"name": "a", **change}])
    assert caught.value.details["violations"] == [sentence]
    assert sentence in caught.value.message
    report = {**shape([]), "hosts": [{"name": "a", **change}]}
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(report)


def test_every_wrong_place_is_named() -> None:
    with pytest.raises(InputError) as caught:
        shape([{}, {"name": "a", "url": 1, "found": [2]}])
    assert len(caught.value.details["violations"]) == 3


def test_another_schema_is_refused() -> None:
    assert list(violations({**shape([]), "schema": "x"}, SCHEMA, "r")) == [
        "r.schema must be 'urn:meshlab:istio:report:1', not 'x'."
    ]


def test_what_is_empty_is_not_known(works: dict[str, Any]) -> None:
    works.update(url="", browser_url=None, later={"kept": None})
    works["graph"]["after"][0]["mtls"] = None
    works["traffic"]["latency_ms"] = {"p50": None}
    works["traffic"]["histogram"] = [{"le_ms": None, "count": 1}]
    host = shape([works])["hosts"][0]
    assert "url" not in host
    assert "browser_url" not in host
    assert "mtls" not in host["graph"]["after"][0]
    assert host["traffic"]["latency_ms"] == {}
    assert host["traffic"]["histogram"] == [{"le_ms": None, "count": 1}]
    assert host["later"] == {"kept": None}


def test_histogram_of_mesh_traffic_fits(works: dict[str, Any]) -> None:
    works["traffic"]["histogram"] = histogram([9.0, 9.5, 30.0])
    buckets = shape([works])["hosts"][0]["traffic"]["histogram"]
    assert buckets[0] == {"le_ms": 10.0, "count": 2}
    assert sum(bucket["count"] for bucket in buckets) == 3


def test_secrets_do_not_reach_the_report(works: dict[str, Any]) -> None:
    works["traffic"]["invocation"] = {"headers": {"Authorization": "Bearer abcdefghij"}}
    works["scenarios"] = [{"name": "jwt", "passed": True, "manifest": "kind: Secret\ndata:\n  key: aHVudGVyMg==\n"}]
    written = json.dumps(shape([works]))
    assert "abcdefghij" not in written
    assert "aHVudGVyMg" not in written
    assert written.count(REDACTED) == 2


def test_a_lab_that_works_has_no_problems(works: dict[str, Any]) -> None:
    assert facts.problems(works) == []
    assert facts.verdict(works) == facts.OK


def _set(host: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for key in parents:
        host = host[int(key)] if isinstance(host, list) else host[key]
    host[int(last) if isinstance(host, list) else last] = value


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("finished", False, "The run ended on this host before everything was done."),
        ("traffic.status", {"200": 98, "503": 2}, "2 of 100 requests were not answered 200."),
        ("prometheus.requests_after", 97, "Prometheus counted 97 of 100 answered requests."),
        ("pods.3.ready", "1/2", "1 of 21 pods are not ready."),
        ("pods.3.ready", False, "1 of 21 pods are not ready."),
        ("pods.3.ready", "0/0", "1 of 21 pods are not ready."),
        ("addons.1.ready", False, "The addon kiali is not ready."),
        ("traffic.thresholds.1.passed", False, "The traffic missed its bound: latency_ms.p99 < 1000, measured 77."),
        ("scenarios", [{"name": "mtls", "passed": False}], "The scenario mtls did not give what was expected."),
    ],
)
def test_each_problem_is_seen(works: dict[str, Any], path: str, value: Any, problem: str) -> None:
    _set(works, path, value)
    assert facts.problems(works) == [problem]
    assert facts.verdict(works) == facts.PROBLEM


def test_without_traffic_nothing_is_proven() -> None:
    assert facts.verdict({"name": "a", "pods": [{"namespace": "x", "name": "y"}]}) == facts.UNKNOWN


def test_stand_ins_are_named_once(works: dict[str, Any]) -> None:
    works["stand_ins"] = [{"name": "kiali", "stands_for": "Kiali 2"}]
    assert facts.stand_ins(works)[0] == ("kiali", "Kiali 2")
    names = [name for name, _what in facts.stand_ins(works)]
    assert names == ["kiali", "grafana", "jaeger", "loki", "bookinfo-images.tar"]
    works["files"] = [{"name": name, "sha256": "aa", "stand_in": True} for name in ("bin/crictl", "r.io/k/kiali:v2.17")]
    assert [name for name, _what in facts.stand_ins(works)] == ["kiali", "grafana", "jaeger", "loki", "crictl"]


@pytest.mark.parametrize(
    ("write_it", "value", "text"),
    [
        (facts.number, 0, "0"), (facts.number, 1234567, "1,234,567"), (facts.number, 31.72, "31.7"),
        (facts.number, 402.7, "403"), (facts.number, "much", "much"), (facts.number, True, "True"),
        (facts.milliseconds, 27.911, "27.9 ms"), (facts.milliseconds, 1250.3, "1.25 s"),
        (facts.seconds, 0, "0 s"), (facts.seconds, 3.15, "3.1 s"), (facts.seconds, 42.6, "43 s"),
        (facts.seconds, 83.6, "1 min 24 s"), (facts.seconds, 3720, "1 h 2 min"),
        (facts.percent, 0, "0 %"), (facts.percent, 1, "100 %"), (facts.percent, 0.1, "10 %"),
        (facts.percent, 0.0004, "< 0.1 %"), (facts.percent, 0.9996, "> 99.9 %"), (facts.percent, 0.143, "14.3 %"),
    ],
)  # fmt: skip
def test_numbers_for_a_person(write_it: Any, value: Any, text: str) -> None:
    assert write_it(value) == text


@pytest.mark.parametrize(
    ("address", "is_link"), [("http://a", True), ("https://a", True), ("javascript:alert(1)", False), (None, False)]
)
def test_only_web_addresses_are_links(address: Any, is_link: bool) -> None:
    assert facts.is_link(address) is is_link


def test_summary_of_a_lab_that_works(works: dict[str, Any]) -> None:
    assert summary(shape([works])["hosts"][0], "there/report.html") == [
        "The Istio lab on lab1 works.",
        "  Found            Sample data for tests: none of these numbers was measured.",
        "  Open             http://192.168.77.2:31380/productpage",
        "  On your computer ssh -N -L 20001:127.0.0.1:20001 root@192.168.77.2",
        "  Dashboards       prometheus http://127.0.0.1:9090, kiali http://127.0.0.1:20001/kiali,"
        " grafana http://127.0.0.1:3000",
        "  On the host      curl http://10.106.41.7:80/productpage   (by LoadBalancer address)",
        "  Then             ssh -L 20001:127.0.0.1:20001 -L 3000:127.0.0.1:3000 root@192.168.77.2"
        "   (Kiali and Grafana on your own computer)",
        "  Versions         minikube 1.38.1, Kubernetes 1.34.4, Istio 1.31.0, istioctl 1.31.0, Ansible 2.19.14,"
        " meshlab.istio 1.0.0, envoy 1.36.2",
        "  Pods             21 of 21 ready",
        "  Traffic          100/100 requests answered 200, p50 27.9 ms, p95 55.3 ms",
        "  Prometheus       100 more requests counted (0 before, 100 after)",
        "  Trace            463ac35c9f6413ad48485a3953bb6124: 9 spans of istio-ingressgateway, productpage.tutorial",
        "  Scenarios        not run",
        "  Stand-ins        kiali, grafana, jaeger, loki, bookinfo-images.tar (not the real programs)",
        "  Time             1 min 24 s",
        "  Report           there/report.html",
    ]


def test_summary_of_a_lab_with_problems() -> None:
    lines = summary(shape([SAMPLE["hosts"][1]])["hosts"][0], None)
    assert lines[0] == "The Istio lab on lab2.workshop.example.org has problems:"
    assert lines[1] == "  ! 19 of 1,000 requests were not answered 200."
    assert "  On your computer ssh -L 8080:10.106.41.7:80 root@lab2.workshop.example.org" in lines
    assert "  Scenarios        3 of 4 passed" in lines
    assert lines[-1] == "  Report           not written (check mode)"


def test_a_tunnel_that_is_also_the_way_to_the_gateway_is_said_once(works: dict[str, Any]) -> None:
    works["tunnel"] = works["browser_url"] = "ssh -N -L 8080:10.0.0.1:80 root@lab1"
    lines = summary(shape([works])["hosts"][0], None)
    assert [line for line in lines if "ssh -N" in line] == ["  On your computer ssh -N -L 8080:10.0.0.1:80 root@lab1"]


def test_what_an_earlier_run_measured_is_told_apart(works: dict[str, Any]) -> None:
    then = "2026-11-25T12:00:00Z"
    works["earlier"] = {"traffic": then, "versions.istio": then, "ingress_host": "2026-11-24T12:00:00Z"}
    works["traffic"]["status"] = {"200": 99}
    works["timings"] = [{**stage, "earlier": True} for stage in works["timings"]]
    host = shape([works])["hosts"][0]
    lines = summary(host, None)
    assert "  ! 1 of 100 requests were not answered 200 (as reported at 2026-11-25T12:00:00Z)." in lines
    assert (
        "  Not looked at    INGRESS_HOST: as reported at 2026-11-24T12:00:00Z;"
        " traffic, Istio: as reported at 2026-11-25T12:00:00Z" in lines
    )
    assert not [line for line in lines if line.startswith("  Time")]


def test_summary_of_nothing_invents_nothing() -> None:
    assert summary({"name": "a"}, None) == [
        "The Istio lab on a: no traffic was measured, so nothing is proven yet.",
        "  Traffic          not run",
        "  Scenarios        not run",
        "  Report           not written (check mode)",
    ]


def test_files_are_private_and_replaced_as_a_whole(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "report"
    write(directory, "report.json", "old")
    write(directory, "report.json", "new")
    assert (directory / "report.json").read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE((directory / "report.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert os.listdir(directory) == ["report.json"]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "report.json", "old")

    def fail(*_names: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match=r"report\.json could not be written: No space left on device"):
        write(tmp_path, "report.json", "new")
    assert os.listdir(tmp_path) == ["report.json"]
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == "old"


def test_directory_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="Give another directory"):
        write(tmp_path / "taken", "report.json", "new")


def test_what_an_earlier_report_kept_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older version left secrets in its report."""
    lost = {"name": "lab2", "failure": {"message": "login failed: --token hunter2"}}
    earlier = {"generated_at": "2026-01-01T00:00:00Z", "hosts": [lost]}
    text = json.dumps(shape([{"name": "lab"}], earlier=earlier, inventory=["lab", "lab2"]))
    assert "login failed" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("name", ["report.json", "report.html", "report.xml"])
def test_files_of_others_by_a_report_s_names_are_not_replaced(tmp_path: Path, name: str) -> None:
    """Such as the JUnit XML of one's own tests, in the folder that report_path names."""
    (tmp_path / name).write_text('{"mine": 1}')
    with pytest.raises(InputError, match=rf"{re.escape(name)}: there already.*may be yours.*report_path"):
        need_ours(tmp_path)
    (tmp_path / name).write_text("")
    need_ours(tmp_path)
    (tmp_path / "report.xml").write_text("<testsuites/>")
    for schema in (SCHEMA_ID, SCHEMA_ID.rpartition(":")[0] + ":0"):
        (tmp_path / "report.json").write_text(json.dumps({"schema": schema, "hosts": []}, indent=2))
        need_ours(tmp_path)
