# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""istioctl_install on a lab: its options, and what can be done to an installation behind its back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from tests.integration.all.lab import Lab, Result

NAMESPACE = "istio-system"
OTHER_REGISTRY = "example.com/mesh"
"""Has the lab's images under a second name, which ``prepare`` gives them on the host."""

NEXT_VERSION = "1.31.1-dev"
"""What the copy of istioctl that ``next_release`` makes calls itself; as long as the lab's version, 1.31.0-dev."""


def arguments(lab: Lab, **more: Any) -> dict[str, Any]:
    """Return the module's options for what the playbook installs, with ``more`` laid over."""
    variables = lab.variables
    return {
        "path": lab.istioctl, "profile": "demo", "spec": variables["istio_spec"], "hub": variables["istio_hub"],
        "tag": variables["istio_tag"], **more,
    }  # fmt: skip


def install(lab: Lab, *options: str, fails: bool = False, **more: Any) -> Result:
    """Run the module; with ``--check --diff`` among ``options`` it only predicts."""
    return lab.ours("istioctl_install", arguments(lab, **more), *options, fails=fails)


def started(result: Mapping[str, Any]) -> bool:
    """Tell whether a task has started ``istioctl install``."""
    return any(" install " in each["cmd"] for each in result["commands"])


def prepare(lab: Lab) -> None:
    """Let every spec of these tests be able to run: images under other names, and a node with a label."""
    hub, tag = lab.variables["istio_hub"], lab.variables["istio_tag"]
    for name in ("pilot", "proxyv2"):
        for other in (f"{OTHER_REGISTRY}/{name}:{tag}", f"{hub}/{name}:1.30", f"{OTHER_REGISTRY}/{name}:1.30"):
            lab.ssh(f"ctr -n k8s.io images tag --force {hub}/{name}:{tag} {other}")
    lab.kubectl("label", "nodes", "--all", "--overwrite", "disk=ssd")


def next_release(lab: Lab) -> str:
    """Make a stand-in for the next release's istioctl on the host, the same program under another version; return
    its path."""
    version = lab.variables["istio_version"]
    assert len(version) == len(NEXT_VERSION)
    path = f"/root/istioctl-{NEXT_VERSION}"
    lab.ssh(f"sed 's/{version}/{NEXT_VERSION}/g' {lab.istioctl} > {path} && chmod 0755 {path}")
    assert NEXT_VERSION in lab.ssh(f"{path} version --remote=false")
    return path


# -- what is done behind the module's back --------------------------------------------------------


def nothing(_lab: Lab) -> None:
    """Nobody interferes."""


def edit_field(lab: Lab) -> None:
    """Somebody edits a field that istioctl owns."""
    patch = '{"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}'
    lab.kubectl("-n", NAMESPACE, "patch", "deployment", "istiod", "--patch", patch)
    lab.kubectl("-n", NAMESPACE, "rollout", "status", "deployment", "istiod", "--timeout=120s")


def scale(lab: Lab) -> None:
    """Somebody scales what istioctl does not leave to an autoscaler."""
    lab.kubectl("-n", NAMESPACE, "scale", "deployment", "istiod", "--replicas=2")


def edit_labels(lab: Lab) -> None:
    """Somebody changes a label that istioctl owns and adds one of their own."""
    lab.kubectl(
        "-n", NAMESPACE, "label", "--overwrite", "service", "istiod", "app.kubernetes.io/name=other", "mine=yes"
    )


def edit_configuration(lab: Lab) -> None:
    """Somebody replaces the mesh's configuration and adds a key."""
    patch = '{"data": {"mesh": "accessLogFile: /x\\n", "mine": "1"}}'
    lab.kubectl("-n", NAMESPACE, "patch", "configmap", "istio", "--patch", patch)


def delete(lab: Lab) -> None:
    """Somebody deletes the injector's templates."""
    lab.kubectl("-n", NAMESPACE, "delete", "configmap", "istio-sidecar-injector")


def leave_something(lab: Lab) -> None:
    """Another version left an object, and this one an object that it renders no more."""
    lab.apply([
        {
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {
                "name": name, "namespace": NAMESPACE,
                "labels": {
                    **owned.owner_labels(version=version, revision="", namespace=NAMESPACE, name=None),
                    owned.COMPONENT: "Pilot",
                },
            },
            "spec": {"minAvailable": 0, "selector": {"matchLabels": {"a": "b"}}},
        }
        for name, version in (("of-an-old-version", "1.19.3"), ("no-longer-rendered", lab.variables["istio_version"]))
    ])  # fmt: skip


def autoscale(lab: Lab) -> None:
    """Somebody gives istiod an autoscaler of their own, which sets the replicas at once."""
    lab.kubectl("-n", NAMESPACE, "delete", "hpa", "mine", "--ignore-not-found")
    lab.kubectl("-n", NAMESPACE, "autoscale", "deployment", "istio-ingressgateway", "--name=mine", "--min=2", "--max=3")


HOSTILE: tuple[Callable[[Lab], None], ...] = (
    nothing, edit_field, scale, edit_labels, edit_configuration, delete, leave_something, autoscale,
)  # fmt: skip
