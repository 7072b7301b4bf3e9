# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which words are secrets by their shape: the tokens of known services, and what looks like a random key."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from functools import cache
from typing import Callable

from ansible_collections.meshlab.istio.plugins.module_utils._redact_names import REDACTED
from ansible_collections.meshlab.istio.plugins.module_utils._redact_rules import RULES

KEY_LENGTH = 20
"""Shorter words are not judged by their shape alone."""
KEY_ENTROPY = 3.4
"""Bits a character (Shannon) that a key has at least."""
KEY_CHANGES = 0.25
"""Share of neighbours that are of different classes (capital, small letter, digit), a capital before a small letter not
counted: 0.45 among random letters and digits, less than 0.25 in most words in CamelCase."""
KEY_IN_WORDS = 0.6
"""Share of characters in four or more letters of one case in a row: a random key has less."""
KEY_SEGMENTS = 0.5
"""Share of characters in parts (between ``_``, ``-`` and ``/``) that are no words: a random key has more."""
TEXT_SHARE = 0.75
"""Share of printable bytes from which on decoded base64 is text; of random bytes it is 0.37."""

_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{{KEY_LENGTH},}}={{0,2}}")
_PUBLIC_BEFORE = re.compile(r"(?:SHA(?:1|256|384|512)[:-]|sha(?:256|384|512)[:-]|h1:|(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ )\Z")
"""A checksum or a public key follows."""
_PUBLIC_BEGINNING = re.compile(r"AAAA[A-Z]3Nza|AAAAE2Vj|_?_ZN?[A-Z0-9]|sha(?:1|256|384|512)-")
"""Of a public SSH key, and of a C++ name in a stack trace."""
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f_-]+=*\Z")
_LETTERS = re.compile(r"A{4,}|a{4,}")
_BETWEEN = re.compile(r"[_/-]")
_PLAIN_PART = re.compile(r"(?:[A-Z]?[a-z]+\d{0,3}|[A-Z]+\d{0,3}|\d*)\Z")
_PUBLIC_PEM = re.compile(r"-----BEGIN (?![A-Z0-9 ]{0,40}PRIVATE)[A-Z0-9 ]{1,40}-----.*?(?:-----END|\Z)", re.S)
"""A certificate or a public key."""
_GZIP = "H4sI"
_KUBEADM = re.compile(r"(?<![\w.-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.-])")
_JWT = re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]*\.[\w-]*(?:\.[\w-]*){0,2}")


def redact_shapes(text: str, inner: Callable[[str], str]) -> str:
    """Replace in ``text`` each word that is a secret by its shape.

    :param inner: takes secrets out of a text; used to judge what base64 holds.
    """
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    lower = text.lower()
    for keywords, of_lower, rule in RULES:
        where = lower if of_lower else text
        if any(keyword in where for keyword in keywords):
            text = _compiled(rule).sub(_token, text)
    text = _KUBEADM.sub(_bootstrap_token, text)
    parts, at = [], 0
    for public in _PUBLIC_PEM.finditer(text) if "-----BEGIN" in text else ():
        parts += [_RUN.sub(lambda run: _judged(run, inner), text[at : public.start()]), public[0]]
        at = public.end()
    parts.append(_RUN.sub(lambda run: _judged(run, inner), text[at:] if at else text))
    return "".join(parts)


@cache
def _compiled(rule: str) -> re.Pattern[str]:
    """Compile a rule when it is first wanted: all of them would cost each module's start 0.1 s."""
    return re.compile(rule)


def _token(found: re.Match[str]) -> str:
    secret = next((group for group in found.groups() if group), found[0])
    return found[0].replace(secret, REDACTED)


def _bootstrap_token(found: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in found[0][7:])
    return REDACTED if 2 <= digits <= 14 else found[0]


def _judged(run: re.Match[str], inner: Callable[[str], str]) -> str:
    word = run[0]
    if not _mixed(word) or _PUBLIC_BEGINNING.match(word):
        return word
    if _PUBLIC_BEFORE.search(run.string, max(0, run.start() - 40), run.start()):
        return word
    if holds_secret(word, inner):
        return REDACTED
    return word


def holds_secret(word: str, inner: Callable[[str], str]) -> bool:
    """Tell whether ``word`` is a random key, or base64 of something that has a secret in it."""
    data = decoded(word)
    if data is not None:
        if len(word) >= 100 and word.startswith(_GZIP):
            # Such as a release of helm, with all the values that its user gave.
            return True
        text = data.decode("utf-8", errors="replace")
        printable = sum(character.isprintable() or character.isspace() for character in text) - text.count("\ufffd")
        if printable >= TEXT_SHARE * len(text):
            return inner(text) != text
        if data[:1] == b"\x30" and len(data) > 60:
            return _has_private_key(data)
    return looks_random(word)


def decoded(word: str) -> bytes | None:
    """Return what ``word`` is the base64 of, or None."""
    plain = word.rstrip("=").translate(str.maketrans("-_", "+/"))
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _has_private_key(data: bytes) -> bool:
    """Tell a private key in DER from a certificate: its sequence begins with a version (RFC 5958, RFC 8017)."""
    return re.match(rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01]", data, re.S) is not None


def _mixed(word: str) -> bool:
    return not (word.islower() or word.isupper() or _HEXADECIMAL.match(word))


def looks_random(word: str, length: int = KEY_LENGTH) -> bool:
    """Tell whether ``word`` looks like a random key of letters and digits, in capitals and small letters.

    The limits are measured on random words and on the identifiers in the source code of Go and Kubernetes: of random
    keys of 32 letters and digits 1 % are missed, of 20 characters 5 %.
    """
    word = word.rstrip("=")
    if len(word) < length:
        return False
    kinds = "".join(
        "A" if "A" <= character <= "Z" else "a" if "a" <= character <= "z" else "0" if character.isdigit() else "-"
        for character in word
    )
    counts = Counter(kinds)
    if min(counts["A"], counts["a"]) < 2 or not counts["0"]:
        return False
    changes = sum(1 for one, two in zip(kinds, kinds[1:]) if one != two and one + two != "Aa")
    in_words = sum(len(found) for found in _LETTERS.findall(kinds))
    segments = [part for part in _BETWEEN.split(word) if not _PLAIN_PART.match(part)]
    return (
        changes >= KEY_CHANGES * len(word)
        and in_words < KEY_IN_WORDS * len(word)
        and sum(map(len, segments)) >= KEY_SEGMENTS * len(word)
        and entropy(word) >= KEY_ENTROPY
    )


def entropy(word: str) -> float:
    """Return Shannon's entropy of the characters of ``word``, in bits a character."""
    counts = Counter(word)
    return -sum(count / len(word) * math.log2(count / len(word)) for count in counts.values())
