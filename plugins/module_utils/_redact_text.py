# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take secrets out of a text of any kind: a log, a command line, YAML, a URL, a dump of variables.

Each pass takes one form. Its expression finds where a secret may begin; how far it goes is read from there, never
further than LONGEST, so that the time grows with the text's length and not with its square.
"""

from __future__ import annotations

import re
from typing import Callable

from ansible_collections.meshlab.istio.plugins.module_utils._redact_names import (
    REDACTED,
    Verdict,
    harmless,
    verdict,
    verdict_of_variable,
)
from ansible_collections.meshlab.istio.plugins.module_utils._redact_shapes import (
    decoded,
    looks_random,
    redact_shapes,
)

LONGEST = 16384
"""Characters that are looked through for the end of a value."""
DEPTH = 3
"""How often base64 in base64 is opened."""

_Span = tuple[int, int]
"""Where a secret begins and ends."""


def redact_text(text: str, depth: int = 0) -> str:
    """Return ``text`` with each secret replaced by REDACTED."""
    times = _TIMES.findall(text) if depth == 0 and _TIMES.match(text) else []
    if len(times) > 1 and len(times) == text.count("\n") + (not text.endswith("\n")):
        # The log of a container with the time before each line: what goes over several lines is found without.
        lines = redact_text(_TIMES.sub("", text), 1).split("\n")
        if len(lines) < len(times):
            return "\n".join(lines)
        return "\n".join([time + line for time, line in zip(times, lines)] + lines[len(times) :])
    for one_pass in WHOLE_PASSES:
        text = one_pass(text)
    parts, at = [], 0
    for start, end in _worth(text):
        part = text[start:end]
        for one_pass in LINE_PASSES:
            part = one_pass(part)
        parts += [text[at:start], part]
        at = end
    if parts:
        text = "".join([*parts, text[at:]])
    if depth >= DEPTH:
        return text
    return redact_shapes(text, lambda inner: redact_text(inner, depth + 1))


_TIMES = re.compile(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) ")
_TRIGGER = re.compile(
    r"ssh-keygen|passwords|"
    r"passw|passphrase|passcode|secret|token|cred|authoriz|cookie|bearer |basic |apikey |negotiate |splunk |sudo|<<<"
    r"|://[^\s\"'<>]{1,800}@|@(?:tcp|unix|udp)\(|jdbc:oracle|--from-literal|identified|requirepass|masterauth|authtok"
    r"|bindpw|rootpw|vault login|alias set|\{s?sha\}|:(?:\d{4,5}|\*):[^\s:]{1,64}:[^\s:]{1,64}:"
    r"|\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2id?|scrypt|pbkdf2[\w-]*|ml|sha1)\$"
    r"|(?:pass|pwd|pw\b|psw|key|auth|salt|seed|sig|sess|sid|otp|psk|dsn|pin|jwt|hmac|licen|sas|code|conn)[\w.-]{0,80}"
    r"(?:\\*[\"'`]?\]?[ \t]{0,20}(?::=|=>|=|:|->|,[ \t]{0,9}\\*[\"'])|(?<=[\w.])\\*[\"']?(?:[,\s>]|\Z))"
    r"|(?<![\w.-])(?:sshpass|curl|wget|docker|podman|nerdctl|helm|crane|skopeo|redis-cli|mysql\w*"
    r"|mariadb|mongo\w*|ldap\w+"
    r"|openssl|zip|unzip|7z|az|oc|https?|smbclient|ipmitool|snmpwalk|lftp|sqlcmd|rabbitmqadmin"
    r"|influx|ab|hey|xfreerdp)"
    r"[\"']?,?[ \t]"
)
"""Without any of these a line needs none of LINE_PASSES; it is matched against small letters."""
_CONTINUED = re.compile(r"(?:[ \t]*\n|[ \t]+[^\n]*\n?)*")


def _worth(text: str) -> list[_Span]:
    """Return which lines have to be looked through: those with a trigger, those around them, those further in."""
    lower = _small(text)
    spans: list[_Span] = []
    at = 0
    while True:
        found = _TRIGGER.search(lower, at)
        if found is None:
            return spans
        line = text.rfind("\n", 0, found.start()) + 1
        # The line before may hold a variable's name, or be a variable as well.
        start = max(text.rfind("\n", 0, max(0, line - 1)) + 1, spans[-1][1] if spans else 0)
        end = _line_after(text, found.end())
        following = _line_after(text, end)
        if text[end : end + 1] in (" ", "\t"):
            following = max(following, _CONTINUED.match(text, end).end())  # type: ignore[union-attr]
        if '"' in text[found.end() : end] or "'" in text[found.end() : end]:
            # A value in quotes may go over several lines.
            for _line in range(20):
                following = _line_after(text, following)
        spans.append((start, following))
        at = following
        if at >= len(text):
            return spans


def _line_after(text: str, at: int) -> int:
    newline = text.find("\n", at)
    return len(text) if newline < 0 else newline + 1


def _small(text: str) -> str:
    """Return ``text`` in small letters, each in its place."""
    lower = text.lower()
    if len(lower) != len(text):
        # A letter whose small form is longer; only ASCII matters here.
        lower = "".join(character.lower() if character.isascii() else character for character in text)
    return lower


def _replace(text: str, spans: list[_Span]) -> str:
    """Put REDACTED in the place of each span; of two that overlap, the first counts and reaches to the later end."""
    parts, at = [], 0
    for start, end in sorted(spans):
        if start < at:
            # Already gone, at least its beginning.
            at = max(at, end)
            continue
        if REDACTED.startswith(text[start:end]):
            # Nothing, or what an earlier pass left: a value in its place may be taken to end before the bracket.
            continue
        parts += [text[at:start], REDACTED]
        at = end
    return "".join([*parts, text[at:]]) if parts else text


# --- How far a value goes ---------------------------------------------------------------------------------------------

_QUOTE = re.compile(r"(?:[bruf$@]{1,2})?(\\*[\"'`])")
_STOP = re.compile(
    r"[\s\"'`<>|]|[,;&](?=\s|\Z|[\w.\"'-]+\\*[\"']?\s*[=:])|[)\]}]+(?=[\s,;.\"'`)\]}\\]|\Z)|\\[nrt\"']|,(?=[\"'{\[])"
)
_STOP_IN_URL = re.compile(r"[\s\"'`<>|&;#\\)\]}]")


def _quoted(text: str, at: int, quote: str, across: bool) -> int:
    """Return where the quotation that began before ``at`` ends: before its closing quote, or with the line.

    :param quote: the opening quote with the backslashes before it; only the same closes it.
    :param across: whether it may go over the end of a line.
    """
    limit = min(len(text), at + LONGEST)
    newline = text.find("\n", at, limit)
    line_end = limit if newline < 0 else newline
    for end in (line_end, limit) if across else (line_end,):
        close = at
        while True:
            close = text.find(quote, close, end)
            if close < 0:
                break
            backslashes = 0
            while close - backslashes > at and text[close - backslashes - 1] == "\\":
                backslashes += 1
            if backslashes % 2 == 0 or quote[0] == "\\" or quote == "'":
                return close
            close += 1
    return line_end


def _value(text: str, at: int, *, whole_line: bool = False, in_url: bool = False) -> tuple[int, int, str]:
    """Return start, end and text of the value that begins at ``at``; the quotes around it are outside.

    :param whole_line: an unquoted value goes to the end of the line, blanks and all.
    """
    quote = _QUOTE.match(text, at)
    if quote and not in_url:
        start = quote.end()
        end = _quoted(text, start, quote[1], whole_line)
        value = text[start:end]
        # 'it'"'"'s': a shell goes on until the next blank, YAML doubles the quote.
        close = end + len(quote[1])
        if (
            quote[1] in "\"'"
            and text[close : close + 1]
            and text[close] in "\"'\\"
            and text[close - 1 : close] == quote[1]
        ):
            tail = _word_end(text, close)
            return start, tail, text[start:tail]
        return start, end, value
    limit = min(len(text), at + LONGEST)
    if whole_line:
        newline = text.find("\n", at, limit)
        end = limit if newline < 0 else newline
        escaped = text.find("\\n", at, end)
        end = end if escaped < 0 else escaped
        while end > at and text[end - 1] in " \t\r":
            end -= 1
        return at, end, text[at:end]
    stop = (_STOP_IN_URL if in_url else _STOP).search(text, at, limit)
    end = stop.start() if stop else limit
    return at, end, text[at:end]


def _word_end(text: str, at: int) -> int:
    """Return where a word of a shell ends that has quotes within."""
    limit = min(len(text), at + LONGEST)
    while at < limit:
        character = text[at]
        if character == "\\":
            at += 2
        elif character in "\"'":
            close = text.find(character, at + 1, limit)
            if close < 0:
                break
            at = close + 1
        elif character in " \t\n,;)]}|&":
            break
        else:
            at += 1
    at = min(at, limit)
    return at - 1 if at and text[at - 1] in "\"'" else at


# --- name = value -----------------------------------------------------------------------------------------------------

_STEM = re.compile(
    r"(?:pass|pwd|pw\b|psw|secret|token|cred|key|auth|cookie|salt|seed|sig|sess|sid|otp|psk|dsn|pin"
    r"|jwt|hmac|licen|sas|code"
    r"|conn)[\w.-]{0,80}"
)
_SEPARATOR = re.compile(
    r"(\\*[\"'`]?\]?)(?:[ \t]*(:=|=>|===?|=|:|->)(?![:=/])[ \t]*|(,[ \t]*|\()(?=[bru]?\\*[\"'])"
    r"|(?:%3[dDaA]|\\u003[dD]|&#61;)(?:%20)*)"
)
_NAME_CHARACTERS = re.compile(r"[\w.-]*\Z")
_LINE_START = re.compile(r"(?:\A|\n|\\n)[ \t+>|]*(?:- |\"|'|export |set |setx |ENV |ARG |env |\$env:|[ \t])*\Z")
_PROSE = re.compile(r"[A-Za-z][a-z'\u2019]{0,15}[.,:;!?]?\Z")
_PROSE_BEFORE = re.compile(r"[a-z]{2,} \Z")
_BLOCK = re.compile(r"[|>][+-]?\d?[+-]?[ \t]*(?:#.*)?(?:\n|\Z)")
_MORE_WORDS = re.compile(r"[ \t]+(?:-{1,2}\w|[\w.-]+=|\|)")
_VARIABLE_LINE = re.compile(r"(?:export )?[A-Za-z_]\w*=")
_HEADER_NAME = re.compile(r"(?i)(?:x-[\w-]+|[\w-]*(?:authorization|cookie))\Z")
_HEADERS_OWN = re.compile(r"(?i)(?:authorization|cookie2?)\Z")
"""What the pass for headers has judged."""
_REFERENCES = (REDACTED, "{{", "${", "$(")
"""What a value begins with that names a variable, or says something of a secret."""
_DATA_SOURCE = re.compile(
    r"\{\s{0,80}\\*[\"'](?:inline_?[sS]tring|inline_?[bB]ytes|value|plaintext)\\*[\"']\s{0,9}:\s{0,9}"
)
_CONNECTION_END = re.compile(r"[;\n\"'&]|\Z")
_NO_NAME = re.compile(r"[\d!@#$%^&*+=~ ]")
_TAGS = re.compile(r"(?:[!&][^\s=]*[ \t]+)+(?=\S)")
"""Of YAML: ``!!str``, ``!vault``, ``&anchor``."""
_WORDS_BEFORE = re.compile(r"[\"']([\w. -]{1,50})\Z")
_PLURAL_COUNT = re.compile(r"\d{1,7}\Z")
_LIST = re.compile(r"\[[^\[\]\n]{0,4000}\]")
_URL_BEFORE = re.compile(r"[?&;#]\Z|&amp;\Z|%26\Z")


def _assignments(text: str) -> str:
    """Take values from ``name=value``, ``name: value``, ``"name": "value"`` and their like, also as a block of YAML."""
    lower = _small(text)
    spans: list[_Span] = []
    at = 0
    for stem in _STEM.finditer(lower):
        if stem.start() < at:
            continue
        name_end = stem.end()
        while name_end > stem.start() and text[name_end - 1] in ".-":
            name_end -= 1
        separator = _SEPARATOR.match(text, name_end)
        if separator is None:
            continue
        before = _NAME_CHARACTERS.search(text, max(0, stem.start() - 80), stem.start())
        name_start = before.start() if before else stem.start()
        if text[name_start - 1 : name_start] == "\\" and text[name_start] in "nrt" and name_start < stem.start():
            name_start += 1
        name = text[name_start:name_end]
        if separator[1] and text[name_start - 1 : name_start] == " ":
            # "no token": a key of several words.
            words = _WORDS_BEFORE.search(text, max(0, name_start - 60), name_start)
            name = f"{words[1]}{name}" if words else name
        span = _assigned(text, name_start, name, separator)
        if span is not None:
            spans.append(span)
            at = span[1]
    return _replace(text, spans)


def _assigned(text: str, name_start: int, name: str, separator: re.Match[str]) -> _Span | None:
    """Return where the secret is that ``name`` stands for; None if it is none."""
    in_url = _URL_BEFORE.search(text, max(0, name_start - 5), name_start) is not None
    found = verdict(name.lstrip("-"))
    if found is Verdict.NO and not (in_url and name == "key"):
        return None
    if _HEADERS_OWN.search(name):
        return None
    at = separator.end()
    if (
        separator[3]
        and not _HEADER_NAME.match(name)
        and (found is Verdict.MAYBE or not _NO_NAME.search(_value(text, at)[2]))
    ):
        # A list of names, such as ["token", "url"].
        return None
    if separator[1] and text[name_start - 1 : name_start] == "/":
        return None
    tags = _TAGS.match(text, at)
    at = tags.end() if tags else at
    if at >= len(text) or text[at] == "\n" or text.startswith(REDACTED, at):
        return None
    start_of_line = _LINE_START.search(text, max(0, name_start - 60), name_start) is not None
    if separator[2] in (":", "=") and text[at] in "|>":
        block = _BLOCK.match(text, at)
        if block:
            return _block(text, name_start, at, block.end()) if found is Verdict.SECRET else None
    if text[at] in "[{(":
        if text[at] == "[" and found is Verdict.SECRET:
            listed = _LIST.match(text, at)
            if listed and re.search(r"\w", listed[0]) and not harmless(listed[0]):
                return at + 1, listed.end() - 1
        source = _DATA_SOURCE.match(text, at) if found is Verdict.SECRET else None
        if source:
            return _value(text, source.end())[:2]
        if text[at] in "[{" and (separator[2] != "=" or text[at + 1 : at + 2] in "\"'{[ \n"):
            # An object or a list, whose keys are judged by themselves.
            return None
    around = text[name_start - 1 : name_start]
    if around and around in "\"'" and not separator[1] and not _QUOTE.match(text, at):
        # 'DB_PASSWORD=two words': the quotes are around all of it.
        start, end = at, _quoted(text, at, around, False)
        return None if harmless(text[start:end]) or found is Verdict.MAYBE else (start, end)
    if around == ";" and separator[2] == "=" and not _QUOTE.match(text, at):
        # A connection string, whose values may have blanks.
        stop = _CONNECTION_END.search(text, at, at + LONGEST)
        return (at, stop.start()) if stop else None
    whole = start_of_line and not separator[1] and _whole_line(text, name_start, at, separator[2] or "")
    start, end, value = _value(text, at, whole_line=whole, in_url=in_url)
    if harmless(value) or value.startswith(_REFERENCES):
        return None
    if name.endswith(("s", "S")) and _PLURAL_COUNT.match(value):
        return None
    if found is not Verdict.SECRET and not in_url and not _key_like(value, name):
        return None
    if found is not Verdict.SECRET and in_url and len(value) < 16:
        return None
    if (
        not start_of_line
        and separator[2] == ":"
        and separator[0].endswith((" ", "\t"))
        and not separator[1]
        and _PROSE.match(value)
        and _PROSE_BEFORE.search(text, max(0, name_start - 30), name_start)
        and ("pass" not in name.lower() or name == "pass")
    ):
        # "invalid token: expired"
        return None
    return start, end


def _whole_line(text: str, name_start: int, at: int, separator: str) -> bool:
    """Tell whether an unquoted value goes to the end of its line, as in YAML and in what ``env`` prints."""
    end = text.find("\n", at, at + LONGEST)
    line = text[at : end if end >= 0 else at + LONGEST]
    if separator == ":":
        return text[at - 1] in " \t"
    if separator != "=":
        return False
    if " " not in line.strip():
        return True
    if _MORE_WORDS.search(line):
        # A command behind its variables, unless the lines around are variables too.
        previous = text.rfind("\n", max(0, name_start - 400), max(0, text.rfind("\n", 0, name_start)))
        neighbour = text[previous + 1 : name_start] if "\n" in text[max(0, name_start - 400) : name_start] else ""
        following = text[end + 1 : end + 200] if end >= 0 else ""
        return bool(_VARIABLE_LINE.match(neighbour) or _VARIABLE_LINE.match(following)) and text[at - 1] == "="
    return True


def _block(text: str, name_start: int, at: int, body: int) -> _Span:
    """Return the span of a block scalar of YAML: all lines that are further in than the name."""
    line = text.rfind("\n", 0, name_start) + 1
    indent = name_start - line
    end = body
    while end < len(text):
        newline = text.find("\n", end)
        newline = len(text) if newline < 0 else newline
        content = text[end:newline]
        if content.strip() and len(content) - len(content.lstrip(" ")) <= indent:
            break
        end = min(len(text), newline + 1)
    if text[end - 1 : end] == "\n":
        end -= 1
    return at, max(at, end)


_ONE_WORD = re.compile(r"(?=\D*\d)(?=[^a-zA-Z]*[a-zA-Z])[\w+/=~-]+\Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def _key_like(value: str, name: str) -> bool:
    """Tell whether the value of a name that may be a secret's looks like a key."""
    if "auth" in name.lower():
        # Docker's: base64 of user:password.
        data = decoded(value) if len(value) >= 8 else None
        if data and re.match(rb"[\x20-\x7e]*[^\s:][\x20-\x7e]*:[\x20-\x7e]*\Z", data):
            return True
    if re.match(r"[0-9a-fA-F]{32,}\Z", value):
        return True
    if looks_random(value, 12):
        return True
    return len(value) >= 16 and _ONE_WORD.match(value) is not None and not _UUID.match(value) and _digits_within(value)


