# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit tests of module_utils share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_owner as owner


@pytest.fixture(autouse=True)
def no_cluster_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a minikube cluster of who runs the tests out of them."""
    monkeypatch.setattr(owner, "HOST_CA", str(tmp_path / "no-ca.crt"))
    monkeypatch.setattr(owner, "HOST_KUBERNETES", str(tmp_path / "no-kubernetes"))
    monkeypatch.setattr(owner, "ENGINES", {})
