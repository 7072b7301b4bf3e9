#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.mesh_traffic."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_traffic
short_description: Send traffic to a URL and measure what comes back
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Sends a number of requests, or requests for a number of seconds, from the host that the task runs on.
  - Counts every request in exactly one place, by its status or by the kind of error, and never sends more than it was
    asked to. No request is repeated, no redirect is followed, and the proxies of the environment are not used.
  - A task without O(thresholds) succeeds whatever comes back. It warns if some requests were not answered as expected.
extends_documentation_fragment:
  - meshlab.istio.http_request
  - meshlab.istio.progress
options:
  url:
    description: The URL to ask, C(http) or C(https). IPv6 addresses are written in brackets.
    type: str
    required: true
  requests:
    description: Number of requests to send.
    type: int
  duration:
    description: Seconds during which requests are started. Those under way at the end are waited for.
    type: float
  concurrency:
    description: Number of connections, at most 1000. Each carries one request at a time.
    type: int
    default: 1
  rate:
    description:
      - Requests per second over all connections. Without it, each connection sends the next request as soon as the
        last one is answered.
      - If answers take too long for O(concurrency) to keep up, requests are sent late, which RV(behind_ms) shows.
        Their latency is still counted from when they were sent.
    type: float
  method:
    description: The HTTP method.
    type: str
    default: GET
  timeout:
    description: Seconds that one request may take, from connecting to the last byte of its answer.
    type: float
    default: 10.0
  keep_alive:
    description: Whether to use a connection for many requests. V(false) opens one for each.
    type: bool
    default: true
  body_contains:
    description: Text that a good answer contains. An answer 200-399 without it is the error C(body).
    type: str
  version_pattern:
    description:
      - Regular expression that finds, with its first group, the version of the backend in the body of a good answer.
        Good answers without a match are counted as C(unknown).
    type: str
  thresholds:
    description:
      - What has to be true of the measurement. If anything is not, the task fails and still returns everything.
      - A metric that could not be measured, such as a latency when nothing answered, never passes.
    type: list
    elements: dict
    default: []
    suboptions:
      metric:
        description:
          - RV(sent), RV(succeeded), RV(success_share), RV(throughput), RV(behind_ms), RV(seconds), or a value within
            RV(latency_ms), RV(status), RV(errors), RV(by_version) or RV(version_share), written with a dot as in
            V(latency_ms.p99), V(status.503), V(errors.timeout) or V(version_share.v2).
        type: str
        required: true
      relation:
        description:
          - How the measured value has to compare with the bound.
          - V(binomial) is the exact two-sided test that a share of events is the expected one, passed unless what was
            counted would be rarer than 0.001 if it were.
        type: str
        required: true
        choices: ["<", "<=", "==", "!=", ">=", ">", between, binomial]
      bound:
        description:
          - A number, or for V(between) a list of two numbers, both of which are allowed values.
          - For V(binomial) a mapping of C(share), from 0 to 1, and C(of), the metric that counts the trials, such as
            C(succeeded) for the metric V(by_version.v2).
        type: raw
        required: true
attributes:
  check_mode:
    support: full
    description: No traffic is sent in check mode. The task is then skipped, with RV(sent) being 0.
  diff_mode:
    support: none
    description: Nothing is changed.
notes:
  - Speaks HTTP/1.1. One process can send some thousand requests per second.
seealso:
  - module: meshlab.istio.gateway_url_info
"""

EXAMPLES = r"""
- name: Send the tutorial's 100 requests
  meshlab.istio.mesh_traffic:
    url: "http://{{ gateway.gateway_url }}/productpage"
    requests: 100
    body_contains: "<title>Simple Bookstore App</title>"
    thresholds:
      - { metric: status.200, relation: "==", bound: 100 }

- name: Ask for a minute, 20 times a second, and hold it to an objective
  meshlab.istio.mesh_traffic:
    url: "http://{{ gateway.gateway_url }}/productpage"
    host: tutorial.bookinfo.com
    duration: 60
    rate: 20
    concurrency: 10
    thresholds:
      - { metric: success_share, relation: ">=", bound: 0.999 }
      - { metric: latency_ms.p99, relation: "<", bound: 500 }

