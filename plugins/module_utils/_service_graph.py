# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the service graph as inline SVG: workloads in layers from top to bottom, requests as arrows between them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts
from ansible_collections.meshlab.istio.plugins.module_utils._html import Markup, tag

Edge = dict[str, Any]
Arrow = tuple[str, str]

WIDTH, SLOT, NODE_HEIGHT, GAP = 360.0, 90.0, 42.0, 76.0
"""In units of the drawing: its least width (a phone's), a node's least width with its margin, a node's height, and
the space between layers."""

_LABEL_HEIGHT, _LETTER = 18.0, 6.3
_LOCK = "M-3.5,-1h7v5.5h-7z M-2,-1v-2a2,2 0 0 1 4,0v2"
_OPEN_LOCK = "M-3.5,-1h7v5.5h-7z M-2,-1v-2.5a2,2 0 0 1 4,-1"


@dataclass(frozen=True)
class Box:
    """A rectangle by its middle and size."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        """Return whether the two share any area."""
        return (
            abs(self.x - other.x) * 2 < self.width + other.width
            and abs(self.y - other.y) * 2 < self.height + other.height
        )


def service_graph(edges: Sequence[Edge], title: str) -> Markup:
    """Draw measured edges.

    :param edges: one or more, in the shape of ``graph.before`` in the report's schema; none from a workload to itself.
    :param title: what is shown, for who cannot see it.
    """
    nodes = list(dict.fromkeys(edge[end] for edge in edges for end in ("source", "destination")))
    pairs = [(edge["source"], edge["destination"]) for edge in edges]
    back = _backward(nodes, pairs)
    down = {arrow: arrow[::-1] if arrow in back else arrow for arrow in pairs}
    layers, routes = _layered(nodes, list(dict.fromkeys(down.values())))
    places = _places(layers, set(nodes))
    width = max([WIDTH] + [len(layer) * SLOT for layer in layers])
    height = (len(layers) - 1) * (NODE_HEIGHT + GAP) + NODE_HEIGHT + 4

    most = max((_load(edge) for edge in edges), default=0) or 1
    taken = [places[node] for node in nodes]
    arrows, labels = [], []
    paths = _paths([routes[down[arrow]] for arrow in pairs], places)
    for edge, arrow, path in zip(edges, pairs, paths):
        arrows.append(_arrow(edge, path, most, upward=arrow in back))
        words = _words(edge)
        if words or "mtls" in edge:
            lock = 15 if "mtls" in edge else 0
            box = _free_place(path, len(words) * _LETTER + 12 + lock, taken, upward=arrow in back)
            taken.append(box)
            labels.append(_label(edge, words, box))
    roots = set(nodes) - {edge["destination"] for edge in edges}
    drawn = [_node(node, places[node], node in roots) for node in nodes]
    # On a phone a wide graph scrolls instead of becoming unreadable.
    style = f"min-width:{width * 0.8:.0f}px;max-width:{width * 1.35:.0f}px"
    return tag("svg", tag("title", title), arrows, drawn, labels, class_="graph", role="img", aria_label=title,
               viewBox=f"0 0 {width:g} {height:g}", style=style)  # fmt: skip


def _backward(nodes: Sequence[str], arrows: Sequence[Arrow]) -> set[Arrow]:
    """Return the arrows that close a cycle, found depth first from the nodes nobody calls."""
    called = {destination for _source, destination in arrows}
    back: set[Arrow] = set()
    state: dict[str, str] = {}

    def visit(node: str) -> None:
        state[node] = "open"
        for source, destination in arrows:
            if source == node and state.get(destination) == "open":
                back.add((source, destination))
            elif source == node and destination not in state:
                visit(destination)
        state[node] = "done"

    for node in sorted(nodes, key=lambda name: name in called):
        if node not in state:
            visit(node)
    return back


def _layered(nodes: Sequence[str], arrows: Sequence[Arrow]) -> tuple[list[list[str]], dict[Arrow, list[str]]]:
    """Put each node below all that call it, and give long arrows a slot in every layer they cross.

    Returns the layers and, for each arrow, the names it runs through.
    """
    depth = dict.fromkeys(nodes, 0)
    for _round in nodes:
        for source, destination in arrows:
            depth[destination] = max(depth[destination], depth[source] + 1)
    layers: list[list[str]] = [[] for _depth in range(max(depth.values(), default=0) + 1)]
    for node in nodes:
        layers[depth[node]].append(node)
    routes = {}
    for source, destination in arrows:
        between = [f"{source}\0{destination}\0{level}" for level in range(depth[source] + 1, depth[destination])]
        for level, name in enumerate(between, depth[source] + 1):
            layers[level].append(name)
        routes[(source, destination)] = [source, *between, destination]
    _untangle(layers, [pair for route in routes.values() for pair in zip(route, route[1:])])
    return layers, routes


def _untangle(layers: list[list[str]], links: Sequence[Arrow]) -> None:
    """Order each layer by the mean place of its neighbours, a few times down and up, so that few arrows cross."""
    near: dict[str, list[str]] = {}
    for upper, lower in links:
        near.setdefault(upper, []).append(lower)
        near.setdefault(lower, []).append(upper)
    for sweep in range(6):
        order = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for level in order:
            beside = layers[level - 1 if sweep % 2 == 0 else level + 1]
            place = {name: (index + 0.5) / len(beside) for index, name in enumerate(beside)}
            means = {name: _mean([place[n] for n in near.get(name, []) if n in place]) for name in layers[level]}
            layers[level].sort(key=means.__getitem__)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.5


def _places(layers: Sequence[Sequence[str]], nodes: set[str]) -> dict[str, Box]:
    width = max([WIDTH] + [len(layer) * SLOT for layer in layers])
    places = {}
    for level, layer in enumerate(layers):
        slot = width / len(layer)
        for index, name in enumerate(layer):
            size = min(slot - 8, 158.0) if name in nodes else 0.0
            y = 2 + level * (NODE_HEIGHT + GAP) + NODE_HEIGHT / 2
            places[name] = Box((index + 0.5) * slot, y, size, NODE_HEIGHT)
    return places


def _paths(routes: Sequence[Sequence[str]], places: dict[str, Box]) -> list[list[Box]]:
    """Return the boxes that each route runs through; those that meet at a node touch it side by side."""
    paths = [[places[name] for name in route] for route in routes]
    meeting: dict[tuple[str, int], list[tuple[float, int]]] = {}
    for index, (route, path) in enumerate(zip(routes, paths)):
        meeting.setdefault((route[0], 0), []).append((path[1].x, index))
        meeting.setdefault((route[-1], -1), []).append((path[-2].x, index))
    for (name, end), touching in meeting.items():
        box = places[name]
        step = min(18.0, (box.width - 24) / len(touching))
        for rank, (_x, index) in enumerate(sorted(touching)):
            paths[index][end] = replace(box, x=box.x + (rank - (len(touching) - 1) / 2) * step)
    return paths


def _load(edge: Edge) -> float:
    return float(edge["requests"] if "requests" in edge else edge.get("rate", 0))


def _words(edge: Edge) -> str:
    if facts.idle(edge):
        return "idle"
    parts = []
    if "rate" in edge:
        parts.append(f"{facts.number(edge['rate'])}/s")
    elif "requests" in edge:
        parts.append(facts.number(edge["requests"]))
    if edge.get("error_share"):
        parts.append(facts.percent(edge["error_share"]))
    return " · ".join(parts)


def _arrow(edge: Edge, path: Sequence[Box], most: float, *, upward: bool) -> Markup:
    x, y = path[0].x, path[0].y + NODE_HEIGHT / 2
    tip = 0.0 if upward else 9.0
    curve = f"M{x:.1f},{y + (9 if upward else 0):.1f}"
    for upper, lower in zip(path, path[1:]):
        end = lower.y - NODE_HEIGHT / 2 - (tip if lower is path[-1] else 0)
        start = upper.y + NODE_HEIGHT / 2
        middle = (start + end) / 2
        curve += f" C{upper.x:.1f},{middle:.1f} {lower.x:.1f},{middle:.1f} {lower.x:.1f},{end:.1f}"
        if lower is not path[-1]:
            curve += f" V{lower.y + NODE_HEIGHT / 2:.1f}"
    at = path[0] if upward else path[-1]
    head = at.y + NODE_HEIGHT / 2 if upward else at.y - NODE_HEIGHT / 2
    turn = 9 if upward else -9
    share = edge.get("error_share", 0)
    class_ = "edge bad" if share else "edge idle" if not _load(edge) else "edge"
    thick = 1.5 + 3 * math.sqrt(_load(edge) / most)
    points = f"{at.x:.1f},{head:.1f} {at.x - 5.5:.1f},{head + turn:.1f} {at.x + 5.5:.1f},{head + turn:.1f}"
    told = f"{edge['source']} to {edge['destination']}: {_told(edge)}"
    return tag("g", tag("title", told), tag("path", d=curve, class_="line", stroke_width=f"{thick:.1f}"),
               tag("polygon", points=points), class_=class_)  # fmt: skip


def _told(edge: Edge) -> str:
    if facts.idle(edge):
        return "idle"
    said = [
        f"{facts.number(edge['requests'])} requests" if "requests" in edge else None,
        f"{facts.number(edge['rate'])} requests a second" if "rate" in edge else None,
        f"{facts.percent(edge['error_share'])} errors" if "error_share" in edge else None,
        facts.transport(edge),
    ]
    return ", ".join(part for part in said if part)


def _free_place(path: Sequence[Box], width: float, taken: Sequence[Box], *, upward: bool) -> Box:
    """Return where on the curve a label covers nothing: near the arrow's end, or where it covers least."""
    segments = list(zip(path, path[1:]))
    candidates = []
    for upper, lower in segments if upward else reversed(segments):
        top, bottom = upper.y + NODE_HEIGHT / 2, lower.y - NODE_HEIGHT / 2 - 9
        for t in (0.62, 0.5, 0.72, 0.38, 0.82, 0.28, 0.18, 0.9, 0.13):
            x = upper.x + (lower.x - upper.x) * (3 * t * t - 2 * t**3)
            # The curve's height at t, its two middle points lying halfway down.
            y = top + (bottom - top) * (1.5 * t - 1.5 * t * t + t**3)
            candidates.append(Box(x, y, width, _LABEL_HEIGHT))
    return min(candidates, key=lambda box: sum(box.overlaps(other) for other in taken))


