# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several modules need."""

from __future__ import annotations

import importlib.util

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime


@pytest.fixture
def no_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host before its first run: what reads a kubeconfig is nowhere."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "yaml" else real(name))
    monkeypatch.setattr(_runtime, "PYTHON", "/missing/python3")
