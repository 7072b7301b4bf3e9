#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.addons_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: addons_info
short_description: Ask Istio's addons by their own APIs whether they work
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Asks all addons in one round, and those that do not work yet again every second, until all do. It fails with what
    each one says if that takes longer than O(timeout).
  - Of Prometheus the targets in O(namespace) must be up, Loki must be ready, Kiali running, Jaeger or Zipkin must list
    the services of its traces, Grafana must have data sources.
  - With O(trace_url) it also sends a request with a trace id of its own, and looks for its spans in Jaeger or Zipkin.
  - Stand-ins, which test labs have in place of the real programs, are recognised by what they answer. They keep no
    spans, so that no trace is looked for in them.
extends_documentation_fragment:
  - meshlab.istio.cluster
options:
  names:
    description:
      - The addons, as their manifests in Istio's C(samples/addons) are called.
      - Known are V(prometheus), V(loki), V(kiali), V(jaeger), V(grafana) and V(zipkin). Of any other no check is known,
        which is said and does not fail.
    type: list
    elements: str
    required: true
  namespace:
    description: The addons' namespace.
    type: str
    default: istio-system
  urls:
    description:
      - Addon to URL, such as that of a port-forward, to ask there. Of the URL only scheme, host and port are used.
      - Addons without one are asked through the API server's service proxy.
    type: dict
    default: {}
  trace_url:
    description: A URL that is reached through the mesh. Without it no trace is looked for.
    type: str
  trace_host:
    description: The Host header of requests to O(trace_url); without it the URL's own host is sent.
    type: str
  timeout:
    description: Seconds until all must work.
    type: float
    default: 60.0
attributes:
  check_mode:
    support: full
    description: Asks each addon once, without failing. No request is sent to O(trace_url).
  diff_mode:
    support: none
    description: Changes nothing.
seealso:
  - module: meshlab.istio.service_graph_info
"""

EXAMPLES = r"""
- name: See that the tutorial's addons work
  meshlab.istio.addons_info:
    names: [prometheus, loki, kiali, jaeger, grafana]

- name: The same at the port-forwards, with the proof that traces arrive
  meshlab.istio.addons_info:
    names: [prometheus, kiali, zipkin]
    urls: {kiali: "http://127.0.0.1:20001/kiali"}
    trace_url: "{{ gateway.url }}"
"""

RETURN = r"""
addons:
  description: The addons in the order of O(names).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    ready:
      description: Whether it works; null if no check of it is known.
      type: bool
    says:
      description: What its answers tell, in a few words.
      type: str
    stand_in:
      description: Whether something else answered in its place.
      type: bool
  sample:
    - {name: prometheus, ready: true, says: 23 of 23 targets up, stand_in: false}
trace:
  description: The trace that was found; null if none was looked for.
  returned: success
  type: dict
  contains:
    id:
      description: Its id, as 32 hexadecimal digits.
      type: str
    spans:
      description: How many spans it has, once no more have arrived for a second.
      type: int
    services:
      description: The services that sent them.
      type: list
      elements: str
cluster_exists:
  description: Whether a cluster could be asked. Always true outside check mode.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _addon_health, _runtime


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "namespace": {"type": "str", "default": "istio-system"},
            "urls": {"type": "dict", "default": {}},
            "trace_url": {"type": "str"},
            "trace_host": {"type": "str"},
            "timeout": {"type": "float", "default": 60.0},
            **_runtime.CLUSTER_OPTIONS,
        },
        supports_check_mode=True,
    )
    _runtime.run(module, _addon_health.work)


if __name__ == "__main__":
    main()
