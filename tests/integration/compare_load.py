# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold mesh_traffic's p50 and p90 against a reference load generator: wrk or hey, from Debian's packages.

    python -m tests.integration.compare_load http://10.77.0.6:31380/productpage --concurrency 4
    python -m tests.integration.compare_load   # a server on loopback with delays of 10 to 40 ms

Both send as fast as answers come, over the same number of kept connections, in turns: the machine's mood
of the moment is then the same for both. Ends with 1 if a median over the rounds is more than 10 % off.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._http import target
from ansible_collections.meshlab.istio.plugins.module_utils._load import Plan, generate
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress

ALLOWED = 0.10
NAMES = ("p50", "p90")
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "secs": 1000.0}
Round = dict[str, float]
Generator = Callable[[str, int, int], Round]


def wrk(url: str, concurrency: int, seconds: int) -> Round:
    """wrk 4.1: `     50%   11.20ms`; answers other than 2xx and 3xx and errors are lines of their own."""
    text = _output(["wrk", "--latency", "-t1", f"-c{concurrency}", f"-d{seconds}s", url])
    if re.search(r"Non-2xx|Socket errors", text):
        sys.exit(f"The reference met errors, so there is nothing to compare:\n{text}")
    return _percentiles(text, r"^ +{percent}% +([\d.]+)(us|ms|s)$")


def hey(url: str, concurrency: int, seconds: int) -> Round:
    """hey 0.1.4: `  50% in 0.0112 secs`, `  [200]	1234 responses`."""
    text = _output(["hey", "-disable-redirects", "-c", str(concurrency), "-z", f"{seconds}s", url])
    if re.search(r"\[[145]\d\d\]\s+\d+ responses|Error distribution", text):
        sys.exit(f"The reference met errors, so there is nothing to compare:\n{text}")
    return _percentiles(text, r"^ +{percent}%+ in ([\d.]+) (secs)$")


def ours(url: str, concurrency: int, seconds: int) -> Round:
    """What the module mesh_traffic measures."""
    found = generate(target(url), Plan(duration=seconds, concurrency=concurrency), Progress())
    if found["succeeded"] != found["sent"]:
        sys.exit(f"We met errors, so there is nothing to compare: {found['status']} {found['errors']}")
    return {name: found["latency_ms"][name] for name in NAMES}


REFERENCES: dict[str, Generator] = {"wrk": wrk, "hey": hey}


def main() -> int:
    """Compare, print each round, write the evidence if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=5, help="of each generator in each round")
    parser.add_argument("--reference", choices=REFERENCES, default=next(filter(shutil.which, REFERENCES), None))
    parser.add_argument("--evidence", type=Path, help="write the result to this JSON file")
    options = parser.parse_args()
    if options.reference is None:
        parser.error("neither wrk nor hey is installed: apt-get install wrk")
    with contextlib.nullcontext(options.url) if options.url else _loopback() as url:
        rounds = _alternate(url, options)
    medians = {
        who: {name: statistics.median(each[who][name] for each in rounds) for name in NAMES} for who in rounds[0]
    }
    off = {name: medians["mesh_traffic"][name] / medians[options.reference][name] - 1 for name in NAMES}
    passed = all(abs(share) <= ALLOWED for share in off.values())
    for name in NAMES:
        print(f"{name}: {medians['mesh_traffic'][name]:.2f} ms, {options.reference} "
              f"{medians[options.reference][name]:.2f} ms, {off[name]:+.1%}")  # fmt: skip
    if options.evidence:
        _write(options, {"passed": passed, "off": off, "medians_ms": medians, "rounds_ms": rounds})
    return 0 if passed else 1


def _alternate(url: str, options: argparse.Namespace) -> list[dict[str, Round]]:
    """Run both generators in each round, the other one first each time."""
    generators = {"mesh_traffic": ours, options.reference: REFERENCES[options.reference]}
    for generate_load in generators.values():
        generate_load(url, options.concurrency, 1)  # warms up what answers
    rounds = []
    for number in range(options.rounds):
        order = sorted(generators, reverse=bool(number % 2))
        rounds.append({who: generators[who](url, options.concurrency, options.seconds) for who in order})
        print(f"round {number + 1}: {rounds[-1]}", flush=True)
    return rounds


@contextlib.contextmanager
def _loopback() -> Iterator[str]:
    """Serve with scripted delays, in a process of its own so that it does not share our interpreter's lock."""
    code = (
        "import random, sys, time\n"
        "from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Reply, Server\n"
        "with Server(lambda _seen: Reply(body=b'x' * 5000, delay=random.uniform(0.01, 0.04))) as server:\n"
        "    print(server.url(), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _percentiles(text: str, pattern: str) -> Round:
    found = {}
    for name in NAMES:
        match = re.search(pattern.replace("{percent}", name[1:]), text, re.MULTILINE)
        if match is None:
            sys.exit(f"The reference's output has no {name}:\n{text}")
        found[name] = float(match.group(1)) * UNITS_MS[match.group(2)]
    return found


def _write(options: argparse.Namespace, result: dict[str, Any]) -> None:
    commit = _output(["git", "rev-parse", "HEAD"]).strip()
    package = _output(["dpkg-query", "--show", "--showformat=${Version}", options.reference])
    evidence = {
        "test": "mesh_traffic's percentiles against a reference load generator",
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit,
        "versions": {options.reference: package, "python": platform.python_version()},
        "url": options.url or "loopback, delays of 10 to 40 ms",
        "concurrency": options.concurrency,
        "seconds": options.seconds,
        "allowed": ALLOWED,
        **result,
    }
    options.evidence.write_text(json.dumps(evidence, indent=2) + "\n")


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
