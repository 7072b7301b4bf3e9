# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line, bundle, hosts and inventory, as far as they go without root."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import __main__ as command
from tests.lab import bundle, cache, cgroups, host, inventory, machine, online, parts, root
from tests.lab.cache import LabError
from tests.lab.host import Host


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (cache, bundle, host):
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(host, "INTERFACES", tmp_path)
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    return tmp_path


# -- bundle ------------------------------------------------------------------------------------------


def assemble(made: Path, *_built: Any) -> None:
    (made / "bin").mkdir()
    (made / "bin/tool").write_text("program")
    entry = {"path": "bin/tool", "size": 7, "sha256": bundle._sha256(made / "bin/tool")}
    (made / "bundle.json").write_text(json.dumps({"files": [entry]}))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Builds in no time; the list says how often."""
    calls: list[str] = []
    monkeypatch.setattr(bundle, "_build_parts", lambda: calls.append("built"))
    monkeypatch.setattr(bundle, "_assemble", assemble)
    monkeypatch.setattr(bundle.build, "drop_go_cache", lambda: None)
    monkeypatch.setattr(bundle, "need_space", lambda *_arguments: None)
    return calls


def test_a_bundle_is_made_once_and_what_nobody_uses_goes(folder: Path, built: list[str]) -> None:
    build_folder = folder / "cache/build"
    kept = {"bundle-of-another-checkout": 6, "etcd-of-another-checkout": 6, bundle.build.keys()["etcd"]: 8}
    for name, days in {"bundle-old": 8, "etcd-old": 8, "etcd-old.partial": 8, **kept}.items():
        (build_folder / name / "of").mkdir(parents=True)
        used = time.time() - days * 86400
        os.utime(build_folder / name, (used, used))
    first = bundle.make_bundle()
    assert (first / "bin/tool").read_text() == "program"
    assert bundle.make_bundle() == first
    assert built == ["built"]
    assert {path.name for path in build_folder.iterdir()} == {first.name, *kept}
    assert time.time() - (build_folder / bundle.build.keys()["etcd"]).stat().st_mtime < 60, "named, so used"


def test_only_the_space_that_a_build_still_needs_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bundle.space_needed() == 25
    cached = 10.0
    monkeypatch.setattr(bundle, "size_of", lambda path: cached if path == folder / "cache/go" else 0)
    assert bundle.space_needed() == 15
    cached = 24.0
    assert bundle.space_needed() == 6
    for part in parts.GO_PARTS:
        (folder / "cache/build" / bundle.build.go_key(part)).mkdir(parents=True)
    cached = 0.0
    assert bundle.space_needed() == 6
    (folder / "cache/build" / bundle._key()).mkdir()
    assert bundle.space_needed() == 0


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("cut")])
def test_a_reused_bundle_is_checked(built: list[str], damage: Callable[[Path], Any]) -> None:
    made = bundle.make_bundle()
    damage(made / "bin/tool")
    with pytest.raises(
        LabError, match=rf"1 of the 1 files of the bundle {made} are .* the first: bin/tool\. Remove the"
    ):
        bundle.make_bundle()


def test_damage_of_a_bundle_leaves_the_kept_part_whole(folder: Path) -> None:
    part, placed = folder / "part", folder / "bundle/bin/part"
    part.write_text("program")
    part.chmod(0o755)
    bundle._place(part, placed)
    assert (placed.read_text(), stat.S_IMODE(placed.stat().st_mode)) == ("program", 0o755)
    with placed.open("r+") as stream:
        stream.write("damage")
    assert part.read_text() == "program"


@pytest.mark.parametrize("text", [None, "{half", "{}"])
def test_a_folder_without_a_list_is_no_bundle(folder: Path, text: str | None) -> None:
    if text is not None:
        (folder / "bundle.json").write_text(text)
    with pytest.raises(LabError, match=r"is no usable bundle: .*Remove the folder and run `make lab` again"):
        bundle.check_bundle(folder)


# -- machine -----------------------------------------------------------------------------------------


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[list[str]]:
    """A machine that has only the first program; the list holds what was executed."""
    calls: list[list[str]] = []
    monkeypatch.setattr(machine, "execute", lambda words, **options: calls.append([*words, options["env"]]))
    (folder / "inotify").write_text("9000\n")
    monkeypatch.setattr(machine, "INOTIFY_LIMIT", folder / "inotify")
    monkeypatch.setattr(
        parts, "MACHINE_PACKAGES", {"coreutils": "true", "libc6": str(folder / "a.h"), "gcc": "no-such"}
    )
    return calls


def test_only_missing_packages_are_installed(apt: list[list[str]], folder: Path) -> None:
    machine.prepare()
    assert [call[4:-1] for call in apt] == [
        ["update"], ["install", "--yes", "--no-install-recommends", "libc6", "gcc"],
    ]  # fmt: skip
    assert apt[1][-1]["DEBIAN_FRONTEND"] == "noninteractive"  # type: ignore[call-overload]
    apt.clear()
    (folder / "a.h").touch()
    machine.prepare()
    assert apt[1][6:-1] == ["--no-install-recommends", "gcc"]


def test_nothing_is_installed_where_all_is_there(apt: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MACHINE_PACKAGES", {"coreutils": "true"})
    machine.prepare()
    assert apt == []


def test_root_may_watch_enough_files_for_several_lab_hosts(apt: list[list[str]], folder: Path) -> None:
    limit = folder / "inotify"
    machine.prepare()
    assert limit.read_text() == "9000\n", "a higher limit is somebody's wish"
    limit.write_text("128\n")
    machine.prepare()
    assert limit.read_text() == "8192\n"


def test_without_root_a_sentence(
    apt: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    assert run(monkeypatch, "down") == 1, "root's lab may run, in a cache that is not this user's"
    assert "was not there" not in capsys.readouterr().out
    with pytest.raises(LabError, match=r"is root's .*Run the command as root or with sudo\."):
        machine.check()


def test_another_architecture_is_refused(apt: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    machine.check()
    monkeypatch.setattr(machine.platform, "machine", lambda: "aarch64")
    with pytest.raises(LabError, match=r"built for amd64, and this machine is aarch64\. Use a machine with amd64"):
        machine.check()


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("0::/user.slice\n", False),
        ("4:memory:/user\n1:name=systemd:/user\n0::/user\n", True),
        ("2:pids:/\n0::/\n", False),
    ],
    ids=["Debian 12", "version 1 beside 2", "without memory"],
)
def test_a_machine_without_control_groups_of_version_1_is_refused(
    monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, fit: bool
) -> None:
    (folder / "groups").write_text(text)
    for controller in ("memory", "pids", "systemd"):
        (folder / controller).mkdir()
    monkeypatch.setattr(cgroups, "ROOT", folder)
    monkeypatch.setattr(cgroups, "GROUPS", folder / "groups")
    with nullcontext() if fit else pytest.raises(LabError, match=r"option systemd\.unified_cgroup_hierarchy=0"):
        cgroups.check()


def test_without_apt_the_packages_are_named(
    apt: list[list[str]], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(machine, "execute", cache.execute)
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(
        LabError, match=r"apt-get update needs the program apt-get.*apt-get install coreutils libc6 gcc"
    ):
        machine.prepare()


# -- hosts and their inventory -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lab", "a", "lab-2", "a" * 63])
def test_names_that_fit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(host, "MEMORY_GB", 0)
    host.check([name])


@pytest.mark.parametrize("name", ["", "Lab", "2lab", "a" * 64, "lab-", "../etc", "lab\n", "läb"])
def test_names_that_do_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(host, "MEMORY_GB", 0)
    with pytest.raises(LabError, match="must be 1 to 63 of a-z, 0-9 and -, from a letter"):
        host.check([name])


def test_a_name_that_ansible_has_given_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host named all made an inventory that Ansible refuses."""
    monkeypatch.setattr(host, "MEMORY_GB", 0)
    with pytest.raises(LabError, match="has a meaning of its own in an inventory"):
        host.check(["all"])


