# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preset tutorial-1.19 beside the tutorial: each of its command lines, and what site.yml does for it.

``TUTORIAL`` is the tutorial, ``RUN`` is what our run does, in its order. Where the two differ on purpose, in a word
or in the order, the difference has its reason beside it, and a reason that no longer holds fails too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_task
from ansible_collections.meshlab.istio.plugins.module_utils._istio_install import Installer
from ansible_collections.meshlab.istio.plugins.module_utils._istio_run import Run
from ansible_collections.meshlab.istio.plugins.module_utils._manifests import placed, wanted
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_lifecycle import Lifecycle
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_settings import size
from ansible_collections.meshlab.istio.plugins.module_utils._patches import patched
from ansible_collections.meshlab.istio.plugins.modules import istioctl_install, minikube
from tests.plays.rehearsal import ROOT, Call, Rehearsal
from tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.fake_istioctl import FakeIstioctl, few, without_nulls
from tests.unit.plugins.fake_minikube import FitHost, World

ISTIO = "1.19.3"
TUTORIAL_FILE = ROOT.parent / "shared" / "seed" / "tutorial.md"
RAW = "https://raw.githubusercontent.com/istio/istio/1.19.3/samples"

TUTORIAL = {
    "driver": "minikube config set driver kvm2",
    "start": "minikube start --memory=12384 --cpus=4",
    "$NAMESPACE": "export NAMESPACE=tutorial",
    "namespace": "kubectl create namespace $NAMESPACE",
    "$PATH": 'export PATH="$PATH:/home/vagrant/istio-1.19.3/bin"',
    "istio": "istioctl install --set profile=demo -y",
    "label": "kubectl label namespace $NAMESPACE istio-injection=enabled",
    "prometheus": f"kubectl apply -f {RAW}/addons/prometheus.yaml",
    "loki": f"kubectl apply -f {RAW}/addons/loki.yaml",
    "kiali": f"kubectl apply -f {RAW}/addons/kiali.yaml",
    "jaeger": f"kubectl apply -f {RAW}/addons/jaeger.yaml",
    "grafana": f"kubectl apply -f {RAW}/addons/grafana.yaml",
    "see istio": "kubectl get pods -n istio-system",
    "context": "kubectl config set-context minikube --namespace=$NAMESPACE",
    "$MYHOST": "export MYHOST=$(kubectl config view -o jsonpath={.contexts..namespace}).bookinfo.com",
    "bookinfo": f"kubectl apply -l version!=v2,version!=v3 -f {RAW}/bookinfo/platform/kube/bookinfo.yaml",
    "scale": "kubectl scale deployments --all --replicas 3",
    "see bookinfo": "kubectl get pods",
    "sleep": f"kubectl apply -f {RAW}/sleep/sleep.yaml",
    "ask": (
        "kubectl exec $(kubectl get pod -l app=sleep -o jsonpath='{.items[0].metadata.name}') -c sleep -- "
        'curl -sS productpage:9080/productpage | grep -o "<title>.*</title>"'
    ),
    "gateway": f"kubectl apply -f {RAW}/bookinfo/networking/bookinfo-gateway.yaml",
    "tunnel": "minikube tunnel",
    "$INGRESS_HOST": (
        "export INGRESS_HOST=$(kubectl -n istio-system get service istio-ingressgateway "
        "-o jsonpath='{.status.loadBalancer.ingress[0].ip}')"
    ),
    "$INGRESS_PORT": (
        "export INGRESS_PORT=$(kubectl -n istio-system get service istio-ingressgateway "
        "-o jsonpath='{.spec.ports[?(@.name==\"http2\")].port}')"
    ),
    "$SECURE_INGRESS_PORT": (
        "export SECURE_INGRESS_PORT=$(kubectl -n istio-system get service istio-ingressgateway "
        "-o jsonpath='{.spec.ports[?(@.name==\"https\")].port}')"
    ),
    "$GATEWAY_URL": "export GATEWAY_URL=$INGRESS_HOST:$INGRESS_PORT",
    "curl": "curl http://$GATEWAY_URL/productpage",
    "see gateway": "kubectl get pods -n istio-system",
    "forward": "kubectl port-forward pod/istio-ingressgateway-9c8b9b586-25n52 8080 -n istio-system",
    "dashboard": "istioctl dashboard kiali",
    "requests": 'for i in $(seq 1 100); do curl -s -o /dev/null "http://$GATEWAY_URL/productpage"; done',
}
"""Every command line of the tutorial in its order, under a name."""


