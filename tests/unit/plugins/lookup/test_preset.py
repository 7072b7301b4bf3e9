# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preset lookup: a preset beats a role's default, and an unknown one is an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.meshlab.istio.plugins.lookup import preset

REAL = Path(__file__).resolve().parents[4] / "presets"


@pytest.fixture(autouse=True)
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.yml").write_text("# few\nminikube_cpus: 2\naddons_names: [kiali]\n")
    (tmp_path / "empty.yml").write_text("# nothing\n")
    monkeypatch.setattr(preset, "PRESETS", tmp_path)
    preset.read_preset.cache_clear()


class Lookup(preset.LookupModule):
    """The plugin without Ansible's loader, which would fill in the options."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}

    def set_options(self, *, var_options: dict[str, Any], direct: dict[str, Any]) -> None:
        self.options = {"lab_preset": var_options.get("lab_preset", ""), **direct}

    def get_option(self, name: str) -> Any:
        return self.options.get(name)


def look_up(name: str, term: str, default: Any = None) -> Any:
    return Lookup().run([term], {"lab_preset": name}, default=default)[0]


def test_values_keep_their_type() -> None:
    assert preset.read_preset("small") == {"minikube_cpus": 2, "addons_names": ["kiali"]}


@pytest.mark.parametrize(
    ("name", "term", "value"),
    [("", "minikube_cpus", 4), ("empty", "minikube_cpus", 4), ("small", "minikube_cpus", 2), ("small", "other", 4)],
)
def test_the_preset_beats_the_default(name: str, term: str, value: int) -> None:
    assert look_up(name, term, 4) == value


def test_ansible_finds_the_plugin_and_its_options() -> None:
    ansible = Path(sys.executable).with_name("ansible")
    done = subprocess.run(
        [ansible, "-i", "localhost,", "-c", "local", "localhost", "-m", "ansible.builtin.debug", "-a",
         "msg={{ lookup('meshlab.istio.preset', 'minikube_cpus', default=99) }}", "-e", "lab_preset=small"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f'"msg": "{yaml.safe_load((REAL / "small.yml").read_text())["minikube_cpus"]}"' in done.stdout


def test_an_unknown_preset_names_those_that_exist() -> None:
    with pytest.raises(AnsibleError, match=r"^There is no lab_preset 'larg'\. Choose one of: empty, small, or leave"):
        preset.read_preset("larg")
    with pytest.raises(AnsibleError, match="There is no lab_preset 'larg'"):
        look_up("larg", "minikube_cpus")


@pytest.mark.parametrize("path", sorted(REAL.glob("*.yml")))
def test_our_presets_are_flat_maps(path: Path) -> None:
    values = yaml.safe_load(path.read_text())
    assert isinstance(values, dict)
    assert all(isinstance(name, str) and name.isidentifier() for name in values)