def test_a_machine_that_is_too_small_for_all_hosts_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "MEMORY_GB", 5e5)
    with pytest.raises(LabError, match=r"^Booting a, b needs 1000000\.0 GB of memory, and \d+\.\d GB are available"):
        host.check(["a", "b"])


def test_numbers_of_hosts_of_another_cache_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = "7: ve-meshlab3 inet 10.77.0.13/30 scope global ve-meshlab3"
    monkeypatch.setattr(host, "execute", lambda *_words, **_more: addresses)
    noted(Host("b", 2, "/elsewhere"))
    assert host._new_number() == 4


def test_a_number_is_given_once(booted: list[str]) -> None:
    """An inventory of a host that is gone led to the next one, which had got its number, address and folder."""
    first = host.up("lab")
    host.down(first)
    second = host.up("lab")
    host.down(second)
    assert host.everywhere() == []
    assert (first.number, second.number, host.up("other").number) == (1, 2, 3)


def test_what_older_versions_booted_is_listed_counted_and_removed(booted: list[str], folder: Path) -> None:
    """They share the cache, note no last number, and their known_hosts has the address for a name."""
    old = Host("old", 7)
    noted(old)
    (old.folder / "known_hosts").write_text("10.77.0.30 ssh-ed25519 KEY root@old")
    assert host.hosts() == {"old": old}
    assert "HostKeyAlias=10.77.0.30" in old.ssh("true")
    assert host.up("lab").number == 8
    host.down(old)
    assert list(host.hosts()) == ["lab"]


