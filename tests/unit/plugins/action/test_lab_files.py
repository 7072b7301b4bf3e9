# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab_files from end to end, the host being a folder: the action plugin, its transfers, and the module."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.module_utils.testing import patch_module_args
from ansible.plugins.action import ActionBase

from ansible_collections.meshlab.istio.plugins.action import lab_files as action
from ansible_collections.meshlab.istio.plugins.modules import lab_files as module
from tests.unit.plugins.loopback import Reply, Server
from tests.unit.plugins.plugin_utils.test_sources import make_bundle


class Lab(action.ActionModule):
    """The action plugin with a connection that is a shell on this machine."""

    def __init__(self, arguments: dict[str, Any], capsys: pytest.CaptureFixture[str], check_mode: bool = False) -> None:
        self._task = type("Task", (), {"args": arguments, "check_mode": check_mode})()
        self._display = type("Display", (), {"v": lambda *_words, **_options: None})()
        self.capsys = capsys
        self.commands: list[str] = []
        self.breaks_after: int | None = None

    def _execute_module(self, *, module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        assert module_name == "meshlab.istio.lab_files"
        with patch_module_args(module_args), pytest.raises(SystemExit):
            module.main()
        answer: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return answer

    def _low_level_execute_command(self, command: str, in_data: bytes) -> dict[str, Any]:
        self.commands.append(command)
        if self.breaks_after is not None and len(self.commands) > self.breaks_after:
            return {"rc": 255, "stdout": "", "stderr": "ssh: connection closed\n"}
        done = subprocess.run(["sh", "-c", command], input=in_data, capture_output=True)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "host"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    return tmp_path / "host"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    files = {"bin/tool": "the program", "istio-1/bin/istioctl": "ctl", "wheels/a.whl": "wheel", "images/i.tar": "image"}
    return make_bundle(tmp_path / "bundle", files)


def arguments(bundle: Path) -> dict[str, Any]:
    return {
        "bundle": str(bundle),
        "files": [{"path": "bin/tool", "version": "1.2", "dest": "~/bin/tool", "mode": "0755"}],
        "trees": [{"path": "istio-1", "dest": "~/istio"}],
        "wheels": {"requirements": "unused", "python_version": "3.11", "architecture": "x86_64", "dest": "~/wheels"},
    }


def test_a_host_gets_what_it_lacks_and_nothing_the_second_time(
    bundle: Path, host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreseen = Lab(arguments(bundle), capsys, check_mode=True).run(None, {})
    assert (foreseen["changed"], foreseen["sent"], host.exists()) == (True, [], False)
    result = Lab(arguments(bundle), capsys).run(None, {"inventory_hostname": "lab"})
    assert result["diff"] == foreseen["diff"] == {"before": "", "after": "bin/tool\nistio-1\na.whl\n"}
    assert [(one["name"], one["bytes"]) for one in result["sent"]][0::2] == [("bin/tool", 11), ("a.whl", 5)]
    assert (host / "bin/tool").read_text() == "the program"
    assert (host / "istio/bin/istioctl").read_text() == "ctl"
    assert (host / "wheels/a.whl").read_text() == "wheel"
    assert list((host / ".local/share/meshlab/arrivals").iterdir()) == []
    lab = Lab(arguments(bundle), capsys)
    again = lab.run(None, {})
    assert (again["changed"], again["sent"], lab.commands) == (False, [], [])


def test_an_interrupted_transfer_goes_on(
    bundle: Path, host: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action, "CHUNK", 4)
    lab = Lab({"bundle": str(bundle), "files": arguments(bundle)["files"]}, capsys)
    lab.breaks_after = 2
    with pytest.raises(AnsibleError, match=r"^tool could not be sent: ssh: connection closed$"):
        lab.run(None, {})
    result = Lab({"bundle": str(bundle), "files": arguments(bundle)["files"]}, capsys).run(None, {})
    assert [one["bytes"] for one in result["sent"]] == [3]
    assert (host / "bin/tool").read_text() == "the program"


def test_more_than_all_begins_again(bundle: Path, host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {"bundle": str(bundle), "files": arguments(bundle)["files"]}
    lab = Lab(wanted, capsys)
    items, _sources = lab._resolve(action.Bundle(str(bundle)), wanted)
    arrived = Path(module._files.arrival(items[0]))
    arrived.parent.mkdir(parents=True)
    arrived.write_text("much more than the program")
    lab.run(None, {})
    assert (host / "bin/tool").read_text() == "the program"


def test_damage_on_the_way_is_named(bundle: Path, host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The same size, so that only the checksum can tell.
    (bundle / "bin/tool").write_text("THE PROGRAM")
    (bundle / "wheels/a.whl").write_text("WHEEL")
    for name in ("files", "wheels"):
        result = Lab({"bundle": str(bundle), name: arguments(bundle)[name]}, capsys).run(None, {})
        assert result["failed"]
        assert "arrived damaged on this host" in result["msg"]
    assert not (host / "bin/tool").exists()


def test_a_host_without_room_gets_nothing(bundle: Path, host: Path, capsys: pytest.CaptureFixture[str],
                                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(module._files.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=18))
    lab = Lab(arguments(bundle), capsys)
    result = lab.run(None, {})
    assert (result["failed"], lab.commands) == (True, [])
    assert "and has 0 MB. Nothing was sent." in result["msg"]


def test_a_bundle_that_shrinks_meanwhile(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab({}, capsys)
    with pytest.raises(AnsibleError, match="is missing or not 12 bytes long: the bundle is damaged"):
        lab._send(bundle / "bin/tool", "/unused", 0, 12)
    assert lab.commands == []


def test_a_failure_of_the_host_is_passed_on(bundle: Path, host: Path, capsys: pytest.CaptureFixture[str],
                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", "/nonexistent")
    result = Lab({"bundle": str(bundle), "images": "containerd"}, capsys).run(None, {})
    assert result["failed"]
    assert "ctr was not found" in result["msg"]


def test_images_of_a_bundle(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {"images": "containerd"}
    lab = Lab(wanted, capsys)
    items, sources = lab._resolve(action.Bundle(str(bundle)), wanted)
    assert [(one["kind"], one["reference"], one["loader"]) for one in items] == [
        ("image", "registry/name:tag", "containerd")
    ]
    assert sources == [bundle / "images/i.tar"]
    assert lab._resolve(None, wanted) == ([], [])


def test_releases_without_a_bundle(host: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    wheel = tmp_path / "b.whl"
    wheel.write_text("b")
    monkeypatch.setattr(action, "download_wheels", lambda _file, *host: [wheel] if host == ("3.9", "aarch64") else [])
    with Server(lambda _seen: Reply(body=b"release")) as server:
        want = {"path": "bin/tool", "version": "v3", "dest": "~/bin/tool", "url": server.url(),
                "sha256": hashlib.sha256(b"release").hexdigest()}  # fmt: skip
        wheels = {"requirements": "r", "python_version": "3.9", "architecture": "aarch64", "dest": "~/wheels"}
        result = Lab({"files": [want], "wheels": wheels}, capsys).run(None, None)
    assert (host / "bin/tool").read_text() == "release"
    assert result["checked"] == [
        {"kind": "file", "name": "bin/tool", "sha256": want["sha256"], "origin": want["url"], "version": "v3"}
    ]
    assert (host / "wheels/b.whl").read_text() == "b"


def test_what_is_checked_is_said_whether_it_is_sent_or_not(
    bundle: Path, host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = json.loads((bundle / "bundle.json").read_text())
    for entry in listed["files"]:
        entry["origin"] = f"origin of {entry['path']}"
    listed["files"][0]["stand_in"] = True
    (bundle / "bundle.json").write_text(json.dumps(listed))
    sums = {entry["path"]: entry["sha256"] for entry in listed["files"]}
    first = Lab(arguments(bundle), capsys).run(None, {})["checked"]
    tool, tree, istioctl = first
    assert tool == {
        "kind": "file", "name": "bin/tool", "version": "v1.2", "sha256": sums["bin/tool"],
        "origin": "origin of bin/tool", "stand_in": True,
    }  # fmt: skip
    assert istioctl == {
        "kind": "file", "name": "istio-1/bin/istioctl", "version": "v1.2", "sha256": sums["istio-1/bin/istioctl"],
        "origin": "origin of istio-1/bin/istioctl",
    }  # fmt: skip
    assert tree == {**istioctl, "kind": "tree", "name": "istio-1", "sha256": tree["sha256"]}
    assert tree["sha256"] == module._files.sha256_of(action.Bundle(str(bundle)).tree("istio-1"))
    assert Lab(arguments(bundle), capsys).run(None, {})["checked"] == first
    images = {"bundle": str(bundle), "images": "containerd"}
    assert Lab._checked(action.Bundle(str(bundle)), images, []) == [
        {"kind": "image", "name": "registry/name:tag", "sha256": sums["images/i.tar"],
         "origin": "origin of images/i.tar"}
    ]  # fmt: skip
    assert Lab._checked(None, {"images": "containerd"}, []) == []


def test_a_release_that_is_not_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    want = {"path": "bin/tool", "version": "v9", "dest": "~/x", "url": "", "sha256": ""}
    with pytest.raises(AnsibleError, match=r"no checksum for bin/tool v9 on this architecture\. Choose a version that"):
        Lab({"files": [want]}, capsys).run(None, {})


def test_the_module_alone_only_says_that_it_would(capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args({}), pytest.raises(SystemExit):
        module.main()
    assert json.loads(capsys.readouterr().out)["changed"] is False


def test_a_folder_of_the_users_is_refused_before_anything_is_sent(
    bundle: Path, host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (host / "istio").mkdir(parents=True)
    (host / "istio/mine").touch()
    for check_mode in (True, False):
        lab = Lab(arguments(bundle), capsys, check_mode)
        result = lab.run(None, {})
        assert (result["failed"], lab.commands) == (True, [])
        assert "istio-1 belongs at" in result["msg"]
    assert [path.name for path in (host / "istio").iterdir()] == ["mine"]


def test_a_link_into_what_is_brought(bundle: Path, host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    istioctl = {"target": f"{host}/istio/bin/istioctl", "dest": "~/bin/istioctl", "variable": "istio_bin_dir"}
    wanted = {"bundle": str(bundle), "trees": arguments(bundle)["trees"], "links": [istioctl]}
    foreseen = Lab(wanted, capsys, check_mode=True).run(None, {})
    assert (foreseen["changed"], foreseen["diff"]["after"]) == (True, "istio-1\nistioctl\n")
    result = Lab(wanted, capsys).run(None, {})
    assert [one["name"] for one in result["sent"]] == ["istio-1"]
    assert result["diff"] == foreseen["diff"]
    assert (host / "bin/istioctl").read_text() == "ctl"
    assert Lab(wanted, capsys).run(None, {})["changed"] is False


@pytest.mark.parametrize(
    "change",
    [{"dest": None}, {"dest": ""}, {"path": None}, {"path": "../x"}, {"path": "/x"}, {"mode": "rwx"}, {"mode": 0o755},
     {"mode": "9"}, {"mode": ["x"]}],
)  # fmt: skip
def test_a_file_that_is_asked_for_wrongly(
    bundle: Path, host: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    want = {**arguments(bundle)["files"][0], **change}
    with pytest.raises(AnsibleError, match=f"{next(iter(change))} .*must be"):
        Lab({"bundle": str(bundle), "files": [want]}, capsys).run(None, {})
    assert not host.exists()


@pytest.mark.parametrize("want", [None, "x", {"target": "/x"}, {"target": "", "dest": "x"}, {"src": "x", "dest": "y"}])
def test_a_link_that_is_asked_for_wrongly(bundle: Path, capsys: pytest.CaptureFixture[str], want: Any) -> None:
    with pytest.raises(AnsibleError, match=r"link must be"):
        Lab({"bundle": str(bundle), "links": [want]}, capsys).run(None, {})