def _digits_within(value: str) -> bool:
    """Tell whether digits and letters alternate, unlike in ``productpage-v1``."""
    return len(re.findall(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]", value)) >= max(3, len(value) // 8)


# --- Headers ----------------------------------------------------------------------------------------------------------

_AUTHORIZATION = re.compile(
    r"((?:proxy-)?authorization\\*[\"']?\]?\s{0,3}(?:[:=]"
    r"|,(?=\s{0,3}\\*[\"']))\s{0,3}\[?)([bru]?\\*[\"'])?([A-Za-z][\w-]*[ \t]+)?",
    re.I,
)
_BEARER = re.compile(r"\b(Bearer|Basic|ApiKey|Negotiate|Splunk)[ +]+(?=[A-Za-z0-9._~+/=-]{8,})", re.I)
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/=-]+")
_LONG_SCHEMES = re.compile(r"(?:digest|oauth|aws4-\S+|hawk|signature|mac|scram\S*)\s", re.I)
_COOKIE = re.compile(
    r"(?<![\w-])((?:set-)?cookie2?\\*[\"']?\]?\s{0,3}(?:[:=]"
    r"|,(?=\s{0,3}\\*[\"']))\s{0,3}\[?)([bru]?\\*[\"'])?(?=[^\s\"'\\]+=)",
    re.I,
)


