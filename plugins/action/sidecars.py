# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of sidecars: shows how far the module has come."""

from __future__ import annotations

from ansible_collections.meshlab.istio.plugins.plugin_utils._progress import ShowsProgress


class ActionModule(ShowsProgress):
    """Found by its name."""