def test_a_boot_that_was_killed_is_swept_away(booted: list[str], folder: Path) -> None:
    (folder / "cache/hosts/meshlab3/root").mkdir(parents=True)
    (folder / "cache/hosts/mine").mkdir()
    assert host.up("lab").number == 1
    assert {path.name for path in (folder / "cache/hosts").iterdir()} == {"meshlab1", "mine", "last-number"}


def test_when_all_numbers_are_given_a_sentence(booted: list[str], folder: Path) -> None:
    (folder / "cache/hosts").mkdir(parents=True)
    (folder / "cache/hosts/last-number").write_text("15998\n")
    assert host.up("lab").number == 15999
    with pytest.raises(LabError, match=r"All 15999 numbers .* Remove the file \S+/last-number to begin with 1 again"):
        host.up("b")


def test_each_host_is_a_machine_of_its_own(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """All hosts had those of the one Debian root, so ssh took any of them for any other."""
    debian = folder / "debian"
    (debian / "root").mkdir(parents=True)
    (debian / "opt").mkdir()
    (debian / "etc/ssh").mkdir(parents=True)
    (debian / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True)
    for name in ("ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "ssh_host_dsa_key", "sshd_config"):
        (debian / "etc/ssh" / name).write_text("shared by all")
    (debian / "var/lib/dbus").mkdir(parents=True)
    (debian / "var/lib/dbus/machine-id").write_text("shared by all")
    monkeypatch.setattr(root, "_containerd_config", lambda _root: "")
    known = []
    for name in ("a", "b"):
        (folder / name).mkdir()
        root.prepare(folder / name, debian, name, "10.77.0.6", "10.77.0.5")
        public = (folder / name / "root/etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[1]
        alias, kind, key = (folder / name / "known_hosts").read_text().split()
        assert (kind, key) == ("ssh-ed25519", public)
        known.append((alias, key))
        assert (folder / name / "root/etc/machine-id").read_text() == ""
        assert not (folder / name / "root/var/lib/dbus/machine-id").exists(), "systemd takes it for its own"
        keys = {path.name for path in (folder / name / "root/etc/ssh").iterdir()}
        assert {"ssh_host_ed25519_key", "ssh_host_rsa_key", "sshd_config"} <= keys
        assert "ssh_host_dsa_key" not in keys
        assert stat.S_IMODE((folder / name / "root/etc/ssh/ssh_host_ed25519_key").stat().st_mode) == 0o600
    assert len({alias for alias, _key in known}) == len({key for _alias, key in known}) == 2
    assert (debian / "etc/ssh/ssh_host_dsa_key").exists(), "the root itself stays as it was built"
    assert (debian / "var/lib/dbus/machine-id").exists()


def test_hosts_have_links_of_their_own() -> None:
    ones = [Host("a", 1), Host("b", 2), Host("c", 300)]
    assert len(Host("a", 15999).interface) == 15, "the longest that Linux takes"
    assert [(one.gateway, one.address) for one in ones] == [
        ("10.77.0.5", "10.77.0.6"), ("10.77.0.9", "10.77.0.10"), ("10.77.4.177", "10.77.4.178"),
    ]  # fmt: skip
    words = with_keys(ones[0]).ssh("true")
    assert words[-2:] == ["root@10.77.0.6", "true"]
    assert "StrictHostKeyChecking=yes" in words


def test_hosts_are_known_by_their_state(folder: Path) -> None:
    noted(Host("b", 2), Host("a", 1))
    (folder / "cache/hosts/meshlab3").mkdir()
    assert host.hosts() == {"a": Host("a", 1), "b": Host("b", 2)}
    assert not host.is_running(Host("a", 1))
    # Another program that got the process id of a dead supervisor is not taken for it.
    (Host("a", 1).folder / "supervisor.pid").write_text("1")
    assert not host.is_running(Host("a", 1))
    host.down(Host("a", 1))
    assert list(host.hosts()) == ["b"]


def noted(*hosts: Host) -> None:
    """Leave the states of lab hosts in the cache."""
    for one in hosts:
        one.folder.mkdir(parents=True)
        (one.folder / "state.json").write_text(json.dumps(asdict(one)))
        with_keys(one)


def with_keys(one: Host) -> Host:
    """Give a host the files that its way by SSH is known by; returns it."""
    one.folder.mkdir(parents=True, exist_ok=True)
    (one.folder / "key").touch()
    (one.folder / "known_hosts").write_text(f"lab-{one.number} ssh-ed25519 KEY")
    return one


@pytest.fixture
def booted(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[str]:
    """Boots hosts in no time; the list has the names of those that came up."""
    names: list[str] = []
    monkeypatch.setattr(host, "need_space", lambda *_arguments: None)
    monkeypatch.setattr(host, "execute", lambda *_words, **_more: "no addresses")
    monkeypatch.setattr(host.root, "prepare", lambda *_arguments: None)
    monkeypatch.setattr(host.build, "host_root", lambda: folder)
    monkeypatch.setattr(host, "_start_supervisor", lambda *_arguments: None)
    monkeypatch.setattr(host, "wait_until_up", lambda one: names.append(one.name))
    return names


def test_a_host_is_of_the_checkout_that_booted_it(booted: list[str]) -> None:
    made = host.up("lab")
    assert (made.checkout, booted) == (str(Path(command.__file__).parents[2]), ["lab"])
    assert host.hosts() == {"lab": made}


def test_a_host_that_has_stopped_is_not_replaced_without_a_word(
    booted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    noted(Host("lab", 1))
    (Host("lab", 1).folder / "old").touch()
    assert not (host.up("lab").folder / "old").exists()
    assert "Lab host lab has stopped, as all do when the machine reboots: it is removed" in capsys.readouterr().out


def test_a_host_for_the_official_releases_reaches_the_internet_until_it_goes(
    monkeypatch: pytest.MonkeyPatch, booted: list[str], folder: Path
) -> None:
    calls: list[list[str]] = []
    for name, text in {"resolv.conf": "nameserver 127.0.0.53\nnameserver ::1\n", "own.conf": "nameserver 192.0.2.1\n",
                       "forward": "0\n", "crictl": "program"}.items():  # fmt: skip
        (folder / name).write_text(text)
    monkeypatch.setattr(online, "RESOLVERS", (folder / "no-such", folder / "resolv.conf", folder / "own.conf"))
    monkeypatch.setattr(online, "FORWARD", folder / "forward")
    monkeypatch.setattr(online, "execute", lambda words, **_more: calls.append(words))
    monkeypatch.setattr(online.subprocess, "run", lambda words, **_more: calls.append(words))
    tree = Host("lab", 1).folder / "root"

    def prepare(*_arguments: Any) -> None:
        for part in ("etc", "usr/local/bin"):
            (tree / part).mkdir(parents=True)

    monkeypatch.setattr(host.root, "prepare", prepare)
    made = host.up("lab", None, folder / "crictl")
    assert (tree / "etc/resolv.conf").read_text() == "nameserver 192.0.2.1\n"
    assert (tree / "usr/local/bin/crictl").read_text() == "program"
    assert (folder / "forward").read_text() == "1\n"
    assert 'ip saddr 10.77.0.6 oifname != "ve-meshlab1" masquerade' in calls[-1][-1]
    monkeypatch.setattr(host, "is_running", lambda _one: True)
    with pytest.raises(LabError, match=r"lab runs for another SOURCE\. Remove it first"):
        host.check(["lab"], reuse=True)
    assert host.check(["lab"], reuse=True, internet=True) == []
    host.down(made)
    assert calls[-1] == ["chroot", str(tree), "nft", "delete", "table", "ip", "meshlab1"]
    monkeypatch.setattr(online, "RESOLVERS", (folder / "resolv.conf",))
    with pytest.raises(LabError, match=r"no name server that it could ask\. Add one with an IPv4"):
        online.name_servers()


def test_checkouts_have_hosts_of_one_name_side_by_side(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], booted: list[str], folder: Path
) -> None:
    """The interrupted run of one checkout had kept its host molecule, and so every later one from booting its own."""
    other = folder / "other"
    other.mkdir()
    noted(Host("lab", 1, str(other)))
    made = host.up("lab")
    assert (made.number, booted) == (2, ["lab"])
    assert run(monkeypatch, "list") == 0
    assert re.search(f"^lab .* stopped +{other}$", capsys.readouterr().out, re.MULTILINE)
    assert run(monkeypatch, "down") == 0
    assert [one.checkout for one in host.everywhere()] == [str(other)]
    monkeypatch.chdir(folder)
    assert run(monkeypatch, "down", "--checkout", "other") == 0
    assert host.everywhere() == []


def test_what_stopped_and_belongs_to_nobody_any_more_is_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], booted: list[str]
) -> None:
    noted(Host("gone", 1, "/gone"), Host("runs", 2, "/gone"), Host("kept", 3))
    monkeypatch.setattr(host, "is_running", lambda one: one.name == "runs")
    host.up("lab")
    assert sorted(one.name for one in host.everywhere()) == ["kept", "lab", "runs"]
    assert "Lab host gone of the checkout /gone, which is gone, has stopped: it is removed." in capsys.readouterr().out


@pytest.mark.parametrize("names", [["lab"], ["a", "b"]])
def test_the_inventory(folder: Path, names: list[str]) -> None:
    hosts = [with_keys(Host(name, i)) for i, name in enumerate(names, 1)]
    path = inventory.write(folder / ".lab", hosts, folder / "bundle")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    everything = yaml.safe_load(path.read_text())["all"]
    assert list(everything["hosts"]) == names
    assert everything["vars"]["lab_bundle"] == str(folder / "bundle")
    assert all(Path(manifest).is_file() for manifest in everything["vars"]["addons_manifests"])
    assert everything["hosts"][names[0]]["ansible_host"] == "10.77.0.6"
    kubeconfigs = {one["access_fetch_kubeconfig"] for one in everything["hosts"].values()}
    assert len(kubeconfigs) == len(names)
    assert "-o HostKeyAlias=lab-1 " in everything["hosts"][names[0]]["ansible_ssh_extra_args"], "this host, no other"


USERS = "# Written by me\nall: {hosts: {mine: {ansible_host: 192.0.2.1}}}\n"


def made_by_the_version_before(folder: Path, one: Host) -> str:
    """Write and return an inventory as commit 477c772 did: its first line has no checksum."""
    path = inventory.write(folder, [with_keys(one)], None)
    text = re.sub(r"^(# Written by \S+ -m tests\.lab up`\.) \S+$", r"\1", path.read_text(), count=1, flags=re.MULTILINE)
    path.write_text(text)
    return text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: USERS,
        lambda text: "",
        lambda text: "{half",
        lambda text: text + "      another: {ansible_host: 192.0.2.1}\n",
        lambda text: text.replace("ansible_user: root", "ansible_user: me"),
        lambda text: re.sub(r"^# .*", "# Written by `.venv/bin/python -m tests.lab up`.", text) + "# a note\n",
        lambda text: text.split("\n")[0].rpartition(" ")[0] + "\n" + "all:\n  hosts:\n    mine: {}\n",
    ],
    ids=["own", "empty", "not YAML", "host added", "value changed", "note in an old version's", "others' hosts"],
)
def test_an_inventory_of_the_users_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[str], folder: Path,
    change: Callable[[str], str],
) -> None:  # fmt: skip
    """`up` had replaced it, and `down` had removed the hosts without a key, with the kubeconfigs that they name."""
    assert run(monkeypatch, "up") == 0
    steps.clear()
    path = folder / ".lab/inventory.yml"
    path.write_text(change(path.read_text()))
    host.down(Host("lab", 1))
    before = path.read_text()
    assert run(monkeypatch, "up") == 1
    assert steps == [], "said before the build"
    assert ".lab/inventory.yml is not as `.venv/bin/python -m tests.lab up` writes it" in capsys.readouterr().err
    (folder / ".lab/kubeconfig").touch()
    assert run(monkeypatch, "down") == 0
    assert (path.read_text(), (folder / ".lab/kubeconfig").exists()) == (before, True)


