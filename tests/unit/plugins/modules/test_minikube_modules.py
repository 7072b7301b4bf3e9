# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules minikube, minikube_info and minikube_preflight_info: their options, documentation and results."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.doc_fragments.minikube import ModuleDocFragment
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import MINIKUBE_OPTIONS, Minikube
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_owner import Note
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_settings import SETTINGS
from ansible_collections.meshlab.istio.plugins.modules import minikube, minikube_info, minikube_preflight_info
from tests.unit.plugins.fake_minikube import FIXTURES, RECORDED, RUNNING

# Answers `version` and `status`, and writes down how it was called.
FAKE = """#!{python} -SE
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "calls"), "a") as calls:
    print(*sys.argv[1:], os.environ["KUBECONFIG"], os.environ["LC_ALL"], file=calls)
with open(os.path.join(here, sys.argv[1])) as answer:
    sys.stdout.write(answer.read())
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with a minikube that runs one cluster and has another that is damaged."""
    monkeypatch.setenv("HOME", str(tmp_path))
    tool = tmp_path / "minikube"
    tool.write_text(FAKE.format(python=sys.executable))
    tool.chmod(0o755)
    (tmp_path / "version").write_text(RECORDED["version"]["stdout"])
    (tmp_path / "status").write_text(json.dumps(RUNNING))
    for name in ("minikube", "other"):
        (tmp_path / ".minikube" / "profiles" / name).mkdir(parents=True)
    shutil.copy(FIXTURES / "profile.json", tmp_path / ".minikube" / "profiles" / "minikube" / "config.json")
    (tmp_path / ".minikube" / "profiles" / "other" / "config.json").write_text("{broken")
    (tmp_path / ".minikube" / "ca.crt").write_text("CA")
    (tmp_path / ".minikube" / "profiles" / "minikube" / "client.crt").write_text("of its own")
    Note(Minikube(home=str(tmp_path)), "minikube").finished("kvm2", {}, started=True)
    return tmp_path


def play(module: ModuleType, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    """Run a module's main() and return what it printed."""
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        module.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert ended.value.code == (1 if result.get("failed") else 0)
    return result


def where(home: Path) -> dict[str, str]:
    """Return the options of every module that asks minikube."""
    return {"path": str(home / "minikube"), "minikube_home": str(home), "kubeconfig": str(home / "kubeconfig")}


def test_a_running_cluster_that_matches_is_only_asked_for_its_status(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = play(minikube, capsys, **where(home), memory=4096, cpus=2, wait=["all"], container_runtime="containerd")
    assert result["changed"] is False
    assert result["before"] == result["after"]
    assert result["after"] == {"state": "started", "memory": 4096, "cpus": 2, "container_runtime": "containerd"}
    assert result["context"] == "minikube"
    assert result["kubeconfig"] == str(home / "kubeconfig")
    assert result["seconds"] < 1
    calls = (home / "calls").read_text().splitlines()
    assert calls == [f"status --profile minikube --output json {home}/kubeconfig C"]
    assert [command["rc"] for command in result["commands"]] == [0]


def test_drift_fails_with_old_and_new(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = play(minikube, capsys, **where(home), memory="12g")
    assert result["failed"] is True
    assert "memory is 4096, asked for 12288" in result["msg"]
    assert result["drift"][0]["effect"] == "minikube warns and keeps the old value"


def test_check_mode_says_what_would_change(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # `force`, because the host of the test may be too small for it.
    result = play(
        minikube, capsys, **where(home), memory="12g", recreate=True, force=True, _ansible_check_mode=True,
        _ansible_diff=True,
    )  # fmt: skip
    assert result["changed"] is True
    assert result["diff"] == {"before": result["before"], "after": result["after"]}
    assert result["after"] == {"state": "started", "memory": 12288}
    assert result["lost"]
    assert [line.split()[0] for line in (home / "calls").read_text().splitlines()] == ["status", "version"]


def test_a_mount_needs_its_directories(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mount_string" in play(minikube, capsys, **where(home), mount=True)["msg"]


def test_info_describes_every_profile(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = play(minikube_info, capsys, **where(home))
    assert result["minikube_version"] == "1.38.1"
    assert [(item["name"], item["state"]) for item in result["profiles"]] == [
        ("minikube", "started"),
        ("other", "damaged"),
    ]
    assert [item["ours"] for item in result["profiles"]] == [True, False]
    assert result["profiles"][0]["settings"]["memory"] == 4096
    assert result["changed"] is False
    one = play(minikube_info, capsys, **where(home), profile="none-such")
    assert [item["state"] for item in one["profiles"]] == ["absent"]


def test_preflight_needs_no_minikube(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = play(minikube_preflight_info, capsys, minikube_home=str(home), memory="1000t", cpus="2")
    assert (result["changed"], result["fit"]) == (False, False)
    assert result["cpus"] == os.cpu_count()
    assert f"`memory` asks for {1000 * 2**20} MiB, the host has {result['memory_mb']}" in result["message"]
    assert [item["check"] for item in result["problems"]].count("memory") == 1


def test_preflight_with_an_amount_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'lots' is not an amount" in play(minikube_preflight_info, capsys, memory="lots")["msg"]


@pytest.mark.parametrize(
    ("module", "spec"),
    [
        (minikube, minikube.ARGUMENTS),
        (minikube_info, {"profile": {"type": "str"}, **MINIKUBE_OPTIONS}),
        (minikube_preflight_info, minikube_preflight_info.ARGUMENTS),
    ],
)
def test_documentation_and_argument_spec_agree(module: ModuleType, spec: dict[str, Any]) -> None:
    document = yaml.safe_load(module.DOCUMENTATION)
    options = dict(document["options"])
    fragments = document.get("extends_documentation_fragment", [])
    if "meshlab.istio.minikube" in fragments:
        options.update(yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"])
    if "meshlab.istio.progress" in fragments:
        options["progress_file"] = {"type": "path", "description": "how far it got"}
    assert set(options) == set(spec)
    for name, option in options.items():
        said = option["description"]
        assert all(isinstance(text, str) for text in ([said] if isinstance(said, str) else said))
        for key in ("type", "default", "choices", "elements"):
            assert option.get(key) == spec[name].get(key), (name, key)


def test_every_setting_is_an_option() -> None:
    assert {setting.option for setting in SETTINGS} <= set(minikube.ARGUMENTS)


@pytest.mark.parametrize("module", [minikube, minikube_info, minikube_preflight_info])
def test_examples_use_options_that_exist(module: ModuleType) -> None:
    name = module.__name__.rsplit(".", maxsplit=1)[-1]
    spec = minikube.ARGUMENTS if module is minikube else {**MINIKUBE_OPTIONS, **minikube_preflight_info.ARGUMENTS}
    tasks = [task for task in yaml.safe_load(module.EXAMPLES) if f"meshlab.istio.{name}" in task]
    assert tasks
    for task in tasks:
        assert set(task[f"meshlab.istio.{name}"] or {}) <= set(spec)


def test_every_returned_value_is_documented(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = {"changed", "diff", "invocation", "warnings"}
    for module, options in (
        (minikube, where(home)),
        (minikube_info, where(home)),
        (minikube_preflight_info, {"minikube_home": str(home)}),
    ):
        result = play(module, capsys, **options)
        assert set(result) - known <= set(yaml.safe_load(module.RETURN))
