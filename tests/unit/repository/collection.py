# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gates look at: the checkout's files, modules, roles and playbooks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = "meshlab.istio"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


def load(path: Path) -> Any:
    """Parse a YAML file; a missing one is an error. Ansible's own tags become their plain values."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506


class _Loader(yaml.CSafeLoader):
    """Knows !vault and !unsafe as strings. The one in C: these files are read some thousand times."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
_Loader.add_constructor("!vault", lambda loader, node: loader.construct_scalar(node))


def project_files() -> list[Path]:
    """Every file that git has, or would offer to add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def tasks_in(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every task of a playbook or a list of tasks, also those inside blocks."""
    for entry in document or []:
        yield entry
        for key in ("block", "rescue", "always", "pre_tasks", "tasks", "post_tasks", "handlers"):
            yield from tasks_in(entry.get(key))


def role_task_files(role: str) -> list[Path]:
    """Every task and handler file of a role."""
    return sorted(path for part in ("tasks", "handlers") for path in (ROOT / "roles" / role / part).rglob("*.yml"))
