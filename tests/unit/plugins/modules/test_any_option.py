# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module answers every input with a result or a sentence: wrong types, nulls, empties, huge and nested values.

The world around a module is a stand-in: a cluster in memory, tools that print what a test gives them, a network where
nobody answers, and a clock that jumps. A guard ends the test when a module changes a file outside its own folder.

``MESHLAB_EXAMPLES=20000 pytest tests/unit/plugins/modules/test_any_option.py`` tries that many inputs in all.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.plugins.any_world import AnyWorld, Files, result_of, specification_of
from tests.unit.plugins.anything import damaged, values

MODULES = sorted(path.stem for path in (Path(__file__).parents[4] / "plugins" / "modules").glob("*.py"))
TRIES = int(os.environ.get("MESHLAB_EXAMPLES", str(20 * len(MODULES)))) // len(MODULES)

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {"k": "v"}}
OPERATOR = {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": {"profile": "demo"}}
SCENARIO = {
    "name": "s", "title": "S", "introduces": "faults", "lesson": "L.",
    "steps": [
        {"apply": {"objects": [CONFIG_MAP]}},
        {"name": "page", "traffic": {"requests": 2}, "expect": [{"metric": "sent", "relation": "==", "bound": 2}]},
    ],
}  # fmt: skip
SERVICE = {"name": "forward-a", "description": "A forward", "command": ["/bin/true"], "user": "root"}
HOST = {
    "name": "lab1", "url": "http://10.0.0.1/productpage", "versions": {"istio": "1.31.0"},
    "traffic": {"sent": 2, "status": {"200": 2}}, "timings": [{"stage": "host", "start": 0.0, "end": 1.0}],
}  # fmt: skip
KUBECONFIG = {
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "x"}}],
}  # fmt: skip
BUNDLE = {"files": [{"name": "kubectl", "file": "files/kubectl", "sha256": "0" * 64}], "images": [], "wheels": []}
PROFILE = {
    "Name": "minikube", "Driver": "none", "Memory": 4000, "CPUs": 2, "Nodes": [{"Name": "", "IP": "127.0.0.1"}],
    "KubernetesConfig": {"KubernetesVersion": "v1.34.4", "ContainerRuntime": "containerd"},
}  # fmt: skip

FILES: dict[str, Any] = {
    "manifest.yaml": CONFIG_MAP,
    "operator.yaml": OPERATOR,
    "kubeconfig": KUBECONFIG,
    "bundle/bundle.json": BUNDLE,
    "home/.minikube/profiles/minikube/config.json": PROFILE,
    "home/.minikube/config/config.json": {"driver": "none"},
    "report/report.json": {"hosts": [HOST]},
}
"""Files that a module may read, under the folder of the run; each of them may come damaged."""

BASELINE: dict[str, dict[str, Any]] = {
    "addons_info": {"names": ["prometheus", "kiali"], "timeout": 0.05},
    "cluster_preflight_info": {"kubeconfig": "{folder}/kubeconfig", "content": json.dumps(KUBECONFIG)},
    "failure_report": {"dest": "{folder}/failure", "task": "t", "result": {"msg": "m"}, "timeout": 1},
    "gateway_url_info": {"service": "s", "timeout": 0.05},
    "host_preflight_info": {"ports": {"forward": 1}},
    "istioctl_analyze_info": {"path": "istioctl", "filename": ["{folder}/manifest.yaml"]},
    "istioctl_install": {"path": "istioctl", "filename": ["{folder}/operator.yaml"], "readiness_timeout": 0.05},
    "istioctl_tag": {"path": "istioctl", "name": "prod", "revision": "1-31"},
    "kubeconfig_context": {"namespace": "n", "path": "kubectl"},
    "lab_files": {"bundle": "{folder}/bundle", "files": [{"name": "kubectl", "dest": "{folder}/bin/kubectl",
                                                          "sha256": "0" * 64, "mode": "0755"}]},
    "lab_inputs": {},
    "manifests": {"src": ["{folder}/manifest.yaml"], "wait_timeout": 0.05},
    "mesh_status_info": {"addons": ["prometheus"], "timeout": 0.05},
    "mesh_traffic": {"url": "http://127.0.0.1:1/", "requests": 2, "timeout": 0.05},
    "minikube": {"path": "minikube", "driver": "none"},
    "minikube_info": {"path": "minikube"},
    "minikube_preflight_info": {"driver": "none"},
    "prometheus_query_info": {"query": "up", "relation": ">=", "bound": 1, "timeout": 0.05},
    "python_environment": {"path": "{folder}/python", "requirements": "a==1 --hash=sha256:0", "find_links": "{folder}"},
    "report": {"hosts": [HOST], "dest": "{folder}/report"},
    "run_lock": {},
    "scenario": {"definition": SCENARIO, "url": "http://127.0.0.1:1/", "release_dir": "{folder}/istio"},
    "service_graph_info": {"query": "up", "bound": 1, "timeout": 0.05},
    "sidecars": {"namespaces": ["n"], "wait_timeout": 0.05},
    "stage": {"name": "host"},
    "supervised_services": {"services": [SERVICE]},
    "url_info": {"urls": ["http://127.0.0.1:1/"], "timeout": 0.05},
    "workloads_info": {"namespaces": ["n"], "wait_timeout": 0.05},
}  # fmt: skip
"""Options with which each module does its work; ``{folder}`` is the folder of the run."""

