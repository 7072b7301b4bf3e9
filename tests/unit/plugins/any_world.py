# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world in which any module can be run with any input, without harm to this machine and without waiting.

All of it is a stand-in: the cluster is in memory, tools print what is drawn, nobody answers on the network, and each
sleep moves the clock. ``guarded`` refuses every change of a file outside the folder of the run.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import itertools
import json
import os
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Callable
from unittest import mock

from ansible.module_utils.testing import patch_module_args
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _command, _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, NotFound, Unreachable
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.anything import damaged, lacking, values

Files = dict[str, Any]
"""Path under the folder of the run → text, bytes, or None for a file that is not there."""

OURS = "ansible_collections.meshlab.istio.plugins."
LIMIT_SECONDS = 20

POD = {
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "p", "namespace": "n", "labels": {"app": "a"}, "annotations": {}},
    "spec": {"containers": [{"name": "c", "image": "i:1"}], "nodeName": "node"},
    "status": {"phase": "Running", "podIP": "10.0.0.2", "conditions": [{"type": "Ready", "status": "True"}],
               "containerStatuses": [{"name": "c", "ready": True, "restartCount": 0, "state": {"running": {}}}]},
}  # fmt: skip
DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "d", "namespace": "n", "generation": 1, "labels": {"app": "a"}},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": {
        "metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}},
    "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1,
               "availableReplicas": 1},
}  # fmt: skip
SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "istio-system"},
    "spec": {"type": "LoadBalancer", "ports": [{"name": "http2", "port": 80, "nodePort": 30080}], "selector": {}},
    "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
}  # fmt: skip
ISTIOD = {
    **DEPLOYMENT,
    "metadata": {**DEPLOYMENT["metadata"], "name": "istiod-1-31", "namespace": "istio-system",
                 "labels": {"app": "istiod", "istio.io/rev": "1-31", "operator.istio.io/component": "Pilot"}},
}  # fmt: skip
INJECTOR = {
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "istio-sidecar-injector-1-31", "labels": {"app": "sidecar-injector", "istio.io/rev": "1-31"}},
    "webhooks": [{"name": "rev.namespace.sidecar-injector.istio.io", "clientConfig": {
        "service": {"name": "istiod-1-31", "namespace": "istio-system", "path": "/inject"}}}],
}  # fmt: skip
OBJECTS = [POD, DEPLOYMENT, SERVICE, ISTIOD, INJECTOR]

ANSWERS: list[Any] = [
    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "7"]}]}},
    {"status": "success", "data": {"resultType": "scalar", "result": [1.0, "7"]}},
    {"status": "success", "data": {"resultType": "string", "result": [1.0, "7"]}},
    {"groups": []}, {"resources": []}, {"gitVersion": "v1.34.4"}, {"major": "1", "minor": "34"}, "pong", "", None, [],
]  # fmt: skip
SAID = [
    "", "{}", "[]", "null", "x", "7", "v1.38.1", '{"clientVersion": {"version": "1.31.0", "revision": "x"}}',
    '{"Name":"minikube","Host":"Running","Kubelet":"Running","APIServer":"Running","Kubeconfig":"Configured"}',
    '{"minikubeVersion": "v1.38.1", "commit": ""}', '{"valid": [], "invalid": []}', "a: b: c", "\x00", "é",
    '{"specversion":"1.0","type":"io.k8s.sigs.minikube.error","data":{"message":"m","exitcode":"1","name":"N"}}',
]  # fmt: skip
"""What tools print, right or wrong."""

