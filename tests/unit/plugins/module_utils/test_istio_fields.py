# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A field that Istio does not know is named with its place, as ``istioctl validate`` finds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_analyze as analysis
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from tests.unit.plugins.fake_istioctl import FakeIstioctl

MISSPELT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: lab-edge}
spec:
  hosts: [reviews]
  http:
  - timout: 3s
    route:
    - destination: {host: reviews}
"""
FINDING = {
    "code": "IST0106",
    "level": "Error",
    "origin": "VirtualService lab-edge/reviews",
    "message": 'Schema validation error: unknown field "timout" in istio.networking.v1alpha3.HTTPRoute, '
    "at spec.http[0].timout",
    "documentation_url": "https://istio.io/v1.31/docs/reference/config/analysis/ist0106/",
    "cluster": None,
}

VALIDATE = """#!{python} -IS
import json, os, sys
# Knows `timout`, `hots` and `spce`, in the words of istioctl 1.31.0-dev.
PARSE = " cannot parse proto message: "
said = []
for text in sys.stdin.read().split("\\n---\\n"):
    obj = json.loads(text)
    name = "%s/%s/%s:" % (obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"])
    if "timout" in json.dumps(obj.get("spec")):
        said.append(name + PARSE + 'unknown field "timout" in istio.networking.v1alpha3.HTTPRoute')
    elif "hots" in json.dumps(obj.get("spec")):
        said.append(name + PARSE + 'unknown field "hots" in istio.networking.v1alpha3.VirtualService')
    elif "spce" in obj:
        said.append(name + ' unknown field "spce"')
    elif "profle" in json.dumps(obj.get("spec")):
        said.append(name + ' could not unmarshal: json: unknown field "profle"')
    elif obj.get("spec") == 5:
        said.append(name + PARSE + "json: cannot unmarshal number into Go value of type map[string]json.RawMessage")
    elif not obj.get("spec"):
        said.append(name + " http, tcp or tls must be provided in virtual service")
with open(os.path.dirname(os.path.abspath(__file__)) + "/calls", "a") as stream:
    stream.write(json.dumps(sys.argv[1:]) + "\\n")
if said:
    sys.exit("Error: %d errors occurred:\\n\\t* %s\\n\\n" % (len(said), "\\n\\t* ".join(said)))
print('validation succeed')
"""


@pytest.fixture
def fake(tmp_path: Path) -> FakeIstioctl:
    fake = FakeIstioctl(tmp_path / "i")
    fake.answer("analyze", "[]\n")
    fake.program("validate", VALIDATE)
    return fake


def analyze(fake: FakeIstioctl, *filename: Path, **options: Any) -> list[dict[str, Any]]:
    return analysis.analyze(fake.tool(), filename=[str(path) for path in filename], use_kube=False, **options)


def test_a_misspelt_field_is_named_with_its_place(fake: FakeIstioctl, tmp_path: Path) -> None:
    path = tmp_path / "misspelt.yaml"
    path.write_text(MISSPELT)
    assert analyze(fake, path) == [{**FINDING, "reference": f"{path}:7"}]


def test_every_field_of_every_object_is_named(fake: FakeIstioctl, tmp_path: Path) -> None:
    """validate names one field of an object, whichever comes first, and passes over Lists."""
    items = [
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"},
         "spec": {"hots": [], "http": [{"timout": "1s"}, {"route": [], "timout": "2s"}]}},
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}, "spce": {}},
        {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "metadata": {"name": "o"},
         "spec": {"profle": "demo"}},
        {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "n"}, "spec": 5},
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "e"}, "spec": {}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"hots": 1}},
    ]  # fmt: skip
    folder = tmp_path / "files" / "deeper"
    folder.mkdir(parents=True)
    (folder / "list.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    (folder / "notes.txt").write_text(MISSPELT)
    rows = analyze(fake, tmp_path / "files", namespace="team")
    assert sorted((row["origin"], row["message"].removeprefix("Schema validation error: ")) for row in rows) == [
        ("Gateway team/n", "json: cannot unmarshal number into Go value of type map[string]json.RawMessage"),
        ("IstioOperator team/o", 'unknown field "profle", at spec.profle'),
        ("VirtualService team/a", 'unknown field "hots" in istio.networking.v1alpha3.VirtualService, at spec.hots'),
        ("VirtualService team/a", 'unknown field "spce", at spce'),
        ("VirtualService team/a", 'unknown field "timout" in istio.networking.v1alpha3.HTTPRoute, '
         "at spec.http[0].timout or spec.http[1].timout"),
    ]  # fmt: skip
    # Its text is one line.
    assert {row["reference"] for row in rows if "unknown" in row["message"]} == {f"{folder / 'list.json'}:1"}


def test_it_can_be_suppressed(fake: FakeIstioctl, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MISSPELT)
    for entry, there in (
        ("IST0106=VirtualService *.lab-edge", False),
        ("IST0106=VirtualService reviews.lab-edge", False),
        ("IST0106=VirtualService *.other", True),
        ("IST0101=VirtualService *.lab-edge", True),
    ):
        assert bool(analyze(fake, tmp_path / "a.yaml", suppress=[entry])) is there


def test_it_counts_for_the_threshold(fake: FakeIstioctl, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MISSPELT)
    options = {
        "path": fake.path, "kubeconfig": None, "context": None, "namespace": None, "all_namespaces": False,
        "filename": [str(tmp_path / "a.yaml")], "use_kube": False, "revision": None, "suppress": [], "timeout": 9.0,
        "precheck": False, "from_version": None, "failure_threshold": "Error",
    }  # fmt: skip
    with pytest.raises(analysis.FindingsError, match=r"IST0106 .VirtualService lab-edge/reviews.: Schema validation"):
        analysis.report(options)


def test_what_is_no_configuration_of_istio_is_not_asked_for(fake: FakeIstioctl, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\njust text\n---\n- a\n")
    assert analyze(fake, tmp_path / "a.yaml") == []
    assert fake.calls("validate") == []


def test_what_cannot_be_read_is_named(fake: FakeIstioctl, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    with pytest.raises(InputError, match=r"a\.yaml is not YAML that kubectl reads: line 2"):
        analyze(fake, tmp_path / "a.yaml")
