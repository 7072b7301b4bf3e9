# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a request whose trace has an id that we chose, and find its spans by that id in Jaeger or Zipkin."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._addons import Fetch
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._http import HttpError, fetch, target

AGAIN_SECONDS = 4.0
"""Proxies send spans about once a second (Jaeger's and Zipkin's tracers in Envoy); a request that was sent before the
proxy had its tracing configuration leaves none, so that another one is sent after this time."""

PATHS = {"jaeger": "/jaeger/api/traces/", "zipkin": "/api/v2/trace/"}
"""Addon that stores traces → path of one trace, to which its id is added."""


@dataclass
class Probe:
    """Requests to one URL, each with an id of its own.

    :param url: what is asked, through the mesh.
    :param host: the Host header; None for the URL's.
    """

    url: str
    host: str | None = None
    ids: list[str] = field(default_factory=list)
    sent_at: float = 0.0
    trouble: str = ""

    def send(self) -> None:
        """Send another request if the last one's spans had the time to arrive; what goes wrong is in ``trouble``."""
        now = time.monotonic()
        if self.ids and now - self.sent_at < AGAIN_SECONDS:
            return
        self.sent_at = now
        self.ids.append(secrets.token_hex(16))
        try:
            answer = fetch(target(self.url, host=self.host, headers=headers(self.ids[-1]), timeout=5.0))
            self.trouble = "" if answer.status < 500 else f"{self.url} answered {answer.status}"
        except HttpError as error:
            self.trouble = error.message

    def found(self, backend: str, ask: Fetch) -> dict[str, Any] | None:
        """Return the trace of one of the requests, or None as long as there is none.

        :param backend: one of PATHS.
        :param ask: how the backend is asked.
        :returns: ``id``, ``spans`` (number), ``services`` (names, sorted).
        """
        for trace in reversed(self.ids):
            try:
                answer = ask(PATHS[backend] + trace, {})
            except (ClusterError, HttpError):
                continue
            spans, services = _SPANS[backend](answer)
            if spans:
                return {"id": trace, "spans": spans, "services": sorted(services)}
        return None


def headers(trace: str) -> dict[str, str]:
    """Return the headers that give a request its trace: B3 and W3C, so that each kind of tracer takes it over.

    :param trace: 32 hexadecimal digits.
    """
    span = secrets.token_hex(8)
    return {
        "x-b3-traceid": trace,
        "x-b3-spanid": span,
        "x-b3-sampled": "1",
        "traceparent": f"00-{trace}-{span}-01",
    }


def _of_jaeger(answer: Any) -> tuple[int, set[str]]:
    found = answer.get("data") if isinstance(answer, Mapping) else None
    traces = found or []
    names = {process["serviceName"] for trace in traces for process in trace["processes"].values()}
    return sum(len(trace["spans"]) for trace in traces), names


def _of_zipkin(answer: Any) -> tuple[int, set[str]]:
    spans = answer if isinstance(answer, list) else []
    return len(spans), {(span.get("localEndpoint") or {}).get("serviceName", "unknown") for span in spans}


_SPANS = {"jaeger": _of_jaeger, "zipkin": _of_zipkin}
