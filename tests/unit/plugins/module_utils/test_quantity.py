# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities are compared as numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._quantity import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", "0.5"), ("2", "2"), (2, "2"), ("1Gi", "1073741824"), ("1.5Ki", "1536"), ("64M", "64000000"),
        ("2e3", "2000"), ("1E", "1000000000000000000"), ("100n", "1e-7"), ("", "0"), ("plenty", "0"), ("1Xi", "0"),
        ("NaN", "0"), ("Infinity", "0"), ("1e999999E", "0"),
    ],
)  # fmt: skip
def test_quantity(text: str | int, number: str) -> None:
    assert quantity(text) == Decimal(number)
