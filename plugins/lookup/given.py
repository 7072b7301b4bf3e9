# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: given
author: meshlab contributors (@meshlab)
short_description: What this run was given on its command line, as words for another command line
version_added: 0.1.0
description:
  - Of the variables that C(-e) gave to this run, those that are asked for, as C(-e) again, and C(--limit).
  - A file of variables is named, not opened. Of a variable whose value may be a secret, only the name is there, as a
    file to write first. So is one that Ansible Vault encrypted.
  - Variables of the inventory are left out, as C(-i) brings them again.
options:
  _terms:
    description:
      - Names of variables that may be repeated.
      - By default those of this collection that are to be the same the next time. What a single run was to do is not
        among them, such as C(minikube_recreate).
  also:
    description:
      - Names that are repeated as well if a play or the inventory sets them, for a run without an inventory to name.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: How to put this lab to sleep
  ansible.builtin.debug:
    msg: "ansible-playbook -i hosts.yml meshlab.istio.stop {{ query('meshlab.istio.given') | join(' ') }}"
"""

RETURN = r"""
_raw:
  description: The words, each quoted for a shell where it needs it.
  type: list
  elements: str
"""

import json
import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible import context
from ansible.parsing.splitter import parse_kv
from ansible.plugins.lookup import LookupBase

from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact

# tests/unit/repository/test_given.py holds it to the roles, and has the reasons for what is not in it.
REPEATED = (
    "lab_hosts", "lab_provider", "lab_preset", "lab_bundle", "lab_kubeconfig", "lab_context",
    "host_bundle", "host_bin_dir", "host_kubectl_version", "host_run_wait",
    "minikube_bundle", "minikube_version", "minikube_bin_dir", "minikube_profile", "minikube_driver",
    "minikube_memory", "minikube_cpus", "minikube_kubernetes_version", "minikube_container_runtime",
    "minikube_options", "minikube_start_on_boot", "minikube_namespace", "minikube_tunnel", "minikube_kubeconfig",
    "istio_bundle", "istio_version", "istio_release_dir", "istio_bin_dir", "istio_profile", "istio_spec",
    "istio_extension_providers", "istio_hub", "istio_tag", "istio_revision", "istio_tags", "istio_readiness_timeout",
    "istio_wait", "istio_kubeconfig", "istio_context",
    "addons_names", "addons_namespace", "addons_release_dir", "addons_patches", "addons_manifests",
    "addons_prometheus_scrape_interval", "addons_tracing", "addons_tracing_percentage", "addons_urls",
    "addons_trace_url", "addons_trace_host", "addons_wait", "addons_wait_timeout", "addons_verify_timeout",
    "addons_kubeconfig", "addons_context",
    "bookinfo_namespace", "bookinfo_revision", "bookinfo_release_dir", "bookinfo_selectors", "bookinfo_replicas",
    "bookinfo_samples", "bookinfo_gateway", "bookinfo_gateway_namespace", "bookinfo_host", "bookinfo_tls",
    "bookinfo_destination_rules", "bookinfo_database", "bookinfo_patches", "bookinfo_manifests", "bookinfo_bundle",
    "bookinfo_set_context", "bookinfo_title", "bookinfo_wait", "bookinfo_wait_timeout", "bookinfo_wait_namespaces",
    "bookinfo_kubeconfig", "bookinfo_context",
    "access_namespace", "access_service", "access_gateway_api", "access_host", "access_ca_path", "access_path",
    "access_body", "access_timeout", "access_port_forward", "access_address", "access_port", "access_instance",
    "access_dashboards", "access_ports", "access_env_file", "access_app_namespace", "access_bin_dir",
    "access_kubeconfig", "access_context", "access_fetch_kubeconfig",
    "traffic_requests", "traffic_concurrency", "traffic_url", "traffic_host", "traffic_gateway", "traffic_body",
    "traffic_version_pattern", "traffic_thresholds", "traffic_namespace", "traffic_prometheus", "traffic_query",
    "traffic_prometheus_timeout", "traffic_kiali_namespace", "traffic_kubeconfig", "traffic_context",
    "scenarios_patches", "scenarios_namespace", "scenarios_body", "scenarios_gateway_namespace",
    "scenarios_gateway_service", "scenarios_gateway_api", "scenarios_host", "scenarios_release_dir",
    "scenarios_istio_version", "scenarios_kubeconfig", "scenarios_context",
    "status_fail", "status_timeout", "status_namespace", "status_app_namespace", "status_addons",
    "status_addons_namespace", "status_gateway_service", "status_gateway_api", "status_path", "status_host",
    "status_body", "status_istioctl", "status_suppress", "status_kubeconfig", "status_context",
    "report_path", "report_bundle", "report_stand_ins", "report_provider", "report_failure_path",
    "report_failure_timeout", "report_failure_namespaces", "report_kubeconfig", "report_context",
    "ansible_user", "ansible_password", "ansible_port", "ansible_host", "ansible_connection",
    "ansible_python_interpreter", "ansible_ssh_pass", "ansible_ssh_private_key_file", "ansible_ssh_common_args",
    "ansible_ssh_extra_args", "ansible_become", "ansible_become_method", "ansible_become_user", "ansible_become_exe",
    "ansible_become_pass", "ansible_become_password",
)  # fmt: skip
"""Variables that every playbook is to be given alike."""

SIMPLE = re.compile(r"[\w@%+:,./~-]+", re.ASCII)
"""A text that ``-e NAME=TEXT`` gives as it is: without blanks, quotes and templates."""

SECRET = re.compile(r"pass$|passw(or)?d|secret|token|credential", re.I)
"""Names whose values are never shown, whatever they look like."""


class LookupModule(LookupBase):
    """Reads the command line."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the words."""
        self.set_options(var_options=variables, direct=kwargs)
        also = self.get_option("also")
        options = [str(option) for option in context.CLIARGS.get("extra_vars") or ()]
        # parse_kv is what Ansible reads NAME=VALUE with, and its loader reads JSON and YAML.
        read = [(option, _read(option, self._loader)) for option in options]
        named = {name for _option, values in read for name in values or {}}
        more = {
            name: self._templar.template(variables[name])
            for name in also
            if name in (terms or REPEATED) and variables and name not in named and variables.get(name)
        }
        limit = context.CLIARGS.get("subset")
        return [
            shlex.quote(word)
            for word in [*(["--limit", limit] if limit else []), *words(terms or REPEATED, read, more)]
        ]


