# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that Istio does not know, found by ``istioctl validate``: ``istioctl analyze`` passes over them.

1.31.0-dev istioctl/pkg/validate/validate.go reads each object strictly and names the first unknown field of each, in
the words of github.com/golang/protobuf v1.5.4 (jsonpb/decode.go). It does not look into Lists, and needs no cluster.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, words_of
from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read

CODE = "IST0106"
"""The code of analyze for what does not fit the schema (pkg/config/analysis/msg/messages.gen.go)."""

SUFFIXES = (".json", ".yaml", ".yml")
"""The files that analyze reads (istioctl/pkg/analyze/analyze.go); of a directory also those in its subdirectories."""

ROUNDS = 10
"""As many unknown fields of one object are found, one in a round."""

_PROBLEM = re.compile(
    r"\w+/[^/]*/object-(?P<number>\d+): "
    r"(?P<strict>cannot parse proto message: |could not unmarshal: (?:json: )?)?(?P<text>.*\S)"
)
_UNKNOWN = re.compile(r'unknown field "(?P<field>.*)"(?: in \S+)?')


@dataclass(frozen=True)
class _Problem:
    """What a strict reading says of an object.

    :param inside: whether it is about the spec, not about what stands beside it.
    """

    text: str
    inside: bool

    @property
    def field(self) -> str:
        """The unknown field, the empty string if it is something else."""
        match = _UNKNOWN.fullmatch(self.text)
        return match["field"] if match else ""


@dataclass(frozen=True)
class _Source:
    """An object of a file."""

    path: str
    text: str
    object: dict[str, Any]


def unknown_fields(
    istioctl: Istioctl, filename: Sequence[str], *, namespace: str | None, suppress: Sequence[str], timeout: float
) -> list[dict[str, Any]]:
    """Return a finding, in the form of analyze's, for each field in files that Istio does not know.

    :param filename: files and directories.
    :param namespace: that of objects which name none, None if it is not known.
    :param suppress: ``CODE=Kind name.namespace`` entries, as analyze takes them.
    :param timeout: seconds for each round.
    :raises InputError: a file is not YAML.
    :raises CommandError: istioctl did not end in time.
    """
    sources = [source for path in _files(filename) for source in _objects(path)]
    left = {number: copy.deepcopy(source.object) for number, source in enumerate(sources)}
    found: list[dict[str, Any]] = []
    for _round in range(ROUNDS):
        problems = _problems(istioctl, left, timeout) if left else {}
        again: dict[int, dict[str, Any]] = {}
        for number, problem in problems.items():
            places = _places_of(left[number], problem)
            found.append(_finding(istioctl, sources[number], problem, [path for _holder, path in places], namespace))
            for holder, _path in places:
                del holder[problem.field]
                again[number] = left[number]
        left = again
    return [row for row in found if not _suppressed(row, suppress)]


# -- inside --------------------------------------------------------------------------------------


def _files(filename: Sequence[str]) -> Iterator[str]:
    for path in filename:
        if os.path.isdir(path):
            for folder, folders, names in os.walk(path):
                folders.sort()
                yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(SUFFIXES))
        elif path.endswith(SUFFIXES):
            yield path


def _objects(path: str) -> Iterator[_Source]:
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {words_of(error)}.") from error
    waiting: list[Any] = read(text, path)
    while waiting:
        document = waiting.pop(0)
        if isinstance(document, list):
            waiting[:0] = document
        elif isinstance(document, dict) and str(document.get("kind")).endswith("List") and "items" in document:
            waiting[:0] = document["items"] if isinstance(document["items"], list) else []
        elif isinstance(document, dict) and "istio.io/" in str(document.get("apiVersion")):
            yield _Source(path, text, document)


def _problems(istioctl: Istioctl, objects: Mapping[int, dict[str, Any]], timeout: float) -> dict[int, _Problem]:
    """Return what validate finds in objects, by their numbers; only what a strict reading alone finds."""
    # Names of our own tell objects of one name apart; a name makes no difference to a strict reading.
    texts = [
        json.dumps({**obj, "metadata": {"name": f"object-{number}", "namespace": "default"}})
        for number, obj in objects.items()
    ]
    done = istioctl.run(
        ["validate", "--filename", "-"], timeout=timeout, check=False, input_text="\n---\n".join(texts) + "\n"
    )
    found: dict[int, _Problem] = {}
    for match in map(_PROBLEM.search, (done.stdout + "\n" + done.stderr).splitlines()):
        if match and (match["strict"] or _UNKNOWN.fullmatch(match["text"])):
            found.setdefault(int(match["number"]), _Problem(match["text"], bool(match["strict"])))
    return {number: problem for number, problem in found.items() if number in objects}


def _places_of(obj: dict[str, Any], problem: _Problem) -> list[tuple[dict[str, Any], str]]:
    """Return (mapping, path of the field) for each place of an unknown field."""
    if problem.inside:
        return list(_places(obj.get("spec"), problem.field, "spec"))
    return [(obj, problem.field)] if problem.field in obj else []


def _places(value: Any, field: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == field:
                yield value, f"{path}.{key}"
            else:
                yield from _places(each, field, f"{path}.{key}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _places(each, field, f"{path}[{place}]")


def _finding(
    istioctl: Istioctl,
    source: _Source,
    problem: _Problem,
    places: Sequence[str],
    namespace: str | None,
) -> dict[str, Any]:
    metadata = source.object.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    where = metadata.get("namespace") or namespace
    lines = [
        number
        for number, line in enumerate(source.text.splitlines(), 1)
        if problem.field and re.search(rf"""(?:^|[\s{{,])["']?{re.escape(problem.field)}["']?\s*:""", line)
    ]
    at = f", at {' or '.join(places)}" if places else ""
    version = istioctl.version
    return {
        "code": CODE,
        "level": "Error",
        "origin": f"{source.object.get('kind')} {where + '/' if where else ''}{metadata.get('name')}",
        "reference": f"{source.path}:{lines[0]}" if len(lines) == 1 else source.path,
        "message": f"Schema validation error: {problem.text}{at}",
        "documentation_url": f"https://istio.io/v{version.major}.{version.minor}/docs/reference/config/analysis/"
        f"{CODE.lower()}/",
        "cluster": None,
    }


def _suppressed(row: Mapping[str, Any], suppress: Sequence[str]) -> bool:
    kind, _blank, full = str(row["origin"]).partition(" ")
    namespace, slash, name = full.rpartition("/")
    resource = f"{kind} {name}.{namespace}" if slash else f"{kind} {name}"
    entries = (entry.partition("=") for entry in suppress)
    return any(code == row["code"] and fnmatchcase(resource, pattern) for code, _equals, pattern in entries)
