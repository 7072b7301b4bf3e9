# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch the callback meshlab.istio.outcome on: Ansible loads what is beside a playbook without any setting."""

from __future__ import annotations

from ansible_collections.meshlab.istio.plugins.callback.outcome import CallbackModule

__all__ = ["CallbackModule"]
