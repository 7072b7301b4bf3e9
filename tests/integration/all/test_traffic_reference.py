# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mesh_traffic against wrk, both through the lab's gateway, in turns: p50 and p90 are within 10 % of each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.all.lab import CHECKOUT, Lab

ROUNDS = 8


@pytest.mark.parametrize("concurrency", [1, 4])
def test_percentiles_are_those_of_wrk(concurrency: int, lab: Lab, tmp_path: Path, measured: dict[str, Any]) -> None:
    port = lab.ours("gateway_url_info", {"methods": ["node_port"]})["ingress_port"]
    url = f"http://{lab.variables['ansible_host']}:{port}/productpage"
    file = tmp_path / "compared.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.compare_load", url, "--concurrency", str(concurrency), "--rounds",
         str(ROUNDS), "--reference", "wrk", "--evidence", str(file)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert file.exists(), done.stdout + done.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    measured.update({key: found[key] for key in ("medians_ms", "off", "rounds_ms", "versions")})
    assert done.returncode == 0, done.stdout
