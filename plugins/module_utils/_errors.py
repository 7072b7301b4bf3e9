# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One hierarchy for everything that can go wrong; only a module's main() turns it into fail_json."""

from __future__ import annotations

import errno
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

    :ivar kind: of what failed where no answer came, as HttpError has it.
    :ivar why: the cause alone, as the rest of a sentence about the API server, where no answer came.
    :ivar advice: what to do about that cause.
    """

    kind = ""
    why = ""
    advice = ""

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


class NoWay(ClusterError):
    """No request reaches the API server: a certificate, a proxy, a credential plugin. Waiting does not help."""


class NotYet(Unreachable):
    """There is no cluster to ask yet: no kubeconfig, no such context, or nothing to ask with. Waiting brings none."""

    busy = False


class WaitError(MeshlabError):
    """A joint wait ended without success.

    Details hold ``failures`` (list of dict: object, pod, container, reason, message, log) and
    ``pending`` (list of dict: object, message).
    """


OS_REMEDIES = {
    errno.EACCES: "Give this user the right to it, or use `become`.",
    errno.EPERM: "Give this user the right to it, or use `become`.",
    errno.EROFS: "The file system is read-only: choose a place that can be written.",
    errno.ENOSPC: "Free some space on this disk, and run it again.",
    errno.EDQUOT: "This user's quota is used up: free some space, and run it again.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EMFILE: "Raise the limit of open files (`ulimit -n`), and run it again.",
    errno.ENFILE: "This host has too many open files: end what is not needed, and run it again.",
    errno.ENOMEM: "This host is out of memory: end what is not needed, and run it again.",
    errno.EIO: "The disk or its file system is damaged: look at the kernel's messages (`dmesg`).",
    errno.ELOOP: "The links lead in a circle: look at them with `ls -l`.",
    errno.ENOTDIR: "A part of this path is a file: choose another path.",
    errno.EISDIR: "This is a folder, and a file is needed.",
}
"""Number of an error of the operating system (errno(3)) → what to do about it."""


def words_of(error: BaseException) -> str:
    """Return what an error says in words for a person: the operating system's where it has some, without numbers."""
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    return str((error.strerror if isinstance(error, OSError) else None) or error or type(error).__name__)


def os_problem(error: OSError) -> str:
    """Return a sentence for an error of the operating system: what failed, on which file, and what to do."""
    where = f": {error.filename}" if error.filename else ""
    remedy = OS_REMEDIES.get(error.errno or 0, "")
    return f"{words_of(error)}{where}. {remedy}".strip()
