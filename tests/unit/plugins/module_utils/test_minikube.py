# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""minikube as a command: what it prints, what its codes mean, what its files hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube
from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import (
    Minikube,
    home_directory,
    home_problem,
    release,
)
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_events import Events, explain_exit
from tests.unit.plugins.fake_minikube import HELP, PROFILE, RECORDED, RUNNING, Replay, event


def test_events_of_a_failed_start() -> None:
    told: list[str] = []
    events = Events(told.append)
    for line in RECORDED["start-half-made"]["stdout"].splitlines():
        events.feed(line)
    assert [(step["current"], step["total"], step["name"]) for step in events.steps] == [
        (0, 19, "Initial Minikube Setup"),
        (1, 19, "Selecting Driver"),
        (3, 19, "Starting Node"),
    ]
    assert told[0] == "[0/19] minikube v1.38.1 on Debian 12.11 (docker/amd64)"
    assert any("--force" in warning for warning in events.warnings)
    # The last error is only a box of text; the one with an exit code ended the command.
    assert events.fatal()["name"] == "GUEST_PROVISION"
    assert events.fatal()["exitcode"] == "80"


def test_events_of_a_download_and_a_detour() -> None:
    told: list[str] = []
    events = Events(told.append)
    events.feed(event("download.progress", artifact="preload.tar", progress="0.25"))
    events.feed(event("download.progress", artifact="preload.tar", progress="soon"))
    events.feed(event("step", currentstep="", totalsteps="19", name="Stopping", message="Stopping node"))
    events.feed(event("step", currentstep="²", totalsteps="19", name="Stopping", message="Stopping node"))
    assert told == [
        "downloading preload.tar: 25%",
        "downloading preload.tar: …",
        "Stopping node",
        "Stopping node",
    ]
    assert [step["current"] for step in events.steps] == [None, None]
    assert Events().fatal() == {}


@given(st.one_of(st.text(), st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps)))
def test_no_line_breaks_the_events(line: str) -> None:
    events = Events()
    events.feed(line)
    events.feed('{"type": "io.k8s.sigs.minikube.step", "data": ' + line)
    assert events.steps == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (14, "minikube itself: wrong usage"),
        (29, "resources: not enough CPUs"),
        (65, "driver's provider: not found"),
        (81, "guest: conflict"),
        (106, "control plane: not supported"),
        (2, "interrupted"),
        (137, "signal 9"),
        (125, "unknown"),
    ],
)
def test_exit_codes_in_words(code: int, words: str) -> None:
    assert explain_exit(code) == words


