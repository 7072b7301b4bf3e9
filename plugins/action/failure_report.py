# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what tells why a run failed: the module gathers it on the host, this writes it on the controller."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact
from ansible_collections.meshlab.istio.plugins.module_utils._report import make_private
from ansible_collections.meshlab.istio.plugins.plugin_utils._failed import message_of

MODULE = "meshlab.istio.failure_report"
INDEX = "failure.json"
"""Also the mark of a folder that was written here and may be replaced."""
NAME = re.compile(r"(\w[\w.:-]*/)?\w[\w.:-]*", re.ASCII)
"""What a file that comes from a host may be called: nothing that leads out of the folder."""
OF_ANSIBLE = ("_ansible", "invocation", "ansible_facts")


class ActionModule(ActionBase):
    """Never fails for want of something to gather: the run's own failure is what counts."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return folder, message, gathered (file names) and notes (what is missing)."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = self._task.args
        failed = given.get("result") or {}
        message = redact(message_of(failed))
        result.update(changed=False, folder="", message=message, gathered=[], notes=[])
        if self._task.check_mode:
            return result
        files, notes = self._gathered(task_vars)
        index = {
            "host": str((task_vars or {}).get("inventory_hostname", "")),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "task": given.get("task", ""),
            "message": message,
            "result": {key: value for key, value in failed.items() if not key.startswith(OF_ANSIBLE)},
            "files": sorted(files),
            "not_gathered": notes,
        }
        text = json.dumps(redact(index), indent=2, ensure_ascii=False, default=str) + "\n"
        folder = write_folder(Path(given["dest"]).expanduser(), {**files, INDEX: text})
        return {**result, "folder": str(folder), "gathered": sorted([*files, INDEX]), "notes": notes}

    def _gathered(self, task_vars: dict[str, Any] | None) -> tuple[dict[str, str], list[str]]:
        """Return what the host gave; where it gave nothing, a sentence that says why."""
        # What the failed task returned can be long, and the host has no use for it.
        arguments = {key: value for key, value in self._task.args.items() if key not in ("result", "task")}
        try:
            answer = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        except AnsibleError as error:
            return {}, [f"Nothing could be gathered on the host: {error}"]
        if "files" not in answer:
            return {}, [f"Nothing could be gathered on the host: {answer.get('msg', 'it gave no reason')}"]
        files = {name: text for name, text in answer["files"].items() if NAME.fullmatch(name)}
        refused = [f"{name!r}: not a name for a file." for name in answer["files"] if name not in files]
        return files, [*answer["notes"], *refused]


def write_folder(folder: Path, files: Mapping[str, str]) -> Path:
    """Replace a folder of an earlier failure by one with ``files`` (name to text), for its owner only.

    What somebody else put into it, such as notes, comes along.

    :returns: its absolute path.
    :raises AnsibleError: it cannot be written, or a folder with something else in it is in the way.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder / INDEX).is_file():
        raise AnsibleError(f"{folder} holds something else than a failure report. Give another folder as dest.")
    partial = None
    try:
        make_private(folder.parent)
        # mkdtemp makes folders 0700.
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name, text in files.items():
            path = partial / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        if folder.exists():
            _keep_added(folder, partial)
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError as error:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
        raise AnsibleError(
            f"{folder} could not be written: {error.strerror}. Give another folder as dest (report_path)."
        ) from error
    return folder


def _keep_added(folder: Path, beside: Path) -> None:
    """Move what the earlier failure did not bring from ``folder`` to ``beside``.

    Where a file of the new failure has the same name, ``.kept`` is added.
    """
    try:
        brought = {INDEX, *map(str, json.loads((folder / INDEX).read_text(encoding="utf-8"))["files"])}
    except (ValueError, KeyError, TypeError):
        brought = {INDEX}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name in brought or (path.is_dir() and not path.is_symlink()):
            continue
        target = beside / name
        if target.exists():
            target = target.with_name(f"{target.name}.kept")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.rename(target)
