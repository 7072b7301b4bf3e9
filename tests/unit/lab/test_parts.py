# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A version that is changed in one place only is noticed: parts.py, go.mod of each build, the test bed, the roles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.lab import build, parts
from tests.lab.inventory import TEST_BED

ROOT = Path(__file__).resolve().parents[3]
GO_PARTS = {part.name: part for part in parts.GO_PARTS}


def go_mod(name: str) -> str:
    return (build.HERE / "go" / name / "go.mod").read_text()


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def test_every_build_is_a_part() -> None:
    assert {path.parent.name for path in (build.HERE / "go").glob("*/go.mod")} == set(GO_PARTS)


@pytest.mark.parametrize("name", GO_PARTS)
def test_a_part_is_built_from_the_version_that_it_states(name: str) -> None:
    module, version = GO_PARTS[name].origin.removeprefix("Go module ").split(" ")
    required = rf"^(?:require)?\s*{re.escape(module)} {re.escape(version)}(?: //.*)?$"
    assert re.search(required, go_mod(name), re.MULTILINE)
    # Prometheus calls its 3.10.0 v0.310.0, and the module of Istio's development has only a date.
    major, minor, patch = numbers(re.sub("[^0-9.]", "", GO_PARTS[name].version))
    if name != "istio":
        assert version in (f"v{major}.{minor}.{patch}", f"v0.{major}{minor:02}.{patch}")


@pytest.mark.parametrize("name", GO_PARTS)
def test_the_toolchain_is_new_enough(name: str) -> None:
    """No other is downloaded: GOTOOLCHAIN is local."""
    wanted = re.search(r"^go (\S+)$", go_mod(name), re.MULTILINE)
    assert wanted
    assert numbers(parts.GO.split("==")[1]) >= numbers(wanted[1])


def test_kubernetes_is_replaced_by_its_own_staging_modules() -> None:
    replaced = re.findall(r"^\s*k8s\.io/\S+ => k8s\.io/\S+ (\S+)$", go_mod("kubernetes"), re.MULTILINE)
    assert set(replaced) == {parts.KUBERNETES.replace("v1.", "v0.", 1)}


def test_the_test_bed_asks_for_what_is_built() -> None:
    build_bed = yaml.safe_load(TEST_BED.read_text())["build"]
    assert (build_bed["istio_version"], build_bed["istio_tag"]) == (parts.ISTIO, parts.ISTIO)
    assert build_bed["istio_hub"] == parts.ISTIO_HUB


def test_the_roles_ask_for_what_is_built() -> None:
    """The test bed leaves these to the roles' defaults."""
    minikube = yaml.safe_load((ROOT / "roles/minikube/defaults/main.yml").read_text())
    host = yaml.safe_load((ROOT / "roles/host/defaults/main.yml").read_text())
    assert minikube["minikube_version"] == parts.MINIKUBE
    for kubernetes in (minikube["minikube_kubernetes_version"], host["host_kubectl_version"]):
        assert f"default='{parts.KUBERNETES}'" in kubernetes
