# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of commands, and what a failed run leaves, from real runs of ansible-playbook against this machine."""

from __future__ import annotations

import html
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from ansible_collections.meshlab.istio.plugins.callback.commands import commands_of

ROOT = Path(__file__).parents[2]
ROLE = "meshlab.istio.report"


def play(folder: Path, tasks: list[dict[str, Any]], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tasks in a playbook that has the collection's callback beside it, as the collection's playbooks have."""
    (folder / "callback_plugins").symlink_to(ROOT / "playbooks" / "callback_plugins")
    variables = {
        "report_path": str(folder / "report"), "report_provider": "existing", "report_next_steps": [],
        "report_kubeconfig": str(folder / "no-kubeconfig"), "ansible_python_interpreter": sys.executable,
    }  # fmt: skip
    plays = [{"hosts": "all", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    return run(folder, "play.yml", "-i", "lab,", *arguments)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("ansible-playbook")
    environment = {**os.environ, "HOME": str(folder), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    return subprocess.run([str(tool), *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "report/commands/lab.jsonl").read_text().splitlines()]


def test_commands_are_logged_with_their_seconds(tmp_path: Path) -> None:
    done = play(tmp_path, [
        {"name": "Print", "ansible.builtin.command": {"argv": ["printf", "%s", "{{ item }}"]}, "loop": ["a", "b"]},
        {"name": "Secret", "ansible.builtin.command": {"argv": ["true", "--token=abc"]}},
        {"name": "Hidden", "ansible.builtin.command": {"argv": ["true", "hidden"]}, "no_log": True},
        {"name": "Report", "ansible.builtin.import_role": {"name": ROLE}},
    ])  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    ran = log(tmp_path)
    assert [(entry["task"], entry["cmd"], entry["rc"]) for entry in ran] == [
        ("Print", "printf %s a", 0), ("Print", "printf %s b", 0), ("Secret", "true --token=(redacted)", 0),
    ]  # fmt: skip
    assert all(entry["seconds"] >= 0 and entry["at"].endswith("Z") for entry in ran)
    assert "commands" not in json.loads((tmp_path / "report/report.json").read_text())["hosts"][0]


def test_a_failed_run_ends_with_its_own_message_and_the_folder(tmp_path: Path) -> None:
    done = play(tmp_path, [{
        "block": [
            {"name": "Break", "ansible.builtin.command": {"argv": ["sh", "-c", "echo why >&2; exit 7"]}},
            {"name": "Never", "ansible.builtin.command": {"argv": ["touch", str(tmp_path / "never")]}},
        ],
        "rescue": [{"ansible.builtin.import_role": {"name": ROLE, "tasks_from": "failure"}}],
    }])  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert not (tmp_path / "never").exists()
    folder = tmp_path / "report/failure/lab"
    last = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("fatal: "))
    assert json.loads(last.partition(" => ")[2])["msg"] == (
        f"non-zero return code. What was gathered about it is in {folder}"
    )
    index = json.loads((folder / "failure.json").read_text())
    assert (index["task"], index["result"]["rc"], index["result"]["stderr"]) == ("Break", 7, "why")
    assert "no-kubeconfig cannot be used" in index["not_gathered"][0]
    host = json.loads((tmp_path / "report/report.json").read_text())["hosts"][0]
    assert (host["finished"], host["failure"]["task"], host["failure"]["folder"]) == (False, "Break", str(folder))
    failed = ElementTree.parse(tmp_path / "report/report.xml").findall(".//failure")  # noqa: S314 our own
    assert [each.get("message") for each in failed] == ["non-zero return code"]
    assert [(entry["cmd"], entry["rc"]) for entry in log(tmp_path)] == [("sh -c echo why >&2; exit 7", 7)]


def test_a_folder_that_cannot_be_written_does_not_hide_the_failure(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("in the way")
    done = play(tmp_path, [{
        "block": [{"name": "Break", "ansible.builtin.fail": {"msg": "The first failure."}}],
        "rescue": [{"ansible.builtin.import_role": {"name": ROLE, "tasks_from": "failure"}}],
    }])  # fmt: skip
    assert done.returncode == 2
    last = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("fatal: "))
    assert json.loads(last.partition(" => ")[2])["msg"] == "The first failure."


def test_the_collections_playbooks_switch_the_callback_on(tmp_path: Path) -> None:
    mine = [{"ansible.builtin.import_playbook": "meshlab.istio.preflight"}]
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(mine))
    # No task has this tag; to gather facts needs a Python.
    python = f"ansible_python_interpreter={sys.executable}"
    done = run(tmp_path, "mine.yml", "-i", "lab,", "-c", "local", "-e", python, "--tags", "nothing", "-vvvvv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Attempting to use 'meshlab_commands' callback." in done.stdout


def test_commands_of_a_result() -> None:
    inner = {"commands": [{"cmd": "minikube status", "rc": None, "seconds": 3.0, "more": 1}]}
    assert list(commands_of({"results": [inner, {"skipped": True}], "commands": []})) == [
        {"cmd": "minikube status", "rc": None, "seconds": 3.0}
    ]
    assert list(commands_of({"cmd": "a | b", "rc": 1, "delta": "1 day, 2:03:04.500000"})) == [
        {"cmd": "a | b", "rc": 1, "seconds": 93784.5}
    ]
    assert list(commands_of({"msg": "nothing ran", "cmd": ["a"]})) == []


def page_after(folder: Path, given: Sequence[str], **variables: Any) -> str:
    """Return the report's page, as read, after a run on this computer with ``-e`` before each of ``given``."""
    variables |= {"report_path": str(folder / "report"), "ansible_python_interpreter": sys.executable}
    tasks = [{"ansible.builtin.import_role": {"name": ROLE}}]
    plays = [{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    options = [word for each in given for word in ("-e", each)]
    done = run(folder, "play.yml", "-i", "localhost,", "-c", "local", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return html.unescape((folder / "report/report.html").read_text(encoding="utf-8"))


def test_what_comes_next_is_called_as_this_run_was(tmp_path: Path) -> None:
    """On localhost, on a cluster that was there: without the same words the next playbook would ask elsewhere."""
    page = page_after(tmp_path, ["lab_preset=small", "lab_provider=existing", "lab_context=kind-kind"])
    same = "-c local -e lab_preset=small -e lab_provider=existing -e lab_context=kind-kind"
    assert f"ansible-playbook -i localhost, meshlab.istio.teardown {same}" in page


def test_what_comes_next_asks_for_the_same_cluster(tmp_path: Path) -> None:
    """`start` would refuse a cluster with another driver than its default, and who is not root is asked by sudo."""
    given = ["minikube_driver=kvm2", "minikube_memory=6000", '{"minikube_options": {"nodes": 2}}']
    page = page_after(tmp_path, given, ansible_facts={"user_id": "learner"})
    same = f"-c local -e {given[0]} -e {given[1]} -e '{given[2]}'"
    assert f"ansible-playbook -K -i localhost, meshlab.istio.start {same}" in page
    assert f"ansible-playbook -i localhost, meshlab.istio.status {same}" in page


def test_what_comes_next_repeats_every_variable_that_the_run_was_given(tmp_path: Path) -> None:
    """`status` would look into another namespace than the one that was asked for, and `start` wake another lab."""
    (tmp_path / "lab.yml").write_text("istio_version: 1.30.3\n")
    again = [
        "bookinfo_namespace=shop", '{"access_ports": {"kiali": 20002}}', '{"addons_names": ["kiali"]}',
        '{"minikube_start_on_boot": false}', "lab_bundle=/srv/bundle", f"@{tmp_path}/lab.yml",
    ]  # fmt: skip
    # Orders for one run, and what nobody else is to read.
    once = ['{"minikube_recreate": true}', "minikube_delete_foreign=true", "mine=1"]
    given = [*again[:-1], "@lab.yml", *once, "ansible_become_password=hunter2hunter2"]
    page = page_after(tmp_path, given, report_bundle="")
    words = [shlex.quote(word) for word in [*again, "@put-the-secret-ansible_become_password-into-this-file.yml"]]
    same = " ".join(["-c local", *(f"-e {word}" for word in words)])
    for book in ("status", "start", "scenarios", "teardown"):
        assert f"-i localhost, meshlab.istio.{book} {same}\n" in page.replace("</code>", "\n"), book
    assert "hunter2" not in page
    assert "hunter2" not in (tmp_path / "report/report.json").read_text(encoding="utf-8")


def test_what_comes_next_is_limited_as_this_run_was(tmp_path: Path) -> None:
    """A fleet's teardown is not for the hosts that this run left alone."""
    variables = {"report_path": str(tmp_path / "report"), "ansible_python_interpreter": sys.executable}
    tasks = [{"ansible.builtin.import_role": {"name": ROLE}}]
    host = {"connection": "local", "gather_facts": False}
    plays = [{"hosts": "all", **host, "vars": variables, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    given = ["-e", "bookinfo_namespace=shop", "--limit", "lab1"]
    done = run(tmp_path, "play.yml", "-i", "lab1,lab2", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))["next"]
    assert {step["command"].partition("teardown ")[2] for step in steps} - {""} == {
        "-c local --limit lab1 -e bookinfo_namespace=shop"
    }
