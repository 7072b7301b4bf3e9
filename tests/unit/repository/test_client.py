# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No plugin depends on which release of the Kubernetes client is there, nor makes paths of the API by itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PLUGINS = Path(__file__).parents[3] / "plugins"
MADE_BY_HAND = re.compile(r"""f["'](/api/v1|/apis/[^"'{]+)/namespaces/\{""")
STAND_IN = {"_istio_tag.py"}
"""What answers at such paths, in place of an API server, and asks nobody."""


def test_no_plugin_imports_the_client() -> None:
    imported = {
        (path.name, name.split(".")[0])
        for path in PLUGINS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert ("_pod_command.py", "websocket") in imported
    assert {path for path, name in imported if name == "kubernetes"} == set()


def test_names_become_paths_in_one_place() -> None:
    found = {path.name for path in PLUGINS.rglob("*.py") if MADE_BY_HAND.search(path.read_text(encoding="utf-8"))}
    assert found == STAND_IN