def _headers(text: str) -> str:
    """Take credentials from Authorization, Cookie and Set-Cookie, and what follows the word Bearer or Basic."""
    lower = _small(text)
    if "authorization" in lower:
        text = _replace(text, _each(text, _AUTHORIZATION, _credentials))
    if "cookie" in lower:
        text = _replace(text, _each(text, _COOKIE, _header_rest))
    return _replace(text, _each(text, _BEARER, _bearer))


def _each(text: str, pattern: re.Pattern[str], judge: Callable[[str, re.Match[str]], _Span | None]) -> list[_Span]:
    """Return what ``judge`` finds at each match that is not in the last span already."""
    spans: list[_Span] = []
    for found in pattern.finditer(text):
        if spans and found.start() < spans[-1][1]:
            continue
        span = judge(text, found)
        if span is not None:
            spans.append(span)
    return spans


def _bearer(text: str, found: re.Match[str]) -> _Span | None:
    word = _TOKEN68.match(text, found.end(), found.end() + LONGEST)
    return word.span() if word and _credential_like(word[0], found[1]) else None


def _credential_like(word: str, scheme: str) -> bool:
    if scheme.lower() == "basic":
        data = decoded(word)
        return data is not None and b":" in data and len(word) % 4 == 0
    return len(word) >= 16 or (bool(re.search(r"\d", word)) and not harmless(word))


