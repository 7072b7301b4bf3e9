# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One hierarchy for everything that can go wrong; only a module's main() turns it into fail_json."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact


class MeshlabError(Exception):
    """A failure a person can act on.

    :param message: one or two sentences: what failed, why, and what to do about it.
    :param details: extra return values of the failed module (JSON types only).
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def result(self) -> dict[str, Any]:
        """Return the keyword arguments for ``AnsibleModule.fail_json``, without secrets that a tool may have said."""
        result: dict[str, Any] = redact({"msg": self.message, **self.details})
        return result


class InputError(MeshlabError):
    """An option, file or manifest of the user's cannot be used; nothing was touched."""


class CommandError(MeshlabError):
    """A command-line tool failed, is missing, or did not end in time.

    Details always hold ``cmd`` (list of str), ``rc`` (int, None after a time-out),
    ``stdout`` and ``stderr`` (str).
    """


class ClusterError(MeshlabError):
    """The Kubernetes API cannot be used: unreachable, refused, or it rejected a request.

    Details hold ``status`` (HTTP status, absent when no answer came) and ``reason``
    (the API's own word, such as NotFound or Forbidden) where known.
    """

    @property
    def busy(self) -> bool:
        """Whether the same request may well be answered in a moment: the API server is busy, or in trouble itself."""
        status: int = self.details.get("status") or 0
        return status == 429 or status >= 500


class NotFound(ClusterError):
    """The API answered that an object, its namespace or its kind does not exist."""


class Unreachable(ClusterError):
    """No API server answered (connection refused, time-out; as NotYet: no kubeconfig, no such context)."""

    busy = True


class NotYet(Unreachable):
    """There is no cluster to ask yet: no kubeconfig, no such context, or nothing to ask with. Waiting brings none."""

    busy = False


class WaitError(MeshlabError):
    """A joint wait ended without success.

    Details hold ``failures`` (list of dict: object, pod, container, reason, message, log) and
    ``pending`` (list of dict: object, message).
    """
