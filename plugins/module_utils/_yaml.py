# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write YAML with the types that kubectl and istioctl give it.

PyYAML's own loader reads ``1e3``, ``y``, ``08``, ``0o17``, ``12:30``, dates and ``=`` differently, and its dumper
leaves texts without quotes that kubectl reads as numbers. So PyYAML only finds the parts here; what they mean follows
sigs.k8s.io/yaml 1.6.0 with go.yaml.in/yaml/v2 2.4.2 (resolve.go, decode.go) and k8s.io/apimachinery 0.34
(pkg/util/yaml/decoder.go), as kubectl 1.34 uses them. tests/unit/plugins/module_utils/yaml_corpus compares the two.
"""

# True and False are integers to isinstance(), and kinds of events inherit from each other.
# pylint: disable=unidiomatic-typecheck

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

MAX_DEPTH = 250
"""Levels of mappings and lists. Python's own JSON and copies end somewhat above 300."""

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_MAY_BE_OTHER = frozenset({"", *"+-.0123456789yYnNtTfFoO~"})
"""How a text without quotes begins that may be something else than text."""

_INTEGERS = (
    (2, re.compile(r"([+-]?)0[bB]([01]+)")),
    (8, re.compile(r"([+-]?)0[oO]?([0-7]+)")),
    (16, re.compile(r"([+-]?)0[xX]([0-9a-fA-F]+)")),
    (10, re.compile(r"([+-]?)(0|[1-9][0-9]{0,19})")),
    # Go drops the prefix and reads the rest, sign and all.
    (2, re.compile(r"()0b([+-][01]+)")),
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])_(?=[0-9])")
_SEPARATOR = re.compile(r"^\ufeff?---(.*)$", re.MULTILINE)
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_NO_BLOCK = re.compile("\\A\\s|[ \t]$|[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]", re.MULTILINE)
"""What a text of several lines may not hold to be written as a block; quotes hold everything."""
_ESCAPED = re.compile("[\x85\u2028\u2029\ufeff]|\\A\\s")
"""What PyYAML's own emitter leaves as it is in single quotes; and a blank of Unicode in front, which hides from kubectl
that a file is not JSON."""

_OPEN = object()


class _Problem(Exception):
    """Something is wrong at a line and a column, both counted from 0."""

    def __init__(self, text: str, line: int, column: int) -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column


def read(text: str, where: str) -> list[Any]:
    """Return the documents of YAML or JSON text as kubectl reads them, without the empty ones.

    Mappings have keys of text (``9000:`` is "9000", ``y:`` is "true"), the last of equal keys counts, aliases are
    copies. A number is what JSON makes of it: ``1e3`` is the integer 1000.

    :param text: one or more documents, each divided from the next by a line ``---``.
    :param where: what the text is called in a message.
    :raises InputError: the text cannot be read; the message names line and column.
    """
    try:
        return [value for start, chunk in _chunks(text) for value in _values(chunk, start) if value is not None]
    except _Problem as problem:
        raise InputError(
            f"{where} is not YAML that kubectl reads: line {problem.line + 1}, column {problem.column + 1}: "
            f"{problem.text}."
        ) from problem


def write(*documents: Any) -> str:
    """Return documents as YAML that kubectl, istioctl and ``read`` read back as the same values.

    Mappings keep their order, nothing is folded, and nothing is written as an alias.

    :raises InputError: a value has no form in JSON, such as a date or infinity, or holds itself.
    """
    import yaml

    try:
        texts = [
            yaml.dump(each, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=2**31 - 1)
            for each in documents
        ]
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
        raise InputError(f"A value cannot be written as YAML: {' '.join(str(error).split())}.") from error
    return "---\n".join(texts)


def resolve(text: str) -> Any:
    """Return what a text without quotes means: a number, a boolean, None, or the text itself.

    Floats stay floats here, also whole ones, infinity and NaN.
    """
    if text[:1] not in _MAY_BE_OTHER:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0].isalpha() or text[0] == "~":
        return text
    # resolve.go drops all underscores, but not behind a point in front.
    plain = text if text[0] == "." else text.replace("_", "")
    for base, pattern in _INTEGERS:
        match = pattern.fullmatch(plain)
        if match:
            value = int(match[1] + match[2], base)
            if -(2**63) <= value < (2**63 if match[1] else 2**64):
                return value
    number = decimal_float(plain)
    return text if number is None else number