def _header_rest(text: str, found: re.Match[str]) -> _Span:
    """Return the rest of a header: to its closing quote, to that of the whole header, or to the end of the line."""
    at = found.end()
    if found[2]:
        return at, _quoted(text, at, found[2].lstrip("bru"), False)
    opening = text[found.start() - 1 : found.start()]
    limit = min(len(text), at + LONGEST)
    ends = [
        limit,
        *(
            end
            for end in (text.find("\n", at, limit), text.find("\\r", at, limit), text.find("\\n", at, limit))
            if end >= 0
        ),
    ]
    if opening and opening in "\"'":
        close = text.find(opening, at, limit)
        ends += [close] if close >= 0 else []
    if found[1].endswith("["):
        close = text.find("]", at, limit)
        ends += [close] if close >= 0 else []
    end = min(ends)
    while end > at and text[end - 1] in " \t\r":
        end -= 1
    return at, end


def _credentials(text: str, found: re.Match[str]) -> _Span | None:
    scheme = found[3] or ""
    start = found.end()
    _at, end = _header_rest(text, found)
    rest = text[start:end]
    if not rest.strip() or rest.startswith(_REFERENCES):
        return None
    if _LONG_SCHEMES.match(scheme) or found[2]:
        return start, end
    if scheme and re.match(r"(?:is|was|must|header|required|policy|policies|failed|denied|not)\b", scheme, re.I):
        return None
    word = re.match(r"[^\s\"',;<>\\]+", rest)
    if word is None or (re.match(r"[a-z]+\Z", word[0]) and not scheme and len(word[0]) < 12):
        return None
    return start, start + word.end()