FAILURES = {
    "start-none-not-found": ("PROVIDER_NONE_NOT_FOUND", "iptables must be installed"),
    "start-docker-not-running": ("PROVIDER_DOCKER_NOT_RUNNING", "Start the Docker service"),
    "start-usage": ("MK_USAGE", "No IP address provided"),
    "start-driver-mismatch": ("GUEST_DRIVER_MISMATCH", "`-e minikube_recreate=true`) to replace the cluster."),
    "start-half-made": ("GUEST_PROVISION", "please provide real IP address"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_names_code_reason_and_advice(tmp_path: Path, name: str) -> None:
    logs = tmp_path / ".minikube" / "logs"
    logs.mkdir(parents=True)
    (logs / "lastStart.txt").write_text(
        "I1123 no\n" + "".join(f"E1123 line {number}\nbox\n" for number in range(100)) + "W1123 ╭──╮\n│ no │\n"
    )
    minikube = Replay(tmp_path, lambda _arguments: name)
    with pytest.raises(CommandError) as caught:
        minikube.act(["start", "--driver=none"], timeout=60)
    error, (identity, words) = caught.value, FAILURES[name]
    code = RECORDED[name]["rc"]
    assert f"(exit code {code}, {identity}, {explain_exit(code)})" in error.message
    assert words in error.message
    assert error.details["rc"] == code
    assert error.details["name"] == identity
    assert error.details["cmd"][1:] == ["start", "--driver=none", "--output", "json"]
    assert error.details["stdout"] == RECORDED[name]["stdout"]
    assert error.details["log"][-1] == "E1123 line 99"
    assert len(error.details["log"]) == 25


def test_advice_with_unfilled_fields_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        Replay(tmp_path, lambda _arguments: "start-downgrade").act(["start"], timeout=60)
    assert "Unable to safely downgrade existing Kubernetes v1.34.4 cluster to v1.33.1." in caught.value.message
    assert "{{" in RECORDED["start-downgrade"]["stdout"]
    assert "{{" not in caught.value.message


def test_a_failure_without_events(tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match=r"exit code 14, minikube itself: wrong usage\): Error: unknown flag: --nope"
    ):
        Replay(tmp_path, lambda _arguments: "start-unknown-flag").act(["start"], timeout=60)
    with pytest.raises(CommandError, match=r"minikube stop failed .*: it said nothing\.") as caught:
        Replay(tmp_path, lambda _arguments: {"rc": 1}).act(["stop"], timeout=60)
    assert caught.value.details["log"] == []


def test_a_time_out_names_the_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_self: CommandLineTool, arguments: list[str], on_line: Any, **_more: Any) -> None:
        on_line(event("step", currentstep="11", totalsteps="19", name="Preparing Kubernetes", message="Preparing it"))
        raise CommandError(f"minikube {arguments[0]} did not end within 5 s.", cmd=["x"], rc=None, stdout="", stderr="")

    monkeypatch.setattr(CommandLineTool, "run", hang)
    with pytest.raises(CommandError, match=r"within 5 s\. Its last step was: Preparing it\.") as caught:
        Minikube(home=str(tmp_path)).act(["start"], timeout=5)
    assert caught.value.details["steps"][0]["current"] == 11


def test_a_missing_binary_is_said_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"minikube was not found .* The role meshlab\.istio\.minikube installs it"):
        Minikube("/nowhere/minikube", str(tmp_path)).act(["stop"], timeout=5)


def test_a_held_lock_names_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "mk0.lock"
    lock.touch()
    rows = f"1: FLOCK  ADVISORY  WRITE 4711 08:01:{lock.stat().st_ino} 0 EOF\n2: POSIX ADVISORY READ 1 00:17:1 0 EOF\n"
    (tmp_path / "locks").write_text(rows)
    monkeypatch.setattr(_minikube, "LOCKS", str(tmp_path / "*.lock"))
    monkeypatch.setattr(_minikube, "LOCK_TABLE", str(tmp_path / "locks"))
    said = event("error", exitcode="80", name="GUEST_START", message="failed to acquire lock mk0")
    replay = Replay(tmp_path, lambda _arguments: {"rc": 80, "stdout": said})
    with pytest.raises(CommandError, match="held by process 4711: wait until that one ends"):
        replay.act(["start"], timeout=60)
    monkeypatch.setattr(_minikube, "LOCK_TABLE", str(tmp_path / "none"))
    with pytest.raises(CommandError, match="held by another minikube process"):
        replay.act(["start"], timeout=60)


def test_a_start_that_waited_for_a_lock_names_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """minikube says nothing of the lock that it waits for (seen with v1.38.1)."""

    def hang(_self: CommandLineTool, arguments: list[str], on_line: Any, **_more: Any) -> None:
        on_line(event("step", currentstep="1", totalsteps="19", name="Starting", message="Starting it"))
        raise CommandError(f"minikube {arguments[0]} did not end within 5 s.", cmd=["x"], rc=None, stdout="", stderr="")

    monkeypatch.setattr(CommandLineTool, "run", hang)
    monkeypatch.setattr(_minikube, "_lock_holders", lambda: ["4711"])
    with pytest.raises(CommandError, match=r"was: Starting it\. Its lock is held by process 4711: wait until"):
        Minikube(home=str(tmp_path)).act(["start"], timeout=5)


