# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles read of users' manifests has kubectl's types, and what they cannot read is named."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.meshlab.istio.plugins.filter.kubernetes_objects import FilterModule, kubernetes_objects

HOURS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: hours, annotations: {reviewed: 2026-03-01}}
data: {opens: 08:30, closes: 17:45, 9000: a}
"""


def test_times_dates_and_ports_are_text() -> None:
    found = kubernetes_objects([HOURS, "---\n" + HOURS])
    assert json.loads(json.dumps(found)) == [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "hours", "annotations": {"reviewed": "2026-03-01"}},
            "data": {"opens": "08:30", "closes": "17:45", "9000": "a"},
        }
    ]


def test_a_list_is_taken_apart() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"- {{apiVersion: v1, kind: {kind}, metadata: {{name: a}}}}\n" for kind in ("Namespace", "ConfigMap")
    )
    assert [obj["kind"] for obj in kubernetes_objects(text)] == ["Namespace", "ConfigMap"]


@pytest.mark.parametrize(
    ("texts", "names", "message"),
    [
        ([HOURS, "a: ["], ["hours.yml", "more.yml"], "more.yml is not YAML that kubectl reads: line 2"),
        (["a: ["], [], "a manifest is not YAML that kubectl reads: line 2"),
        (["a: 1"], ["more.yml"], "An object in more.yml has no apiVersion"),
        ([3], [], "takes the text of a manifest, or a list of texts"),
        ({"a": 1}, [], "takes the text of a manifest, or a list of texts"),
    ],
)
def test_what_cannot_be_read_is_named(texts: object, names: list[str], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        kubernetes_objects(texts, names)
    assert message in str(caught.value)


def test_it_is_known_by_its_name() -> None:
    assert FilterModule().filters() == {"kubernetes_objects": kubernetes_objects}