def decimal_float(text: str) -> float | None:
    """Return the number that Go's strconv.ParseFloat reads in decimal text, None if it finds none or too large a one.

    An underscore may stand between two digits.
    """
    plain = _BETWEEN_DIGITS.sub("", text)
    if not _FLOAT.fullmatch(plain) or math.isinf(float(plain)):
        return None
    return float(plain)


def key_text(key: Any) -> str | None:
    """Return a mapping's key as text, None if kubectl refuses it as a key."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, int):
        return str(key) if key < 2**63 else None
    return _short_float(key) if isinstance(key, float) else None


# -- inside: reading -----------------------------------------------------------------------------


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of its first line, text) of each document, divided as kubectl does it, without byte order marks."""
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    if not text.endswith("\n"):
        # Also to kubectl, which reads lines; the text of a block at the end shows it.
        text += "\n"
    begin = line = 0
    for match in _SEPARATOR.finditer(text):
        here = line + text.count("\n", begin, match.start())
        rest = match[1].strip()
        if rest and not rest.startswith("#"):
            raise _Problem(
                f"only a comment may follow --- in its line, not {rest[:40]!r}", here, match.start(1) - match.start()
            )
        yield line, text[begin : match.start()].lstrip("\ufeff")
        begin, line = match.end(), here
    yield line, text[begin:].lstrip("\ufeff")


def _values(chunk: str, line: int) -> Iterator[Any]:
    """Yield the values of a chunk; as kubectl does it, what begins as JSON is tried as JSON first."""
    position = _blank(chunk, 0)
    while chunk.startswith(("{", "["), position):
        try:
            value, end = _JSON.raw_decode(chunk, position)
        except (ValueError, RecursionError):
            break
        yield _clean(value, 0, line + chunk.count("\n", 0, position))
        position = _blank(chunk, end)
    if position < len(chunk):
        done = chunk.rfind("\n", 0, position) + 1
        # Spaces keep the columns of what stands behind a value in its line.
        rest = " " * (position - done) + chunk[position:] if chunk[done:position].strip() else chunk[done:]
        yield from _Parser(rest, line + chunk.count("\n", 0, done)).documents()