def test_an_inventory_that_appears_during_the_build_stays(
    monkeypatch: pytest.MonkeyPatch, steps: list[str], folder: Path
) -> None:
    def build() -> Path:
        (folder / ".lab").mkdir()
        (folder / ".lab/inventory.yml").write_text(USERS)
        return folder / "bundle"

    monkeypatch.setattr(bundle, "make_bundle", build)
    monkeypatch.setattr(host, "down", lambda one: steps.append(f"down {one.name}"))
    assert run(monkeypatch, "up") == 1
    assert (folder / ".lab/inventory.yml").read_text() == USERS
    assert steps == ["machine", "up lab None", "down lab"], "no host stays that nothing leads to"


def test_files_of_the_users_beside_the_inventory_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[str], folder: Path
) -> None:
    """`site` would fetch the lab's kubeconfig over it, and `down` remove it."""
    (folder / "inventory.partial").write_text("mine")
    (folder / "kubeconfig").write_text("mine")
    assert run(monkeypatch, "up", "--lab", ".") == 1
    assert f"{folder}/kubeconfig would be replaced by the lab's" in capsys.readouterr().err
    assert run(monkeypatch, "up", "--lab", ".", "--name", "a", "--name", "b") == 0
    assert [(folder / name).read_text() for name in ("inventory.partial", "kubeconfig")] == ["mine", "mine"]


