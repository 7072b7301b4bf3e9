# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a corpus of secrets is found, how much of harmless text is lost, and how the time grows."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact
from tests.unit.plugins.module_utils.redact_corpus import (
    KNOWN,
    KNOWN_LOST,
    found_cases,
    harmless_cases,
    objects,
    pieces,
)
from tests.unit.repository.collection import ROOT

FOUND, HARMLESS, OBJECTS = found_cases(), harmless_cases(), objects(random.Random(12))
LEAST_FOUND, MOST_LOST = 0.99, 0.02


def left_of(value: Any, secrets: list[str]) -> list[str]:
    """Return what of its secrets can still be read in the redacted ``value``."""
    said = redact(value)
    shown = said if isinstance(said, str) else json.dumps(said)
    return [piece for secret in secrets for piece in pieces(secret) if piece in shown]


@pytest.mark.parametrize(("name", "value", "secrets"), [*FOUND, *OBJECTS], ids=[case[0] for case in [*FOUND, *OBJECTS]])
def test_a_secret_is_found(name: str, value: Any, secrets: list[str]) -> None:
    assert secrets
    assert (left_of(value, secrets) != []) == (name in KNOWN), redact(value)


@pytest.mark.parametrize(("name", "text"), HARMLESS, ids=[case[0] for case in HARMLESS])
def test_harmless_text_stays(name: str, text: str) -> None:
    assert (redact(text) != text) == (name in KNOWN_LOST), redact(text)


def test_the_rates_are_held_and_told_to_users() -> None:
    every = [*FOUND, *OBJECTS]
    missed = [name for name, value, secrets in every if left_of(value, secrets)]
    lost = [name for name, text in HARMLESS if redact(text) != text]
    print(f"found {len(every) - len(missed)} of {len(every)}, missed: {missed}")
    print(f"lost {len(lost)} of {len(HARMLESS)}: {lost}")
    assert len(every) + len(HARMLESS) >= 300
    assert len(missed) <= (1 - LEAST_FOUND) * len(every)
    assert len(lost) <= MOST_LOST * len(HARMLESS)
    security = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert f"{len(every) - len(missed)} of {len(every)} secrets" in security
    assert f"{len(lost)} of {len(HARMLESS)} harmless" in security


@pytest.mark.parametrize("seed", range(20))
def test_a_random_key_is_found_wherever_it_stands(seed: int) -> None:
    """Other values in the same forms: none of the forms may hang on the value that the corpus has for it."""
    chance = random.Random(seed)
    secret = "".join(chance.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(40))
    for text in (
        f"found {secret} here",
        f"--token {secret}",
        f"MY_TOKEN={secret}",
        f'{{"apiKey": "{secret}"}}',
        f"a: {secret}",
    ):
        assert secret not in redact(text), text


@pytest.mark.parametrize(("name", "value"), [case[:2] for case in FOUND], ids=[case[0] for case in FOUND])
def test_what_was_redacted_is_not_changed_again(name: str, value: str) -> None:
    """A result passes several places on its way into a report."""
    once = redact(value)
    assert redact(once) == once


@pytest.mark.parametrize(
    "value", ["(redacted)", {"password": "(redacted)"}, "password=(redacted) x", "https://(redacted)@h/x"]
)
def test_what_is_redacted_stays_as_it_is(value: Any) -> None:
    assert redact(redact(value)) == redact(value) == value


def test_what_is_nested_too_deep_is_taken_out_and_not_an_error() -> None:
    deep: Any = "password=hunter2"
    for _level in range(500):
        deep = [deep]
    assert "hunter2" not in json.dumps(redact(deep))
    assert redact("[" * 5000 + '"kind"') == "[" * 5000 + '"kind"'


LINE = (
    '[2026-11-29T20:28:33.123Z] "GET /productpage HTTP/1.1" 200 - via_upstream - "-" 0 4183 25 24 "10.0.0.1" "curl/8.5.0"'
    ' "6f1c2a34-9b7e-4c58-8d21-3e4f5a6b7c8d" "lab.example" outbound|9080||productpage.tutorial.svc.cluster.local\n'
)
UNITS = (
    LINE, "a", "aB3", "-", '"', "\\", '\\"', "key", "password=", 'password="', "://", "http://a:b", '{"', "[", "--token ",
    "Authorization: ", "Cookie: a=", "-----BEGIN CERTIFICATE-----", "kind: Secret\n", "data:\n", "name: PASSWORD\nvalue: ",
    '{"kind":"Secret","data":{"a":"', "<password>", "eyJ", "password: |\n", "curl -u ", "<<<", "--from-literal=",
    '{"a":', "a:5432:b:c:", "password for ", "&key=", "- value: x\n", "$1$", "a:b@", "QUJD", " ", "\n", "2026-11-29T00:00:00Z \n",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=[repr(unit[:30]) for unit in UNITS])
def test_the_time_grows_with_the_length_and_not_with_its_square(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        started = time.process_time()
        redact(text)
        return time.process_time() - started

    seconds(1000)
    short, long = seconds(20_000), seconds(160_000)
    # Eight times the length: with the square it would be sixty-four times as long. Short times are all noise.
    assert long < max(24 * short, 1.0)
