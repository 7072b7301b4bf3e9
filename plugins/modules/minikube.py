#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.minikube."""

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube
short_description: Start, stop, pause or delete a minikube cluster
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Brings a cluster (a profile of minikube) into a state. Where it is there already, minikube is only asked for its
    status, which takes well under a second.
  - Settings are compared with what the profile stores. A setting that minikube cannot change on an existing cluster,
    but only warns about or silently ignores, fails the task with the old and the new value, unless O(recreate) is set.
  - A stopped, paused, half-made or degraded cluster is brought back by O(state=started), also one whose host was
    restarted, whose address changed or whose certificate expired. RV(found) says what it was like.
  - A cluster whose first start was cut off while kubeadm made the control plane cannot be finished, although minikube
    calls it running. As long as nobody has put anything into it, it is deleted and made anew, else O(recreate) must
    allow that.
  - A cluster that this module made carries a note of it in its profile's folder, C(meshlab.json), which goes with the
    cluster. Any other one is taken for the user's. It is used and started as it is. Unless O(foreign) is set, it is not
    deleted, replaced, stopped or paused, and a setting that differs, a newer O(kubernetes_version) too, fails the task
    with the old and the new value.
  - Only options that are given are compared. Those that say how to start (O(wait), O(wait_timeout), O(preload),
    O(cache_images), O(install_addons), O(auto_update_drivers), O(keep_context), O(force), O(mount)) are not part of the
    cluster, and changing them changes nothing.
extends_documentation_fragment:
  - meshlab.istio.minikube
  - meshlab.istio.progress
options:
  state:
    description:
      - V(started) is running, with the given settings. V(paused) is the same with its containers frozen.
      - V(stopped) is not running. No cluster at all counts as stopped.
      - V(absent) deletes the profile with everything in it.
    type: str
    choices: [started, stopped, paused, absent]
    default: started
  profile:
    description:
      - Name of the cluster, of its profile and of its context. The driver V(none) knows only V(minikube).
      - At least two letters, digits or dashes, as minikube wants it.
    type: str
    default: minikube
  recreate:
    description:
      - Whether to delete the cluster and start a new one when a setting differs that cannot be changed, or when the
        profile is damaged. RV(lost) says what goes with it.
      - Nothing is deleted while no such setting differs.
    type: bool
    default: false
  foreign:
    description:
      - Whether a cluster that this module did not make may be stopped, paused, changed, upgraded, replaced and deleted
        as one of its own, with all that is in it.
      - It also lets minikube replace or delete what the kubeconfig says of another cluster under the profile's name.
    type: bool
    default: false
  config:
    description:
      - Defaults to store for the user as C(minikube config set) does, by name, such as C(driver).
      - They are part of what is compared with O(state=started) and O(state=paused).
    type: dict
  start_timeout:
    description: Seconds that one command of minikube may take before it is stopped and the task fails.
    type: float
    default: 900.0
  driver:
    description: The driver. Without it, that of the existing cluster, of O(config), or minikube's choice.
    type: str
  memory:
    description:
      - Memory of each node, as MiB or with a unit, such as V(12384), V(12g) or V(max). V(max) and V(no-limit) are
        not compared.
      - Left out with the driver V(none), which uses the whole host. The same is true of O(cpus) and O(disk_size).
    type: str
  cpus:
    description: Number of CPUs of each node, V(max) or V(no-limit).
    type: str
  disk_size:
    description: Disk of each node, as MiB or with a unit, such as V(20g).
    type: str
  nodes:
    description: Number of nodes.
    type: int
  kubernetes_version:
    description:
      - Version of Kubernetes, such as V(v1.34.4), V(1.34), V(stable) or V(latest). A newer one upgrades the cluster, an
        older one needs O(recreate).
    type: str
  container_runtime:
    description: Container runtime, V(docker), V(containerd) or V(cri-o).
    type: str
  cni:
    description: CNI plugin, or the path of a manifest for one.
    type: str
  service_cluster_ip_range:
    description: CIDR of the addresses of services.
    type: str
  addons:
    description: Addons to enable. Others that are enabled stay so.
    type: list
    elements: str
  extra_config:
    description: Settings of the components, as V(component.key=value).
    type: list
    elements: str
  feature_gates:
    description: Feature gates, as V(key=value) with commas between them.
    type: str
  insecure_registry:
    description: Registries to use without TLS.
    type: list
    elements: str
  registry_mirror:
    description: Mirrors of the default registry, as URLs.
    type: list
    elements: str
  image_repository:
    description: Repository to take the images of Kubernetes from. V(auto) is not compared.
    type: str
  mount:
    description: Whether to mount O(mount_string). minikube from 1.37 on mounts it in any case.
    type: bool
  mount_string:
    description: Directory to mount, as V(/host/path:/guest/path).
    type: str
  embed_certs:
    description: Whether the kubeconfig holds the certificates themselves, so that it can be used elsewhere.
    type: bool
  static_ip:
    description: Address of the cluster, with the drivers V(docker) and V(podman). Needs minikube 1.29.
    type: str
  apiserver_names:
    description: Further names for the API server's certificate.
    type: list
    elements: str
  apiserver_ips:
    description: Further addresses for the API server's certificate.
    type: list
    elements: str
  apiserver_port:
    description: Port of the API server.
    type: int
  listen_address:
    description: Address to publish ports on, with the drivers V(docker) and V(podman).
    type: str
  ports:
    description: Ports to publish, as V(host:container), with the drivers V(docker) and V(podman).
    type: list
    elements: str
  wait:
    description: Components to wait for after a start, such as V(all), V(apiserver) or V(node_ready).
    type: list
    elements: str
  wait_timeout:
    description: How long minikube waits for them, such as V(6m).
    type: str
  preload:
    description: Whether to download the images of Kubernetes as one archive.
    type: bool
  cache_images:
    description: Whether to keep images in minikube's cache and load them from there.
    type: bool
  install_addons:
    description: Whether to install addons at all, the default ones included.
    type: bool
  auto_update_drivers:
    description: Whether minikube may update its drivers.
    type: bool
  keep_context:
    description: Whether the kubeconfig's current context stays what it is. On O(state=stopped) the context is kept too.
    type: bool
  force:
    description:
      - Whether minikube skips its own checks. Problems that this module's preflight finds are then warnings.
      - The drivers other than V(none) need it to run as root.
    type: bool