def words(
    names: Collection[str], options: Sequence[tuple[str, Mapping[str, Any] | None]], more: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the words that give once more what ``options`` gave.

    :param names: variables that may be repeated.
    :param options: each option as it was typed, with the variables in it; None for a file of them.
    :param more: variables that were set in another way, and come first, as an option beats them.
    """
    for values in ({name: value} for name, value in more.items()):
        yield from ("-e", _assignment(values))
    for typed, given in options:
        if given is None:
            # Whoever reads the report may be in another folder.
            yield from ("-e", "@" + os.path.abspath(os.path.expanduser(typed[1:])))
            continue
        for name, value in given.items():
            if name in names:
                yield from ("-e", _assignment({name: value}))


def _assignment(values: Mapping[str, Any]) -> str:
    """Return what follows ``-e`` for one variable; a file that is not there yet if its value may be a secret."""
    ((name, value),) = values.items()
    try:
        text = json.dumps({name: value}, ensure_ascii=False)
    except TypeError:
        # Encrypted by Ansible Vault.
        return _elsewhere(name)
    if SECRET.search(name) or redact({name: value}) != {name: value} or redact(text) != text:
        return _elsewhere(name)
    return f"{name}={value}" if isinstance(value, str) and SIMPLE.fullmatch(value) else text


def _elsewhere(name: str) -> str:
    return f"@put-the-secret-{name}-into-this-file.yml"


def _read(option: str, loader: Any) -> Mapping[str, Any] | None:
    """Return the variables of one ``-e``, which Ansible has read before; None if it names a file."""
    if option.startswith("@"):
        return None
    values = loader.load(option) if option[:1] in ("[", "{") else parse_kv(option)
    return values if isinstance(values, Mapping) else {}