- name: See how a canary shares the traffic
  meshlab.istio.mesh_traffic:
    url: "http://{{ gateway.gateway_url }}/productpage"
    requests: 1000
    concurrency: 4
    version_pattern: 'reviews-(v\d+)-'
    thresholds:
      - { metric: version_share.v2, relation: between, bound: [0.07, 0.13] }
"""

RETURN = r"""
sent:
  description: Requests that were sent or tried, the sum of all numbers in RV(status) and RV(errors).
  returned: always
  type: int
  sample: 100
succeeded:
  description: Complete answers with a status of 200-399 and the right body.
  returned: always
  type: int
  sample: 98
success_share:
  description: RV(succeeded) divided by RV(sent), or null if nothing was sent.
  returned: always
  type: float
  sample: 0.98
status:
  description: Number of complete answers by status, without those that are counted as the error C(body).
  returned: always
  type: dict
  sample: {"200": 98, "503": 1}
errors:
  description:
    - Number of other requests by what happened to them.
    - C(name) is a name that cannot be resolved, C(refused) a port on which nothing listens, C(unreachable) a missing
      route, C(timeout) an answer that was not complete in time, C(certificate) one that is not trusted, C(tls) a
      failed handshake, C(closed) an end without an answer, C(reset) a broken connection, C(truncated) half an answer,
      C(too_large) one of more than 16 MiB, C(protocol) something other than HTTP, C(network) another failure below
      HTTP, C(body) a good status with the wrong body.
  returned: always
  type: dict
  sample: {"timeout": 1}
latency_ms:
  description:
    - Milliseconds from before sending (before connecting, for the first request on a connection) to the last byte,
      over all complete answers whatever their status. Percentiles are measured values (nearest rank).
  returned: always
  type: dict
  sample: {"min": 8.1, "mean": 12.9, "p50": 11.2, "p90": 19.7, "p95": 22.0, "p99": 41.5, "max": 48.0}
histogram:
  description:
    - How many latencies were above the bound before and not above C(le), in milliseconds. The bounds are the same in
      every run (ten per decade), so that histograms can be added. C(le) is null above the largest.
  returned: always
  type: list
  elements: dict
  sample: [{"le": 10.0, "count": 61}, {"le": 12.6, "count": 39}]
throughput:
  description: Complete answers per second.
  returned: always
  type: float
  sample: 77.2
by_version:
  description: Good answers by the version that O(version_pattern) found.
  returned: always
  type: dict
  sample: {"v1": 90, "v2": 8}
version_share:
  description: RV(by_version) divided by RV(succeeded). Null if nothing succeeded or without O(version_pattern).
  returned: always
  type: dict
  sample: {"v1": 0.918, "v2": 0.082}
behind_ms:
  description: By how many milliseconds the latest request missed the moment at which O(rate) wanted it.
  returned: always
  type: float
  sample: 0.4
seconds:
  description: Seconds from the first request to the end of the last answer.
  returned: always
  type: float
  sample: 1.295
thresholds:
  description: The thresholds with what was measured.
  returned: always
  type: list
  elements: dict
  sample: [{"metric": "status.200", "relation": "==", "bound": 100, "measured": 98, "passed": false}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime, _traffic
from ansible_collections.meshlab.istio.plugins.module_utils._http import HTTP_OPTIONS
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import RELATIONS

THRESHOLD = {
    "metric": {"type": "str", "required": True},
    "relation": {"type": "str", "required": True, "choices": list(RELATIONS)},
    "bound": {"type": "raw", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "requests": {"type": "int"},
            "duration": {"type": "float"},
            "concurrency": {"type": "int", "default": 1},
            "rate": {"type": "float"},
            "method": {"type": "str", "default": "GET"},
            "timeout": {"type": "float", "default": 10.0},
            "keep_alive": {"type": "bool", "default": True},
            "body_contains": {"type": "str"},
            "version_pattern": {"type": "str"},
            "thresholds": {"type": "list", "elements": "dict", "default": [], "options": THRESHOLD},
            **HTTP_OPTIONS,
            **_runtime.PROGRESS_OPTIONS,
        },
        mutually_exclusive=[("requests", "duration")],
        required_one_of=[("requests", "duration")],
        required_by={"client_key": "client_cert"},
        supports_check_mode=True,
    )
    _runtime.run(module, _traffic.work)


if __name__ == "__main__":
    main()
