# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeconfig_context: the namespace of a context, with a kubectl that keeps it in a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.modules import kubeconfig_context

# `config view --output json` of kubectl 1.34.4 has these fields; without any context, `contexts` is null.
KUBECTL = """#!{python} -SE
import json, os, sys
path = os.environ["KUBECONFIG"]
with open(path) as stream:
    view = json.load(stream)
if sys.argv[1:] == ["config", "view", "--output", "json"]:
    print(json.dumps(view))
else:
    verb, name, namespace = sys.argv[2:]
    assert verb == "set-context", verb
    next(c for c in view["contexts"] if c["name"] == name)["context"]["namespace"] = namespace.split("=")[1]
    with open(path, "w") as stream:
        json.dump(view, stream)
"""


def view(*contexts: tuple[str, str], current: str = "") -> dict[str, Any]:
    entries = [
        {"name": name, "context": {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}}
        for name, namespace in contexts
    ]
    return {"kind": "Config", "apiVersion": "v1", "contexts": entries or None, "current-context": current}


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL.format(python=sys.executable))
    program.chmod(0o755)
    return program


def run(capsys: pytest.CaptureFixture[str], kubectl: Path, **options: Any) -> tuple[int, dict[str, Any]]:
    options = {"kubeconfig": str(kubectl.parent / "config"), "path": str(kubectl), "namespace": "tutorial", **options}
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        kubeconfig_context.main()
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


def test_set_once_in_the_named_context(capsys: pytest.CaptureFixture[str], kubectl: Path) -> None:
    config = kubectl.parent / "config"
    config.write_text(json.dumps(view(("other", "x"), ("minikube", ""), current="other")))
    before = config.read_text()
    code, foreseen = run(capsys, kubectl, context="minikube", _ansible_check_mode=True)
    assert (code, foreseen["changed"], config.read_text()) == (0, True, before)
    code, done = run(capsys, kubectl, context="minikube")
    assert (code, done["changed"], done["context_exists"]) == (0, True, True)
    assert done["diff"] == foreseen["diff"] == {"before": "default\n", "after": "tutorial\n"}
    assert json.loads(config.read_text()) == view(("other", "x"), ("minikube", "tutorial"), current="other")
    assert run(capsys, kubectl, context="minikube")[1]["changed"] is False


def test_the_current_context_without_a_name(capsys: pytest.CaptureFixture[str], kubectl: Path) -> None:
    (kubectl.parent / "config").write_text(json.dumps(view(("a", ""), ("b", ""), current="b")))
    assert run(capsys, kubectl)[0] == 0
    assert json.loads((kubectl.parent / "config").read_text()) == view(("a", ""), ("b", "tutorial"), current="b")


def test_no_such_context(capsys: pytest.CaptureFixture[str], kubectl: Path) -> None:
    (kubectl.parent / "config").write_text(json.dumps(view()))
    code, result = run(capsys, kubectl, context="minikube")
    assert code == 1
    assert result["msg"].startswith("The kubeconfig has no context 'minikube'. Start the cluster first")
    code, result = run(capsys, kubectl, context="minikube", _ansible_check_mode=True)
    assert (code, result["changed"], result["context_exists"]) == (0, True, False)


def test_a_bare_host(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, result = run(capsys, tmp_path / "kubectl", context="minikube", _ansible_check_mode=True)
    assert (code, result["changed"], result["context_exists"]) == (0, True, False)
    code, result = run(capsys, tmp_path / "kubectl", context="minikube")
    assert code == 1
    assert "kubectl was not found" in result["msg"]
