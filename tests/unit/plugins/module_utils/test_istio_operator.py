# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IstioOperator that is handed to istioctl."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_plan import rendered
from tests.unit.plugins.fake_istioctl import FakeIstioctl


def gateways(document: dict[str, Any], key: str = "ingressGateways") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["spec"]["components"][key]
    return found


def test_later_ones_win_files_then_spec_then_options_then_set(tmp_path: Path) -> None:
    for name, text in (
        ("a", "spec: {tag: a, hub: a, values: {x: 1, many: [1]}}"),
        ("b", "spec: {hub: b, values: {z: 2}}"),
    ):
        (tmp_path / name).write_text(f"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n{text}\n")
    document = operators.build(
        filename=[str(tmp_path / "a"), str(tmp_path / "b")],
        spec={"values": {"many": [2]}, "meshConfig": {}},
        profile="demo", hub="option", revision="1-30", set_entries=["hub=set", "values.x=7"],
    )  # fmt: skip
    assert document == {
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": {},
        "spec": {
            "tag": "a", "hub": "set", "profile": "demo", "revision": "1-30", "meshConfig": {},
            "values": {"x": 7, "many": [2], "z": 2},
        },
    }  # fmt: skip
    assert operators.revision_of(document) == "1-30"
    assert operators.namespace_of(document) == "istio-system"
    assert operators.value_of(document, "x") == 7
    assert operators.value_of(document, "x", "y") is None


def test_the_default_revision_has_no_name() -> None:
    assert operators.revision_of(operators.build(revision="default")) == ""
    assert operators.revision_of(operators.build(spec={"values": {"revision": "v"}})) == "v"


def test_the_namespace_is_the_one_of_the_values() -> None:
    assert operators.namespace_of(operators.build(spec={"values": {"global": {"istioNamespace": "mesh"}}})) == "mesh"


@pytest.mark.parametrize(("profile", "enabled"), [("demo", True), ("minimal", False), (None, True)])
def test_a_gateway_is_added_to_the_profiles_own(profile: str | None, enabled: bool) -> None:
    document = operators.build(
        profile=profile, spec={"components": {"ingressGateways": [{"name": "mine", "enabled": True}]}}
    )
    assert gateways(document) == [
        {"name": "istio-ingressgateway", "enabled": enabled}, {"name": "mine", "enabled": True}
    ]  # fmt: skip
    assert "egressGateways" not in document["spec"]["components"]


def test_gateways_of_files_and_spec_are_merged_by_name(tmp_path: Path) -> None:
    path = tmp_path / "iop.yaml"
    path.write_text(
        "kind: IstioOperator\nspec: {components: {ingressGateways: [{name: mine, k8s: {replicaCount: 2}}, {k8s: {}}]}}"
    )
    document = operators.build(
        filename=[str(path)], profile="demo",
        spec={"components": {"ingressGateways": [{"name": "mine", "enabled": True}]}},
    )  # fmt: skip
    assert gateways(document) == [
        {"name": "istio-ingressgateway", "enabled": True, "k8s": {}},
        {"name": "mine", "k8s": {"replicaCount": 2}, "enabled": True},
    ]


@pytest.mark.parametrize("step", ["egressGateways[0]", "egressGateways.[name:istio-egressgateway]"])
def test_set_finds_the_profiles_gateway(step: str) -> None:
    document = operators.build(set_entries=[f"components.{step}.enabled=false", "profile=demo"])
    assert gateways(document, "egressGateways") == [{"name": "istio-egressgateway", "enabled": False}]


def test_a_profile_of_ones_own_keeps_its_gateways() -> None:
    document = operators.build(profile="mine", spec={"components": {"ingressGateways": [{"enabled": True}]}})
    assert gateways(document) == [{"name": "istio-ingressgateway", "enabled": True}]