attributes:
  check_mode:
    support: full
    description:
      - Nothing is changed. RV(after) is what the profile would hold.
      - What keeps a start from being tried fails the task here too. Where only programs lack, which an earlier task may
        bring, that is a warning.
  diff_mode:
    support: full
    description: Shows what of the profile changes.
notes:
  - Before a start the host is checked as M(meshlab.istio.minikube_preflight_info) does; all problems fail the task at
    once.
seealso:
  - module: meshlab.istio.minikube_info
  - module: meshlab.istio.minikube_preflight_info
"""

EXAMPLES = r"""
- name: Start the tutorial's cluster
  meshlab.istio.minikube:
    driver: kvm2
    memory: 12384
    cpus: 4
    config:
      driver: kvm2

- name: Start a cluster on the host itself, without the internet
  meshlab.istio.minikube:
    driver: none
    container_runtime: containerd
    kubernetes_version: v1.34.4
    preload: false
    cache_images: false
    install_addons: false
    auto_update_drivers: false
    embed_certs: true
    wait: [all]
    keep_context: true
    force: true
  become: true

- name: Give it more memory, which takes a new cluster
  meshlab.istio.minikube:
    memory: 16g
    recreate: true

- name: Upgrade a cluster that was made by hand
  meshlab.istio.minikube:
    profile: by-hand
    kubernetes_version: v1.34.4
    foreign: true

- name: Put it to sleep for the night
  meshlab.istio.minikube:
    state: stopped

- name: Delete it
  meshlab.istio.minikube:
    state: absent
"""

RETURN = r"""
found:
  description: One sentence that says what was found, and why a cluster did not run.
  returned: success
  type: str
  sample: "The cluster minikube was stopped: it was stopped, or this host was restarted since."
before:
  description:
    - What was found, with C(state) V(absent), V(damaged), V(incomplete), V(stopped), V(paused), V(degraded) or
      V(started), and each given setting as the profile stores it. Amounts are in MiB, lists are sorted.
  returned: success
  type: dict
  sample: { state: stopped, memory: 12384 }
after:
  description: The same after the task; in check mode, as it would be.
  returned: success
  type: dict
  sample: { state: started, memory: 12384 }
cluster_exists:
  description: Whether there is a cluster now. In check mode, whether there was one.
  returned: success
  type: bool
ours:
  description: Whether it is proven that this module made the cluster.
  returned: success
  type: bool
profile:
  description: Name of the profile.
  returned: success
  type: str
context:
  description: Name of the cluster's context in RV(kubeconfig).
  returned: success
  type: str
kubeconfig:
  description: Path of the kubeconfig with that context.
  returned: success
  type: str
