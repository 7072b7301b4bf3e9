# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole tutorial from no cluster to 100 requests: our playbook beside two shell scripts, in turn on the same host.

The scripts are not part of this checkout but beside it, in ../shared/baseline: `seed.sh` is the tutorial as it stands,
`lower-bound.sh` the same work overlapped by hand. With the five addons, as the tutorial has it, and without, as the
scripts were measured before.
The playbook proves more than they do: each pod's sidecar, each addon by its API, the URL from outside, what Prometheus
counted; it waits for istioctl's end before Bookinfo, where the lower bound may leave pods without a sidecar.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.all.lab import CHECKOUT, Lab

ROUNDS = int(os.environ.get("MESHLAB_ROUNDS", "3"))
"""Every one of them takes about seven minutes."""
BASELINE = CHECKOUT.parent / "shared" / "baseline"
MINIKUBE = (
    "--driver=none --container-runtime=containerd --kubernetes-version=v1.34.4 --preload=false --cache-images=false "
    "--auto-update-drivers=false --interactive=false --embed-certs --force "
)
WAIT_FOR_ALL = MINIKUBE + "--wait=all"
WAIT_FOR_LITTLE = MINIKUBE + "--wait=apiserver,default_sa --install-addons=false"
SCRIPTS = {
    "seed.sh": ("seed.sh", WAIT_FOR_ALL),
    "seed.sh with our minikube flags": ("seed.sh", WAIT_FOR_LITTLE),
    "lower-bound.sh": ("lower-bound.sh", WAIT_FOR_LITTLE),
}
"""Way → script and what it gives to `minikube start`."""
OURS = "site.yml"
ANY = ("-e", "minikube_delete_foreign=true")
"""The scripts make clusters without our services."""
ADDONS = {"with addons": "prometheus loki kiali jaeger grafana", "without addons": ""}
LEFT_OUT = {"addons_names": [], "addons_manifests": [], "addons_patches": [], "traffic_prometheus": False}


def of_script(lab: Lab, addons: str, name: str, flags: str) -> dict[str, float]:
    """Run a script; return the seconds that it prints for each step, TOTAL among them."""
    lab.write(f"/root/{name}", (BASELINE / name).read_text(encoding="utf-8"))
    release = lab.istioctl.removesuffix("/bin/istioctl")
    environment = f"REL={release} IOP=/root/baseline-iop.yaml ADDONS='{addons}' MINIKUBE_ARGS='{flags}'"
    rows = lab.ssh(f"{environment} bash /root/{name}").splitlines()
    return {row.rsplit(maxsplit=1)[0].strip(): float(row.rsplit(maxsplit=1)[1]) for row in rows}


def of_playbook(lab: Lab, addons: str, folder: Path) -> dict[str, float]:
    """Run site.yml; return the seconds of each stage, and TOTAL as who runs it has to wait."""
    given = json.dumps({**({} if addons else LEFT_OUT), "report_path": str(folder)})
    started = time.monotonic()
    lab.playbook("site", "-e", given)
    total = round(time.monotonic() - started, 1)
    (host,) = json.loads((folder / "report.json").read_text(encoding="utf-8"))["hosts"]
    stages = {stage["stage"]: round(stage["end"] - stage["start"], 1) for stage in host["timings"]}
    return {**stages, "TOTAL": total}


@pytest.mark.skipif(not BASELINE.is_dir(), reason=f"{BASELINE} has the scripts to compare with, and is not there")
@pytest.mark.usefixtures("whole_lab_afterwards")
@pytest.mark.parametrize("how", ADDONS)
def test_the_playbook_beside_the_scripts(how: str, lab: Lab, tmp_path: Path, measured: dict[str, Any]) -> None:
    """At most twice the lower bound, which waits for all that the playbook waits for.

    seed.sh waits for Deployments only. Loki, the last to be ready, is a StatefulSet, half a minute behind them.
    """
    spec = {"profile": "demo", "hub": lab.variables["istio_hub"], "tag": lab.variables["istio_tag"],
            **lab.variables["istio_spec"]}  # fmt: skip
    operator = {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": spec}
    lab.write("/root/baseline-iop.yaml", yaml.safe_dump(operator))
    rounds: dict[str, list[dict[str, float]]] = {way: [] for way in (*SCRIPTS, OURS)}
    for number in range(ROUNDS):
        for way, found in rounds.items():
            lab.playbook("teardown", *ANY)
            if way == OURS:
                found.append(of_playbook(lab, ADDONS[how], tmp_path / str(number)))
            else:
                found.append(of_script(lab, ADDONS[how], *SCRIPTS[way]))
            measured["rounds"] = rounds
    lab.playbook("teardown", *ANY)
    median = {way: round(statistics.median(each["TOTAL"] for each in found), 1) for way, found in rounds.items()}
    measured["seconds"] = median
    measured["ratio"] = {way: round(median[OURS] / median[way], 2) for way in SCRIPTS}
    assert median[OURS] < 2 * median["lower-bound.sh"]
