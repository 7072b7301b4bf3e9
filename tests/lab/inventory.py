# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the inventory through which ansible-playbook reaches the lab hosts, with the test bed's own variables."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.lab import host
from tests.lab.cache import COMMAND, HERE, LabError, say

TEST_BED = HERE / "testbed.yml"
FILE = "inventory.yml"
KEY, KUBECONFIG = "ansible_ssh_private_key_file", "access_fetch_kubeconfig"
MARK = f"# Written by `{COMMAND} up`."
"""The first line of each inventory of ours, followed by the SHA-256 of the lines below it."""


def check_folder(folder: Path, names: Sequence[str]) -> None:
    """Raise LabError unless an inventory of the hosts ``names`` can be written into ``folder`` at nobody's cost.

    :param folder: need not exist yet. What stands in it is replaced only if it is ours, unchanged, and leads nowhere.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise LabError(f"--lab {folder}: {existing} is no folder that can be written to. Name another folder.")
    path = folder / FILE
    inventory = _ours(path)
    if inventory is None and os.path.lexists(path):
        raise LabError(
            f"{path} is not as `{COMMAND} up` writes it, so it is left as it is. Name another folder with --lab, or "
            "move the file away. Variables of your own can stand in a file beside it, for `ansible-playbook -e @FILE`."
        )
    known = _hosts(inventory)
    wanted = {str(one.folder / "key") for one in host.hosts().values() if one.name in names}
    others = [name for name, one in known.items() if not _is_gone(one) and one[KEY] not in wanted]
    if others:
        raise LabError(
            f"{path} leads to lab hosts that are still there: {', '.join(others)}. `{COMMAND} list` shows whose they "
            "are. Name them too, with --reuse, remove them, or name another folder with --lab."
        )
    fetched = {one[KUBECONFIG] for one in known.values()}
    for kubeconfig in _kubeconfigs(folder, names).values():
        if os.path.lexists(kubeconfig) and str(kubeconfig) not in fetched:
            raise LabError(
                f"{kubeconfig} would be replaced by the lab's, and no inventory beside it says that it is one. "
                "Move it away, or name another folder with --lab."
            )


def forget(folder: Path) -> None:
    """Remove the inventory and kubeconfigs of hosts that are gone, and their keys with them; reports stay.

    An inventory that is not ours, or was changed, stays as it is, and so does what it names.
    """
    path = folder / FILE
    inventory = _ours(path)
    if inventory is None:
        if os.path.lexists(path):
            say(f"{path} is not as `{COMMAND} up` writes it, so it stays as it is.")
        return
    hosts = _hosts(inventory)
    gone = [name for name, one in hosts.items() if _is_gone(one)]
    for name in gone:
        Path(hosts.pop(name)[KUBECONFIG]).unlink(missing_ok=True)
    if not hosts:
        path.unlink()
    elif gone:
        _save(path, inventory)


def write(folder: Path, hosts: Sequence[host.Host], bundle: Path | None) -> Path:
    """Write ``inventory.yml`` (0600) into ``folder``; return its path.

    :param bundle: becomes ``lab_bundle``; None leaves it out, so that the official releases are downloaded.
    :raises LabError: see check_folder, which is asked again: the build may have taken most of an hour.
    """
    check_folder(folder, [one.name for one in hosts])
    kubeconfigs = _kubeconfigs(folder, [one.name for one in hosts])
    test_bed = yaml.safe_load(TEST_BED.read_text())
    variables: dict[str, Any] = {**test_bed["every_source"], "report_path": str(folder.resolve())}
    if bundle:
        sealed = test_bed["build"]
        variables["minikube_options"].update(sealed.pop("minikube_options"))
        sealed["addons_manifests"] = [str(HERE / "manifests" / name) for name in sealed["addons_manifests"]]
        variables.update(sealed, lab_bundle=str(bundle))
    else:
        variables.update(test_bed["release"])
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
                one.name: {
                    "ansible_host": one.address,
                    KEY: str(one.folder / "key"),
                    KUBECONFIG: str(kubeconfigs[one.name]),
                    "ansible_ssh_extra_args": (
                        f"-o UserKnownHostsFile={one.folder / 'known_hosts'} -o HostKeyAlias={one.alias} "
                        f"-o BindAddress={one.gateway}"
                    ),
                }
                for one in hosts
            },
        }
    }
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE
    # A host that goes on in an inventory of several has its kubeconfig under another name.
    for old in {one[KUBECONFIG] for one in _hosts(_ours(path)).values()} - set(map(str, kubeconfigs.values())):
        Path(old).unlink(missing_ok=True)
    _save(path, inventory)
    return path


def _kubeconfigs(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Return where the kubeconfig of each host is fetched to."""
    single = len(names) == 1
    return {name: folder.resolve() / ("kubeconfig" if single else f"kubeconfig-{name}") for name in names}


def _hosts(inventory: dict[str, Any] | None) -> dict[str, Any]:
    hosts: dict[str, Any] = inventory["all"]["hosts"] if inventory else {}
    return hosts


def _is_gone(variables: dict[str, Any]) -> bool:
    return not Path(variables[KEY]).exists()


def _ours(path: Path) -> dict[str, Any] | None:
    """Return the inventory that we wrote and nobody has changed since; None for anything else, or nothing, there."""
    try:
        first, _newline, text = path.read_text().partition("\n")
        if first == MARK:
            # Versions before the checksum: layout and order are still as we write them, and the hosts are lab hosts.
            inventory = yaml.safe_load(text)
            keys = [Path(one[KEY]) for one in inventory["all"]["hosts"].values() if one[KUBECONFIG]]
            lab_hosts = all(key.parent.parent.name == "hosts" and key.name == "key" for key in keys)
            return inventory if lab_hosts and _dumped(inventory) == text else None
        return yaml.safe_load(text) if first == _first_line(text) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError):
        return None


def _first_line(text: str) -> str:
    return f"{MARK} {hashlib.sha256(text.encode()).hexdigest()}"


def _dumped(inventory: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(inventory, sort_keys=False)
    return text


def _save(path: Path, inventory: dict[str, Any]) -> None:
    text = _dumped(inventory)
    # A name of its own (0600): a file that somebody else has there stays.
    number, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w") as stream:
            stream.write(f"{_first_line(text)}\n{text}")
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
