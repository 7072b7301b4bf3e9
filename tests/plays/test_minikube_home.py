# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that calls minikube looks into the same folder, whatever way its home is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._minikube import home_directory
from tests.plays import rehearsal

HOMES = {"/data/.minikube/": "/data/.minikube", None: "~/.minikube"}


@pytest.mark.parametrize("given", HOMES)
def test_module_services_and_cache_share_a_home(tmp_path: Path, given: str | None) -> None:
    wanted = HOMES[given]
    options: dict[str, Any] = {"force": True, **({"minikube_home": given} if given else {})}
    calls = rehearsal.Rehearsal(tmp_path).run("1.30.3", istio_version="1.30.3", minikube_options=options)
    (module,) = [call for call in calls if call.action == "minikube"]
    assert home_directory(module.args["minikube_home"]) == wanted
    services = [
        service
        for call in calls
        if call.action == "supervised_services"
        for service in call.args["services"]
        if service["name"].startswith(("cluster-", "tunnel-"))
    ]
    assert [service["name"] for service in services] == ["cluster-minikube", "tunnel-minikube"]
    assert [home_directory(service["environment"]["MINIKUBE_HOME"]) for service in services] == [wanted] * 2
