# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names stand for a secret: of keys, flags, headers and environment variables; and which values are none."""

from __future__ import annotations

import enum
import re
from functools import lru_cache

REDACTED = "(redacted)"


class Verdict(enum.Enum):
    """What a name says of its value."""

    NO = 0
    MAYBE = 1
    """A secret if the value looks like a key, as with ``SOME_KEY`` or ``auth``."""
    SECRET = 2


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_SECRET_WORDS = frozenset(
    """
    password passwords passwd passwds passwort passphrase passphrases passcode pass pwd pw pswd psw passw userpass
    secret secrets token tokens credential credentials creds cred authorization cookie cookies setcookie
    psk otp totp jwt pat sas bindpw rootpw adminpw pgpassword mysqlpwd requirepass masterauth authtok
    connectionstring connstr dockerconfigjson dockercfg htpasswd kubeconfigdata sessionid jsessionid phpsessid
    """.split()
)

_SECRET_ENDING = re.compile(
    r"(?:password|passwd|passphrase|secret|token|credentials?|(?:api|access|secret|private|account|shared|encryption"
    r"|signing|auth|master|client|session|license|preshared)key|(?:db|my|user|root|ssh|become|sudo|key|store|mail|smtp"
    r"|ftp|admin|mysql|redis|pg|postgres|ldap|bind|login|auth|proxy)(?:pass|pwd|pw))\Z"
)
"""The end of a word that was written without any separator."""

_MAYBE_WORDS = frozenset("auth salt seed signature sig session sid hmac pin dsn license licence code nonce".split())

_STILL_SECRET = frozenset(
    "data value values plain plaintext text string str hash hashed b64 base64 encoded encrypted old new current"
    " previous primary secondary prod production dev test staging backup confirm confirmation raw default json pem txt"
    " yaml yml ini".split()
)
"""Words behind a secret's name that leave it a secret."""

_KEY_OF = frozenset(
    """
    api access secret private priv encryption encrypt decryption decrypt signing sign signed master account shared
    storage auth client service ssh rsa ec ecdsa dsa ed25519 pgp gpg license licence deploy session app application
    consumer subscription function aes hmac jwt fernet crypto cipher crypt wrapping unseal root recovery admin
    preshared pre tls ssl secure security webhook aws azure gcp google openai anthropic stripe sendgrid mailgun
    datadog newrelic db database server ca certificate password token wireguard sas connection github gitlab
    """.split()
)
"""What may stand before ``key`` so that it is a secret by its name."""

_KEY_HARMLESS = frozenset(
    """
    public pub host partition sort cache primary foreign routing topology label annotation header hash lookup index
    object map group metric tag config env json yaml context query row dedup idempotency shard message record node kind
    hot arrow range unique natural any each search sorting field attribute property dict metadata selector translation
    """.split()
)

_DENIED = frozenset(
    "no not without valid invalid expired missing wrong bad max min num total unknown failed failure".split()
)
"""Before a secret's name they make it a measure or a case: ``max_tokens``, ``no_token``."""

_KEY_IDS = (("access", "key", "id"), ("secret", "id"), ("api", "key", "id"), ("key", "base"), ("key", "material"))
"""Halves of a credential, and names that end in another word."""

_WORDS_ALONE = {
    "PWD": Verdict.NO,
    "OLDPWD": Verdict.NO,
    "key": Verdict.NO,
    "KEY": Verdict.NO,
    "Key": Verdict.NO,
    "Secret": Verdict.MAYBE,
}


@lru_cache(maxsize=4096)
def verdict(name: str) -> Verdict:
    """Tell what the name of a key, flag, header or variable says of its value.

    Words are split at capitals and at what is no letter or digit; the last word counts: ``secretName`` is no secret.
    """
    if name in _WORDS_ALONE:
        return _WORDS_ALONE[name]
    if name.count(" ") > 2:
        # A sentence.
        return Verdict.NO
    if name.endswith(".Secret"):
        # A type of Go's, such as v1.Secret.
        return Verdict.MAYBE
    words = [word.lower() for word in _WORD.findall(name[-120:])]
    if words[-3:] == ["client", "certificate", "data"]:
        # Public, but half of what a kubeconfig shows who its user is.
        return Verdict.SECRET
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _STILL_SECRET):
        words.pop()
    if not words:
        return Verdict.NO
    if any(tuple(words[-len(ending) :]) == ending for ending in _KEY_IDS):
        return Verdict.SECRET
    last, before = words[-1], words[:-1]
    if _DENIED.intersection(before):
        return Verdict.NO
    if last in _SECRET_WORDS or _SECRET_ENDING.search(last):
        return Verdict.SECRET
    if last in ("key", "keys") and before:
        if before[-1] in _KEY_OF:
            return Verdict.SECRET
        return Verdict.NO if before[-1] in _KEY_HARMLESS else Verdict.MAYBE
    return Verdict.MAYBE if last in _MAYBE_WORDS else Verdict.NO


def verdict_of_variable(name: str) -> Verdict:
    """Tell the same of an environment variable: its name is all that is known, so a ``KEY`` is taken for a secret."""
    found = verdict(name)
    if found is Verdict.MAYBE and re.search(r"(?i)(?:key|auth|salt|seed|pin|dsn|session|signature)\d*\Z", name):
        return Verdict.SECRET
    return found


_HARMLESS = re.compile(
    r"(?:true|false|null|none|nil|~|yes|no|on|off|undefined|unset|empty|required|optional|enabled|disabled|n/a|0"
    r"|[*x.]+|-+|\[?redacted\]?|<[\w .:-]*>|\[\]|\{\}|data\+omitted|\(sensitive value\)|omitted"
    r"|\{\{[^{}]*\}\}|\$\{[^{}]*\}|\$\([^()]*\)|\$[A-Za-z_]\w*|%[A-Za-z_]*%?|%\(\w+\)s|\(redacted[^)]*\)"
    r"|(?:basic|bearer|token|digest) +\(redacted\)"
    r"|(?:file:/)?/(?:run|var|etc|home|root|usr|opt|tmp|secrets|certs?|vault|dev|proc|mnt|data)(?:/[\w.@%+:-]+)+/?"
    r"|~?(?:/[\w.@%+-]+)*/[\w.@%+-]+\.(?:key|pem|crt|cer|json|ya?ml|txt|conf|jks|p12|pfx|env))\Z",
    re.I,
)


def harmless(value: str) -> bool:
    """Tell whether the value of a secret's key is none: empty, a switch, a path, a reference to a variable."""
    return not value.strip() or _HARMLESS.match(value.strip()) is not None
