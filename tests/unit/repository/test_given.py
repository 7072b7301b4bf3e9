# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that the report offers repeat every variable that a run was given, or there is a reason why not."""

from __future__ import annotations

import re

from ansible_collections.meshlab.istio.plugins.lookup.given import REPEATED
from tests.unit.repository.collection import ROLES, ROOT
from tests.unit.repository.test_roles import specification

ONE_RUN = "It is an order for one run. Repeated by habit it would delete something, or do less than its command says."
OF_ROLES = "A role or playbook of the collection sets it for another one."
OF_THE_REPORT = "It is what the report holds, or what the commands are made of."
NOT_REPEATED = {
    "minikube_recreate": ONE_RUN, "minikube_delete_foreign": ONE_RUN, "istio_remove_user_resources": ONE_RUN,
    "istio_adopt": ONE_RUN, "addons_adopt": ONE_RUN, "bookinfo_adopt": ONE_RUN,
    "scenarios_names": ONE_RUN,
    "minikube_preflight_more": OF_ROLES, "access_preflight_fail": OF_ROLES, "access_preflight_ask_cluster": OF_ROLES,
    "istio_removed_before": OF_ROLES, "scenarios_report": OF_ROLES, "report_stages": OF_ROLES,
    "report_minikube_version": OF_ROLES, "host_inputs_versions": OF_ROLES,
    "report_data": OF_THE_REPORT, "report_additions": OF_THE_REPORT, "report_next_steps": OF_THE_REPORT,
    "report_next_options": OF_THE_REPORT,
}  # fmt: skip


def test_every_public_variable_is_repeated_or_has_a_reason() -> None:
    public = {name for role in ROLES for entry in specification(role).values() for name in entry.get("options") or {}}
    assert len(public) > 100
    assert public - set(REPEATED) == set(NOT_REPEATED)
    assert not set(REPEATED) & set(NOT_REPEATED)
    of_the_lab_and_ansible = {name for name in REPEATED if name.startswith(("lab_", "ansible_"))}
    assert set(REPEATED) - of_the_lab_and_ansible <= public
    assert len(REPEATED) == len(set(REPEATED))


def test_every_variable_for_the_whole_lab_is_repeated() -> None:
    """Those of README's table."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("The few variables for the whole lab:") :].split("\n\n")[1]
    named = set(re.findall(r"`(lab_\w+)`", "".join(line.split("|")[1] for line in table.splitlines())))
    assert len(named) >= 6
    assert named == {name for name in REPEATED if name.startswith("lab_")}
