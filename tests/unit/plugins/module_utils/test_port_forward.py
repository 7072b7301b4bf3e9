# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port-forward that lives as long as its block, with a kubectl that says what the real one (1.34.4) says."""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
from pathlib import Path

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _port_forward
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError
from ansible_collections.meshlab.istio.plugins.module_utils._port_forward import Kubectl

FORWARDING = "print('Forwarding from 127.0.0.1:41327 -> 8080', flush=True); time.sleep(60)"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " + FORWARDING
NOT_FOUND = "print('Error from server (NotFound): services \"gw\" not found', file=sys.stderr); sys.exit(1)"


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    return tmp_path / "kubectl"


def script(path: Path, text: str) -> None:
    lines = [f"#!{sys.executable}", "import os, signal, sys, time"]
    note = "[str(os.getpid()), str(os.getpgrp()), os.environ['LC_ALL'] + os.environ['KUBECTL_KUBERC'], *sys.argv[1:]]"
    lines.append(f"open({str(path) + '.ran'!r}, 'w').write('\\n'.join({note}))")
    path.write_text("\n".join([*lines, text, ""]))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def ran(path: Path) -> list[str]:
    """Return process id, group and locale of the kubectl that ran, then its arguments."""
    return Path(f"{path}.ran").read_text().splitlines()


def ended(path: Path) -> bool:
    pid = int(ran(path)[0])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_forwards_within_the_block_only(kubectl: Path) -> None:
    script(kubectl, FORWARDING)
    tool = Kubectl(str(kubectl), "/home/me/.kube/config", "minikube")
    with tool.port_forward("istio-system", "service/gw", 80) as port:
        assert port == 41327
        assert not ended(kubectl)
    assert ended(kubectl)
    pid, group, locale, *arguments = ran(kubectl)
    assert (pid, locale) == (group, "Cfalse")  # a group of its own: the terminal's Ctrl-C is not for it
    assert arguments == [
        "--kubeconfig=/home/me/.kube/config", "--context=minikube", "--namespace=istio-system", "port-forward",
        "--address=127.0.0.1", "--", "service/gw", ":80",
    ]  # fmt: skip
    (entry,) = tool.log
    assert entry["cmd"].endswith("port-forward --address=127.0.0.1 -- service/gw :80")
    assert entry["rc"] == -signal.SIGTERM
    assert 0 <= entry["seconds"] < 10


def test_it_ends_when_the_block_fails(kubectl: Path) -> None:
    script(kubectl, FORWARDING)
    with pytest.raises(KeyError), Kubectl(str(kubectl)).port_forward("n", "service/gw", 80):
        raise KeyError
    assert ended(kubectl)
    assert ran(kubectl)[3] == "--namespace=n"


def test_a_kubectl_that_does_not_want_to_end_is_killed(kubectl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_port_forward, "STOP_SECONDS", 0.2)
    script(kubectl, STUBBORN)
    with Kubectl(str(kubectl)).port_forward("n", "service/gw", 80):
        pass
    assert ended(kubectl)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NOT_FOUND, 'does not listen: Error from server (NotFound): services "gw" not found'),
        ("sys.exit(3)", "does not listen: it ended with exit code 3"),
        ("print('Unexpected', flush=True); time.sleep(60)", "does not listen: Unexpected"),
        ("sys.stdout.flush(); time.sleep(60)", "does not listen: it said nothing within 0.5 s"),
    ],
)
def test_it_does_not_listen(kubectl: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str) -> None:
    if "nothing" in words:
        monkeypatch.setattr(_port_forward, "START_SECONDS", 0.5)
    script(kubectl, text)
    tool = Kubectl(str(kubectl))
    with pytest.raises(CommandError, match=re.escape(words)), tool.port_forward("n", "service/gw", 80):
        pytest.fail("the block must not run")
    assert ended(kubectl)
    assert len(tool.log) == 1


def test_no_kubectl() -> None:
    with (
        pytest.raises(CommandError, match="Install it, or give its path in `kubectl`"),
        Kubectl("/missing/kubectl").port_forward("n", "service/gw", 80),
    ):
        pytest.fail("the block must not run")