def test_status_of_every_kind(tmp_path: Path) -> None:
    assert Replay(tmp_path, lambda _arguments: "status-missing").status("minikube") == []
    assert Replay(tmp_path, lambda _arguments: "status-half-made").status("minikube") == []
    assert Replay(tmp_path, lambda _arguments: {"stdout": json.dumps(RUNNING)}).status("minikube") == [RUNNING]
    two = [RUNNING, {**RUNNING, "Worker": True}]
    assert Replay(tmp_path, lambda _arguments: {"rc": 7, "stdout": json.dumps(two)}).status("minikube") == two
    with pytest.raises(CommandError, match="exit code 38, HOST_CONFIG_LOAD"):
        Replay(tmp_path, lambda _arguments: "status-damaged").status("minikube")
    with pytest.raises(CommandError, match="exit code 1, general failure"):
        Replay(tmp_path, lambda _arguments: {"rc": 1, "stdout": "no JSON"}).status("minikube")


@pytest.mark.parametrize("said", ["", "no JSON", "5", '"Running"', "true", "[null]", "[[]]", '[{"Name": "a"}, 3]'])
def test_a_status_of_another_form_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(CommandError, match="minikube status did not tell the status as minikube does") as caught:
        Replay(tmp_path, lambda _arguments: {"stdout": said}).status("minikube")
    assert caught.value.details["stdout"] == said


@pytest.mark.parametrize("said", ["", "null", "5", "[]", "{}", '{"minikubeVersion": null}', "v1.38.1"])
def test_answers_of_another_form_are_refused(tmp_path: Path, said: str) -> None:
    other = Replay(tmp_path, lambda _arguments: {"stdout": said})
    with pytest.raises(CommandError, match="did not tell its version as minikube does"):
        other.version()
    if said != "[]":
        with pytest.raises(CommandError, match="did not tell the Kubernetes versions"):
            other.kubernetes_version("1.34")


def test_profiles_are_read_from_their_files(tmp_path: Path) -> None:
    minikube = Minikube(home=str(tmp_path))
    assert minikube.profiles() == []
    assert minikube.read_profile("minikube") is None
    path = Path(minikube.profile_file("minikube"))
    assert path == tmp_path / ".minikube" / "profiles" / "minikube" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(PROFILE))
    assert minikube.read_profile("minikube") == PROFILE
    assert minikube.profiles() == ["minikube"]
    wrong = ({"KubernetesConfig": "v1"}, {"Nodes": "one"}, {"Nodes": ["one"]}, {"Nodes": [{"Port": "x"}]})
    texts = [json.dumps({**PROFILE, **fields}) for fields in wrong]
    for broken in ("{broken", "[]", "{}", "null", json.dumps(PROFILE)[:500], *texts):
        path.write_text(broken)
        with pytest.raises(InputError, match=r"cannot be read .*`recreate: true`"):
            minikube.read_profile("minikube")


def test_defaults_are_read_from_their_file(tmp_path: Path) -> None:
    minikube = Minikube(home=str(tmp_path))
    assert minikube.defaults() == {}
    path = tmp_path / ".minikube" / "config" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"driver": "kvm2"}')
    assert minikube.defaults() == {"driver": "kvm2"}
    path.write_text("null")
    assert minikube.defaults() == {}


def test_version_is_asked_once_and_must_be_new_enough(tmp_path: Path) -> None:
    minikube = Replay(tmp_path, lambda _arguments: "version")
    assert minikube.version() == (1, 38, 1)
    assert minikube.version() == (1, 38, 1)
    assert len(minikube.asked) == 1
    old = Replay(tmp_path, lambda _arguments: {"stdout": '{"commit": "", "minikubeVersion": "v1.25.2"}'})
    with pytest.raises(InputError, match=r"v1\.25\.2.* is too old: 1\.26 is the first"):
        old.version()


@pytest.mark.parametrize(
    ("wanted", "full"),
    [
        ("v1.34.4", "v1.34.4"),
        ("1.34.4", "v1.34.4"),
        ("1.35.0-rc.1", "v1.35.0-rc.1"),
        ("stable", "v1.35.1"),
        ("latest", "v1.35.1"),
        ("1.34", "v1.34.4"),
        ("v1.35", "v1.35.1"),
    ],
)
def test_kubernetes_versions_become_full_ones(tmp_path: Path, wanted: str, full: str) -> None:
    answers = {"start": {"stdout": HELP}, "config": "defaults"}
    assert Replay(tmp_path, lambda arguments: answers[arguments[0]]).kubernetes_version(wanted) == full