# --- Command lines ----------------------------------------------------------------------------------------------------

_FLAG = re.compile(
    r"(?<![\w-])(--?[A-Za-z][\w.-]{0,80})"
    r"(?:[ \t]+(?![-|&;])|(\\*[\"'])(?:,\s{0,40}|[ \t]+)(?=\\*[\"'](?!-)))"
)
_FLAG_IN_LIST = re.compile(r"(?m)^([ \t]*- )[\"']?(--?[A-Za-z][\w.-]{0,80})[\"']?[ \t]*\n[ \t]*- (?=[^-\s])")
_HELP = re.compile(
    r"(?:string(?:s|Array|Slice)?|stringToString|file|path|value|int|bool|duration|or|and|to|is|for"
    r"|flag|flags|option|options|if|with|in"
    r"|the|must|was|are|can|from|as|has|not|on|of|should|instead|may|when|NAME|FILE|PATH|TOKEN"
    r"|PASSWORD|SECRET|KEY)[.,;:)]?\Z"
)
_PROGRAMS: dict[str, tuple[str, ...]] = {
    "sshpass": ("-p",),
    "curl": ("-u", "--user", "-U", "--proxy-user", "-b", "--cookie"),
    "wget": ("--http-user",),
    "docker": ("-p",), "podman": ("-p",), "nerdctl": ("-p",), "helm": ("-p",), "crane": ("-p",),
    "skopeo": ("--creds", "--src-creds", "--dest-creds"),
    "redis-cli": ("-a",),
    "mysql": ("-p",), "mysqldump": ("-p",), "mysqladmin": ("-p",), "mariadb": ("-p",),
    "mongo": ("-p",), "mongosh": ("-p",), "mongodump": ("-p",),
    "ldapsearch": ("-w",), "ldapmodify": ("-w",), "ldapadd": ("-w",),
    "openssl": ("-pass", "-passin", "-passout", "-K", "-k"),
    "ssh-keygen": ("-N", "-P"),
    "zip": ("-P",), "unzip": ("-P",), "7z": ("-p",),
    "az": ("-p",), "oc": ("-p",), "http": ("-a", "--auth"), "https": ("-a", "--auth"),
    "smbclient": ("-U",), "ipmitool": ("-P",), "snmpwalk": ("-c", "-A", "-X"), "lftp": ("-u",), "sqlcmd": ("-P",),
    "rabbitmqadmin": ("-p",), "influx": ("-t",), "ab": ("-A", "-P"), "hey": ("-a",), "xfreerdp": ("/p",),
}  # fmt: skip
"""Programs whose short flags take a password; the value may be stuck to the flag."""
_PROGRAM = re.compile(
    r"(?<![\w.-])(" + "|".join(sorted(map(re.escape, _PROGRAMS), key=len, reverse=True)) + r")(?=[ \t])"
)
_COMMAND_END = re.compile(r"[\n|;]|&&")
_LOGIN_ONLY = ("docker", "podman", "nerdctl", "helm")
_STUCK = ("mysql", "mysqldump", "mysqladmin", "mariadb", "7z")
"""The value follows the flag without a blank."""
_SHORT_FLAGS = {
    name: re.compile(
        rf"(?<=\s)(?:{'|'.join(map(re.escape, flags))})" + ("" if name in _STUCK else r"(?:[ \t]+|=|(?<=\s-\w)(?=\S))")
    )
    for name, flags in _PROGRAMS.items()
}
_PIPED = re.compile(
    r"\b(?:echo|printf)(?:[ \t]+-\w+"
    r"|[ \t]+'%s(?:\\n)?')*[ \t]+(?=[^|\n]{1,400}\|[^\n]{0,80}(?:sudo\b[^|\n]{0,40}-\w*S"
    r"|--password-stdin|--stdin|chpasswd|--with-token|smbpasswd|kinit|passwd))"
)
_HERE_STRING = re.compile(r"<<<[ \t]*")
_READS_SECRET = re.compile(r"-\w*S\b|--password-stdin|--with-token|--stdin|login|chpasswd|kinit|passwd")
_FROM_LITERAL = re.compile(r"--from-literal[= \t]\\*[\"']?[\w.\[\]-]{1,200}=")
_POSITIONAL = re.compile(
    r"\b(?:vault[ \t]+login|mc[ \t]+alias[ \t]+set[ \t]+\S+[ \t]+\S+[ \t]+\S+"
    r"|htpasswd[ \t]+-\w*b\w*[ \t]+\S+[ \t]+\S+|AUTH|CONFIG SET requirepass)[ \t]+(?=[^-\s])"
)


def _command_lines(text: str) -> str:
    """Take values from ``--token X``, ``["--token", "X"]``, ``sshpass -p X``, ``echo X | sudo -S`` and their like."""
    spans = _each(text, _FLAG, _flag)
    spans += _each(text, _FLAG_IN_LIST, _flag_in_list)
    spans += _each(text, _PROGRAM, _short_flag)
    for pattern in (_PIPED, _POSITIONAL):
        spans += _each(text, pattern, lambda text, found: _argument(text, found.end()))
    spans += _each(text, _HERE_STRING, _here_string)
    spans += _each(text, _FROM_LITERAL, _from_literal)
    return _replace(text, spans)


def _flag(text: str, found: re.Match[str]) -> _Span | None:
    if verdict(found[1].lstrip("-")) is not Verdict.SECRET:
        return None
    start, end = _argument(text, found.end())
    value = text[start:end]
    return None if harmless(value) or _HELP.match(value) else (start, end)


def _flag_in_list(text: str, found: re.Match[str]) -> _Span | None:
    if verdict(found[2].lstrip("-")) is not Verdict.SECRET:
        return None
    start, end, value = _value(text, found.end(), whole_line=True)
    return None if harmless(value) else (start, end)


