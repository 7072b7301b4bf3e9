# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenarios.yml where no cluster can be used: it fails, and does not pass on what an earlier run found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

from ansible_collections.meshlab.istio.plugins.module_utils._report import shape

ROOT = Path(__file__).parents[2]


def test_a_run_that_measured_nothing_fails_and_keeps_what_is_known(tmp_path: Path) -> None:
    earlier = {
        "name": "localhost",
        "url": "http://10.0.0.1/productpage",
        "scenarios": [{"name": "mtls", "passed": True}],
    }
    (tmp_path / "report.json").write_text(json.dumps(shape([earlier])), encoding="utf-8")
    given = {"report_path": str(tmp_path), "lab_kubeconfig": str(tmp_path / "nowhere"), "lab_provider": "existing",
             "ansible_python_interpreter": sys.executable,
             # Other tests on this machine are none of its business.
             "__host_run_lock": f"meshlab-test-{uuid4().hex}"}  # fmt: skip
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local",
         str(ROOT / "playbooks" / "scenarios.yml"), "-e", json.dumps(given)],
        cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    assert done.returncode != 0, done.stdout
    assert "nowhere" in done.stdout, done.stdout[-3000:]
    (host,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["hosts"]
    assert host["scenarios"] == [{"name": "mtls", "passed": True, "earlier": True}]
    suites = ElementTree.parse(tmp_path / "report.xml").getroot()  # noqa: S314 - written a moment ago
    (case,) = suites.findall(".//testcase[@name='mtls']")
    assert case.find("skipped") is not None