def _blank(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _clean(value: Any, depth: int, line: int) -> Any:
    """Return a value of JSON as Go has it: half of a surrogate pair is the replacement character."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    if isinstance(value, (dict, list)):
        if depth >= MAX_DEPTH:
            raise _Problem(_TOO_DEEP, line, 0)
        if isinstance(value, list):
            return [_clean(each, depth + 1, line) for each in value]
        return {_clean(key, 0, line): _clean(each, depth + 1, line) for key, each in value.items()}
    if isinstance(value, float) and math.isinf(value):
        raise _Problem("a number is larger than any that JSON has", line, 0)
    return value


def _number(value: float) -> float:
    """Return a float as its JSON is read: Go writes whole numbers below 1e21 without point and exponent."""
    # Its shortest digits, with zeros behind them: int(value) would show others from 2 ** 53 on.
    return int(Decimal(repr(value))) if abs(value) < 1e21 and value.is_integer() else value


def _json_integer(text: str) -> float:
    # Python refuses to convert more than 4300 digits.
    if len(text) < 25:
        value = int(text)
        if -(2**63) <= value < 2**64:
            return value
    return _number(float(text))


def _no_constant(text: str) -> None:
    raise ValueError(text)


_JSON = json.JSONDecoder(
    parse_float=lambda text: _number(float(text)), parse_int=_json_integer, parse_constant=_no_constant
)
_TOO_DEEP = f"mappings and lists are nested more than {MAX_DEPTH} deep"


class _Parser:
    """One chunk of YAML; PyYAML tells its events.

    :param line: how many lines stand in front of it.
    """

    def __init__(self, text: str, line: int) -> None:
        import yaml

        self.yaml = yaml
        self.text = text
        self.line = line
        self.anchors: dict[str, Any] = {}
        self.sizes: dict[str, int] = {}
        # As in decode.go: values decoded, and those of them that aliases brought.
        self.decoded = self.aliased = 0

    def documents(self) -> Iterator[Any]:
        """Yield the value of each document; None for an empty one."""
        yaml = self.yaml
        loader: Any = None
        try:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(self.text)
            self.next = loader.get_event
            event = self.next()
            while type(event) is not yaml.StreamEndEvent:
                if type(event) is yaml.DocumentStartEvent:
                    self.anchors, self.sizes = {}, {}
                    event = self.next()
                    yield self._plain(self._value(event, 0), event)
                event = self.next()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._at(" ".join(filter(None, (error.context, error.problem))), mark) from error
        except (yaml.YAMLError, ValueError) as error:
            wrong = _NO_CHARACTER.search(self.text)
            place = wrong.start() if wrong else 0
            line, column = self.text.count("\n", 0, place), place - self.text.rfind("\n", 0, place) - 1
            what = f"the character U+{ord(wrong[0]):04X} is not allowed" if wrong else " ".join(str(error).split())
            raise _Problem(what, self.line + line, column) from error
        finally:
            if loader is not None:
                loader.dispose()

    def _at(self, text: str, mark: Any) -> _Problem:
        return _Problem(text.rstrip("."), self.line + (mark.line if mark else 0), mark.column if mark else 0)

    def _source(self, event: Any) -> str:
        return self.text[event.start_mark.index : event.end_mark.index]

    def _value(self, event: Any, depth: int) -> Any:
        """Return the value that begins with an event; a float is not yet what JSON makes of it."""
        self.decoded += 1
        kind = type(event)
        if kind is self.yaml.AliasEvent:
            return self._alias(event)
        anchor, before = event.anchor, self.decoded - 1
        if anchor:
            self.anchors[anchor] = _OPEN
        if kind is self.yaml.ScalarEvent:
            value = self._scalar(event)
        elif depth >= MAX_DEPTH:
            raise self._at(_TOO_DEEP, event.start_mark)
        elif kind is self.yaml.SequenceStartEvent:
            value = self._sequence(depth + 1)
        else:
            value = self._mapping(depth + 1)
        if anchor:
            self.anchors[anchor], self.sizes[anchor] = value, self.decoded - before
        return value

    def _plain(self, value: Any, event: Any) -> Any:
        if type(value) is not float:
            return value
        if not math.isfinite(value):
            raise self._at("JSON has no infinity and no NaN; put it in quotes if it is text", event.start_mark)
        return _number(value)

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        text = event.value
        if tag is None or tag == "!":
            value = resolve(text) if event.implicit[0] else text
            # `! 7` is text. PyYAML's C parser doesn't tell of such a tag.
            return value if value is text or "!" not in self._source(event) else text
        name = tag[len(_TAG) :] if tag.startswith(_TAG) else ""
        if name == "binary":
            try:
                return base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True).decode(errors="replace")
            except binascii.Error as error:
                raise self._at("!!binary holds no base64", event.start_mark) from error
        wanted = _TAGGED.get(name)
        if wanted is None:
            return text
        value = resolve(text)
        if type(value) not in wanted:
            raise self._at(f"{text[:40]!r} cannot be read as !!{name}", event.start_mark)
        return float(value) if name == "float" else value

    def _sequence(self, depth: int) -> list[Any]:
        end, items = self.yaml.SequenceEndEvent, []
        event = self.next()
        while type(event) is not end:
            value = self._value(event, depth)
            items.append(self._plain(value, event) if type(value) is float else value)
            event = self.next()
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        end, scalar = self.yaml.MappingEndEvent, self.yaml.ScalarEvent
        items: dict[str, Any] = {}
        event = self.next()
        while type(event) is not end:
            key = self._value(event, depth)
            if type(key) is not str:
                name = key_text(key)
                if name is None:
                    raise self._at(f"kubectl takes no {_what(key)} as a key; put it in quotes", event.start_mark)
                key = name
            merge = key == "<<" and type(event) is scalar and (event.implicit[0] or event.tag == _TAG + "merge")
            before, event = event, self.next()
            value = self._value(event, depth)
            if value is None and self._swallows_colon(before, event):
                raise self._at(
                    f"put a blank behind the colon of {key!r}: kubectl takes it into the key", event.start_mark
                )
            if merge:
                self._merge(items, value, event)
            else:
                items[key] = self._plain(value, event) if type(value) is float else value
            event = self.next()
        return items

    def _swallows_colon(self, key: Any, value: Any) -> bool:
        """Tell whether Go's parser reads another key, as in ``{a:, b:}``; that of PyYAML is newer."""
        end = value.start_mark.index
        return key.end_mark.index == end - 1 and self.text[end : end + 1] in (",", "}", "]") and key.style is None

    def _merge(self, items: dict[str, Any], value: Any, event: Any) -> None:
        """Add the mappings behind ``<<``: as in Go they replace the keys in front, and the first of a list counts."""
        several = isinstance(value, list) and type(event) is self.yaml.SequenceStartEvent
        for each in reversed(value) if several else [value]:
            if not isinstance(each, dict):
                raise self._at("<< takes a mapping or a list of mappings", event.start_mark)
            items.update(each)

    def _alias(self, event: Any) -> Any:
        name = event.anchor
        value = self.anchors.get(name, self)
        if value is self:
            raise self._at(f"there is no anchor &{name} in front of *{name}", event.start_mark)
        if value is _OPEN:
            raise self._at(f"the value of &{name} holds itself", event.start_mark)
        self.decoded += self.sizes[name]
        self.aliased += self.sizes[name]
        if self.aliased > 100 and self.decoded > 1000 and self.aliased / self.decoded > _allowed(self.decoded):
            raise self._at("aliases make the document far larger than it is", event.start_mark)
        return _copied(value)


def _allowed(decoded: int) -> float:
    """Return which share of a document's values may come from aliases (allowedAliasRatio in decode.go)."""
    return min(0.99, max(0.1, 0.99 - 0.89 * (decoded - 400_000) / 3_600_000))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _what(key: Any) -> str:
    names = {type(None): "null", dict: "mapping", list: "list"}
    return names.get(type(key), "number as large as this")


def _short_float(value: float) -> str:
    """Return a float as Go writes it for a key: strconv.FormatFloat(value, 'g', -1, 32)."""
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = math.copysign(math.inf, value)
    if math.isnan(single):
        return ".nan"
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    shortest = next(
        text
        for text in (f"{single:.{digits}e}" for digits in range(9))
        if struct.pack("f", float(text)) == struct.pack("f", single)
    )
    return f"{Decimal(shortest):f}" if -4 <= int(shortest.partition("e")[2]) < 6 else shortest


_TAGGED: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "null": (type(None),),
}