def _label(edge: Edge, words: str, box: Box) -> Markup:
    lock = None
    offset = 0.0
    if "mtls" in edge:
        offset = 7.5
        x = box.x - box.width / 2 + 12
        lock = tag("path", d=_LOCK if edge["mtls"] else _OPEN_LOCK, transform=f"translate({x:.1f},{box.y - 0.5:.1f})",
                   class_="lock" if edge["mtls"] else "lock open")  # fmt: skip
    frame = tag("rect", x=f"{box.x - box.width / 2:.1f}", y=f"{box.y - box.height / 2:.1f}", width=f"{box.width:.1f}",
                height=f"{box.height:g}", rx=9)  # fmt: skip
    text = tag("text", words, x=f"{box.x + offset:.1f}", y=f"{box.y + 4:.1f}", text_anchor="middle")
    return tag("g", frame, lock, text, class_="label bad" if edge.get("error_share") else "label")


def _node(name: str, box: Box, root: bool) -> Markup:
    """Draw a workload; a version at the end of its name gets a line of its own."""
    base, version = name, ""
    split = re.fullmatch(r"(.+)-(v\d+)", name)
    if split:
        base, version = split.groups()
    room = int((box.width - 8) / 6.6)
    shown = base if len(base) <= room else base[: room - 1] + "…"
    frame = tag("rect", x=f"{box.x - box.width / 2:.1f}", y=f"{box.y - box.height / 2:.1f}", width=f"{box.width:.1f}",
                height=f"{box.height:g}", rx=10)  # fmt: skip
    lines = [tag("text", shown, x=f"{box.x:.1f}", y=f"{box.y + (-2 if version else 4):.1f}", text_anchor="middle")]
    if version:
        lines.append(tag("text", version, x=f"{box.x:.1f}", y=f"{box.y + 13:.1f}", text_anchor="middle",
                         class_="muted"))  # fmt: skip
    return tag("g", tag("title", name), frame, lines, class_="node root" if root else "node")
