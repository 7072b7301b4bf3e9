# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as data, whatever the exit codes say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_analyze as analysis
from ansible_collections.meshlab.istio.plugins.module_utils._command import Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from tests.unit.plugins.fake_istioctl import FIXTURES, FakeIstioctl

FOUND = (FIXTURES / "analyze.json").read_text()
OPTIONS: dict[str, Any] = {
    "kubeconfig": None, "context": "lab", "namespace": None, "all_namespaces": True, "filename": [], "use_kube": True,
    "revision": None, "suppress": [], "timeout": 30.0, "precheck": False, "from_version": None,
    "failure_threshold": None,
}  # fmt: skip


@pytest.fixture
def fake(tmp_path: Path) -> FakeIstioctl:
    fake = FakeIstioctl(tmp_path / "i")
    fake.answer("analyze", FOUND)
    return fake


def test_findings_come_most_severe_first(fake: FakeIstioctl) -> None:
    result = analysis.report({**OPTIONS, "path": fake.path})
    assert [(row["level"], row["code"]) for row in result["findings"]] == [
        ("Error", "IST0101"), ("Error", "IST0101"), ("Warning", "IST0132")
    ]  # fmt: skip
    assert result["findings"][0] == {
        "code": "IST0101",
        "level": "Error",
        "origin": "VirtualService tut/v",
        "reference": "bad.yaml:4",
        "message": 'Referenced gateway not found: "missing"',
        "documentation_url": "https://istio.io/v1.31/docs/reference/config/analysis/ist0101/?ref=istioctl-analyze",
        "cluster": None,
    }
    assert result["counts"] == {"Info": 0, "Warning": 1, "Error": 2}
    assert result["changed"] is False
    assert "precheck" not in result
    assert fake.calls("analyze") == [
        ["analyze", "--output", "json", "--use-kube=true", "--color=false", "--timeout", "30s", "--context", "lab",
         "--all-namespaces", "--"]
    ]  # fmt: skip