@dataclass(frozen=True)
class Step:
    """One thing that our run does, as it is shown by ``shown``.

    :param does: the module, or the supervised service, that does it.
    :param how: its arguments or commands; None where the tutorial has no say in them.
    :param lines: the names of the tutorial's lines that this step does.
    :param differs: why it is not the same word for word.
    """

    does: str
    how: Any = None
    lines: tuple[str, ...] = ()
    differs: str = ""


HOME = "~/.local/share/meshlab/istio-1.19.3"
PORT_FORWARD = [
    "~/.local/bin/kubectl", "port-forward", "--kubeconfig", "~/.kube/config", "--context", "minikube",
    "--namespace", "istio-system", "--address", "127.0.0.1",
]  # fmt: skip
DEMO = {
    "operator": {
        "apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "metadata": {}, "spec": {"profile": "demo"},
    },
    "command": ["install", "--skip-confirmation", "--filename", "OPERATOR", "--readiness-timeout", "300s"],
}  # fmt: skip

RUN = [
    Step("lab_files", ["bin/kubectl v1.28.15"]),
    Step("python_environment"),
    Step("lab_files", ["bin/minikube v1.38.1"]),
    Step(
        "minikube",
        [
            ["start", "--profile", "minikube", "--interactive=false", "--driver=kvm2", "--memory=12384", "--cpus=4",
             "--kubernetes-version=v1.28.15", "--container-runtime=docker", "--output", "json"],
        ],
        ("driver", "start"),
        "The driver is this cluster's, not stored for the user's others. The runtime is what minikube took by itself "
        "when the tutorial was written; today's would take a Kubernetes that Istio 1.19 does not know.",
    ),
    Step("service cluster-minikube"),
    Step("service tunnel-minikube", ["~/.local/bin/minikube", "tunnel", "--profile", "minikube"], ("tunnel",)),
    Step("lab_files", ["istio-1.19.3 1.19.3"], ("$PATH",), "istioctl alone is put on the PATH, by a link."),
    Step("istioctl_install", DEMO, ("istio",), "The profile is in a file: --set has no types."),
    Step(
        "manifests",
        {
            "src": [f"{HOME}/samples/addons/{name}.yaml" for name in
                    ("prometheus", "loki", "kiali", "jaeger", "grafana")],
            "definition": [], "namespace": "istio-system", "patches": [], "recreate": True, "context": "minikube",
            "adopt": False, "expected_namespaces": ["istio-system"],
        },
        ("prometheus", "loki", "kiali", "jaeger", "grafana"),
        "The same files, from the release instead of one by one over the network.",
    ),
    Step("istioctl_install", DEMO, ("istio",), "The same once more: waits for the one that is under way."),
    Step(
        "manifests",
        {
            "definition": {
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": "tutorial", "labels": {"istio-injection": "enabled"}},
            },
            "src": [
                f"{HOME}/samples/bookinfo/platform/kube/bookinfo.yaml",
                f"{HOME}/samples/sleep/sleep.yaml",
                f"{HOME}/samples/bookinfo/networking/bookinfo-gateway.yaml",
            ],
            "label_selectors": ["version!=v2,version!=v3"],
            "namespace": "tutorial",
            "patches": [
                {"kind": "Deployment", "name": name, "optional": True, "patch": {"spec": {"replicas": count}}}
                for name, count in (
                    ("productpage-v1", 3), ("details-v1", 3), ("ratings-v1", 3), ("ratings-v2", 3),
                    ("ratings-v2-mysql", 3), ("reviews-v1", 3), ("reviews-v2", 3), ("reviews-v3", 3), ("sleep", 1),
                )
            ],
            "adopt": False,
            "expected_namespaces": ["istio-system"],
            "context": "minikube",
        },
        ("namespace", "label", "bookinfo", "scale", "sleep", "gateway"),
        "One call. The selector leaves out nothing of the other files, see BOOKINFO. Sleep has one replica: it comes "
        "after scaling.",
    ),
    Step("kubeconfig_context", {"context": "minikube", "namespace": "tutorial"}, ("context",)),
    Step(
        "workloads_info",
        {"namespaces": ["istio-system", "tutorial"], "sidecars": ["tutorial"], "context": "minikube"},
        ("see istio", "see bookinfo", "see gateway"),
        "One joint wait in place of looking. A sidecar that is out of date would be renewed; in a new lab none is.",
    ),
    Step(
        "kubernetes.core.k8s_info",
        {"kind": "Pod", "namespace": "tutorial", "label_selectors": ["app in (sleep, curl)"],
         "field_selectors": ["status.phase=Running"], "context": "minikube"},
        ("ask",), "Not a pod that is on its way out.",
    ),
    Step(
        "kubernetes.core.k8s_exec",
        {"command": "curl -sS --max-time 10 productpage:9080/productpage", "container": "sleep", "pod": "sleep-1",
         "namespace": "tutorial", "context": "minikube"},
        ("ask",), "An answer that never comes must not hold up the run.",
    ),
    Step(
        "service forward-gateway", [*PORT_FORWARD, "service/istio-ingressgateway", "8080:80"], ("forward",),
        "A pod's name is another one in each lab, and goes with the pod. The service's port 80 is the pod's 8080.",
    ),
    Step(
        "service forward-kiali", [*PORT_FORWARD, "service/kiali", "20001:20001"], ("dashboard",),
        "What istioctl does for it, without a browser on a host that has none.",
    ),
    Step("service forward-grafana"),
    Step("service forward-prometheus"),
    Step("service forward-jaeger"),
    Step("no service forward-zipkin"),
    Step("no service forward-loki"),
    Step(
        "gateway_url_info",
        {"service": "istio-ingressgateway", "namespace": "istio-system", "path": "/productpage",
         "body": "<title>Simple Bookstore App</title>", "context": "minikube"},
        ("$INGRESS_HOST", "$INGRESS_PORT", "$SECURE_INGRESS_PORT", "$GATEWAY_URL", "curl"),
    ),
    Step(
        "mesh_traffic",
        {"url": "http://10.0.0.9/productpage", "requests": 100, "concurrency": 1,
         "body_contains": "<title>Simple Bookstore App</title>", "version_pattern": r"reviews-(v\d)",
         "thresholds": [{"metric": "success_share", "relation": ">=", "bound": 1}]},
        ("requests",), "Each answer is looked at; the tutorial throws them away.",
    ),
]  # fmt: skip
"""All that our run does to host and lab, in its order, and those of its looks that the tutorial has too."""