def test_the_way_to_a_host_that_is_there_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[str], folder: Path
) -> None:
    other = Host("lab", 9, "/another/checkout")
    noted(other)
    inventory.write(folder / ".lab", [other], None)
    steps.clear()
    for name in ("lab", "b"):
        assert run(monkeypatch, "up", "--name", name) == 1
        assert "inventory.yml leads to lab hosts that are still there: lab." in capsys.readouterr().err
    assert steps == []
    host.down(other)
    assert run(monkeypatch, "up", "--name", "b") == 0


def test_an_inventory_of_the_version_before_is_replaced_and_forgotten(
    monkeypatch: pytest.MonkeyPatch, steps: list[str], folder: Path
) -> None:
    gone = Host("lab", 9)
    text = made_by_the_version_before(folder / ".lab", gone)
    (folder / ".lab/kubeconfig").touch()
    host.down(gone)
    assert run(monkeypatch, "up") == 0, "its host is gone"
    assert (folder / ".lab/inventory.yml").read_text() != text
    (folder / ".lab/inventory.yml").write_text(text)
    assert run(monkeypatch, "down") == 0
    assert list((folder / ".lab").iterdir()) == []


def test_a_kubeconfig_that_gets_another_name_does_not_stay(folder: Path) -> None:
    """With several hosts each has one of its own; going back to the single host was refused because of the first."""
    hosts = [Host("lab", 1), Host("b", 2)]
    noted(*hosts)
    inventory.write(folder, hosts[:1], None)
    for number in (2, 1):
        fetched = yaml.safe_load((folder / "inventory.yml").read_text())["all"]["hosts"]["lab"]
        Path(fetched["access_fetch_kubeconfig"]).touch()
        inventory.write(folder, hosts[:number], None)
        if number == 2:
            host.down(hosts[1])
    assert not list(folder.glob("kubeconfig*"))


