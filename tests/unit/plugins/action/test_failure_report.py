# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that a failure leaves on the controller: what is in it, who may read it, and what it never overwrites."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.meshlab.istio.plugins.action import failure_report as action
from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED

GATHERED = {"changed": False, "files": {"events.txt": "one\n", "a/pod.x.yaml": "kind: Pod\n"}, "notes": ["b: late."]}


class Failure(action.ActionModule):
    """The action plugin with a host whose module gives, or raises, ``answer``."""

    def __init__(self, arguments: dict[str, Any], answer: Any = GATHERED, check_mode: bool = False) -> None:
        self._task = type("Task", (), {"args": arguments, "check_mode": check_mode})()
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def _execute_module(self, *, module_name: str, module_args: dict[str, Any], task_vars: Any) -> Any:
        assert module_name == "meshlab.istio.failure_report"
        self.asked.append(module_args)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def no_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})


def index(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / action.INDEX).read_text(encoding="utf-8"))
    return read


def test_folder_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "report/failure/lab"
    failed = {"msg": "It failed.", "rc": 3, "stdout": "token=abc", "invocation": {"x": 1}, "_ansible_no_log": False}
    failure = Failure({"dest": str(folder), "task": "Start", "result": failed})
    result = failure.run(None, {"inventory_hostname": "lab"})
    assert result == {
        "changed": False, "folder": str(folder), "message": "It failed.", "notes": ["b: late."],
        "gathered": ["a/pod.x.yaml", "events.txt", "failure.json"],
    }  # fmt: skip
    assert failure.asked == [{"dest": str(folder)}]
    assert (folder / "a/pod.x.yaml").read_text() == "kind: Pod\n"
    said = index(folder)
    assert (said["host"], said["task"], said["not_gathered"]) == ("lab", "Start", ["b: late."])
    assert said["result"] == {"msg": "It failed.", "rc": 3, "stdout": f"token={REDACTED}"}
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert [path.name for path in folder.parent.iterdir()] == ["lab"]


def test_an_earlier_failure_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    Failure({"dest": str(folder)}).run(None, {})
    Failure({"dest": str(folder)}, {**GATHERED, "files": {"new.txt": "n"}}).run(None, {})
    assert sorted(path.name for path in folder.iterdir()) == ["failure.json", "new.txt"]
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(AnsibleError, match=r"mine holds something else than a failure report\. Give another folder"):
        Failure({"dest": str(other)}).run(None, {})
    assert (other / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (AnsibleConnectionFailure("ssh: no route"), "Nothing could be gathered on the host: ssh: no route"),
        ({"failed": True, "msg": "No Python."}, "Nothing could be gathered on the host: No Python."),
    ],
)
def test_a_host_that_gives_nothing_leaves_a_folder_all_the_same(tmp_path: Path, answer: Any, said: str) -> None:
    result = Failure({"dest": str(tmp_path / "lab"), "result": {"msg": "First."}}, answer).run(None, {})
    assert (result["message"], result["notes"]) == ("First.", [said])
    assert index(tmp_path / "lab")["not_gathered"] == [said]


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b", ".ssh/x", "a/.b", "a/b/c", "", "a\nb"])
def test_a_host_cannot_choose_where_files_go(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep/lab"
    result = Failure({"dest": str(folder)}, {**GATHERED, "files": {name: "x"}}).run(None, {})
    assert result["gathered"] == ["failure.json"]
    assert result["notes"][-1] == f"{name!r}: not a name for a file."
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["failure.json"]


def test_check_mode_asks_and_writes_nothing(tmp_path: Path) -> None:
    failure = Failure({"dest": str(tmp_path / "lab"), "result": {"msg": "m"}}, check_mode=True)
    assert failure.run(None, {})["folder"] == ""
    assert (failure.asked, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "m", "stderr": "s"}, "m"),
        ({"msg": "", "stderr": "s"}, "s"),
        ({"censored": "hidden by no_log"}, "hidden by no_log"),
        ({}, "It gave no reason."),
        ({"msg": "One or more items failed", "results": [
            {"failed": True, "msg": "a"}, {"msg": "fine"}, {"failed": True, "msg": "b"}, {"failed": True, "msg": "a"}]},
         "a b"),
        ({"msg": "All items completed", "results": [{"unreachable": True, "msg": "a"}, {"msg": "fine"}]}, "a"),
    ],
)  # fmt: skip
def test_message_is_what_the_failed_task_or_its_items_said(result: dict[str, Any], message: str) -> None:
    assert action.message_of(result) == message


def test_what_users_put_beside_an_earlier_failure_comes_along(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    Failure({"dest": str(folder)}).run(None, {})
    (folder / "notes.txt").write_text("mine")
    (folder / "deep/er").mkdir(parents=True)
    (folder / "deep/er/notes.txt").write_text("mine too")
    listed = json.loads((folder / "failure.json").read_text())
    listed["files"].remove("events.txt")
    (folder / "failure.json").write_text(json.dumps(listed))
    for _time in range(2):
        Failure({"dest": str(folder)}).run(None, {})
        assert (folder / "notes.txt").read_text() == "mine"
        assert (folder / "deep/er/notes.txt").read_text() == "mine too"
        assert (folder / "events.txt.kept").is_file()
    assert not (folder / "a/pod.x.yaml.kept").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["lab"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(AnsibleError, match=r"could not be written: .*\. Give another folder as dest"):
        Failure({"dest": str(tmp_path / "file/lab")}).run(None, {})


def test_folders_that_had_to_be_made_above_are_private_too(tmp_path: Path) -> None:
    Failure({"dest": str(tmp_path / "report/failure/lab")}).run(None, {})
    for name in ("report", "report/failure"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700, name
