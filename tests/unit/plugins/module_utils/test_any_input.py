# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No input makes a parser stumble: it is read, or refused with a sentence, whatever its form."""

from __future__ import annotations

import contextlib
import json
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _http, _istioctl, _manifests, _watch
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_health as health
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._command import Completed
from ansible_collections.meshlab.istio.plugins.module_utils._diff import changed_fields, diff_entry
from ansible_collections.meshlab.istio.plugins.module_utils._entrance import FINDERS, Entrance, NoWay, Wanted, Way
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    CommandError,
    InputError,
    NotFound,
)
from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched
from ansible_collections.meshlab.istio.plugins.module_utils._quantity import quantity
from ansible_collections.meshlab.istio.plugins.module_utils._select import selector
from ansible_collections.meshlab.istio.plugins.module_utils._sources import checked
from ansible_collections.meshlab.istio.plugins.module_utils._trouble import troubles
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.anything import (
    Object,
    damaged,
    hosts,
    many,
    mappings,
    ports,
    quick,
    scalars,
    some,
    texts,
    values,
    words,
)
from tests.unit.plugins.fake_minikube import PROFILE, RUNNING, STOPPED, Replay, World
from tests.unit.plugins.gateways import GATEWAY_API

# -- istioctl ----------------------------------------------------------------------------------------

SPEC_KEYS = (
    "profile", "hub", "tag", "revision", "components", "ingressGateways", "egressGateways", "name", "enabled",
    "values", "global", "istioNamespace", "kind",
)  # fmt: skip
SETS = ["profile=demo", "profile=[a]", "components.ingressGateways[0].enabled=true", "values.a.b=1", "values[0]=x", "=",
        "components.egressGateways.[name:a].k8s=x", "components.ingressGateways=5", "spec"]  # fmt: skip


@quick
@given(mappings(*SPEC_KEYS), st.lists(st.sampled_from(SETS), max_size=3), st.sampled_from([None, "demo", "mine"]))
def test_any_spec_of_an_operator(spec: Object, entries: list[str], profile: str | None) -> None:
    with contextlib.suppress(InputError):
        document = operators.build(spec=spec, set_entries=entries, profile=profile, revision="default")
        assert json.loads(json.dumps(document)) == document
        assert isinstance(operators.revision_of(document) + operators.namespace_of(document), str)


@quick
@given(texts({"kind": "IstioOperator", "metadata": {}, "spec": {"components": {"ingressGateways": [{"name": "a"}]}}}))
def test_any_file_of_an_operator(text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        with contextlib.suppress(InputError):
            operators.build(filename=[stream.name], spec={"components": {"ingressGateways": [{"name": "b"}]}})


@quick
@given(texts({"clientVersion": {"version": "1.30.3", "revision": "x"}}))
def test_any_version_of_istioctl(text: str) -> None:
    tool = _istioctl.Istioctl("istioctl")
    said = Completed(("istioctl", "version"), 0, text, "", 0.1)
    with mock.patch.object(tool, "run", return_value=said), contextlib.suppress(CommandError):
        assert tool.version_text
        assert tool.release.minor
        assert tool.version.major >= 0


MANIFEST = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "labels": {"b": "c"}}, "spec": {"d": [1]}}


@quick
@given(texts(MANIFEST), texts(MANIFEST))
def test_any_manifests_of_istioctl(first: str, second: str) -> None:
    tool = _istioctl.Istioctl("istioctl")
    said = Completed(("istioctl", "manifest"), 0, f"{first}\n---\n{second}", "", 0.1)
    with mock.patch.object(tool, "run", return_value=said), contextlib.suppress(CommandError):
        for obj in tool.generate("iop", cluster_specific=False):
            assert obj["kind"]
            assert obj["metadata"]["name"]


# -- minikube ----------------------------------------------------------------------------------------


@quick
@given(texts([RUNNING, STOPPED], RUNNING, None), st.sampled_from([0, 1, 7, 85, 38]))
def test_any_status_of_minikube(text: str, code: int) -> None:
    minikube = Replay(Path("/nowhere"), lambda _arguments: {"rc": code, "stdout": text})
    with contextlib.suppress(CommandError):
        state, reasons = health.judge(minikube.status("minikube"))
        assert state in (health.STARTED, health.STOPPED, health.PAUSED, health.DEGRADED, health.INCOMPLETE)
        assert all(isinstance(reason, str) for reason in reasons)