RIGHT = {
    ("istioctl", "version"): json.dumps({"clientVersion": {"version": "1.31.0", "revision": "x"}}),
    ("istioctl", "manifest"): json.dumps(DEPLOYMENT),
    ("istioctl", "analyze"): "[]",
    ("istioctl", "tag"): "[]",
    ("minikube", "version"): json.dumps({"minikubeVersion": "v1.38.1", "commit": ""}),
    ("minikube", "status"): json.dumps({"Name": "minikube", "Host": "Running", "Kubelet": "Running",
                                        "APIServer": "Running", "Kubeconfig": "Configured"}),
    ("minikube", "profile"): json.dumps({"valid": [], "invalid": []}),
    ("kubectl", "config"): json.dumps({"contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}]}),
    ("systemctl", "show"): "UnitFileState=enabled\nActiveState=active\nLoadState=loaded\nNRestarts=0\n",
}  # fmt: skip
"""Tool and first argument → what it prints when all is well."""


class OutsideTouched(BaseException):
    """A module was about to change something outside the folder of the run."""


class _OfAnsible(Exception):
    """ansible-core's own check of the options ended without a sentence, before the module began."""


class Hung(BaseException):
    """A module did not end."""


class AnyWorld:
    """Files, tools, cluster and network of one run.

    :param folder: made for the run, and removed after it.
    :param files: what lies in it.
    :param draw: draws the answers of tools and cluster.
    """

    def __init__(self, folder: Path, files: Files, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.folder = folder
        self.draw = draw
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
        self.answers = draw(st.sampled_from(["cluster", "cluster", "cluster", "lacking", "nobody", "empty"]))
        self.said = draw(st.lists(st.sampled_from(SAID), min_size=1, max_size=3))
        self.codes = draw(st.lists(st.sampled_from([0, 0, 0, 1, 7, 79, 85]), min_size=1, max_size=3))
        self.found = draw(st.sampled_from([True, True, True, False]))
        self.right = draw(st.sampled_from([True, True, False]))
        self.answered = draw(st.lists(st.sampled_from(ANSWERS) | damaged(ANSWERS[0]) | values, min_size=1, max_size=3))
        self._clock = 0.0

    def cluster(self, *_where: Any) -> FakeCluster:
        """Return the cluster that a module gets in place of a real one."""
        if self.answers == "nobody":
            raise Unreachable("No Kubernetes API answers at https://127.0.0.1:1.")
        objects = [] if self.answers == "empty" else copy.deepcopy(OBJECTS)
        namespaces = ("n", "istio-system")
        cluster = _AnyCluster(
            *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces)
        )
        for obj in objects:
            identity = {key: obj[key] for key in ("apiVersion", "kind", "metadata")}
            rest = {key: value for key, value in obj.items() if key not in identity}
            cluster.put({**(self.draw(lacking(rest)) if self.answers == "lacking" else rest), **identity})
        cluster.rounds = itertools.cycle(self.answered)
        return cluster

    def resolve(self, tool: Any) -> str:
        if not self.found:
            raise CommandError(f"{tool.name} was not found.", cmd=[], rc=None, stdout="", stderr="")
        return f"/usr/bin/{tool.name}"

    def run(self, tool: Any, arguments: Any, *, check: bool = True, **_more: Any) -> Any:
        cmd = (tool.resolve(), *arguments)
        assert all(isinstance(word, str) for word in cmd), f"not an argument list of text: {cmd}"
        right = RIGHT.get((tool.name, next(iter(arguments), "")))
        stdout, code = self.said[len(tool.log) % len(self.said)], self.codes[len(tool.log) % len(self.codes)]
        if self.right and right is not None:
            stdout, code = right, 0
        done = _command.Completed(cmd, code, stdout, "it said so", 0.1)
        tool.record(cmd, code, 0.1)
        if check and code:
            raise tool.failure(done)
        return done

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._clock += seconds

    def monotonic(self, real: Callable[[], float] = time.monotonic) -> float:
        return real() + self._clock


class _AnyCluster(FakeCluster):
    """Answers every path of the API with what is drawn."""

    rounds: Iterator[Any] = itertools.repeat(None)

    def raw(self, path: str, query: Any = None, **_more: Any) -> bytes:
        return json.dumps(next(self.rounds)).encode()

    def json(self, path: str, query: Any = None) -> Any:
        return copy.deepcopy(next(self.rounds))

    def post(self, path: str, body: Any) -> None:
        raise NotFound("There is no such path.", status=404)


def specification_of(name: str) -> dict[str, Any]:
    """Return the argument spec of a module."""
    module = importlib.import_module(f"{OURS}modules.{name}")
    asked: dict[str, Any] = {}

    class Seen(Exception):
        pass

    def note(*_positional: Any, argument_spec: dict[str, Any], **_more: Any) -> None:
        asked.update(argument_spec)
        raise Seen

    with mock.patch.object(module, "AnsibleModule", side_effect=note), contextlib.suppress(Seen):
        module.main()
    return asked


def result_of(module: ModuleType, options: dict[str, Any], world: AnyWorld, *, check_mode: bool) -> dict[str, Any]:
    """Run a module's main() in a world; return what it prints.

    :param options: texts may name the folder of the run as ``{folder}``.
    :raises AssertionError: the module ended in another way than a module does.
    """
    home = world.folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    arguments = {**_placed(options, str(world.folder)), "_ansible_check_mode": check_mode, "_ansible_diff": True,
                 "_ansible_remote_tmp": str(world.folder), "_ansible_tmpdir": str(world.folder)}  # fmt: skip
    said = io.StringIO()
    with (
        contextlib.ExitStack() as stack,
        contextlib.redirect_stdout(said),
        mock.patch.dict(os.environ, {"HOME": str(home), "TMPDIR": str(world.folder)}),
    ):
        for patch in _patches(world):
            stack.enter_context(patch)
        stack.enter_context(patch_module_args(arguments))
        stack.enter_context(guarded(world.folder))
        stack.enter_context(_limited())
        # What the guard refuses, the user had asked for: it is no fault of the module.
        with contextlib.suppress(SystemExit, OutsideTouched, _OfAnsible):
            try:
                module.main()
            except Exception as error:
                _blame(error)
                raise
            raise AssertionError("the module returned")
    shutil.rmtree(world.folder, ignore_errors=True)
    lines = said.getvalue().strip().splitlines()
    result: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return result


def _blame(error: BaseException) -> None:
    """Raise _OfAnsible if an error comes from ansible-core's check of the options, which main() begins with."""
    frames = [frame.f_code for frame, _line in traceback.walk_tb(error.__traceback__)]
    ours = [code.co_name for code in frames if f"{os.sep}plugins{os.sep}mod" in code.co_filename]
    if ours == ["main"]:
        raise _OfAnsible from error


def _placed(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return value.replace("{folder}", folder)
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    if isinstance(value, dict):
        return {key: _placed(item, folder) for key, item in value.items()}
    return value


def _patches(world: AnyWorld) -> Iterator[Any]:
    def nobody(*_arguments: Any, **_more: Any) -> Any:
        raise ConnectionRefusedError(111, "Connection refused")

    def no_name(*_arguments: Any, **_more: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    def no_program(*_arguments: Any, **_more: Any) -> Any:
        raise FileNotFoundError(2, "No such file or directory")

    yield mock.patch.object(_command.CommandLineTool, "resolve", _method(world.resolve))
    yield mock.patch.object(_command.CommandLineTool, "run", _method(world.run))
    yield mock.patch("socket.socket.connect", nobody)
    yield mock.patch("socket.getaddrinfo", no_name)
    yield mock.patch("subprocess.Popen", no_program)
    yield mock.patch("subprocess.run", no_program)
    yield mock.patch("time.sleep", world.sleep)
    yield mock.patch("time.monotonic", world.monotonic)
    yield mock.patch.object(_runtime, "need_libraries", return_value=None)
    for name, loaded in list(sys.modules.items()):
        if name.startswith(OURS):
            for attribute, value in list(vars(loaded).items()):
                if value is Cluster and not name.endswith("._cluster"):
                    yield mock.patch.object(loaded, attribute, world.cluster)
                if attribute == "need_libraries":
                    yield mock.patch.object(loaded, attribute, return_value=None)


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function one that gets the object it is called on."""

    def method(tool: Any, *words: Any, **more: Any) -> Any:
        return function(tool, *words, **more)

    return method


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """End a run that does not end by itself."""

    def over(*_signal: Any) -> None:
        raise Hung(f"not over within {LIMIT_SECONDS} s")

    former = signal.signal(signal.SIGALRM, over)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


# -- the guard -----------------------------------------------------------------------------------

_allowed: list[str] = []
"""Folders that may be changed while a guard is on; empty while none is."""

CHANGES = {
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate",
    "os.utime", "shutil.rmtree", "shutil.move", "shutil.chown", "os.setxattr",
}  # fmt: skip
"""Audit events (Python's documentation, Audit events table) whose first argument is a path that changes."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Raise OutsideTouched as soon as anything outside a folder is about to be changed."""
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_audit)
    _allowed.append(str(folder.resolve()))
    try:
        yield
    finally:
        _allowed.clear()


_hooked: list[bool] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _allowed:
        return
    if event == "open":
        path, _mode, flags = arguments
        if not isinstance(flags, int) or not flags & WRITES:
            return
    elif event in CHANGES:
        path = arguments[0]
    elif event in ("os.kill", "os.exec", "os.posix_spawn", "os.system"):
        raise OutsideTouched(f"{event} {arguments!r:.300}")
    else:
        return
    if isinstance(path, int):
        return
    text = os.fsdecode(path)
    # Names relative to an open folder come from walks that began with a path that was looked at.
    if (
        event in CHANGES
        and not os.path.isabs(text)
        and any(isinstance(each, int) and each > 2 for each in arguments[1:])
    ):
        return
    real = os.path.realpath(os.path.dirname(os.path.abspath(text)))
    if not any(real == folder or real.startswith(folder + os.sep) for folder in _allowed) and not _harmless(text):
        raise OutsideTouched(f"{event} {text[:300]!r}")


def _harmless(path: str) -> bool:
    """Tell whether a file is one of Python's own, or a device."""
    return path.startswith("/dev/") or path.endswith(".pyc") or "__pycache__" in path or ".pyc." in path
