# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the inventory through which ansible-playbook reaches the lab hosts, with the test bed's own variables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.lab.cache import COMMAND, HERE, LabError
from tests.lab.host import Host

TEST_BED = HERE / "testbed.yml"


def check_folder(folder: Path) -> None:
    """Raise LabError unless an inventory can be written into ``folder``, which need not exist yet."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise LabError(f"--lab {folder}: {existing} is no folder that can be written to. Name another folder.")


def forget(folder: Path) -> None:
    """Remove the inventory and kubeconfigs of hosts that are gone, and their keys with them; reports stay."""
    path = folder / "inventory.yml"
    if not path.is_file():
        return
    inventory = yaml.safe_load(path.read_text())
    hosts = inventory["all"]["hosts"]
    gone = [name for name, one in hosts.items() if not Path(one.get("ansible_ssh_private_key_file", "/")).exists()]
    for name in gone:
        Path(hosts.pop(name)["access_fetch_kubeconfig"]).unlink(missing_ok=True)
    if not hosts:
        path.unlink()
    elif gone:
        _save(path, inventory)


def write(folder: Path, hosts: Sequence[Host], bundle: Path | None) -> Path:
    """Write ``inventory.yml`` (0600) into ``folder``; return its path.

    :param bundle: becomes ``lab_bundle``; None leaves it out, so that the official releases are downloaded.
    """
    test_bed = yaml.safe_load(TEST_BED.read_text())
    variables: dict[str, Any] = {**test_bed["every_source"], "report_path": str(folder.resolve())}
    if bundle:
        sealed = test_bed["build"]
        variables["minikube_options"].update(sealed.pop("minikube_options"))
        sealed["addons_manifests"] = [str(HERE / "manifests" / name) for name in sealed["addons_manifests"]]
        variables.update(sealed, lab_bundle=str(bundle))
    else:
        variables.update(test_bed["release"])
    single = len(hosts) == 1
    inventory = {
        "all": {
            "vars": {
                "ansible_user": "root",
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_ssh_pipelining": True,
                "ansible_ssh_common_args": "-o ControlMaster=auto -o ControlPersist=120s -o StrictHostKeyChecking=yes",
                **variables,
            },
            "hosts": {
                host.name: {
                    "ansible_host": host.address,
                    "ansible_ssh_private_key_file": str(host.folder / "key"),
                    "access_fetch_kubeconfig": str(
                        folder.resolve() / ("kubeconfig" if single else f"kubeconfig-{host.name}")
                    ),
                    "ansible_ssh_extra_args": (
                        f"-o UserKnownHostsFile={host.folder / 'known_hosts'} -o BindAddress={host.gateway}"
                    ),
                }
                for host in hosts
            },
        }
    }
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "inventory.yml"
    _save(path, inventory)
    return path


def _save(path: Path, inventory: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(f"# Written by `{COMMAND} up`.\n" + yaml.safe_dump(inventory, sort_keys=False))
    partial.replace(path)