MOVED = {
    "namespace": "nothing is in it before Bookinfo, and one call makes both",
    "label": "part of the namespace from its first moment, so that no pod can come before it",
    "see istio": "one joint wait for all of the lab",
    "context": "our own calls name their namespace, so the context is for the user, who comes later",
    "see bookinfo": "one joint wait for all of the lab",
    "gateway": "istiod needs nothing of Bookinfo for it, and one call applies all",
    "tunnel": "from the moment the cluster runs, so that the gateway has its address when it is ready",
    "see gateway": "one joint wait for all of the lab",
    "forward": "a service of the host, which waits for the gateway by itself",
    "dashboard": "a service of the host, which waits for Kiali by itself",
}
"""Lines that our run has in another place, and why (docs/architecture.md, Order of a run)."""

EXPORTS = {
    "$PATH": 'export PATH="$PATH":~/.local/bin',
    "$NAMESPACE": "export NAMESPACE=tutorial",
    "$MYHOST": "export MYHOST=tutorial.bookinfo.com",
    "$INGRESS_HOST": "export INGRESS_HOST=10.0.0.9",
    "$INGRESS_PORT": "export INGRESS_PORT=80",
    "$SECURE_INGRESS_PORT": "export SECURE_INGRESS_PORT=443",
    "$GATEWAY_URL": "export GATEWAY_URL=10.0.0.9:80",
}
"""The tutorial's variables in the file that the run leaves for whoever goes on by hand."""