@quick
@given(texts({"commit": "", "minikubeVersion": "v1.38.1"}, ["v1.34.4", "v1.33.1"]), st.text(max_size=8))
def test_any_version_of_minikube(text: str, wanted: str) -> None:
    minikube = Replay(Path("/nowhere"), lambda _arguments: {"stdout": text})
    with contextlib.suppress(CommandError, InputError):
        assert minikube.kubernetes_version("1.34").startswith("v1.34")
    with contextlib.suppress(CommandError, InputError):
        assert minikube.kubernetes_version(wanted)
    with contextlib.suppress(CommandError, InputError):
        assert minikube.version() >= (1, 26)


@quick
@given(texts(PROFILE), texts({"driver": "kvm2"}))
def test_any_profile_and_defaults_of_minikube(profile: str, defaults: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.rows = [STOPPED]
        for path, text in (
            (Path(world.profile_file("minikube")), profile),
            (Path(world.home, "config", "config.json"), defaults),
        ):
            path.parent.mkdir(parents=True)
            path.write_text(text)
        assert isinstance(world.defaults(), dict)
        assert json.dumps(health.describe(world, "minikube"))


# -- manifests ---------------------------------------------------------------------------------------


@quick
@given(
    many(st.text(max_size=20) | st.text(alphabet="ab=!(), in", max_size=12)),
    st.dictionaries(words, st.none() | st.booleans() | st.integers() | words, max_size=3),
)
def test_any_label_selector(selectors: list[str], labels: Object) -> None:
    with contextlib.suppress(InputError):
        assert selector(selectors)(labels) in (True, False)


POINTERS = st.sampled_from(["", "/", "/spec", "/spec/d", "/spec/d/-", "/spec/d/0", "/metadata", "/kind", "x", "/a~1b"])
OPERATIONS = some(
    op=st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]) | scalars,
    path=POINTERS | scalars, value=values, **{"from": POINTERS | scalars},
)  # fmt: skip
PATCHES = st.fixed_dictionaries(
    {"kind": st.just("A"), "patch": values | mappings("spec", "metadata", "kind", "d") | many(OPERATIONS)},
    optional={"name": words, "inside": POINTERS},
)


@quick
@given(many(PATCHES))
def test_any_patch(patches: list[Object]) -> None:
    with contextlib.suppress(InputError):
        for obj in patched([MANIFEST], patches):
            assert checked(obj, "x") == obj
    assert MANIFEST["spec"] == {"d": [1]}


@quick
@given(damaged({"group": "a", "names": {"kind": "A"}, "scope": "Namespaced"}))
def test_any_definition_of_a_kind(spec: Any) -> None:
    definition = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
                  "metadata": {"name": "a.a"}, "spec": spec}  # fmt: skip
    (placed,) = _manifests.placed([definition], None, None)
    assert placed == definition


@quick
@given(st.text(max_size=9) | st.text(alphabet="0123456789.eE-+mkGi", max_size=9) | st.integers() | st.floats())
def test_any_quantity(value: Any) -> None:
    assert quantity(value).is_finite()


TLS = ssl.create_default_context()


@quick
@given(st.text(max_size=9) | st.text(alphabet="a.:[]1-", max_size=70))
def test_any_host_with_tls(host: str) -> None:
    name = _http._host_name(host)
    with contextlib.suppress(InputError):
        _http._check_server_name(TLS, name)
        assert TLS.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)


# -- the cluster -------------------------------------------------------------------------------------