def test_releases_need_no_bundle(folder: Path) -> None:
    path = inventory.write(folder, [with_keys(Host("lab", 1))], None)
    variables = yaml.safe_load(path.read_text())["all"]["vars"]
    assert "lab_bundle" not in variables
    assert "install_addons" not in variables["minikube_options"], "Loki's volume comes from minikube's own provisioner"
    assert [one["name"] for one in variables["report_stand_ins"]] == ["crictl"]


@pytest.fixture
def orphan(folder: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start a program that looks like the systemd-nspawn of a host whose supervisor was killed."""
    lab = Host("lab", 1)
    (lab.folder / "root").mkdir(parents=True)
    started: list[subprocess.Popen[bytes]] = []

    def start(script: str) -> subprocess.Popen[bytes]:
        words = ["systemd-nspawn", "-c", f"{script}; echo; read", str(lab.folder / "root")]
        process = subprocess.Popen(words, executable="/bin/bash", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("script", "signal_number"), [(":", signal.SIGTERM), ("trap '' TERM", signal.SIGKILL)])
def test_what_a_killed_supervisor_left_is_stopped_before_its_root_goes(
    monkeypatch: pytest.MonkeyPatch, orphan: Callable[[str], subprocess.Popen[bytes]], script: str, signal_number: int
) -> None:
    monkeypatch.setattr(host, "STOP_SECONDS", 0.3)
    process = orphan(script)
    host.down(Host("lab", 1))
    assert process.wait(timeout=5) == -signal_number
    assert not Host("lab", 1).folder.exists()


def test_the_root_of_a_host_that_cannot_be_stopped_stays(
    monkeypatch: pytest.MonkeyPatch, orphan: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(host, "STOP_SECONDS", 0)
    monkeypatch.setattr(host.os, "kill", lambda *_arguments: None)
    clock = itertools.count(0, 20)
    monkeypatch.setattr(host.time, "monotonic", lambda: next(clock))
    process = orphan(":")
    with pytest.raises(LabError, match=rf"lab cannot be stopped: the processes \[{process.pid}\] stay\. Nothing"):
        host.down(Host("lab", 1))
    assert (Host("lab", 1).folder / "root").exists()


def test_a_command_on_a_host_that_is_not_up_says_what_to_type(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(LabError, match=r"Is it up\? `\.venv/bin/python -m tests\.lab list` tells"):
        with_keys(Host("lab", 1)).run("true")


# -- the command line --------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["lab", *words])
    return cache.main_guard(command.main)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[str]:
    """Every step that would change something, in order."""
    done: list[str] = []

    def up(name: str, memory: float | None, crictl: Path | None) -> Host:
        done.append(f"up {name} {memory}")
        if name not in host.hosts():
            noted(Host(name, next(number for number in itertools.count(1) if not Host("", number).folder.exists())))
        return host.hosts()[name]

    monkeypatch.chdir(folder)
    monkeypatch.setattr(host, "MEMORY_GB", 0)
    for module in (machine, cgroups):
        monkeypatch.setattr(module, "check", lambda: None)
    monkeypatch.setattr(command, "need_space", lambda *_arguments: None)
    monkeypatch.setattr(machine, "prepare", lambda: done.append("machine"))
    monkeypatch.setattr(bundle, "make_bundle", lambda: done.append("bundle") or folder / "bundle")
    monkeypatch.setattr(host, "up", up)
    monkeypatch.setattr(bundle, "make_crictl", lambda: done.append("crictl") or folder / "crictl")
    monkeypatch.setattr(online, "name_servers", lambda: ["192.0.2.1"])
    return done


def test_up(monkeypatch: pytest.MonkeyPatch, steps: list[str], folder: Path) -> None:
    assert run(monkeypatch, "up", "--memory", "6") == 0
    assert steps == ["machine", "bundle", "up lab 6.0"]
    assert "lab_bundle" in (folder / ".lab/inventory.yml").read_text()
    steps.clear()
    host.down(Host("lab", 1))
    assert run(monkeypatch, "up", "--name", "a", "--name", "b", "--source", "release") == 0
    assert steps == ["machine", "crictl", "up a None", "up b None"]
    assert "lab_bundle" not in (folder / ".lab/inventory.yml").read_text()


def test_make_lab_goes_on_with_a_host_that_runs(
    monkeypatch: pytest.MonkeyPatch, steps: list[str], folder: Path
) -> None:
    noted(Host("lab", 5))
    monkeypatch.setattr(host, "is_running", lambda one: one.number == 5)
    monkeypatch.setattr(host, "wait_until_up", lambda one, settled: steps.append(f"waited for {one.name}"))
    recipe = (Path(host.CHECKOUT) / "Makefile").read_text()
    assert re.search(r"^lab:.*\n\t.* -m tests\.lab up --reuse ", recipe, re.MULTILINE)
    assert run(monkeypatch, "up", "--reuse", "--name", "lab", "--name", "b") == 0
    assert steps == ["machine", "bundle", "up b None", "waited for lab"]
    hosts = yaml.safe_load((folder / ".lab/inventory.yml").read_text())["all"]["hosts"]
    assert {name: one["ansible_host"] for name, one in hosts.items()} == {"lab": "10.77.0.22", "b": "10.77.0.6"}


def test_down_removes_what_leads_nowhere_and_keeps_reports(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    lab = folder / ".lab"
    hosts = [Host("a", 1), Host("b", 2)]
    noted(*hosts)
    inventory.write(lab, hosts, None)
    kept = ["report.html", "report.json"]
    for name in (*kept, "kubeconfig-a", "kubeconfig-b"):
        (lab / name).touch()
    assert run(monkeypatch, "down", "--name", "molecule") == 0
    assert run(monkeypatch, "down", "--name", "a") == 0
    assert sorted(path.name for path in lab.iterdir()) == ["inventory.yml", "kubeconfig-b", *kept]
    assert list(yaml.safe_load((lab / "inventory.yml").read_text())["all"]["hosts"]) == ["b"]
    assert stat.S_IMODE((lab / "inventory.yml").stat().st_mode) == 0o600
    assert run(monkeypatch, "down", "--name", "b") == 0
    assert sorted(path.name for path in lab.iterdir()) == kept
    assert run(monkeypatch, "down", "--name", "b") == 0
    own = "all: {hosts: {mine: {ansible_host: 192.0.2.1}}}"
    (lab / "inventory.yml").write_text(own)
    assert run(monkeypatch, "down") == 0
    assert (lab / "inventory.yml").read_text() == own, "not one of ours"


def test_the_space_for_the_build_and_for_all_hosts_is_looked_at_first(
    monkeypatch: pytest.MonkeyPatch, steps: list[str]
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(command, "need_space", lambda _path, gigabytes, _what: asked.append(gigabytes))
    for building in (25, 10, 0):
        monkeypatch.setattr(bundle, "space_needed", lambda building=building: building)
        assert run(monkeypatch, "up", "--name", "a", "--name", "b", "--name", "a") == 0
    assert asked == [25, 22, 16]

    def refuse(*_arguments: Any) -> None:
        raise LabError("no room")

    monkeypatch.setattr(command, "need_space", refuse)
    steps.clear()
    assert run(monkeypatch, "up") == 1
    assert steps == []


def test_hosts_of_a_call_that_fails_do_not_stay(monkeypatch: pytest.MonkeyPatch, steps: list[str]) -> None:
    good = host.up

    def up(name: str, memory: float | None, crictl: Path | None) -> Host:
        if name == "b":
            raise LabError("b did not come up")
        return good(name, memory, crictl)

    monkeypatch.setattr(host, "up", up)
    monkeypatch.setattr(host, "down", lambda one: steps.append(f"down {one.name}"))
    assert run(monkeypatch, "up", "--name", "a", "--name", "b", "--name", "c") == 1
    assert steps == ["machine", "bundle", "up a None", "down a"]


@pytest.mark.parametrize("unfit", [machine, cgroups])
def test_a_machine_that_cannot_boot_a_lab_is_told_so_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[str], unfit: Any
) -> None:
    def refuse() -> None:
        raise LabError("not here")

    monkeypatch.setattr(unfit, "check", refuse)
    assert run(monkeypatch, "up") == 1
    assert "not here" in capsys.readouterr().err
    assert steps == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--name", "good", "--name", "Bad"], "The name 'Bad' must be"),
        (["--name", "good", "--name", "running"], "running is already running at 10.77.0.10"),
        (["--lab", "file"], "is no folder that can be written to. Name another folder."),
        (["--lab", "file/below"], "is no folder that can be written to. Name another folder."),
    ],
)
def test_what_cannot_work_is_said_before_the_long_build(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[str], folder: Path,
    words: list[str], sentence: str,
) -> None:  # fmt: skip
    (folder / "file").touch()
    noted(Host("running", 2))
    monkeypatch.setattr(host, "is_running", lambda one: True)
    assert run(monkeypatch, "up", *words) == 1
    assert sentence in capsys.readouterr().err
    assert steps == []


def test_an_unknown_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "up", "--source", "releases")
    assert ended.value.code == 2
    assert "argument --source: invalid choice: 'releases' (choose from" in capsys.readouterr().err
    assert steps == []


def test_bundle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[str]) -> None:
    assert run(monkeypatch, "bundle") == 0
    assert steps == ["machine", "bundle"]
    assert capsys.readouterr().out.strip().endswith("/bundle")


def test_hosts_that_do_not_exist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "down", "--name", "none") == 0
    assert run(monkeypatch, "list") == 0
    assert capsys.readouterr().out == "none was not there\n"
    assert run(monkeypatch, "reboot", "--name", "none") == 1
    assert "There is no lab host named none. `.venv/bin/python -m tests.lab list` shows" in capsys.readouterr().err
