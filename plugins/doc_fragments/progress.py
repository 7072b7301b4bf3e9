# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in _runtime.PROGRESS_OPTIONS."""

from __future__ import annotations


class ModuleDocFragment:
    """Where a module tells how far it has come."""

    DOCUMENTATION = r"""
options:
  progress_file:
    description:
      - File on the host that the task runs on, which must not exist. The module makes it when it has something to say,
        adds a JSON object a line while it works, with C(at) (Unix time) and C(text), and removes it when it ends.
      - The action plugin of the same name sets and reads it to show how far a task has come; there is no need to give
        it.
    type: path
"""
