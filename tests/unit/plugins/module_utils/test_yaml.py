# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML means here what it means to kubectl: yaml_corpus/make.py asked kubectl's own library."""

from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _yaml
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import MAX_DEPTH, read, write

CORPUS = Path(__file__).parent / "yaml_corpus"
DIFFERENT = {
    # Half of a surrogate pair is no character. kubectl sends it as it is, and the API server reads this.
    "JSON with half of an emoji": [{"title": "Latency \ufffd"}],
}
REFUSED = {
    # kubectl's parser, older than PyYAML's, reads the keys "b:" and "c:", which nobody means.
    "{a, b:}": ("C", "Python"),
    "no value": ("C", "Python"),
    # PyYAML without libyaml.
    "a tab behind a colon": ("Python",),
}
"""What kubectl reads and we refuse, by the parser that stands in the way: no value is another without a word."""


def corpus(name: str) -> Any:
    return json.loads((CORPUS / name).read_text(encoding="utf-8"), parse_float=as_go)


def as_go(text: str) -> float:
    """Return a number as what reads Go's JSON finds it: 1.0 is 1."""
    value = float(text)
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else value


def exact(value: Any) -> str:
    """Return what tells 1 from true and from 1.0."""
    return json.dumps(value, sort_keys=True)


SCALARS = corpus("values_of_scalars.json")
DOCUMENTS = corpus("documents.json")


@pytest.fixture(params=["C", "Python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both of PyYAML's parsers: a host may have no libyaml."""
    if request.param == "Python":
        monkeypatch.delattr(yaml, "CSafeLoader")
        monkeypatch.delattr(yaml, "CSafeDumper")
    _yaml._dumper.cache_clear()
    return str(request.param)


def test_the_corpus_is_whole() -> None:
    assert list(SCALARS) == corpus("scalars.json")
    assert list(corpus("values_of_documents.json")) == list(DOCUMENTS)
    assert len(corpus("values.json")) == len(corpus("written.json"))


@pytest.mark.parametrize("text", SCALARS)
def test_a_value_is_what_kubectl_reads(text: str, parser: str) -> None:
    answer = SCALARS[text]
    if "error" in answer or parser in REFUSED.get(text, ()):
        with pytest.raises(InputError, match=r"^x is not YAML that kubectl reads: line 1, column "):
            read(f"a: {text}\n", "x")
    else:
        assert exact(read(f"a: {text}\n", "x")) == exact(answer["documents"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_what_kubectl_reads(name: str, parser: str) -> None:
    answer = corpus("values_of_documents.json")[name]
    if name in DIFFERENT:
        assert answer != {"documents": DIFFERENT[name]}
        assert read(DOCUMENTS[name], "x") == DIFFERENT[name]
    elif "error" in answer or parser in REFUSED.get(name, ()):
        with pytest.raises(InputError, match=r"^x is not YAML that kubectl reads: line "):
            read(DOCUMENTS[name], "x")
    else:
        assert exact(read(DOCUMENTS[name], "x")) == exact(answer["documents"])


def test_what_is_written_is_what_kubectl_was_asked() -> None:
    """make.py keeps a text only after kubectl has read the value from it."""
    for values, text in zip(corpus("values.json"), corpus("written.json")):
        assert write(*values) == text


def test_what_is_written_is_read_again(parser: str) -> None:
    for values in corpus("values.json"):
        assert exact(read(write(*values), "x")) == exact([value for value in values if value is not None])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n---\n# x\nb: [\n", r"line 5, column 1: .*did not find expected node content"),
        ("a: 1\r\n---\r\nb: *x\r\n", r"line 3, column 4: there is no anchor &x in front of \*x"),
        ("a: 1\n---\n  ~: 2\n", "line 3, column 3: kubectl takes no null as a key; put it in quotes"),
        ("? [a]\n: 1\n", "line 1, column 3: kubectl takes no list as a key"),
        ("a: &x {b: *x}\n", "line 1, column 11: the value of &x holds itself"),
        ("a: 1\n--- b\n", "line 2, column 4: only a comment may follow --- in its line, not 'b'"),
        ("a: b\nc: \x01\n", r"line 2, column 4: the character U\+0001 is not allowed"),
        ("a: \ud800\n", r"line 1, column 4: the character U\+D800 is not allowed"),
        ("a: 1\nb: .nan\n", "line 2, column 4: JSON has no infinity and no NaN"),
        ('{"a": 1}\n{"b": [}\n', "line 2, column 8: "),
        ('{"a": 1} {b: [\n', "line 2, column 1: "),
        ('\n{"a": 1e400}', "line 2, column 1: a number is larger than any that JSON has"),
        ("a: !!int x\n", "line 1, column 4: 'x' cannot be read as !!int"),
        ("a: !!binary '*'\n", "line 1, column 4: !!binary holds no base64"),
        ("a: {<<: b}\n", "line 1, column 9: << takes a mapping or a list of mappings"),
        ("[" * 5000, f"line 1, column {MAX_DEPTH + 1}: mappings and lists are nested more than {MAX_DEPTH} deep"),
        ("[" * 300 + "]" * 300, "nested more than"),
        ("[" * 90000 + "]" * 90000, "nested more than"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^The file f is not YAML that kubectl reads: .*{message}"):
        read(text, "The file f")


def test_an_alias_is_a_copy() -> None:
    (value,) = read("a: &x {b: [1]}\nc: *x\n", "x")
    value["c"]["b"].append(2)
    assert value["a"] == {"b": [1]}


def test_aliases_do_not_make_a_document_far_larger_than_it_is() -> None:
    lines = ["a: &a [" + ", ".join("x" * 9) + "]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi")]
    with pytest.raises(InputError, match=r"line 4, column .*: aliases make the document far larger than it is"):
        read("\n".join(lines), "x")


@pytest.mark.parametrize("value", [math.inf, math.nan, datetime.date(2026, 1, 2), {1, 2}, b"x", {None: 1}, "\ud800"])
def test_what_has_no_form_in_json_is_not_written(value: object, parser: str) -> None:
    with pytest.raises(InputError, match=r"^A value cannot be written as YAML: "):
        write({"a": [value]})


def test_a_value_that_holds_itself_is_not_written() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InputError, match=r"^A value cannot be written as YAML: "):
        write(value)


def test_keys_are_written_as_kubectl_reads_them() -> None:
    assert write({9000: 1, True: 2, 1.5: 3, "1": 4}) == "'9000': 1\n'true': 2\n'1.5': 3\n'1': 4\n"


def test_what_is_the_same_twice_is_written_twice() -> None:
    same = {"b": 1}
    assert write({"a": same, "c": same}) == "a:\n  b: 1\nc:\n  b: 1\n"


TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(list(SCALARS))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(TREES, min_size=1, max_size=3))
def test_whatever_is_written_is_read_again(values: list[Any]) -> None:
    there = [value for value in values if value is not None]
    assert exact(read(write(*values), "x")) == exact(json.loads(json.dumps(there), parse_float=as_go))


@given(st.text(st.sampled_from("ab:-? \t\n\r\"'#&*!|>%@`[]{},~<=.019eEx_\\\ufeff\u2028é🔥\x00\ud800")))
def test_any_text_is_read_or_named(text: str) -> None:
    try:
        json.dumps(read(text, "x"), allow_nan=False)
    except InputError as error:
        assert error.message.startswith("x is not YAML that kubectl reads: line ")  # noqa: PT017
