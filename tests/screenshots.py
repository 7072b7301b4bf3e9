#!/usr/bin/env python3
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take pictures of report.html in light and dark, wide and phone size, and tell where something is cut or overlaps.

    .venv/bin/python tests/screenshots.py OUT_DIRECTORY [REPORT_HTML]

Without a report the sample data of the unit tests is shown. Needs Debian's package chromium, and is no part of
``make test``: the pictures are for a person to look at. Exits with 1 if the page overflows or text overlaps.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._report import shape
from ansible_collections.meshlab.istio.plugins.module_utils._report_page import page

SAMPLE = Path(__file__).parent / "unit/plugins/module_utils/fixtures/report/sample.json"
SIZES = {"wide": 1280, "phone": 360}
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip

# With all details open: everything that sticks out of the page or of a chart, and every two texts of one chart that
# share area.
FAULTS = """(() => {
  const faults = [], width = document.documentElement.clientWidth;
  const details = [...document.querySelectorAll('details')];
  details.forEach(element => element.open = true);
  if (document.documentElement.scrollWidth > width)
    faults.push(`the page is ${document.documentElement.scrollWidth} wide`);
  const seen = element => element.getClientRects().length > 0;
  for (const element of document.querySelectorAll('main *')) {
    if (!seen(element) || element.closest('.scroll,pre,svg')) continue;
    const box = element.getBoundingClientRect();
    if (box.right > width + 1 || box.left < -1) faults.push(`sticks out: ${element.outerHTML.slice(0, 90)}`);
  }
  for (const svg of document.querySelectorAll('svg.chart, svg.graph')) {
    if (!seen(svg)) continue;
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([words, a], index) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.bottom > frame.bottom + 4)
        faults.push(`cut: ${words}`);
      for (const [other, b] of texts.slice(index + 1))
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4) faults.push(`overlap: ${words} / ${other}`);
    });
  }
  details.forEach(element => element.open = false);
  return faults;
})()"""


class Browser:
    """Headless Chromium, spoken to over a pipe: one JSON object at a time, ended by a zero byte."""

    def __init__(self, profile: str) -> None:
        child_reads, self._to = os.pipe()
        self._from, child_writes = os.pipe()

        def place_pipes() -> None:
            # Chromium reads from 3 and writes to 4; the ends may have these very numbers, so they go aside first.
            high_read, high_write = os.dup2(child_reads, 63), os.dup2(child_writes, 64)
            os.dup2(high_read, 3)
            os.dup2(high_write, 4)

        self._process = subprocess.Popen(
            ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=place_pipes,  # noqa: PLW1509 (there is one thread)
            close_fds=False, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(child_reads)
        os.close(child_writes)
        self._count, self._rest = 0, b""
        target = self.call("Target.createTarget", url="about:blank", session=None)["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True, session=None)["sessionId"]
        self.call("Page.enable")

    def call(self, method: str, session: str | None = "own", **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def event(self, name: str) -> None:
        """Wait for an event."""
        while self._read().get("method") != name:
            pass

    def close(self) -> None:
        """End the browser."""
        self.call("Browser.close", session=None)
        self._process.wait(timeout=20)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            got = os.read(self._from, 1 << 20)
            if not got:
                raise RuntimeError("Chromium ended; start it by hand to see why.")
            self._rest += got
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        return message


def shots(browser: Browser, address: str, out: Path, name: str) -> list[str]:
    """Take the four pictures of one address and return the faults that were seen."""
    faults = []
    for size, width in SIZES.items():
        for scheme in ("light", "dark"):
            feature = {"name": "prefers-color-scheme", "value": scheme}
            browser.call("Emulation.setEmulatedMedia", features=[feature])
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                         deviceScaleFactor=2 if size == "phone" else 1, mobile=size == "phone")  # fmt: skip
            browser.call("Page.navigate", url="about:blank")
            browser.event("Page.loadEventFired")
            browser.call("Page.navigate", url=address)
            browser.event("Page.loadEventFired")
            seen = browser.call("Runtime.evaluate", expression=FAULTS, returnByValue=True)["result"]["value"]
            faults += [f"{name}-{size}-{scheme}: {fault}" for fault in seen]
            picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")["data"]
            (out / f"{name}-{size}-{scheme}.png").write_bytes(base64.b64decode(picture))
    return faults


def main() -> int:
    """Take the pictures; return the exit code."""
    if len(sys.argv) not in (2, 3):
        sys.stderr.write(__doc__ or "")
        return 2
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    pages: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        if len(sys.argv) == 3:
            pages["report"] = Path(sys.argv[2]).resolve().as_uri()
        else:
            sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
            samples = {"one": sample["hosts"][:1], "fleet": sample["hosts"]}
            for name, hosts in samples.items():
                file = Path(scratch) / f"{name}.html"
                file.write_text(page(shape(hosts, sample["next_steps"])), encoding="utf-8")
                pages[name] = file.as_uri()
            pages["busy"] = pages["fleet"] + "#host-2"
            pages["failed"] = pages["fleet"] + "#host-3"
        browser = Browser(str(Path(scratch) / "profile"))
        faults = [fault for name, address in pages.items() for fault in shots(browser, address, out, name)]
        browser.close()
    print("\n".join(faults or ["Nothing is cut and nothing overlaps."]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
