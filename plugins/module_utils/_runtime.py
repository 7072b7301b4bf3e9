# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module's main() shares: the Python that has our libraries, common options, one way to fail."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from ansible_collections.meshlab.istio.plugins.module_utils._command import RAN
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, MeshlabError, NotYet, os_problem
from ansible_collections.meshlab.istio.plugins.module_utils._lifeline import Lifeline, let_go
from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact

PYTHON = "~/.local/share/meshlab/python/bin/python3"
"""The environment that the role ``host`` makes, with PyYAML, jmespath and websocket-client in it."""

RESPAWN_BYTES = 48 * 1024
"""What fits, beside Ansible's own part, into the pipe through which respawn_module() hands over a module's arguments.

It writes them before anybody reads: with more than a pipe holds (64 KiB on Linux) it would wait for ever
(ansible-core 2.19, module_utils/common/respawn.py).
"""

SECONDS = ("timeout", "grace")
"""How the names of options end that are a number of seconds to wait."""

CLUSTER_OPTIONS: dict[str, Any] = {"kubeconfig": {"type": "path"}, "context": {"type": "str"}}
PROGRESS_OPTIONS: dict[str, Any] = {"progress_file": {"type": "path"}}

SAID = {
    "after", "before", "changed_objects", "checks", "diff", "drift", "errors", "failures", "findings", "left_behind",
    "log", "message", "page", "passed_over", "pending", "problems", "says", "tried", "user_resources",
}  # fmt: skip
"""Return values with the words of tools, of the API server and of users' settings; secrets are taken out of them."""


LIBRARIES = {"yaml": "PyYAML", "websocket": "websocket-client"}
"""What is imported → the name under which it is installed, where that is another. What is importable already is taken
as it is: of these and of jmespath each release of the last years is good enough."""


def in_home(path: str) -> str:
    """Return a path in which ``~`` is this user's home folder, as Ansible makes it of an option of type path."""
    return os.path.expanduser(path)


def need_libraries(module: AnsibleModule, *names: str) -> None:
    """Make sure that ``names`` can be imported, from PYTHON's packages if they can't be here.

    The Kubernetes client is none of them: its releases differ too much to take any that is there (see _transport).

    A Python of the same version reads those packages itself; any other one starts the module again under PYTHON.

    :raises NotYet: check mode on a bare host, where PYTHON would be made before the module runs in earnest.
    """
    if not _missing(names):
        return
    python = os.path.expanduser(PYTHON)
    if os.access(python, os.X_OK):
        packages = _packages(python)
        if os.path.isdir(packages):
            # Behind the archive of the module itself, before the system's packages: what is pinned goes together.
            sys.path.insert(1, packages)
            importlib.invalidate_caches()
        elif not has_respawned():
            _respawn(module, python)
    missing = _missing(names)
    if missing and module.check_mode:
        raise NotYet(f"This host does not have the Python libraries {', '.join(map(_installed_as, missing))} yet.")
    if missing:
        module.fail_json(
            msg=missing_required_lib(_installed_as(missing[0]))
            + f" The role meshlab.istio.host makes such an environment at {PYTHON}.",
            missing=missing,
        )


def _installed_as(name: str) -> str:
    return LIBRARIES.get(name, name)


def _missing(names: Sequence[str]) -> list[str]:
    return [name for name in names if importlib.util.find_spec(name) is None]


def _packages(python: str) -> str:
    """Return where the environment of ``python`` keeps packages, if it is of this Python's version."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return os.path.join(os.path.dirname(os.path.dirname(python)), "lib", version, "site-packages")


def _respawn(module: AnsibleModule, python: str) -> None:
    """Start the module again under ``python``, and end with it."""
    if len(json.dumps(module.params)) > RESPAWN_BYTES:
        module.fail_json(
            msg=f"This module must change to {python}, which is of another version than {sys.executable}, and its"
            " arguments are too long to be handed over. Give them as files on the host, or set"
            f" ansible_python_interpreter to {python}."
        )
    let_go()
    respawn_module(python)


def run(module: AnsibleModule, work: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    """Call ``work`` and end the module with what it returns, or with a sentence about what went wrong.

    A MeshlabError brings its own sentence, and the operating system's errors get theirs from ``os_problem``. With
    each goes what the process ran up to then, as ``commands``. Any other exception is a fault of this collection: its
    message says so, and ``traceback`` says where.

    It ends without a result when nobody waits for one any more (see Lifeline).
    """
    try:
        _check_options(module.params)
        with Lifeline():
            result = work(module)
    except MeshlabError as error:
        module.fail_json(**{"commands": RAN, **error.result()})
    except OSError as error:
        module.fail_json(**redact({"commands": RAN, "msg": os_problem(error)}))
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        module.fail_json(**redact({
            "commands": RAN,
            "msg": f"This module does not know what to do here ({problem:.300}). That is a fault of the collection"
                   " meshlab.istio: please report it with the text under `traceback`.",
            "traceback": traceback.format_exc(),
        }))  # fmt: skip
    for warning in result.pop("warnings", []):
        module.warn(redact(warning))
    module.exit_json(**{key: redact(value) if key in SAID else value for key, value in result.items()})


def _check_options(options: dict[str, Any]) -> None:
    """Refuse what no option can mean: a time without end, and characters that no program or file name can have.

    :raises InputError: names the option.
    """
    for name, value in options.items():
        if isinstance(value, float) and name.endswith(SECONDS) and not abs(value) <= threading.TIMEOUT_MAX:
            raise InputError(
                f"The option {name} is {value}, but it needs a number of seconds, at most {threading.TIMEOUT_MAX:g}."
            )
        for text in _texts(value):
            if "\0" in text or not _is_unicode(text):
                raise InputError(
                    f"The option {name} has a character that no file, program or URL can be given:"
                    f" {text!a:.80}. Take it out."
                )


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in JSON data, the keys of mappings too."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, (list, tuple)):
            waiting += item


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be written: half of a pair of surrogates, which JSON can hold, is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