CONDITIONS = many(st.fixed_dictionaries({"type": words, "status": words}, optional={"reason": words, "message": words}))
SERVICES = st.fixed_dictionaries(
    {"spec": some(
        type=st.sampled_from(["LoadBalancer", "NodePort", "ClusterIP", "ExternalName"]),
        selector=st.none() | st.just({"app": "a"}),
        ports=st.none() | many(st.fixed_dictionaries(
            {"port": ports}, optional={"name": words, "targetPort": ports | words, "nodePort": ports})),
    )},
    optional={"status": some(loadBalancer=some(ingress=st.none() | many(some(ip=words, hostname=words))))},
)  # fmt: skip
NODES = some(
    spec=some(),
    status=some(
        addresses=st.none() | many(st.fixed_dictionaries(
            {"type": st.sampled_from(["InternalIP", "ExternalIP", "Hostname"]), "address": hosts})),
        conditions=st.none() | CONDITIONS,
    ),
)  # fmt: skip
CONTAINER = st.fixed_dictionaries(
    {"name": words},
    optional={"ports": st.none() | many(st.fixed_dictionaries(
        {"containerPort": ports}, optional={"name": words, "hostPort": ports}))},
)  # fmt: skip
GATEWAY_PODS = st.fixed_dictionaries({
    "spec": st.fixed_dictionaries(
        {"containers": many(CONTAINER)},
        optional={"hostNetwork": st.booleans(), "nodeName": words, "initContainers": many(CONTAINER)},
    ),
    "status": some(
        conditions=st.just([{"type": "Ready", "status": "True"}]), hostIP=words,
        hostIPs=many(st.just({"ip": "10.0.0.1"})),
    ),
})  # fmt: skip
GATEWAYS = st.fixed_dictionaries(
    {"spec": some(listeners=many(st.fixed_dictionaries(
        {"name": words, "port": ports, "protocol": st.sampled_from(["HTTP", "HTTPS", "TCP"])})))},
    optional={"status": some(
        addresses=st.none() | many(st.fixed_dictionaries({"value": hosts})), conditions=st.none() | CONDITIONS)},
)  # fmt: skip


