#!/usr/bin/env python3
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules with Pythons that have other releases of the Kubernetes client than the pinned one.

    .venv/bin/python tests/client_versions.py DIRECTORY [PYTHON]

Makes an environment for each release in DIRECTORY, with PYTHON (3.10 or newer), and lets Ansible run modules with it
against an API server on loopback, behind a proxy that does not answer and that NO_PROXY lets out. By hand, as the
releases come from the package registry. Exits with 1 if a module fails with one of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.unit.plugins.api_server import Api, kubeconfig
from tests.unit.plugins.loopback import free_port

RELEASES = range(29, 38)
ANSIBLE = Path(sys.executable).with_name("ansible")
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "tutorial"}}
QUERY = "/api/v1/namespaces/istio-system/services/prometheus:9090/proxy/api/v1/query"
PODS = "/api/v1/namespaces/tutorial/pods"
TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("manifests", {"definition": POD, "wait": False}),
    ("manifests", {"definition": POD, "state": "absent", "wait": False}),
    ("workloads_info", {"namespaces": ["tutorial"], "wait": False}),
    ("prometheus_query_info", {"query": "1", "timeout": 0}),
)


def environment(folder: Path, release: int, python: str) -> Path:
    """Return the interpreter of an environment with one release of the client."""
    place = folder / f"v{release}"
    if not (place / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "--no-compile"]
        subprocess.run([*pip, f"kubernetes=={release}.*", "jmespath"], check=True)
    return place / "bin" / "python"


def run(interpreter: Path, module: str, arguments: dict[str, Any]) -> str:
    """Run a module; return what it said when it failed, else nothing."""
    proxy = f"http://127.0.0.1:{free_port()}"
    variables = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": "localhost,127.0.0.1,10.96.0.0/12"}
    command = [
        str(ANSIBLE), "localhost", "--connection=local", "--module-name", f"meshlab.istio.{module}",
        "--extra-vars", json.dumps({"ansible_python_interpreter": str(interpreter)}), "--args", json.dumps(arguments),
    ]  # fmt: skip
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else " ".join((done.stdout + done.stderr).split())


def main(folder: Path, python: str) -> int:
    """Try all releases; return the exit code."""
    failed = 0
    with Api() as api, tempfile.TemporaryDirectory() as scratch:
        for verb in ("GET", "PATCH", "DELETE"):
            api.give(verb, f"{PODS}/a", POD)
        api.give("GET", PODS, {"kind": "PodList", "metadata": {}, "items": []})
        for plural in ("deployments", "statefulsets", "daemonsets", "replicasets"):
            api.give("GET", f"/apis/apps/v1/namespaces/tutorial/{plural}", {"metadata": {}, "items": []})
        api.give("GET", QUERY, {"data": {"resultType": "scalar", "result": [1.0, "1"]}})
        path = kubeconfig(Path(scratch), api.url)
        for release in RELEASES:
            interpreter = environment(folder, release, python)
            for module, arguments in TASKS:
                said = run(interpreter, module, {"kubeconfig": path, **arguments})
                failed += bool(said)
                print(f"kubernetes {release}, {module}: {said[:300] or 'works'}", flush=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else sys.executable))
