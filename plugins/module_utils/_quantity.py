# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read Kubernetes quantities such as 500m, 1Gi or 2e3."""

from __future__ import annotations

from decimal import Decimal, DecimalException

SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10) ** 3, "M": Decimal(10) ** 6, "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12, "P": Decimal(10) ** 15, "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10, "Mi": Decimal(2) ** 20, "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40, "Pi": Decimal(2) ** 50, "Ei": Decimal(2) ** 60,
}  # fmt: skip
"""apimachinery 0.34.4, pkg/api/resource/suffix.go."""


def quantity(value: str | int | float) -> Decimal:
    """Return a quantity as a number in its base unit (cores, bytes, pieces); 0 for what is none."""
    text = str(value).strip()
    number = text.rstrip("numkKMGTPEi")
    try:
        result = Decimal(number) * SUFFIXES[text[len(number) :]]
    except (DecimalException, KeyError):
        return Decimal(0)
    return result if result.is_finite() else Decimal(0)