@quick
@given(
    st.sampled_from(list(FINDERS)), st.none() | SERVICES, many(NODES), many(GATEWAY_PODS), st.none() | GATEWAYS,
    st.booleans(),
)  # fmt: skip
def test_any_entrance(
    method: str, service: Object | None, nodes: list[Object], pods: list[Object], gateway: Object | None, modern: bool
) -> None:
    cluster = FakeCluster()
    cluster.teach(GATEWAY_API, "Gateway")

    def put(api_version: str, kind: str, name: str, obj: Object, **metadata: Any) -> None:
        cluster.put({**obj, "apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}})

    put("v1", "Namespace", "n", {})
    if service is not None:
        put("v1", "Service", "s", service, namespace="n", labels={"gateway.networking.k8s.io/gateway-name": "g"})
    if gateway is not None:
        put(GATEWAY_API, "Gateway", "g", gateway, namespace="n")
    for number, each in enumerate(nodes):
        put("v1", "Node", f"node{number}", each)
    for number, each in enumerate(pods):
        put("v1", "Pod", f"pod{number}", each, namespace="n", labels={"app": "a"})
    names = {"http": "http2", "https": "https"}
    wanted = Wanted("n", None, "g", names) if modern else Wanted("n", "s", None, names)
    with contextlib.suppress(NotFound, NoWay, InputError):
        entrance = Entrance(cluster, wanted)
        entrance.check_scheme("http")
        ways = FINDERS[method](entrance)
        assert ways
        assert all(isinstance(way, Way) and way.host for way in ways)


EVENT = {"type": "ADDED", "object": {"kind": "Pod", "metadata": {"name": "a", "resourceVersion": "7"}}}


def streamed(*chunks: bytes) -> list[tuple[str, Object]]:
    """Return the events of a watch whose answer comes in these pieces."""
    cluster = Cluster.__new__(Cluster)
    cluster.host = "https://stand-in"
    answer = contextlib.nullcontext((200, "OK", iter(chunks)))
    cluster.transport = SimpleNamespace(stream=lambda *_request: answer)  # type: ignore[assignment]
    with mock.patch.object(cluster, "_resource", return_value={"name": "pods", "namespaced": True}):
        return list(cluster.watch("v1", "Pod", "n", "1", 1))


@quick
@given(st.integers(0, 3), st.integers(0, 400), st.integers(1, 50))
def test_a_watch_that_is_cut_off_gives_all_that_came_whole(count: int, end: int, size: int) -> None:
    line = json.dumps(EVENT).encode() + b"\n"
    stream = (line * count)[:end]
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert streamed(*pieces) == [("ADDED", EVENT["object"])] * stream.count(b"\n")


@quick
@given(many(texts(EVENT)))
def test_any_line_of_a_watch(lines: list[str]) -> None:
    with contextlib.suppress(ClusterError):
        for _verb, obj in streamed("\n".join([*lines, ""]).encode("utf-8", "replace")):
            assert isinstance(obj, dict)


@quick
@given(many(damaged(EVENT)))
def test_any_event_of_a_watch_leaves_the_store_at_work(events: list[Any]) -> None:
    rounds = iter([events, []])

    class Stub:
        def list_page(self, *_key: Any) -> tuple[list[Object], str]:
            return [], "1"

        def watch(self, *_arguments: Any) -> Iterator[tuple[str, Any]]:
            todo = next(rounds)
            if not todo:
                store._ended.set()
            for event in todo:
                if isinstance(event, dict) and isinstance(event.get("object"), dict):
                    yield str(event.get("type")), event["object"]

    store = _watch.Store(Stub())  # type: ignore[arg-type]
    with mock.patch.object(_watch, "RETRY_SECONDS", 0.0):
        store._watch(("v1", "Pod", "n"))
    assert store._ended.is_set()


STATES = st.fixed_dictionaries({}) | st.one_of(
    some(reason=st.sampled_from(["CrashLoopBackOff", "ImagePullBackOff", "ContainerCreating", "x"]), message=words).map(
        lambda waiting: {"waiting": waiting}
    ),
    st.just({"running": {"startedAt": "2026-01-01T00:00:00Z"}}),
    st.fixed_dictionaries({"exitCode": st.integers(0, 255)}, optional={"reason": words, "message": words}).map(
        lambda ended: {"terminated": ended}
    ),
)
STATUSES = many(
    st.fixed_dictionaries(
        {"name": words, "ready": st.booleans(), "restartCount": st.integers(0, 9), "state": STATES},
        optional={"lastState": STATES},
    )
)
REFUSALS = st.sampled_from([
    "", "0/1 nodes are available: 1 Insufficient memory.", "0/2 nodes are available: 1 node(s) had untolerated taint "
    "{a: b}, 1 Too many pods. preemption: not eligible", 'persistentvolumeclaim "a" not found',
])  # fmt: skip
POD_STATUS = some(
    phase=st.sampled_from(["Pending", "Running", "Failed", "Succeeded", "Unknown"]), reason=words, message=words,
    conditions=many(st.fixed_dictionaries(
        {"type": st.just("PodScheduled"), "status": words}, optional={"reason": words, "message": REFUSALS})),
    containerStatuses=STATUSES, initContainerStatuses=STATUSES,
)  # fmt: skip
POD_SPEC = st.fixed_dictionaries(
    {"containers": many(st.fixed_dictionaries(
        {"name": words}, optional={"resources": some(requests=st.dictionaries(st.just("memory"), words))}))},
    optional={
        "tolerations": many(some(key=words, operator=st.sampled_from(["Exists", "Equal"]), value=words)),
        "volumes": many(some(name=words, persistentVolumeClaim=st.just({"claimName": "a"}))),
    },
)  # fmt: skip
EVENTS = many(some(
    reason=st.sampled_from(["FailedMount", "Failed", "Unhealthy", "BackOff", "Scheduled"]), message=words,
))  # fmt: skip
TAINTED = some(
    spec=some(taints=many(st.fixed_dictionaries({"key": words, "effect": words}, optional={"value": words}))),
    status=some(allocatable=st.dictionaries(st.just("memory"), words)),
)


@quick
@given(POD_SPEC, POD_STATUS, EVENTS, many(TAINTED))
def test_any_trouble_of_a_pod(spec: Object, status: Object, events: list[Object], nodes: list[Object]) -> None:
    cluster = FakeCluster()
    pod = cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": spec,
                       "status": status})  # fmt: skip
    about = {"kind": "Pod", "name": "p", "uid": pod["metadata"]["uid"]}
    for number, each in enumerate(events):
        cluster.put({**each, "apiVersion": "v1", "kind": "Event", "involvedObject": about,
                     "metadata": {"name": f"e{number}", "namespace": "n"}})  # fmt: skip
    for number, each in enumerate(nodes):
        cluster.put({"spec": {}, "status": {}, **each, "apiVersion": "v1", "kind": "Node",
                     "metadata": {"name": f"node{number}"}})  # fmt: skip
    store = _watch.Store(cluster)
    for kind in ("Pod", "Event"):
        store.load("v1", kind, "n")
    for trouble in troubles(pod, store, {}):
        assert trouble.row.advice
        assert trouble.where.startswith("pod p")


@quick
@given(damaged(MANIFEST), damaged(MANIFEST))
def test_any_difference(before: Any, after: Any) -> None:
    before, after = (
        {**(each if isinstance(each, dict) else {}), "kind": "A", "metadata": MANIFEST["metadata"]}
        for each in (before, after)
    )
    fields = changed_fields(before, after)
    assert bool(fields) == (changed_fields(after, before) != [])
    assert set(diff_entry("A a", fields)) == {"before_header", "after_header", "before", "after"}
