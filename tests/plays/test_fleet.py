# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in which a host fails or is gone: it is failed in every output, and nobody's failure hides another's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.plays.rehearsal import ACTION, ANSWERS, GATEWAY, ROOT, Rehearsal

ISTIO = "1.30.3"
ENDED = "the run came to its end"


class Fleet(Rehearsal):
    """Hosts lab1 to lab3 in a rehearsal whose report is a real one."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, real=("report", "stage", "failure_report"))
        self.has(ISTIO)

    def site(self, *playbooks: str, code: int, **variables: Any) -> str:
        """Play as much of it as it takes, and return what was shown."""
        done = self.play(
            *(playbooks or ["site"]), hosts="lab1,lab2,lab3", words=["--tags", "istio,report,canary"],
            istio_version=ISTIO, lab_provider="existing", **variables,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def mine(self, tasks: list[dict[str, Any]], **play: Any) -> subprocess.CompletedProcess[str]:
        """Play a playbook of one's own, with a rescue and the callbacks as the collection's have."""
        (self.directory / "callback_plugins").symlink_to(ROOT / "playbooks" / "callback_plugins")
        role = "meshlab.istio.report"
        block = {
            "block": [*tasks, {"name": "Report", "import_role": {"name": role}}],
            "rescue": [{"name": "Tell why", "import_role": {"name": role, "tasks_from": "failure"}}],
        }
        path = self.directory / "mine.yml"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, **play, "tasks": [block]}]))
        return self.play(str(path), hosts="lab1,lab2,lab3", lab_provider="existing")

    def reported(self) -> dict[str, dict[str, Any]]:
        report = json.loads((self.directory / "meshlab-report/report.json").read_text())
        return {host["name"]: host for host in report["hosts"]}

    def junit(self) -> dict[str, str | None]:
        """Return each host of the run with why it did not come to its end, None for one that did."""
        root = ElementTree.parse(self.directory / "meshlab-report/report.xml").getroot()  # noqa: S314 our own
        found = {}
        for suite in root:
            for case in suite.iter("testcase"):
                if case.get("name") == ENDED:
                    failure = case.find("failure")
                    found[str(suite.get("hostname"))] = None if failure is None else failure.get("message")
        return found


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


GONE = {"unreachable": "No route to host."}
BROKEN = {"failed": True, "msg": "No such image."}


def outcome(fleet: Fleet) -> dict[str, tuple[bool, str | None]]:
    """Return of each host whether it came to its end, and why not; JUnit XML and the page say the same."""
    hosts = fleet.reported()
    said = {name: (host["finished"], host.get("failure", {}).get("message")) for name, host in hosts.items()}
    for name, message in fleet.junit().items():
        assert (message is None) == said[name][0], name
        assert message == said[name][1] or not said[name][1], name
    page = (fleet.directory / "meshlab-report/report.html").read_text(encoding="utf-8")
    assert page.count("The run ended on this host before") == sum(not finished for finished, _why in said.values())
    return said


def test_a_host_that_fails_early_is_failed_though_others_write_the_report(fleet: Fleet) -> None:
    fleet.answers["istioctl_install lab2"] = BROKEN
    shown = fleet.site(code=2)
    assert "No such image. What was gathered about it is in" in shown
    assert outcome(fleet) == {"lab1": (True, None), "lab2": (False, "No such image."), "lab3": (True, None)}
    assert fleet.reported()["lab2"]["failure"]["task"] == "Install Istio"


def test_a_host_that_is_gone_is_failed(fleet: Fleet) -> None:
    fleet.answers |= {"istioctl_install lab2": GONE, "istioctl_install lab3": BROKEN}
    shown = fleet.site(code=4)
    assert "report.html says that it failed on lab2, lab3." in shown
    said = outcome(fleet)
    assert {name: finished for name, (finished, _why) in said.items()} == {"lab1": True, "lab2": False, "lab3": False}
    assert "No route to host." in str(said["lab2"][1])
    assert said["lab3"][1] == "No such image."


def test_no_host_is_left_that_could_report(fleet: Fleet) -> None:
    fleet.site(code=0)
    before = fleet.reported()
    assert outcome(fleet) == dict.fromkeys(before, (True, None))
    fleet.answers["gather_facts"] = GONE
    fleet.site(code=4)
    assert [finished for finished, why in outcome(fleet).values() if "No route to host." in str(why)] == [False] * 3
    # What the run did not come to stays as it was known.
    for name, host in fleet.reported().items():
        assert host["versions"] == before[name]["versions"]
        assert set(host["earlier"]) >= {"versions.ansible", "lab.provider"}


def test_a_host_that_goes_while_others_are_rescued_is_failed(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    (fleet.directory / "ansible_collections/meshlab/istio/plugins/action/failure_report.py").unlink()
    (fleet.directory / "ansible_collections/meshlab/istio/plugins/action/failure_report.py").write_text(ACTION)
    fleet.answers |= {
        "istioctl_install lab2": BROKEN, "istioctl_install lab3": BROKEN, "failure_report lab2": GONE,
        "failure_report": {"message": "No such image.", "folder": ""},
    }  # fmt: skip
    fleet.site(code=4)
    said = outcome(fleet)
    assert {name: finished for name, (finished, _why) in said.items()} == {"lab1": True, "lab2": False, "lab3": False}
    assert "No route to host." in str(said["lab2"][1])
    assert said["lab3"][1] == "No such image."


def test_what_a_run_did_not_look_at_stays_as_it_was_known(fleet: Fleet) -> None:
    """A run of scenarios of which one failed, then a run of a single one, on top of the whole site."""
    entry = {"name": "canary", "passed": False, "at": "2026-11-25T12:00:00Z"}
    fleet.answers |= {
        "istioctl_install": {"version": "1.30.3", "istioctl_version": "1.30.3"},
        "minikube": {"driver": "none", "kubernetes_version": "v1.34.4"},
        "lab_files": {"checked": [{"name": "istioctl", "sha256": "0" * 64}]},
        "scenario": {"failed": True, "msg": "Too few went to v2.", "scenario": entry},
    }
    given: dict[str, Any] = {"hosts": "lab1,", "istio_version": ISTIO}
    assert fleet.play("site", **given).returncode == 0
    before = fleet.reported()["lab1"]
    assert set(before["versions"]) >= {"minikube", "kubernetes", "istio", "istioctl"}
    assert before["lab"]["driver"] == "none"
    once = fleet.play("scenarios", words=["--tags", "canary"], **given)
    assert once.returncode == 2, once.stdout + once.stderr
    assert outcome(fleet) == {"lab1": (False, "Too few went to v2.")}
    fleet.answers["scenario"] = {"scenario": {**entry, "name": "mtls", "passed": True}}
    assert fleet.play("scenarios", words=["--tags", "mtls"], **given).returncode == 0
    host = fleet.reported()["lab1"]
    for part in ("lab", "versions", "url", "ingress_host", "files", "traffic", "prometheus", "pods", "addons"):
        assert host[part] == before[part], part
    stages = [stage["stage"] for stage in before["timings"]]
    assert [stage["stage"] for stage in host["timings"]] == [*stages, "scenarios"]
    assert [stage["stage"] for stage in host["timings"] if not stage.get("earlier")] == ["report", "scenarios"]
    assert [(run["name"], run.get("earlier", False)) for run in host["scenarios"]] == [
        ("canary", True),
        ("mtls", False),
    ]
    marked = set(host["earlier"])
    assert marked >= {"url", "traffic", "lab.driver", "versions.kubernetes", "versions.minikube", "versions.istio"}
    assert "versions.ansible" not in marked
    root = ElementTree.parse(fleet.directory / "meshlab-report/report.xml").getroot()  # noqa: S314 our own
    cases = {case.get("name"): case.find("skipped") is not None for case in root.iter("testcase")}
    assert (cases["all requests are answered 200"], cases["the gateway's URL answers"], cases[ENDED]) == (
        True, True, False,
    )  # fmt: skip


def test_a_start_that_fails_is_reported_and_so_is_the_next_one_that_works(fleet: Fleet) -> None:
    given: dict[str, Any] = {"hosts": "lab1,", "istio_version": ISTIO}
    assert fleet.play("site", words=["--tags", "istio,report"], **given).returncode == 0
    istio = fleet.reported()["lab1"]["versions"]["meshlab.istio"]
    fleet.answers["workloads_info"] = BROKEN
    failed = fleet.play("start", **given)
    assert failed.returncode == 2, failed.stdout + failed.stderr
    assert outcome(fleet) == {"lab1": (False, "No such image.")}
    fleet.answers["workloads_info"] = ANSWERS["workloads_info"]
    works = fleet.play("start", **given)
    assert works.returncode == 0, works.stdout + works.stderr
    assert outcome(fleet) == {"lab1": (True, None)}
    host = fleet.reported()["lab1"]
    assert (host["url"], host["versions"]["meshlab.istio"]) == (GATEWAY, istio)


def test_a_second_playbook_of_the_same_command_is_not_covered_by_the_first(fleet: Fleet) -> None:
    fleet.answers["scenario lab2"] = {"failed": True, "msg": "Too few went to v2."}
    fleet.answers["scenario lab3"] = GONE
    fleet.site("site", "scenarios", code=4)
    said = outcome(fleet)
    assert said["lab1"] == (True, None)
    assert said["lab2"] == (False, "Too few went to v2.")
    assert said["lab3"][0] is False
    assert "No route to host." in str(said["lab3"][1])


FAILS = {"name": "Break", "ansible.builtin.fail": {"msg": "No such image."}, "when": "inventory_hostname == 'lab2'"}
LATER = {"name": "Go on", "ansible.builtin.debug": {"msg": "later"}}
ELSEWHERE = "Nothing failed on this host. The run ended here because it failed on another one."


@pytest.mark.parametrize(
    ("play", "others"),
    [
        ({}, {"lab1": True, "lab3": True}),
        ({"any_errors_fatal": True}, {"lab1": False, "lab3": False}),
        ({"max_fail_percentage": 0}, {"lab1": False, "lab3": False}),
        # The batch of lab2 has no host left, so that of lab3 does not begin.
        ({"serial": 1}, {"lab1": True, "lab3": False}),
        ({"strategy": "free"}, {"lab1": True, "lab3": True}),
    ],
)
def test_however_the_play_goes_on(fleet: Fleet, play: dict[str, Any], others: dict[str, bool]) -> None:
    done = fleet.mine([FAILS, LATER], **play)
    assert done.returncode == 2, done.stdout + done.stderr
    said = outcome(fleet)
    assert said.pop("lab2") == (False, "No such image.")
    assert {name: finished for name, (finished, _why) in said.items()} == others
    # Of a host on which the play did not begin there is nothing to say.
    assert {why for finished, why in said.values() if not finished} <= {None if "serial" in play else ELSEWHERE}


def test_an_addition_to_the_report_does_not_hide_a_failure(fleet: Fleet) -> None:
    done = fleet.mine([FAILS], vars={"report_additions": {"lab": {"room": "12"}, "finished": True}})
    assert done.returncode == 2, done.stdout + done.stderr
    assert outcome(fleet)["lab2"] == (False, "No such image.")
    assert fleet.reported()["lab2"]["lab"]["room"] == "12"


def test_a_host_on_which_all_that_was_asked_for_went_well_is_not_failed(fleet: Fleet) -> None:
    """With tags that leave out the report, the rescue of another host is all that writes one."""
    fleet.answers["istioctl_install lab2"] = BROKEN
    done = fleet.play("site", hosts="lab1,lab2", words=["--tags", "istio"], istio_version=ISTIO)
    assert done.returncode == 2, done.stdout + done.stderr
    assert outcome(fleet) == {"lab1": (True, None), "lab2": (False, "No such image.")}


def test_tags_that_leave_out_the_rescue_leave_the_failure(fleet: Fleet) -> None:
    fleet.answers["istioctl_install lab2"] = BROKEN
    done = fleet.play(
        "site", hosts="lab1,lab2", words=["--tags", "istio", "--skip-tags", "always"], istio_version=ISTIO
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr


def test_check_mode_writes_no_report(fleet: Fleet) -> None:
    fleet.answers["gather_facts lab2"] = GONE
    done = fleet.play("site", hosts="lab1,lab2", words=["--check", "--tags", "report"], istio_version=ISTIO)
    assert done.returncode == 4, done.stdout + done.stderr
    assert not (fleet.directory / "meshlab-report").exists()
