# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that fill a folder: each may fail or be late alone, and no secret and no flood gets in."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _failure_files as files
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._failure_files import Add, collect
from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED


def test_each_source_fails_alone() -> None:
    def refused(_add: Add) -> None:
        raise ClusterError("The API server answered 403.")

    def broken(add: Add) -> None:
        add("half.txt", "half")
        raise KeyError("spec")

    found, missing = collect({"a": refused, "b": broken, "c": lambda add: add("whole.txt", "whole")}, 10)
    assert found == {"half.txt": "half", "whole.txt": "whole"}
    assert missing == ["a: The API server answered 403.", "b: KeyError: 'spec'"]


def test_what_is_late_is_left_out_and_named() -> None:
    over = threading.Event()

    def slow(add: Add) -> None:
        add("first.txt", "1")
        over.wait(60)
        add("second.txt", "2")

    started = time.monotonic()
    try:
        found, missing = collect({"slow": slow, "fast": lambda add: add("fast.txt", "f")}, 0.5)
        assert time.monotonic() - started < 30
    finally:
        over.set()
    assert found == {"first.txt": "1", "fast.txt": "f"}
    assert missing == ["slow: not complete, as it took more than 0.5 s."]


def test_secrets_are_replaced_before_anything_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILE_BYTES", 40)
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIE" * 20 + "\n-----END PRIVATE KEY-----\n"
    found, _missing = collect({"log": lambda add: add("a.log", f"x\n{key}the end")}, 10)
    assert found["a.log"] == f"x\n{REDACTED}\nthe end"


def _complains(_add: Add) -> None:
    raise ClusterError("refused: token=abc")


def test_notes_hold_no_secrets() -> None:
    assert collect({"n": _complains}, 10)[1] == [f"n: refused: token={REDACTED}"]


def test_of_a_long_file_the_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILE_BYTES", 10)
    found, _missing = collect({"log": lambda add: add("a.log", "0123456789€abcdefg")}, 10)
    assert found["a.log"] == "(10 bytes before this are left out)\n€abcdefg"


def test_all_files_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FOLDER_BYTES", 10)

    def three(add: Add) -> None:
        add("a", "123456")
        add("too-much", "12345")
        add("fits", "1234")

    found, missing = collect({"x": three}, 10)
    assert sorted(found) == ["a", "fits"]
    assert len(missing) == 1
    assert missing[0].startswith("too-much: left out")
