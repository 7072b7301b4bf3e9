# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server outside the mesh: it counts by name, listens on one address, and goes away."""

from __future__ import annotations

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._http import HttpError, fetch, target
from ansible_collections.meshlab.istio.plugins.module_utils._outside_server import OutsideServer, address_towards
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster


def test_it_answers_counts_and_ends() -> None:
    server = OutsideServer("127.0.0.1")
    url = f"http://127.0.0.1:{server.port}/"
    try:
        for host in ("a.example", "a.example:80", "b.example"):
            assert fetch(target(url, host=host)).status == 200
    finally:
        server.close()
    assert server.hits == {"a.example": 2, "b.example": 1}
    with pytest.raises(HttpError):
        fetch(target(url))


def test_the_address_is_the_one_towards_the_node() -> None:
    addresses = [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "127.0.0.1"}]
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"addresses": addresses}}
    assert address_towards(FakeCluster(node)) == "127.0.0.1"  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="No node has an internal address"):
        address_towards(FakeCluster())  # type: ignore[arg-type]
