# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the module url_info: which of several URLs answers as expected from here."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._http import HTTP_OPTIONS, PROBE_SECONDS, probe, target

POLL_SECONDS = 0.5


def work(module: AnsibleModule) -> dict[str, Any]:
    """Ask the URLs in order, again and again until one answers or the time is over."""
    params = module.params
    options = {name: params[name] for name in HTTP_OPTIONS}
    patience = min(params["timeout"] or PROBE_SECONDS, PROBE_SECONDS)
    through = params["proxy_command"]
    asked = [target(url, timeout=patience, proxy_command=through, **options) for url in params["urls"]]
    started = time.monotonic()
    while True:
        url, tried = "", []
        for each in asked:
            reason = probe(each, params["status"], params["body"])
            tried.append({"url": each.url, "answered": reason is None, "reason": reason or ""})
            if reason is None:
                url = each.url
                break
        seconds = time.monotonic() - started
        if url or seconds >= params["timeout"]:
            return {"changed": False, "url": url, "tried": tried, "seconds": round(seconds, 2)}
        time.sleep(POLL_SECONDS)
