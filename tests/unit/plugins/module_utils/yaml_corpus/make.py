# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the library of kubectl 1.34 what every text of the corpus means, and keep its answers: needs Go.

Run it in the project's environment after a change to scalars.json, documents.json, values.json or to the writer:
``.venv/bin/python tests/unit/plugins/module_utils/yaml_corpus/make.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._yaml import write

HERE = Path(__file__).parent


def ask(texts: list[str]) -> list[dict[str, Any]]:
    """Return the answer of kubectl's library to each text: {documents} or {error}."""
    done = subprocess.run(
        ["go", "run", "."], cwd=HERE, input=json.dumps(texts), capture_output=True, check=True, text=True
    )
    # Its numbers stay as they are written.
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def keep(name: str, content: Any) -> None:
    """Write a file of the corpus."""
    (HERE / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Make values_of_scalars.json, values_of_documents.json and written.json; return an exit code."""
    scalars = json.loads((HERE / "scalars.json").read_text(encoding="utf-8"))
    keep("values_of_scalars.json", dict(zip(scalars, ask([f"a: {text}\n" for text in scalars]))))
    documents = json.loads((HERE / "documents.json").read_text(encoding="utf-8"))
    keep("values_of_documents.json", dict(zip(documents, ask(list(documents.values())))))
    values = json.loads((HERE / "values.json").read_text(encoding="utf-8"))
    texts = [write(*each) for each in values]
    found = [answer.get("documents") for answer in ask(texts)]
    wrong = [text for text, value, other in zip(texts, values, found) if other != [v for v in value if v is not None]]
    if wrong:
        print("kubectl reads something else in:", *map(repr, wrong), sep="\n")
        return 1
    keep("written.json", texts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
