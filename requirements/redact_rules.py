# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write plugins/module_utils/_redact_rules.py from the rules of gitleaks: `make redact-rules`.

gitleaks keeps the shapes of the tokens of some two hundred services. Its program is in Go and its rules are a TOML
file; hosts get only ``plugins/module_utils``, so the rules are converted into a file of Python here. The Go module is
fetched by ``go``, which checks it against the checksum database; its sum is pinned below as well.

Left out are the rules that go by the name of a service beside a value: our own names of keys take them. So are the
rules in LEFT_OUT, each with its reason.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import tomllib

MODULE = "github.com/zricethezav/gitleaks/v8"
VERSION = "v8.30.1"
SUM = "h1:PmEvCfVI7ti9dV3s5aMZUY7sS2GxRvG3yzih7E+cS3w="
TARGET = Path(__file__).parents[1] / "plugins" / "module_utils" / "_redact_rules.py"

BY_NAME = r"[\w.-]{0,50}?"
"""With it begins each rule that goes by the name of a service."""
LEFT_OUT = {
    "aws-amazon-bedrock-api-key-short-lived": "the beginning of a token alone; the rest is judged as base64",
    "curl-auth-header": "looks across lines, which takes quadratic time; our rules for headers take it",
    "curl-auth-user": "looks across lines, which takes quadratic time; our rules for flags take it",
    "facebook-access-token": "a number, a bar and a word: lines of logs have such",
    "flutterwave-public-key": "is public",
    "jwt": "ours takes tokens with an empty signature, and encrypted tokens",
    "jwt-base64": "base64 is decoded and judged",
    "kubernetes-secret-yaml": "looks across lines; we read the structure",
    "nuget-config-password": "our rules for attributes take it",
    "pkcs12-file": "has no text to look at",
    "private-key": "ours takes keys that were cut off",
    "sourcegraph-access-token": "takes each commit id",
    "vault-service-token": "takes words of 24 letters behind 's.'; the newer form is in OURS",
}
OURS = {
    "vault-service-token-hvs": (r"\b(hvs\.[\w-]{24,300})", ["hvs."]),
    "discord-webhook": (r"discord(?:app)?\.com/api/webhooks/\d+/([\w-]{20,})", ["/webhooks/"]),
    "telegram-bot-token": (r"(?<!\d)(\d{8,10}:AA[\w-]{33})(?![\w-])", [":AA"]),
    "docker-pat": (r"\b(dckr_(?:pat|oat)_[\w-]{20,})", ["dckr_"]),
    "aws-access-key-any": (r"\b((?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Za-z0-9])", ["AKIA", "ASIA"]),
    "google-oauth": (r"\b(ya29\.[\w.-]{20,})", ["ya29."]),
    "google-client-secret": (r"\b(GOCSPX-[\w-]{20,})", ["GOCSPX-"]),
    "openai-any": (r"\b(sk-(?:proj-|ant-|svcacct-|or-v1-)?[A-Za-z0-9_-]{32,})(?![\w-])", ["sk-"]),
    "terraform-cloud": (r"\b([A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,})", [".atlasv1."]),
    "age": (r"(AGE-SECRET-KEY-1[A-Z0-9]{50,})", ["AGE-SECRET-KEY-1"]),
    "longer-forms": (r"\b((?:gh[posur]_|npm_|pypi-)[A-Za-z0-9_-]{30,})",
                     ["ghp_", "gho_", "ghs_", "ghu_", "ghr_", "npm_", "pypi-"]),
}  # fmt: skip
"""Shapes that gitleaks has not, or has more narrowly: here a secret is to be gone, not to be looked at by a person."""

END = r"""(?:[\x60'"\s;]|\\[nr]|$)"""
HEADER = '''\
# Copyright: (c) 2026, meshlab contributors
# Copyright: (c) 2019 Zachary Rice
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later AND MIT
"""The shapes of the tokens of known services. Made by requirements/redact_rules.py; do not edit.

Converted from the rules of gitleaks {version} (Go module {module}, config/gitleaks.toml).

{licence}"""

from __future__ import annotations

RULES: tuple[tuple[tuple[str, ...], bool, str], ...] = (
    # Texts of which one must occur, whether they are looked for in small letters, and the shape.
'''
CHUNK = 80
"""Characters of a regular expression on one line."""


def converted(regex: str) -> str:
    """Return a regular expression of Go's as one of Python's: flags in the middle reach to the end of their group."""
    regex = regex.replace("[[:alnum:]]", "[A-Za-z0-9]").replace(r"\z", r"\Z").replace(r"\x60", "`")
    # A token may be followed by more than gitleaks expects, such as a comma.
    regex = re.sub(re.escape(END.replace(r"\x60", "`")) + r"\Z", lambda _end: "(?![A-Za-z0-9])", regex)
    at = regex.find("(?i)", 1)
    while at > 0:
        end = _end_of_group(regex, at + 4)
        regex = f"{regex[:at]}(?i:{regex[at + 4 : end]}){regex[end:]}"
        at = regex.find("(?i)", at + 3)
    return regex


def _end_of_group(regex: str, at: int) -> int:
    depth, in_class = 0, False
    while at < len(regex):
        character = regex[at]
        if character == "\\":
            at += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                return at
        at += 1
    return at


def keywords_of(rule: dict[str, object], regex: str) -> tuple[tuple[str, ...], bool]:
    """Return the texts of which one has to occur: as the expression spells them, else in small letters."""
    words = [str(word) for word in rule["keywords"]]  # type: ignore[union-attr]
    if not regex.startswith("(?i)") and "(?i:" not in regex.split("[")[0]:
        plain = regex.replace("\\", "")
        spelt = [plain[at : at + len(word)] for word in words for at in [plain.lower().find(word)] if at >= 0]
        if len(spelt) == len(words):
            return tuple(spelt), False
    return tuple(words), True


def main() -> None:
    """Fetch the module, convert its rules, write TARGET."""
    cmd = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    answer = json.loads(subprocess.run(cmd, capture_output=True, check=True, text=True).stdout)
    if answer["Sum"] != SUM:
        raise SystemExit(f"{MODULE} {VERSION} is {answer['Sum']}, not {SUM}.")
    folder = Path(answer["Dir"])
    rules = tomllib.loads((folder / "config" / "gitleaks.toml").read_text(encoding="utf-8"))["rules"]
    chosen = [
        (rule["id"], converted(rule["regex"]), *keywords_of(rule, converted(rule["regex"])))
        for rule in rules
        if rule["id"] not in LEFT_OUT and BY_NAME not in rule["regex"]
    ]
    chosen += [(name, regex, tuple(words), False) for name, (regex, words) in OURS.items()]
    licence = (folder / "LICENSE").read_text(encoding="utf-8").replace('"', "'")
    lines = [HEADER.format(version=VERSION, module=MODULE, licence=licence)]
    for name, regex, words, of_lower in chosen:
        re.compile(regex)
        chunks = " ".join(repr(regex[at : at + CHUNK]) for at in range(0, len(regex), CHUNK))
        lines.append(f"    # {name}\n    ({words!r}, {of_lower}, {chunks}),\n")
    TARGET.write_text("".join(lines) + ")\n", encoding="utf-8")
    subprocess.run(["ruff", "format", str(TARGET)], check=True)


if __name__ == "__main__":
    main()