def _before_on_line(text: str, at: int) -> str:
    """Return what stands before ``at`` on its line, of a long line the end."""
    return text[max(text.rfind("\n", 0, at) + 1, at - 400) : at] if at else ""


def _here_string(text: str, found: re.Match[str]) -> _Span | None:
    return _argument(text, found.end()) if _READS_SECRET.search(_before_on_line(text, found.start())) else None


def _from_literal(text: str, found: re.Match[str]) -> _Span | None:
    """Return the value: what `kubectl create secret` is given is a secret whatever its name."""
    return _argument(text, found.end()) if "secret" in _before_on_line(text, found.start()) else None


_WORD_END = re.compile(r"(?:\\[^nrt\"'\n]|[^\s\"'`\\])*")


def _argument(text: str, at: int) -> _Span:
    """Return the span of a word of a command line, without the quotes around it."""
    if _QUOTE.match(text, at):
        start, end, _text = _value(text, at)
        return start, end
    found = _WORD_END.match(text, at, at + LONGEST)
    end = found.end() if found else at
    while end > at and text[end - 1] in ",;)]":
        end -= 1
    return at, end


def _short_flag(text: str, program: re.Match[str]) -> _Span | None:
    """Return where the password is that a short flag of a program takes."""
    stop = _COMMAND_END.search(text, program.end(), program.end() + 600)
    end = stop.start() if stop else min(len(text), program.end() + 600)
    name = program[1]
    for found in _SHORT_FLAGS[name].finditer(text, program.end(), end):
        if text[found.end() : found.end() + 1] in ("", " ", "\t", "-", "\n"):
            continue
        if name in _LOGIN_ONLY and not re.search(r"\blogin\b", text[program.end() : found.start()]):
            continue
        start, stop_at = _argument(text, found.end())
        if not harmless(text[start:stop_at]):
            return start, stop_at
    return None


# --- URLs -------------------------------------------------------------------------------------------------------------

_USERINFO = re.compile(r"(?<=://)([^\s/:@\"'<>\\?#]{0,256}):([^\s/@\"'<>\\?#]{0,512})@")
_USERINFO_WIDE = re.compile(
    r"(?<=://)([^\s/:@\"'<>\\?#]{1,128}):(?!\d{1,5}(?:[/?#,;\s\"']|\Z))([^\s@\"'<>]{1,256})@(?=[\w\[.-])"
)
_USER_ALONE = re.compile(r"(?<=[hH][tT][tT][pP]://|[tT][tT][pP][sS]://)(?!git@)([^\s/:@\"'<>\\?#]{1,512})@(?=[\w\[.-])")
_DSN = re.compile(r"(?<![\w:/@.-])([\w.-]{1,64}):([^\s:@/\"']{1,128})@(?=(?:tcp|unix|udp)\()")
_ORACLE = re.compile(r"(?<=jdbc:oracle:thin:)([^\s/@\"']{1,128})/([^\s@\"']{1,256})@")


def _urls(text: str) -> str:
    """Take user and password from URLs and from connection strings that are none."""
    if "://" in text:
        text = _USERINFO.sub(f"{REDACTED}@", text)
        text = _USERINFO_WIDE.sub(f"{REDACTED}@", text)
        text = _USER_ALONE.sub(lambda found: found[0] if found[1] == REDACTED else f"{REDACTED}@", text)
    if "@" in text:
        text = _DSN.sub(f"{REDACTED}@", text)
        text = _ORACLE.sub(f"{REDACTED}@", text)
    return text


# --- Keys in PEM ------------------------------------------------------------------------------------------------------

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.S,
)
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\[nr])*\Z")
_PUTTY = re.compile(r"(?m)^Private-Lines: \d+\n(?:[A-Za-z0-9+/=]+\n?)+")


def _pem(text: str) -> str:
    """Take private keys in PEM, also what is left of a key whose beginning or end was cut off."""
    if "PRIVATE KEY" in text:
        text = _PEM.sub(REDACTED, text)
        end = _PEM_END.search(text)
        if end and _PEM_BODY.match(text, 0, end.start()):
            text = REDACTED + text[end.end() :]
        elif end:
            # The lines before it that can be of a key.
            lines = text[: end.start()].split("\n")
            while lines and re.match(r"\s*[A-Za-z0-9+/=]*\s*\Z", lines[-1]):
                lines.pop()
            text = "\n".join([*lines, REDACTED + text[end.end() :]])
    if "Private-Lines" in text:
        text = _PUTTY.sub(REDACTED + "\n", text)
    return text


# --- What has a form of its own ---------------------------------------------------------------------------------------

