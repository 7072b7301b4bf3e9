# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/reference.md: modules from their DOCUMENTATION, roles from their argument_specs (`make reference`)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "reference.md"
COLLECTION = "meshlab.istio"
# Ansible's markup (https://docs.ansible.com/ansible/latest/dev_guide/ansible_markup.html) as Markdown.
MARKUP = (
    (re.compile(r"\bL\(([^,()]+),\s*([^()]+)\)"), r"[\1](\2)"),
    (re.compile(r"\bU\(([^()]+)\)"), r"<\1>"),
    (re.compile(r"\bB\(([^()]+)\)"), r"**\1**"),
    (re.compile(r"\bI\(([^()]+)\)"), r"*\1*"),
    (re.compile(r"\b(?:O|RV)\((?:ignore:)?([^()]+)\)"), r"`\1`"),
    (re.compile(r"\b(?:C|V|E|M|P)\(((?:[^()\\]|\\.)+)\)"), r"`\1`"),
    (re.compile(r"\bHORIZONTALLINE\b"), "---"),
)
# The default of an option that a preset may set.
PRESET = re.compile(r"\{\{\s*lookup\('meshlab\.istio\.preset', '\w+', default='?(?P<default>.+?)'?\)\s*\}\}", re.DOTALL)
LONGEST_DEFAULT = 60


def markdown(text: Any) -> str:
    """Turn one documented string, or a list of them, into one line of Markdown."""
    line = " ".join(str(part) for part in (text if isinstance(text, list) else [text or ""]))
    for pattern, replacement in MARKUP:
        line = pattern.sub(replacement, line)
    return " ".join(line.split())


def cell(text: str) -> str:
    """Return text that does not end a table's cell."""
    return text.replace("|", "\\|")


def code(value: Any) -> str:
    """Return a default in code style, as YAML would spell it.

    Nothing for None and an empty string; an expression that is no use in a table is called computed, and its
    description says how. Of a value that presets may set, what stands without a preset.
    """
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        return f"`{json.dumps(value)}`"
    preset = PRESET.fullmatch(value.strip())
    if preset:
        return f"`{preset['default']}`, or the preset's"
    return f"`{value}`" if "{%" not in value and len(value) <= LONGEST_DEFAULT else "computed"


def options(specified: dict[str, Any], defaults: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the rows of a table of options, suboptions after their parent.

    :param defaults: values for options that name none themselves (roles: defaults/main.yml).
    """
    for name, option in sorted(specified.items()):
        kind = (
            f"{option.get('type', 'str')} of {option['elements']}"
            if option.get("elements")
            else option.get("type", "str")
        )
        default = "required" if option.get("required") else code(defaults.get(name, option.get("default")))
        words = markdown(option.get("description"))
        if option.get("choices"):
            words += " One of " + ", ".join(code(choice) for choice in option["choices"]) + "."
        if option.get("aliases"):
            words += " Also called " + ", ".join(code(alias) for alias in option["aliases"]) + "."
        yield f"| `{prefix}{name}` | {kind} | {cell(default)} | {cell(words)} |"
        yield from options(option.get("suboptions") or option.get("options") or {}, {}, f"{prefix}{name}.")


def returned(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the rows of a table of return values."""
    for name, value in sorted(values.items()):
        yield f"| `{prefix}{name}` | {value.get('type', '')} | {cell(markdown(value.get('description')))} |"
        yield from returned(value.get("contains") or {}, f"{prefix}{name}.")


def table(header: str, rows: Iterator[str]) -> list[str]:
    """Return a table's lines, none when it has no rows."""
    lines = list(rows)
    return ["", header, "|" + "---|" * (header.count("|") - 1), *lines] if lines else []


OPTION_HEADER = "| option | type | default | what it is |"
RETURN_HEADER = "| returns | type | what it is |"


def module_lines(name: str, documentation: dict[str, Any]) -> list[str]:
    """Return the section of one module or plugin."""
    doc = documentation["doc"]
    lines = ["", f"### {name}", "", f"{markdown(doc['short_description'])}.", ""]
    lines += [f"- {markdown(sentence)}" for sentence in doc["description"]]
    lines += table(OPTION_HEADER, options(doc.get("options") or {}, {}))
    lines += table(RETURN_HEADER, returned(documentation.get("return") or {}))
    return [*lines, "", "```yaml", documentation["examples"].strip(), "```"]


def role_lines(role: Path) -> list[str]:
    """Return the section of one role, with a table for each entry point."""
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8")) or {}
    entries = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    lines = ["", f"### {role.name}"]
    for name, entry in sorted(entries.items(), key=lambda item: (item[0] != "main", item[0])):
        description = entry.get("description", [])
        lines += ["", f"**{name}**: {markdown(entry['short_description'])}.", ""]
        lines += [
            f"- {markdown(sentence)}" for sentence in ([description] if isinstance(description, str) else description)
        ]
        lines += table(OPTION_HEADER, options(entry.get("options") or {}, defaults))
    return lines


def plugins(kind: str) -> dict[str, Any]:
    """Return what ansible-doc says of the collection's plugins of one kind, by short name."""
    names = sorted(path.stem for path in (ROOT / "plugins" / {"module": "modules"}.get(kind, kind)).glob("*.py"))
    tool = Path(sys.executable).with_name("ansible-doc")
    command = [str(tool), "--json", f"--type={kind}", *(f"{COLLECTION}.{name}" for name in names)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {name: said[f"{COLLECTION}.{name}"] for name in names}


def render() -> str:
    """Return the whole page."""
    roles = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
    lines = [
        f"# Reference of {COLLECTION}",
        "",
        "Made by `make reference` from the modules' documentation and the roles' argument_specs.",
        "",
        "## Roles",
        *(line for role in roles for line in role_lines(role)),
        "",
        "## Modules",
        *(line for name, module in plugins("module").items() for line in module_lines(name, module)),
        "",
        "## Lookup plugins",
        *(line for name, plugin in plugins("lookup").items() for line in module_lines(name, plugin)),
        "",
        "## Filters",
        *(line for name, plugin in plugins("filter").items() for line in module_lines(name, plugin)),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
