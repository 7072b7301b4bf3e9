# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's part of failure_report: a dead API server, a minikube that hangs, a bare host."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED
from ansible_collections.meshlab.istio.plugins.modules import failure_report


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args({"dest": "/unused", **options}), pytest.raises(SystemExit) as ended:
        failure_report.main()
    assert not ended.value.code
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def kubeconfig(folder: Path) -> str:
    """A cluster whose port nobody listens on."""
    path = folder / "config"
    config = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "abc"}}],
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return str(path)


def minikube(folder: Path, script: str) -> str:
    path = folder / "minikube"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_dead_api_server_costs_only_what_it_would_have_told(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    start = home / ".minikube/logs/lastStart.txt"
    start.parent.mkdir(parents=True)
    start.write_text("E1124 it failed, token=abc\n", encoding="utf-8")
    path = minikube(home, 'echo "$@"; echo problem >&2; exit 3')
    result = run(capsys, kubeconfig=kubeconfig(home), context="c", minikube_profile="lab", minikube_path=path)
    assert result["files"] == {
        "minikube.log": "logs --profile lab --length 200\nproblem\n",
        "minikube-last-start.log": f"E1124 it failed, token={REDACTED}\n",
    }
    assert len(result["notes"]) == 3
    assert all("No Kubernetes API answers" in note for note in result["notes"])


def test_a_minikube_that_hangs_is_ended_in_time(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    path = minikube(home, "exec sleep 600")
    started = time.monotonic()
    result = run(capsys, kubeconfig=str(home / "none"), minikube_profile="lab", minikube_path=path, timeout=2)
    assert time.monotonic() - started < 60
    assert result["files"] == {}
    assert "The cluster was not asked: The kubeconfig" in result["notes"][0]
    assert any(note.startswith("minikube's log: ") for note in result["notes"])


def test_minikube_is_asked_only_for_a_profile(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    path = minikube(home, f"touch {home}/asked")
    result = run(capsys, kubeconfig=str(home / "none"), minikube_path=path)
    assert not (home / "asked").exists()
    assert len(result["notes"]) == 1