def test_every_option_reaches_istioctl(fake: FakeIstioctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-a.yaml").write_text("")
    analysis.analyze(
        fake.tool(), namespace="tut", filename=["-a.yaml"], use_kube=False, revision="r", suppress=["IST0103=Pod *.t"]
    )
    assert fake.calls("analyze") == [
        ["analyze", "--output", "json", "--use-kube=false", "--color=false", "--timeout", "60s", "--namespace", "tut",
         "--revision", "r", "--suppress", "IST0103=Pod *.t", "--", "-a.yaml"]
    ]  # fmt: skip


@pytest.mark.parametrize(("threshold", "fails"), [("Info", True), ("Error", True), (None, False)])
def test_a_threshold_fails_with_all_that_was_found(fake: FakeIstioctl, threshold: str | None, fails: bool) -> None:
    options = {**OPTIONS, "path": fake.path, "failure_threshold": threshold}
    if not fails:
        analysis.report(options)
        return
    with pytest.raises(analysis.FindingsError, match="at least as severe as") as caught:
        analysis.report(options)
    assert len(caught.value.details["findings"]) == 3
    assert "warnings" not in caught.value.details


def test_findings_below_the_threshold_do_not_fail(fake: FakeIstioctl) -> None:
    fake.answer("analyze", json.dumps([{"code": "IST0102", "level": "Info", "origin": "Namespace default"}]))
    assert analysis.report({**OPTIONS, "path": fake.path, "failure_threshold": "Warning"})["counts"]["Info"] == 1


def test_a_missing_namespace_is_an_error_although_istioctl_says_zero(fake: FakeIstioctl) -> None:
    fake.answer("analyze", stderr='namespace "nope" not found\n')
    with pytest.raises(InputError, match='"nope" not found'):
        analysis.analyze(fake.tool(), namespace="nope")


def test_a_file_that_cannot_be_parsed_is_an_error_although_istioctl_says_zero(fake: FakeIstioctl) -> None:
    fake.answer(
        "analyze",
        "2026-11-23T20:07:01Z\twarn\tfile\terror processing broken.yaml[0]: failed converting YAML to JSON\n[]\n",
        "Error(s) adding files: 1 error occurred:\n",
    )
    with pytest.raises(InputError, match=r"broken\.yaml"):
        analysis.analyze(fake.tool(), filename=["broken.yaml"], use_kube=False)


def test_log_lines_in_front_are_skipped(fake: FakeIstioctl) -> None:
    fake.answer("analyze", "2026-11-23T20:07:01Z\twarn\tsomething about a[0]\n" + FOUND)
    assert len(analysis.analyze(fake.tool())) == 3


def test_a_clean_precheck_writes_nothing(fake: FakeIstioctl) -> None:
    fake.answer("experimental precheck", stderr="✔ No issues found when checking the cluster.\n")
    result = analysis.report({**OPTIONS, "path": fake.path, "precheck": True, "from_version": "1.27"})
    assert result["precheck"] == []
    assert fake.calls("experimental precheck")[0][-2:] == ["--from-version", "1.27"]


def test_precheck_findings_are_no_failure_although_istioctl_says_one(fake: FakeIstioctl) -> None:
    message = {"code": "IST0142", "level": "Error", "origin": "(Cluster)", "message": "too old"}
    fake.answer("experimental precheck", json.dumps([message]), "Error: Issues found\n", 1)
    result = analysis.report({**OPTIONS, "path": fake.path, "precheck": True})
    assert result["counts"]["Error"] == 3
    assert result["precheck"][0]["message"] == "too old"


def test_a_precheck_that_fails_otherwise_is_an_error(fake: FakeIstioctl) -> None:
    fake.answer("experimental precheck", stderr="Error: connection refused\n", rc=1)
    with pytest.raises(CommandError, match="connection refused"):
        analysis.precheck(fake.tool())


def test_an_istioctl_without_json_or_from_version_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1\.20"):
        analysis.precheck(FakeIstioctl(tmp_path / "old", "1.19.3").tool())
    newer = FakeIstioctl(tmp_path / "newer", "1.20.0")
    with pytest.raises(InputError, match=r"`from_version`; 1\.21 is the first"):
        analysis.precheck(newer.tool(), from_version="1.19")
    assert newer.calls("experimental precheck") == []


def test_precheck_looks_at_the_revision(fake: FakeIstioctl) -> None:
    fake.answer("experimental precheck")
    analysis.report({**OPTIONS, "path": fake.path, "precheck": True, "revision": "1-30"})
    assert fake.calls("experimental precheck")[0][-2:] == ["--revision", "1-30"]


def test_a_release_that_is_not_known_is_told_of_without_precheck_too(tmp_path: Path) -> None:
    newer = FakeIstioctl(tmp_path / "newer", "1.99.0")
    newer.answer("analyze", FOUND)
    (warning,) = analysis.report({**OPTIONS, "path": newer.path})["warnings"]
    assert "treated as 1.31" in warning


def test_an_unknown_level_counts_as_the_worst() -> None:
    assert analysis.severity("Fatal") > analysis.severity("Error") > analysis.severity("Info")


@pytest.mark.parametrize("output", ["{}", "[", "[1]", '[{"code": 1}]', "words", FOUND[:200]])
def test_anything_else_is_an_error(output: str) -> None:
    with pytest.raises(CommandError, match="not the list of findings"):
        analysis.findings(Completed(("istioctl",), 0, output, "", 0.1))


@given(st.one_of(st.text(), st.integers(0, len(FOUND)).map(lambda end: FOUND[:end])))
def test_no_output_is_a_traceback(output: str) -> None:
    try:
        rows = analysis.findings(Completed(("istioctl",), 0, output, "", 0.1))
    except CommandError:
        return
    assert isinstance(rows, list)