def test_the_file_is_private_exact_and_gone_afterwards(tmp_path: Path) -> None:
    document = operators.build(tag="1.30")
    with operators.written(document, str(tmp_path)) as path:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        assert json.loads(Path(path).read_text()) == document
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is not YAML"),
        ("kind: IstioOperator\nspec: {values: {a: .nan}}\n", "line 2, column 20: JSON has no infinity and no NaN"),
        ("kind: IstioOperator\nspec: &a {values: *a}\n", "line 2, column 19: the value of &a holds itself"),
        ("kind: IstioOperator\nspec: {profile: [demo]}\n", "name of a profile"),
        ("kind: IstioOperator\nspec: {components: [pilot]}\n", "must be a mapping"),
        ("kind: IstioOperator\nspec: {components: {ingressGateways: {}, egressGateways: 5}}\n", "must be a list"),
        ("", "exactly one document"),
        ("kind: IstioOperator\n---\nkind: IstioOperator\n", "it holds 2"),
        ("kind: Service\n", "exactly one document"),
        ("- a\n", "exactly one document"),
        ("kind: IstioOperator\nspec: [1]\n", "`spec`"),
        ("kind: IstioOperator\nmetadata: x\n", "`metadata`"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "iop.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        operators.build(filename=[str(path)])


def test_an_empty_section_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "iop.yaml"
    path.write_text("kind: IstioOperator\nmetadata:\nspec:\n")
    assert operators.build(filename=[str(path)])["spec"] == {}


def test_a_file_is_read_as_istioctl_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "iop.yaml"
    path.write_text("kind: IstioOperator\nspec: {values: {day: 2026-11-23, time: 12:30, ports: {80: a, b: c}}}\n")
    values = operators.build(filename=[str(path)])["spec"]["values"]
    assert values == {"day": "2026-11-23", "time": "12:30", "ports": {"80": "a", "b": "c"}}


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        operators.build(filename=["/nowhere/iop.yaml"])
    with pytest.raises(InputError, match="under `spec:`"):
        operators.build(spec={"kind": "IstioOperator"})
    with pytest.raises(InputError, match="must be a mapping"):
        operators.build(spec={"components": {"ingressGateways": ["x"]}})
    with pytest.raises(InputError, match="name of a profile"):
        operators.build(spec={"profile": ["demo"]})
    with pytest.raises(InputError, match="cannot be read"):
        operators.build(filename=["a\x00b"])


INGRESS = "istio-ingressgateway"


@pytest.mark.parametrize(
    ("overlays", "expected"),
    [
        pytest.param(
            [[{"name": INGRESS, "namespace": "istio-system"}, {"name": INGRESS, "namespace": "team-a"}]],
            [("istio-system", True), ("team-a", None)],
            id="two of one name",
        ),
        pytest.param(
            [[{"name": INGRESS, "namespace": "team-a"}, {"name": INGRESS, "namespace": "istio-system"}]],
            [("istio-system", True), ("team-a", None)],
            id="the profile's comes second",
        ),
        pytest.param(
            [[{"enabled": False}, {"namespace": "team-a"}]], [(None, False), ("team-a", None)], id="without names"
        ),
        pytest.param([[{"namespace": "team-a"}]], [("team-a", True)], id="the profile's is moved"),
        pytest.param(
            [[{"namespace": "team-a"}], [{"namespace": "team-b"}]], [("team-a", True), ("team-b", None)], id="two files"
        ),
        pytest.param(
            [[{"namespace": "team-a"}], [{"name": INGRESS, "enabled": False}]],
            [("team-a", False)],
            id="the only one of its name",
        ),
        pytest.param(
            [[{"namespace": "istio-system"}, {"namespace": "team-a"}], [{"enabled": False}]],
            [("istio-system", False), ("team-a", None)],
            id="that in Istio's namespace",
        ),
        pytest.param(
            [[{"namespace": "team-a"}, {"namespace": "team-b"}], [{"namespace": "team-b", "enabled": False}]],
            [("team-a", True), ("team-b", False)],
            id="one of two",
        ),
    ],
)
def test_a_gateway_is_known_by_name_and_namespace(
    tmp_path: Path, overlays: list[list[dict]], expected: list[tuple[str | None, bool | None]]
) -> None:
    for number, overlay in enumerate(overlays):
        content = {"kind": "IstioOperator", "spec": {"components": {"ingressGateways": overlay}}}
        (tmp_path / str(number)).write_text(json.dumps(content))
    document = operators.build(filename=[str(tmp_path / str(number)) for number in range(len(overlays))])
    assert all(each["name"] == INGRESS for each in gateways(document))
    assert [(each.get("namespace"), each.get("enabled")) for each in gateways(document)] == expected


def test_the_namespace_of_istio_is_that_of_gateways_without_one() -> None:
    document = operators.build(
        spec={"components": {"ingressGateways": [{"namespace": "mesh", "enabled": False}, {"namespace": "team-a"}]}},
        set_entries=["values.global.istioNamespace=mesh"],
    )
    assert [(each.get("namespace"), each.get("enabled")) for each in gateways(document)] == [
        ("mesh", False), ("team-a", None)
    ]  # fmt: skip


def test_a_release_that_knows_gateways_by_name_alone_is_told_apart(tmp_path: Path) -> None:
    two = operators.build(
        spec={"components": {"ingressGateways": [{"namespace": "istio-system"}, {"namespace": "team-a"}]}}
    )
    with pytest.raises(InputError, match=r"^istioctl 1\.23\.6 tells gateways apart by their names alone"):
        rendered(FakeIstioctl(tmp_path / "old", "1.23.6").tool(), two, cluster_specific=False, force=False)
    assert rendered(FakeIstioctl(tmp_path / "new", "1.24.0").tool(), two, cluster_specific=False, force=False)
    one = operators.build(spec={"components": {"ingressGateways": [{"name": "mine"}]}})
    assert rendered(FakeIstioctl(tmp_path / "one", "1.23.6").tool(), one, cluster_specific=False, force=False)