UNSAID = {"minikube_start_on_boot"}
"""What presets may set and the tutorial says nothing of."""

BOOKINFO: dict[str, list[tuple[str, str, str, dict[str, str]]]] = {
    "bookinfo/platform/kube/bookinfo.yaml": [
        *(("v1", "Service", name, {"app": name}) for name in ("details", "ratings", "reviews", "productpage")),
        *(
            ("apps/v1", "Deployment", f"{name}-{version}", {"app": name, "version": version})
            for name, version in (
                ("details", "v1"), ("ratings", "v1"), ("reviews", "v1"), ("reviews", "v2"), ("reviews", "v3"),
                ("productpage", "v1"),
            )
        ),
    ],
    "sleep/sleep.yaml": [("v1", "Service", "sleep", {"app": "sleep"}), ("apps/v1", "Deployment", "sleep", {})],
    "bookinfo/networking/bookinfo-gateway.yaml": [
        ("networking.istio.io/v1alpha3", "Gateway", "bookinfo-gateway", {}),
        ("networking.istio.io/v1alpha3", "VirtualService", "bookinfo", {}),
    ],
}  # fmt: skip
"""Objects of the release's samples: API version, kind, name and labels."""

WAITING = {"kubeconfig", "readiness_timeout", "timeout", "wait", "wait_timeout"}
"""Options that say where the cluster is or how long to wait: the tutorial has no say in them."""
SILENT = {"gather_facts", "lab_inputs", "run_lock", "stage", "report"}
"""They do nothing to the lab, nor does any module whose name ends in _info."""


@dataclass
class Shown:
    """A call as ``RUN`` shows it: as the commands that the real module would run, or its options."""

    directory: Path
    steps: list[tuple[str, Any]] = field(default_factory=list)

    def add(self, call: Call) -> None:
        """Show one call."""
        how: Any = {name: value for name, value in call.args.items() if name not in WAITING}
        if call.action == "supervised_services":
            for service in call.args["services"]:
                absent = "no " if service.get("state") == "absent" else ""
                self.steps.append((f"{absent}service {service['name']}", service.get("command")))
            return
        if call.action == "lab_files":
            how = [f"{item['path']} {item['version']}" for kind in ("files", "trees") for item in how.get(kind, [])]
        elif call.action == "minikube":
            how = minikube_commands(call, self.directory / f"minikube-{len(self.steps)}")
        elif call.action == "istioctl_install":
            how = istioctl_command(call, self.directory / f"istioctl-{len(self.steps)}")
        self.steps.append((call.action, how))


def shown(calls: list[Call], directory: Path) -> list[tuple[str, Any]]:
    """Return what each of the calls does; those that do nothing to the lab only where the tutorial has them too."""
    view = Shown(directory)
    golden = {step.does for step in RUN}
    for call in calls:
        if call.action in golden or not (call.action in SILENT or call.action.endswith("_info")):
            view.add(call)
    return view.steps


