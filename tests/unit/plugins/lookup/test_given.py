# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command line is given, as words for another one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible import context
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.context_objects import CLIArgs

from ansible_collections.meshlab.istio.plugins.lookup.given import LookupModule

SECRETS = {
    "minikube_options": {"docker_env": ["DB_PASSWORD=hunter2hunter2"]},
    "istio_spec": {"values": {"global": {"token": "hunter2hunter2"}}},
    "ansible_become_pass": "hunter2hunter2",
    "bookinfo_patches": [{"patch": {"kind": "Secret", "stringData": {"a": "hunter2hunter2"}}}],
}


class Lookup(LookupModule):
    """The plugin without Ansible's loader, which would fill in the options."""

    def set_options(self, *, var_options: dict[str, Any], direct: dict[str, Any]) -> None:
        self.options = direct

    def get_option(self, name: str) -> Any:
        return self.options[name]


def given(monkeypatch: pytest.MonkeyPatch, *options: str, subset: str | None = None, **variables: Any) -> list[str]:
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"extra_vars": options, "subset": subset}))
    templar = Templar(loader=DataLoader(), variables=variables)
    plugin = Lookup(loader=DataLoader(), templar=templar)
    names = ["lab_preset", "bookinfo_namespace", "bookinfo_replicas", "bookinfo_host", "addons_names", *SECRETS]
    return plugin.run(names, variables, also=["lab_preset"])


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("bookinfo_namespace=shop", ["-e", "bookinfo_namespace=shop"]),
        ("bookinfo_namespace=shop other=1 lab_preset=small",
         ["-e", "bookinfo_namespace=shop", "-e", "lab_preset=small"]),
        # Types stay: what is no text is JSON.
        ('{"bookinfo_replicas": 2, "addons_names": [], "other": 1}',
         ["-e", "'{\"bookinfo_replicas\": 2}'", "-e", "'{\"addons_names\": []}'"]),
        ("{bookinfo_namespace: shop}", ["-e", "bookinfo_namespace=shop"]),
        ("bookinfo_namespace='a b'", ["-e", "'{\"bookinfo_namespace\": \"a b\"}'"]),
        ("bookinfo_host=$(id)", ["-e", "'{\"bookinfo_host\": \"$(id)\"}'"]),
        ("bookinfo_host=", ["-e", "'{\"bookinfo_host\": \"\"}'"]),
        ("other=1", []),
    ],
)  # fmt: skip
def test_what_was_given_is_given_again(monkeypatch: pytest.MonkeyPatch, option: str, words: list[str]) -> None:
    assert given(monkeypatch, option) == words


def test_a_file_is_named_from_wherever_one_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert given(monkeypatch, "@lab.yml", "lab_preset=small") == [
        "-e",
        f"@{tmp_path}/lab.yml",
        "-e",
        "lab_preset=small",
    ]


def test_the_limit_is_given_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, subset="lab1:&room 12") == ["--limit", "'lab1:&room 12'"]


def test_what_is_set_elsewhere_comes_before_what_beats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, lab_preset="small", bookinfo_namespace="shop") == ["-e", "lab_preset=small"]
    assert given(monkeypatch, "lab_preset=fleet", lab_preset="fleet") == ["-e", "lab_preset=fleet"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    words = given(monkeypatch, json.dumps({name: SECRETS[name], "lab_preset": "small"}))
    assert words == ["-e", f"@put-the-secret-{name}-into-this-file.yml", "-e", "lab_preset=small"]


def test_what_vault_encrypted_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    words = given(monkeypatch, "{bookinfo_host: !vault '$ANSIBLE_VAULT;1.1;AES256 00'}")
    assert words == ["-e", "@put-the-secret-bookinfo_host-into-this-file.yml"]