# -- inside: writing -----------------------------------------------------------------------------


@cache
def _dumper() -> Any:
    """Return a dumper of PyYAML's that knows what kubectl makes of a text without quotes."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    def text(dumper: Any, value: str) -> Any:
        value = str(value)
        if _SURROGATES.search(value):
            raise yaml.YAMLError(f"{value[:40]!r} holds half of a surrogate pair")
        style = None if resolve(value) is value else "'"
        if "\n" in value and not _NO_BLOCK.search(value):
            style = "|"
        elif _ESCAPED.search(value):
            style = '"'
        return dumper.represent_scalar(_TAG + "str", value, style=style)

    def number(dumper: Any, value: float) -> Any:
        if not math.isfinite(value):
            raise yaml.YAMLError("JSON has no infinity and no NaN")
        return dumper.represent_float(float(value))

    def mapping(dumper: Any, value: Mapping[Any, Any]) -> Any:
        items = []
        for key, each in value.items():
            name = key_text(key)
            if name is None:
                raise yaml.YAMLError(f"{key!r} cannot be a key")
            items.append((name, each))
        return dumper.represent_mapping(_TAG + "map", items)

    known = {kind: base.yaml_representers[kind] for kind in (type(None), bool, None)}
    dumper: Any = type("Dumper", (base,), {"ignore_aliases": lambda *_: True, "yaml_representers": known})
    # Also for what Ansible makes of them, which are subclasses.
    for kind, representer in (
        (str, text),
        (float, number),
        (int, lambda dumper, value: dumper.represent_int(int(value))),
        (dict, mapping),
        (list, base.represent_list),
        (tuple, base.represent_list),
    ):
        dumper.add_multi_representer(kind, representer)
    return dumper
