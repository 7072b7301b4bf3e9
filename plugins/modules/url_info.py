#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.url_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: url_info
short_description: Find out which of several URLs answers from here
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Asks URLs in the order given and returns the first that answers as expected.
  - The requests are sent from the host that the task runs on. Delegate it to localhost to learn which URL can be opened
    on the controller.
  - Does not fail if none answers. RV(url) is then empty.
extends_documentation_fragment:
  - meshlab.istio.http_request
options:
  urls:
    description: The URLs, C(http) or C(https), the preferred one first. IPv6 addresses are written in brackets.
    type: list
    elements: str
    required: true
  status:
    description: Status codes of a good answer. Redirects are not followed.
    type: list
    elements: int
    default: [200]
  body:
    description: Text that a good answer contains.
    type: str
  timeout:
    description:
      - Seconds to wait until one answers. V(0) asks each once.
      - One request may take that long as well, but at most 5 seconds.
    type: float
    default: 5.0
  proxy_command:
    description:
      - A program with its arguments whose standard input and output are the connection to the URLs' server, such as
        C(ssh -W HOST:PORT), as the option ProxyCommand of ssh has it. No shell is used.
      - Without it, the requests go out directly.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Runs as usual, since nothing is changed.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: meshlab.istio.gateway_url_info
"""

EXAMPLES = r"""
- name: Find out what can be opened on this computer
  meshlab.istio.url_info:
    urls:
      - "http://{{ gateway.gateway_url }}/productpage"
      - "http://{{ ansible_host }}:{{ gateway.node_ports.http2 }}/productpage"
    body: "<title>Simple Bookstore App</title>"
  delegate_to: localhost
  register: browser

- name: Find out whether a browser could open it through ssh -L
  meshlab.istio.url_info:
    urls: ["http://{{ gateway.gateway_url }}/productpage"]
    proxy_command: [ssh, -W, "{{ gateway.gateway_url }}", "trainer@{{ ansible_host }}"]
  delegate_to: localhost

- name: Wait until Kiali answers
  meshlab.istio.url_info:
    urls: ["http://127.0.0.1:20001/kiali/healthz"]
    timeout: 60
  register: kiali
  failed_when: not kiali.url
"""

RETURN = r"""
url:
  description: The first URL that answered as expected, or an empty string.
  returned: success
  type: str
  sample: http://192.168.49.2:31380/productpage
tried:
  description: What became of each URL in the last round, up to the one that answered.
  returned: success
  type: list
  elements: dict
  contains:
    url:
      description: The URL as it was given.
      type: str
    answered:
      description: Whether the expected answer came.
      type: bool
    reason:
      description: Why it was not the expected answer, or an empty string.
      type: str
  sample:
    - url: http://10.96.184.12:80/productpage
      answered: false
      reason: no complete answer came within 5 s
    - url: http://192.168.49.2:31380/productpage
      answered: true
      reason: ""
seconds:
  description: Seconds until the answer came or the waiting ended.
  returned: success
  type: float
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime, _urls
from ansible_collections.meshlab.istio.plugins.module_utils._http import HTTP_OPTIONS


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "urls": {"type": "list", "elements": "str", "required": True},
            "status": {"type": "list", "elements": "int", "default": [200]},
            "body": {"type": "str"},
            "timeout": {"type": "float", "default": 5.0},
            "proxy_command": {"type": "list", "elements": "str", "default": []},
            **HTTP_OPTIONS,
        },
        required_by={"client_key": "client_cert"},
        supports_check_mode=True,
    )
    _runtime.run(module, _urls.work)


if __name__ == "__main__":
    main()