def compared(steps: list[tuple[str, Any]], golden: list[Step]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what was done, in which way, and in which it should have been, where the golden run says how."""
    assert [does for does, _ in steps] == [step.does for step in golden]
    for (does, how), step in zip(steps, golden):
        if step.how is not None:
            yield does, how, step.how


def minikube_commands(call: Call, home: Path) -> list[list[str]]:
    """Return what our module would run on a fit host that has no cluster."""
    world = World(home)
    options = options_of(minikube.ARGUMENTS, call)
    Lifecycle(world, options, FitHost(uid=1000), lambda _text: None).run(check_mode=False)
    return [asked for asked in world.asked if asked[0] not in ("status", "version")]


def istioctl_command(call: Call, directory: Path) -> dict[str, Any]:
    """Return the IstioOperator that istioctl would be given, and the command for a cluster without Istio."""
    options = options_of(istioctl_install.ARGUMENTS, call)
    document = _istio_task._document(options)
    tool, cluster = FakeIstioctl(directory, ISTIO), FakeCluster()
    cluster.defaults = without_nulls
    tool.manifests(few())
    run = Run("uid", str(directory / "runs"))
    Installer(
        tool.tool(), cluster, document, run,  # type: ignore[arg-type]
        timeout=options["readiness_timeout"], failure_grace=1.0, progress=lambda _text: None,
    ).install("none", allow_downgrade=False)  # fmt: skip
    while run.running():
        time.sleep(0.01)
    # Its last arguments are the stand-in's own kubeconfig and context.
    command = ["OPERATOR" if word == run.operator_file else word for word in run.state()["cmd"][1:-4]]
    return {"operator": document, "command": command}


def options_of(spec: dict[str, Any], call: Call) -> dict[str, Any]:
    """Return a call's options as its module would see them."""
    result = ArgumentSpecValidator(spec).validate(call.args)
    assert not result.error_messages
    options: dict[str, Any] = result.validated_parameters
    return options


def replicas(call: Call, directory: Path) -> dict[str, int | None]:
    """Return the objects that a call of ``manifests`` makes of ``BOOKINFO``, with their replicas."""
    files = []
    for number, path in enumerate(call.args["src"]):
        sample = path.partition("/samples/")[2]
        objects = [
            {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": {}}
            for version, kind, name, labels in BOOKINFO[sample]
        ]
        files.append(directory / f"{number}.yaml")
        files[-1].write_text(yaml.safe_dump_all(objects))
    chosen = wanted({**call.args, "src": list(map(str, files))})
    made = patched(placed(chosen, call.args["namespace"], None), call.args["patches"])
    assert {obj["metadata"].get("namespace") for obj in made if obj["kind"] != "Namespace"} == {"tutorial"}
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj.get("spec", {}).get("replicas") for obj in made}


TUTORIALS_OBJECTS = {
    "Namespace/tutorial": None,
    "Service/details": None, "Service/ratings": None, "Service/reviews": None, "Service/productpage": None,
    "Deployment/details-v1": 3, "Deployment/ratings-v1": 3, "Deployment/reviews-v1": 3, "Deployment/productpage-v1": 3,
    "Service/sleep": None, "Deployment/sleep": 1, "Gateway/bookinfo-gateway": None, "VirtualService/bookinfo": None,
}  # fmt: skip


def manifests(calls: list[Call]) -> list[Call]:
    """Return the calls that apply the addons and Bookinfo."""
    return [call for call in calls if call.action == "manifests"]


# -- the tutorial and the golden run ------------------------------------------------------------------


@pytest.mark.skipif(not TUTORIAL_FILE.is_file(), reason="the tutorial's text is not beside this checkout")
def test_the_lines_are_the_tutorials() -> None:
    blocks = re.findall(r"^```\n(.*?)^```$", TUTORIAL_FILE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    assert [line for line in lines if line and not line.startswith("#")] == list(TUTORIAL.values())


def test_every_line_is_done() -> None:
    assert {line for step in RUN for line in step.lines} | set(EXPORTS) == set(TUTORIAL)


def test_the_order_is_the_tutorials_but_for_what_is_named() -> None:
    ours = list(dict.fromkeys(line for step in RUN for line in step.lines))
    theirs = [line for line in TUTORIAL if line in ours]

    def same(moved: set[str]) -> bool:
        return [line for line in ours if line not in moved] == [line for line in theirs if line not in moved]

    assert same(set(MOVED))
    stale = [line for line in MOVED if same(set(MOVED) - {line})]
    assert not stale, "in its place after all"


def test_the_preset_pins_all_that_presets_may_set() -> None:
    """What the preset leaves to a role's default would change with it."""
    asked = {
        name
        for path in (ROOT / "roles").glob("*/defaults/main.yml")
        for name in re.findall(r"'meshlab\.istio\.preset',\s*'(\w+)'", path.read_text(encoding="utf-8"))
    }
    preset = yaml.safe_load((ROOT / "presets" / "tutorial-1.19.yml").read_text(encoding="utf-8"))
    assert asked - set(preset) == UNSAID


# -- real runs ----------------------------------------------------------------------------------------


def test_the_preset_is_the_tutorial_to_the_letter(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    calls = rehearsal.run(ISTIO, lab_preset="tutorial-1.19")
    for does, how, golden in compared(shown(calls, tmp_path), RUN):
        assert how == golden, does
    _addons, bookinfo = manifests(calls)
    assert replicas(bookinfo, tmp_path) == TUTORIALS_OBJECTS
    left = (rehearsal.home / ".local/share/meshlab/tutorial.env").read_text().replace(str(rehearsal.home), "~")
    assert [line for line in left.splitlines() if line in EXPORTS.values()] == list(EXPORTS.values())
    links = [link for call in calls if call.action == "lab_files" for link in call.args.get("links", [])]
    assert [(link["dest"], link["target"]) for link in links] == [("~/.local/bin/istioctl", f"{HOME}/bin/istioctl")]


def test_the_preset_runs_on_the_lab_with_driver_and_versions_of_its_own(tmp_path: Path) -> None:
    """The variables of the sealed lab beat the preset, and all else stays the tutorial's."""
    lab = yaml.safe_load((ROOT / "tests" / "lab" / "testbed.yml").read_text(encoding="utf-8"))
    kubernetes = "v1.34.4"
    variables = {**lab["every_source"], **lab["build"], "minikube_kubernetes_version": kubernetes}
    beside = ROOT / "tests" / "lab" / "manifests"
    variables["addons_manifests"] = [str(beside / name) for name in variables["addons_manifests"]]
    version = variables["istio_version"]
    calls = Rehearsal(tmp_path).run(version, lab_preset="tutorial-1.19", **variables)

    def newer(value: Any) -> Any:
        """Return a value of the golden run with the lab's versions in it."""
        return yaml.safe_load(yaml.safe_dump(value).replace(ISTIO, version).replace("v1.28.15", kubernetes))

    steps = shown(calls, tmp_path)
    addons, bookinfo = (newer(step.how) for step in RUN if step.does == "manifests")
    # The lab's own: its driver, its Envoy, and where its Prometheus and its spans come from.
    lab_own = ("minikube", "istioctl_install", "manifests")
    golden = [replace(step, how=None if step.does in lab_own else newer(step.how)) for step in RUN]
    for does, how, tutorials in compared(steps, golden):
        assert how == tutorials, does
    done = [how for does, how in steps if does == "manifests"]
    assert done[1] == bookinfo
    own = len(variables["addons_manifests"])
    assert (done[0]["src"][:-own], done[0]["namespace"]) == (addons["src"], addons["namespace"])
    assert [Path(path).name for path in done[0]["src"][-own:]] == [
        Path(path).name for path in variables["addons_manifests"]
    ]
    assert len({Path(path).parent for path in done[0]["src"][-own:]}) == own, "two files may have the same name"
    assert replicas(manifests(calls)[1], tmp_path) == TUTORIALS_OBJECTS
    (start,) = next(how for does, how in steps if does == "minikube")
    assert {"--driver=none", "--container-runtime=containerd", f"--kubernetes-version={kubernetes}"} <= set(start)
    for does, how in steps:
        if does == "istioctl_install":
            assert (how["operator"]["spec"]["profile"], how["command"]) == ("demo", DEMO["command"])


def test_small_asks_for_no_more_than_4_gb(tmp_path: Path) -> None:
    """It leaves out three addons with what they need, two of three replicas each, and nothing of the tutorial's way."""
    calls = Rehearsal(tmp_path).run(ISTIO, lab_preset="small", istio_version=ISTIO)
    steps = shown(calls, tmp_path)
    (start,) = next(how for does, how in steps if does == "minikube")
    asked = dict(word.lstrip("-").split("=") for word in start if "=" in word)
    assert size(asked["memory"]) <= 4096
    assert asked["cpus"] == "2"
    addons, bookinfo = manifests(calls)
    assert [Path(path).name for path in addons.args["src"]] == ["prometheus.yaml", "kiali.yaml"]
    assert replicas(bookinfo, tmp_path) == {
        name: number and 1 for name, number in TUTORIALS_OBJECTS.items()
    }  # fmt: skip
    without = {"service forward-grafana", "service forward-jaeger"}
    tutorials = [f"no {step.does}" if step.does in without else step.does for step in RUN]
    assert [does for does, _ in steps] == tutorials
