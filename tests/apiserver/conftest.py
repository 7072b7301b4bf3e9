# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server that these tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from tests.apiserver.control_plane import PROGRAMS, Controllers, ControlPlane
from tests.lab.cache import COMMAND


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    missing = [str(path) for path in PROGRAMS.values() if not path.is_file()]
    if missing:
        pytest.fail(
            f"Not built yet: {', '.join(missing)}. `{COMMAND} bundle` builds them, and so does `make apiserver`."
        )
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as path:
        yield path


@pytest.fixture(scope="session")
def controllers(kubeconfig: str) -> Iterator[Controllers]:
    thread = Controllers(kubeconfig, Path(kubeconfig).parent / "certs" / "apiserver.crt")
    thread.start()
    yield thread
    thread.ended.set()
    thread.join()


@pytest.fixture
def cluster(kubeconfig: str, controllers: Controllers) -> Iterator[Cluster]:
    controllers.broken.clear()
    yield Cluster(kubeconfig)
    assert controllers.fault is None, "nobody plays the controllers any more: whatever the test says may be due to that"