SECONDS = st.sampled_from([None, -1, 0, 0.01, "", "x", "0.01", "nan", "inf", "-inf", [], {}, True])
"""For options that are a number of seconds: a long wait would be right, and too long for a test."""

STRANGE = st.one_of(
    values,
    st.sampled_from([
        None, "", " ", "\n", ".", "..", "/", "../x", "a b", "a/b", "a\x00b", "-", "--help", "~", "~nobody/x", "$HOME",
        "%s", "{{ x }}", "${x}", "0", "-1", "1e400", "nan", "0x10", "y", "no", "null", "[]", "{}", "http://",
        "http://[", "https://a:70000/", "tcp://a", "a=b,c!=", "v1.34.4", "1.31", "99999999999999999999", "é" * 300,
        "\ud800", "x" * 70_000, 10**30, -(10**30), 1e308, 70_000, -70_000, True, [], {}, [[]], [None], [{}], {"": None},
        {"a": {"b": {"c": [None, {"d": [[]]}]}}}, ["x"] * 3000,
    ]),
    st.integers(), st.floats(), st.text(max_size=30),
    st.recursive(st.none() | st.booleans() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2)
                 | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=6),
)  # fmt: skip
"""What no option expects."""


@st.composite
def inputs(draw: Any, name: str) -> tuple[dict[str, Any], bool]:
    """Return options of a module, up to three of them strange, and whether it runs in check mode."""
    spec, options = specification_of(name), dict(BASELINE[name])
    for key in draw(st.lists(st.sampled_from(sorted(spec)), max_size=3, unique=True)) if spec else []:
        given_value = options.get(key)
        seconds = "timeout" in key or key in ("duration", "failure_grace")
        strange = SECONDS if seconds else STRANGE
        if isinstance(given_value, (dict, list)) and given_value and draw(st.booleans()):
            strange = damaged(given_value)
        elif key == "rate":
            # A slow rate is right, and too slow for a test.
            strange = SECONDS.filter(lambda value: value not in (0.01, "0.01"))
        elif spec[key].get("choices") and draw(st.booleans()):
            strange = st.sampled_from(list(spec[key]["choices"]))
        elif spec[key].get("options") and draw(st.booleans()):
            strange = st.lists(st.dictionaries(st.sampled_from(sorted(spec[key]["options"])), STRANGE, max_size=3))
        options[key] = draw(strange)
    return options, draw(st.booleans())


@st.composite
def files(draw: Any) -> Files:
    """Return FILES as JSON, up to two of them damaged, cut off, or something else."""
    found: Files = {name: json.dumps(content) for name, content in FILES.items()}
    for name in draw(st.lists(st.sampled_from(sorted(found)), max_size=2, unique=True)):
        found[name] = draw(st.one_of(
            damaged(FILES[name]).map(json.dumps),
            st.integers(0, 60).map(lambda end, text=found[name]: text[:end]),
            st.sampled_from(["", "a: b: c", "- &a [*a]", "{", "\t", "a: 2026-01-01\n", "1: a\n", "? [a]\n: b\n",
                             "--- \n...\n---\nkind: A\n", b"\xff\xfe\x00", b"\x00" * 20, None]),
        ))  # fmt: skip
    return found


PYTHON = re.compile(
    r"Traceback|object has no attribute|NoneType|KeyError|TypeError|ValueError|IndexError|AttributeError|\[Errno"
    r"|unexpected keyword|subscriptable|not iterable|invalid literal|codec can't|JSON serializable|index out of range"
    r"|unhashable|'(?:dict|list|str|int|float|bool|tuple)' |can only concatenate|embedded null|recursion"
    r"|could not convert"
    r"|must be str|expected str|cannot unpack|not enough values|unsupported operand|positional argument|<class '"
)
ANSIBLES_OWN = re.compile(
    r"^(argument '|Elements value for option|value of \S+ must be|missing required arg|Unsupported parameters"
    r"|one of the following|parameters are mutually|parameters are required|state is |mount is |missing parameter"
    r"|dictionary requested|Failure when processing no_log)"
)
"""ansible-core's messages about types, choices and what goes with what, which it says before a module begins."""


@pytest.mark.parametrize("name", MODULES)
def test_any_option(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"ansible_collections.meshlab.istio.plugins.modules.{name}")
    runs = iter(range(10**9))

    @settings(
        max_examples=TRIES, deadline=None, database=None, derandomize=not os.environ.get("MESHLAB_EXAMPLES"),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(inputs(name), files(), st.data())
    def answers(given_input: tuple[dict[str, Any], bool], given_files: Files, data: st.DataObject) -> None:
        options, check_mode = given_input
        world = AnyWorld(tmp_path / str(next(runs)), given_files, data.draw)
        result = result_of(module, options, world, check_mode=check_mode)
        assert "traceback" not in result, result["traceback"]
        if result.get("failed"):
            assert isinstance(result.get("msg"), str), result
            assert result["msg"].strip(), result
            if not ANSIBLES_OWN.search(result["msg"]):
                assert not PYTHON.search(result["msg"]), result["msg"]

    answers()