@pytest.mark.parametrize("wanted", ["1.3", "newest-ever", "1.34.x", "", "stable"])
def test_an_unknown_kubernetes_version_is_refused(tmp_path: Path, wanted: str) -> None:
    answers: dict[str, Any] = {"start": {"stdout": "no version here"}, "config": {"stdout": '["v1.34.4"]'}}
    with pytest.raises(InputError, match="does not know the Kubernetes version"):
        Replay(tmp_path, lambda arguments: answers[arguments[0]]).kubernetes_version(wanted)


def test_where_minikube_keeps_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("MINIKUBE_HOME", raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert home_directory(None) == "/home/ada/.minikube"
    assert home_directory("/srv/lab") == "/srv/lab/.minikube"
    assert home_directory("/srv/.minikube") == "/srv/.minikube"
    assert Minikube().kubeconfig == "/home/ada/.kube/config"
    assert Minikube(home="~/lab", kubeconfig="~/lab.yaml").environment == {
        "MINIKUBE_WANTUPDATENOTIFICATION": "false",
        "MINIKUBE_HOME": "/home/ada/lab",
        "KUBECONFIG": "/home/ada/lab.yaml",
    }
    monkeypatch.setenv("KUBECONFIG", f"{os.pathsep}/a{os.pathsep}/b")
    assert Minikube().kubeconfig == "/a"


# What localpath.MiniPath of 1.38.1 makes of each, by Go's own filepath.
HOMES = {
    "/data/lab": "/data/lab/.minikube",
    "/data/lab/": "/data/lab/.minikube",
    "/data/.minikube": "/data/.minikube",
    "/data/.minikube/": "/data/.minikube",
    "/data/.minikube//": "/data/.minikube",
    "/": "/.minikube",
    "//data": "/data/.minikube",
    "/data//.minikube": "/data/.minikube",
    "/data/../.minikube": "/.minikube",
    "/data/.minikube/.": "/data/.minikube/.minikube",
    "/data/.minikube/..": "/data/.minikube",
    "/data/x.minikube": "/data/x.minikube/.minikube",
    "/.minikube": "/.minikube",
}


@pytest.mark.parametrize("variable", HOMES)
def test_a_home_is_read_as_minikube_reads_it(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    assert home_problem(variable) == ""
    assert Minikube(home=variable).home == HOMES[variable]
    monkeypatch.setenv("MINIKUBE_HOME", variable)
    assert Minikube().home == Minikube(home="").home == HOMES[variable]


@pytest.mark.parametrize("relative", ["lab", "./lab", ".minikube", "../lab", "~nobody-of-this-name/lab"])
def test_a_relative_home_is_refused(monkeypatch: pytest.MonkeyPatch, relative: str) -> None:
    """minikube would take it from the folder that it is called in, which is another one at boot."""
    with pytest.raises(InputError, match="Give a full path, such as /data/lab"):
        Minikube(home=relative)
    monkeypatch.setenv("MINIKUBE_HOME", relative)
    with pytest.raises(InputError, match="minikube_home is"):
        Minikube()


def test_a_home_with_a_null_byte_is_refused() -> None:
    with pytest.raises(InputError, match="no path holds a null byte"):
        Minikube(home="/data\0lab")


def test_a_profile_that_is_nested_without_end_is_damaged(tmp_path: Path) -> None:
    minikube = Minikube(home=str(tmp_path))
    path = Path(minikube.profile_file("lab"))
    path.parent.mkdir(parents=True)
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="cannot be read"):
        minikube.read_profile("lab")
    (tmp_path / ".minikube" / "config").mkdir()
    (tmp_path / ".minikube" / "config" / "config.json").write_text("[" * 100_000)
    assert minikube.defaults() == {}


def test_release_reads_numbers() -> None:
    assert release("v1.34.4-rc.1") == (1, 34, 4)
    assert release("devel") == ()