_NAMED_VALUE = re.compile(
    r"\b(?:[nN]ame|NAME|[kK]ey)\\*[\"']?[ \t]*[:=][ \t]*\\*[\"']?([\w.-]{1,120})\\*[\"']?[ \t]*[,;]?\s{0,40}"
    r"\\*[\"']?[vV]alue\\*[\"']?[ \t]*[:=][ \t]*"
)
_VALUE_NAMED = re.compile(
    r"(?m)^([ \t]*- )value:[ \t]*(?=\S)(?=[^\n]{1,4000}\n[ \t]+name:[ \t]*[\"']?([\w.-]{1,120})[\"']?[ \t]*$)"
)
_ATTRIBUTES = re.compile(r"(?i)\b(?:key|name)\s?=\s?[\"']([\w.:-]{1,120})[\"']\s{1,9}value\s?=\s?(?=[\"'])")
_ELEMENT = re.compile(r"<([A-Za-z][\w.:-]{0,80})(?:\s[^<>]{0,200})?>(?=[^<>\s][^<>]{0,4000}</)")
_NETRC = re.compile(r"\b(?:login|user|username)[ \t]+\S{1,128}\s{1,9}(?:password|passwd)[ \t]+(?=\S)")
_DIRECTIVE = re.compile(
    r"(?mi)(?:\b(?:requirepass|masterauth)|^[ \t]*(?:bindpw|rootpw|ldap_default_authtok|password|passwd|enable secret"
    r"|username \S+ password))[ \t]+(?:\d[ \t]+)?(?=[^\s:=|>{\[])"
)
_SAID = re.compile(
    r"(?i)\b(?:password|passphrase|passcode|token|secret|api[ -]?key|access key|credentials?|\w+_(?:pass|pwd|key))"
    r"(?: (?:for|of) (?:user |key )?\S{1,80}?)?(?: (?:is|was|set to|changed to|reset to)(?: now)?:? "
    r"|(?<=[\w'\"]): )(?=\S)"
)
_PASSWORD_WORD = re.compile(r"(?i)\bpassword[ ](?=[^\s\d]{0,80}\d)(?=[^\sA-Za-z]{0,80}[A-Za-z])(?=[^\s:=]{6})")
_VARIABLE = re.compile(r"(?m)^[ \t]*(?:(?:export|set|ENV|ARG) )?([A-Z][A-Z0-9_]{2,80})[ \t]+(?=\S+[ \t]*$)")
_NEXT_LINE = re.compile(r"(?m)^([ \t]*)[\"']?[\w.-]*passw\w*[\"']?:[ \t]*\n\1[ \t]+(?=[^\s:#-][^\n:]*$)")
_LISTED = re.compile(
    r"(?m)^([ \t]*)[\"']?[\w.-]*(?:passwords?"
    r"|secrets)[\"']?:[ \t]*\n((?:\1[ \t]*- (?![\"']?\w+:(?:\s|\Z))[^\n]*(?:\n|\Z))+)"
)
_SQL = re.compile(r"(?i)\b(?:identified(?: with \w+)? by|(?:encrypted )?password(?: =)?|pass =)[ \t]+(?=')")
_CRYPT = re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2id?|scrypt|pbkdf2[\w-]*|ml|sha1)\$[./A-Za-z0-9$=,+-]{8,}")
_PGPASS = re.compile(r"(?m)^[\w.*-]{1,128}:(?:\d{4,5}|\*):[\w.*-]{1,64}:[\w.*-]{1,64}:(?=\S)")
_SHADOW = re.compile(r"(?m)^\w{1,32}:(?:\{(?:SHA|SSHA)\})(?=\S)")
_GO_BYTES = re.compile(r"\[\]u?int8\{[0-9xa-fA-F, ]+\}")


def _forms(text: str) -> str:
    """Take values whose name is a value itself, and what programs write in a form of their own."""
    spans: list[_Span] = []
    for found in _NAMED_VALUE.finditer(text):
        if verdict_of_variable(found[1]) is Verdict.SECRET:
            spans.append(_unless_harmless(text, found.end(), _LINE_BREAK.search(found[0]) is not None))
    for found in _VALUE_NAMED.finditer(text):
        if verdict_of_variable(found[2]) is Verdict.SECRET:
            spans.append(_unless_harmless(text, found.end(), True))
    for found in _ATTRIBUTES.finditer(text):
        if verdict_of_variable(found[1]) is Verdict.SECRET:
            spans.append(_unless_harmless(text, found.end(), False))
    for found in _ELEMENT.finditer(text):
        if verdict(found[1]) is Verdict.SECRET:
            end = text.index("<", found.end())
            spans.append((found.end(), end))
    for found in _VARIABLE.finditer(text):
        if verdict(found[1]) is Verdict.SECRET:
            spans.append(_unless_harmless(text, found.end(), True))
    for found in _NEXT_LINE.finditer(text):
        spans.append(_unless_harmless(text, found.end(), True))
    for found in _LISTED.finditer(text):
        spans += [
            (found.start(2) + item.end(), found.start(2) + item.end() + len(item[1]))
            for item in re.finditer(r"- (?=([^\n]*))", found[2])
        ]
    for found in _NETRC.finditer(text):
        spans.append(_argument(text, found.end()))
    for found in _DIRECTIVE.finditer(text):
        start, end, value = _value(text, found.end(), whole_line=True)
        if not harmless(value) and (" " not in value.strip() or text[start - 1] in "\"'"):
            spans.append((start, end))
    for pattern in (_SAID, _PASSWORD_WORD):
        for found in pattern.finditer(text):
            start, end, value = _value(text, found.end())
            quoted = text[start - 1 : start] in ("'", '"', "`")
            if harmless(value) or value.startswith((*_REFERENCES, "(")):
                continue
            if (quoted and " " not in value) or re.search(r"[\d!@#$%^&*_+=~]", value):
                spans.append((start, end))
    for found in _SQL.finditer(text):
        start, end, value = _value(text, found.end())
        if value:
            spans.append((start, end))
    for pattern in (_PGPASS, _SHADOW):
        spans += [_argument(text, found.end()) for found in pattern.finditer(text)]
    spans += [found.span() for found in _CRYPT.finditer(text)]
    return _replace(text, spans)


_LINE_BREAK = re.compile(r"\n")


def _unless_harmless(text: str, at: int, whole_line: bool) -> _Span:
    block = _BLOCK.match(text, at)
    if block:
        return _block(text, text.rfind("\n", 0, at) + 1 + _indent_of_line(text, at), at, block.end())
    start, end, value = _value(text, at, whole_line=whole_line)
    return (start, start) if harmless(value) else (start, end)


def _indent_of_line(text: str, at: int) -> int:
    line = text.rfind("\n", 0, at) + 1
    return len(text[line:at]) - len(text[line:at].lstrip(" "))


# --- Secrets of Kubernetes in YAML ------------------------------------------------------------------------------------

