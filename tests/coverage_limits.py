# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what the unit tests covered of module_utils against its limits, and print the table, which comes last."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

LIMITS = {"lines": ("covered_lines", "num_statements", 95), "branches": ("covered_branches", "num_branches", 90)}
"""What is counted: coverage's names for what was covered and for all of it, and the smallest share in percent."""


def complaints(totals: Mapping[str, int]) -> list[str]:
    """Return a sentence for each limit that coverage's totals miss."""
    return [
        f"The unit tests cover {100 * totals[covered] / totals[of]:.1f} % of the {what} of module_utils; "
        f"at least {limit} % are wanted. Add tests for what the table names as missing."
        for what, (covered, of, limit) in LIMITS.items()
        if 100 * totals[covered] < limit * totals[of]
    ]


def main() -> int:
    """Read what `pytest --cov` left; return 1 if a limit is missed."""
    coverage = [sys.executable, "-m", "coverage"]
    measured = subprocess.run([*coverage, "json", "--quiet", "-o", "-"], check=True, stdout=subprocess.PIPE)
    found = complaints(json.loads(measured.stdout)["totals"])
    for sentence in found:
        print(sentence, file=sys.stderr, flush=True)
    subprocess.run([*coverage, "report", "--show-missing", "--skip-covered"], check=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