driver:
  description: The driver, null where minikube has yet to choose one.
  returned: success
  type: str
node_ip:
  description: Address of the control plane's node, null without a cluster.
  returned: success
  type: str
kubernetes_version:
  description: Version of Kubernetes, null without a cluster.
  returned: success
  type: str
  sample: v1.34.4
certificate_days:
  description: Days until the API server's certificate ends, null where it could not be seen.
  returned: success
  type: int
drift:
  description: Each setting that differs, with the old and the new value and what minikube does about it.
  returned: when a setting cannot be changed
  type: list
  elements: dict
  sample: [{ option: memory, old: 4096, new: 12384, effect: minikube warns and keeps the old value }]
lost:
  description: What a deletion destroyed or, in check mode, would destroy.
  returned: success
  type: list
  elements: str
steps:
  description:
    - The steps that minikube reported, with C(name), C(message), C(current), C(total) and C(seconds) since its start.
  returned: always when minikube ran
  type: list
  elements: dict
problems:
  description: What keeps this host from running the cluster, with C(check), C(problem) and C(remedy).
  returned: when the host is not fit
  type: list
  elements: dict
log:
  description: The last warnings and errors of minikube's own log of the start.
  returned: when a start failed
  type: list
  elements: str
name:
  description: minikube's name for an error.
  returned: when minikube failed
  type: str
  sample: PROVIDER_DOCKER_NOT_RUNNING
advice:
  description: minikube's advice on an error.
  returned: when minikube failed
  type: str
url:
  description: minikube's page about an error.
  returned: when minikube failed
  type: str
commands:
  description: Each command that ran, with C(cmd), C(rc) and C(seconds).
  returned: success
  type: list
  elements: dict
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""

import contextlib
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotYet
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import MINIKUBE_OPTIONS, Minikube
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_lifecycle import Lifecycle
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import Host
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import (
    PROGRESS_OPTIONS,
    in_home,
    need_libraries,
    run,
)

STRINGS = {"type": "list", "elements": "str"}

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["started", "stopped", "paused", "absent"], "default": "started"},
    "profile": {"type": "str", "default": "minikube"},
    "recreate": {"type": "bool", "default": False},
    "foreign": {"type": "bool", "default": False},
    "config": {"type": "dict"},
    "start_timeout": {"type": "float", "default": 900.0},
    "driver": {"type": "str"},
    "memory": {"type": "str"},
    "cpus": {"type": "str"},
    "disk_size": {"type": "str"},
    "nodes": {"type": "int"},
    "kubernetes_version": {"type": "str"},
    "container_runtime": {"type": "str"},
    "cni": {"type": "str"},
    "service_cluster_ip_range": {"type": "str"},
    "addons": STRINGS,
    "extra_config": STRINGS,
    "feature_gates": {"type": "str"},
    "insecure_registry": STRINGS,
    "registry_mirror": STRINGS,
    "image_repository": {"type": "str"},
    "mount": {"type": "bool"},
    "mount_string": {"type": "str"},
    "embed_certs": {"type": "bool"},
    "static_ip": {"type": "str"},
    "apiserver_names": STRINGS,
    "apiserver_ips": STRINGS,
    "apiserver_port": {"type": "int"},
    "listen_address": {"type": "str"},
    "ports": STRINGS,
    "wait": STRINGS,
    "wait_timeout": {"type": "str"},
    "preload": {"type": "bool"},
    "cache_images": {"type": "bool"},
    "install_addons": {"type": "bool"},
    "auto_update_drivers": {"type": "bool"},
    "keep_context": {"type": "bool"},
    "force": {"type": "bool"},
    **MINIKUBE_OPTIONS,
    **PROGRESS_OPTIONS,
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Bring the cluster into the state asked for; return the module's result."""
    options = module.params
    minikube = Minikube(options["path"], options["minikube_home"], options["kubeconfig"])
    kubeconfig = in_home(minikube.kubeconfig)
    if os.path.isfile(kubeconfig) and os.path.getsize(kubeconfig):
        # Only who reads it can see whether minikube would write over what it says of another cluster. Check mode on a
        # bare host goes on without.
        with contextlib.suppress(NotYet):
            need_libraries(module, "yaml")
    lifecycle = Lifecycle(minikube, options, Host(), Progress(options["progress_file"]))
    return lifecycle.run(module.check_mode)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("mount", True, ["mount_string"])], supports_check_mode=True
    )
    run(module, work)


if __name__ == "__main__":
    main()