_SECRET_KIND = re.compile(r"(?m)^([ \t+>|]*(?:- )*)[\"']?kind[\"']?:[ \t]*[\"']?Secret(?:List)?[\"']?[ \t\r]*(?:#.*)?$")
_KIND = re.compile(r"[\"']?kind[\"']?:")
_DATA = re.compile(r"[\"']?(?:data|stringData)[\"']?:(.*)\Z")
_ENTRY = re.compile(r"([ \t+>|-]*)(\"[^\"]*\"|'[^']*'|[^\s:#][^:]*):(?:[ \t]|\Z)")
_JSON_KIND = re.compile(r"(?:\\*[\"']|\b)kind\\*[\"']?:[ \t]*\\*[\"']?Secret\b")
_JSON_DATA = re.compile(r"(\\*[\"'])(?:data|stringData)\1[ \t\n]*:[ \t\n]*\{")
_FLOW_DATA = re.compile(r"\b(?:data|stringData):[ \t]*\{|\b[dD]ata:map\[|\b[sS]tringData:map\[")


def _yaml_secrets(text: str) -> str:
    """Take the data of Kubernetes Secrets in YAML, also inside a list or an indented block."""
    if "Secret" not in text:
        return text
    if _JSON_KIND.search(text):
        text = _json_data(text)
    lines = text.split("\n")
    offsets = [0]
    for found in _SECRET_KIND.finditer(text):
        offsets.append(found.start())
    if len(offsets) == 1:
        return text
    drop: dict[int, str | None] = {}
    number, at = 0, 0
    for found in _SECRET_KIND.finditer(text):
        number += text.count("\n", at, found.start())
        at = found.start()
        _hide_data(lines, number, len(found[1]), "SecretList" in found[0], drop)
    return "\n".join(line for index, old in enumerate(lines) for line in [drop.get(index, old)] if line is not None)


def _column(line: str) -> int:
    """Return how far in the first key of a line stands, behind the dashes of lists."""
    at = 0
    while at < len(line):
        if line[at] in " \t+>|":
            at += 1
        elif line[at : at + 2] == "- ":
            at += 2
        else:
            break
    return at


def _hide_data(lines: list[str], number: int, column: int, listed: bool, drop: dict[int, str | None]) -> None:
    """Hide the data of the mapping that has the line ``number`` with its key at ``column``.

    :param drop: filled with the lines to change, None for those to leave out.
    """
    first = number
    while not _dash(lines[first], column) and first > 0:
        before = lines[first - 1]
        if before.lstrip().startswith("#"):
            first -= 1
            continue
        if _KIND.match(before, column) and _column(before) == column:
            # Of another object: what is between them is judged with that.
            break
        if before.strip() and (_column(before) < column or before.lstrip("+ ").startswith(("---", "..."))):
            break
        first -= 1
        if number - first > LONGEST:
            break
    index = first
    while index < len(lines):
        line = lines[index]
        if line.lstrip().startswith("#"):
            index += 1
            continue
        here = _column(line)
        separator = line.startswith(("---", "..."))
        if index > number and line.strip() and (separator or (not listed and (here < column or _dash(line, column)))):
            break
        if index > number and here == column and _KIND.match(line, column) and not listed:
            break
        data = _DATA.match(line[here:]) if line.strip() else None
        if data and (here == column or listed):
            index = _hide_entries(lines, index, here, data[1].strip(), drop)
            continue
        index += 1


def _dash(line: str, column: int) -> bool:
    """Tell whether an item of a list begins in ``line``, with its first key at ``column``."""
    return column >= 2 and line[column - 2 : column] == "- " and not line[: column - 2].strip(" +->|")


def _hide_entries(lines: list[str], index: int, column: int, rest: str, drop: dict[int, str | None]) -> int:
    """Hide what stands below ``data:`` at ``column``; return the number of the first line after it."""
    if rest and not rest.startswith("#"):
        drop[index] = lines[index][: lines[index].index(":") + 1] + f" {REDACTED}"
    index += 1
    inner: int | None = None
    while index < len(lines):
        line = lines[index]
        comment = line.lstrip().startswith("#")
        here = _column(line) if line.strip() and not comment else None
        if here is not None and (len(line) - len(line.lstrip(" \t+>|")) <= column):
            break
        if here is not None:
            inner = here if inner is None else inner
            entry = _ENTRY.match(line)
            drop[index] = f"{line[:here]}{entry[2]}: {REDACTED}" if entry and here == inner and not rest else None
        index += 1
    return index


_JSON_ENTRY = re.compile(r"\s*(\\*[\"'])((?:(?!\1).){0,512}?)\1\s*:\s*(\\*[\"'])")


def _json_data(text: str) -> str:
    """Take the values of ``data`` in JSON that cannot be read as a whole, such as one that was cut off."""
    spans: list[_Span] = []
    for found in _JSON_DATA.finditer(text):
        at = found.end()
        while True:
            entry = _JSON_ENTRY.match(text, at)
            if entry is None:
                break
            end = _quoted(text, entry.end(), entry[3], False)
            spans.append((entry.end(), end))
            at = end + len(entry[3])
            if text[at : at + 1] != ",":
                break
            at += 1
    for found in _FLOW_DATA.finditer(text):
        close = "]" if found[0].endswith("[") else "}"
        end = text.find(close, found.end(), found.end() + LONGEST)
        spans.append((found.end(), end if end >= 0 else min(len(text), found.end() + LONGEST)))
    return _replace(text, spans)


WHOLE_PASSES: tuple[Callable[[str], str], ...] = (_pem, _yaml_secrets)
LINE_PASSES: tuple[Callable[[str], str], ...] = (_urls, _headers, _command_lines, _assignments, _forms)
"""In this order: each leaves REDACTED, which those after it take for no secret."""
