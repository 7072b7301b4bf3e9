# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variants of the sample: all reviews, destination rules, a host name, TLS, the Gateway API, a database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.all.lab import CHECKOUT, Lab, tool, until
from tests.integration.verify.test_again import assert_unchanged
from tests.lab import build
from tests.lab.cache import locked

TITLE = "<title>Simple Bookstore App</title>"
HOST = "tutorial.bookinfo.com"
CERTIFICATE = f"/root/.local/share/meshlab/{HOST}.crt"
NAMED = {
    "bookinfo_selectors": [],
    "bookinfo_destination_rules": True,
    "bookinfo_host": HOST,
    "bookinfo_tls": True,
    "bookinfo_replicas": 1,
}


@pytest.fixture(scope="module", autouse=True)
def tutorial_again(lab: Lab) -> Iterator[None]:
    """Leave the tutorial's own Bookinfo."""
    yield
    lab.kubectl(
        "delete", "--namespace=tutorial", "--ignore-not-found", "deployment/reviews-v2", "deployment/reviews-v3"
    )
    lab.kubectl("delete", "--namespace=tutorial", "--all", "destinationrules.networking.istio.io")
    lab.kubectl("delete", "--namespace=istio-system", "--ignore-not-found", "secret/bookinfo-credential")
    lab.playbook("site")


@pytest.fixture(scope="module")
def named(lab: Lab) -> str:
    """Run the playbook with all reviews, destination rules, a host name and TLS."""
    return lab.playbook("site", "-e", json.dumps(NAMED))


@pytest.fixture(scope="module")
def gateway_api(lab: Lab) -> Iterator[str]:
    """Run the playbook with the Gateway API."""
    with locked("bundle"):
        definitions = build.gateway_api()
    options = {"bookinfo_gateway": "gateway_api", "bookinfo_manifests": [str(definitions)]}
    yield lab.playbook("site", "-e", json.dumps(options))
    lab.kubectl("delete", "--namespace=tutorial", "gateways.gateway.networking.k8s.io,httproutes", "--all")
    until(
        lambda: lab.cluster.find("v1", "Service", "bookinfo-gateway-istio", "tutorial") is None, 60, "the gateway's end"
    )
    lab.kubectl("delete", "--filename=-", stdin=definitions.read_text())


def test_all_versions_of_reviews_answer(lab: Lab, named: str, measured: dict[str, Any]) -> None:
    shares = lab.report["traffic"]["by_version"]
    assert set(shares) >= {"v1", "v2", "v3"}
    measured.update(by_version=shares)


def test_destination_rules_name_the_versions(lab: Lab, named: str) -> None:
    rules = lab.cluster.list("networking.istio.io/v1", "DestinationRule", "tutorial")
    subsets = {rule["metadata"]["name"]: [each["name"] for each in rule["spec"]["subsets"]] for rule in rules}
    assert subsets["reviews"] == ["v1", "v2", "v3"]


def test_the_gateway_answers_to_its_name_only(lab: Lab, named: str) -> None:
    script = ". ~/.local/share/meshlab/tutorial.env; curl -s -o /dev/null -w '%{http_code}' "
    assert lab.ssh(script + "http://$GATEWAY_URL/productpage") == "404"
    assert lab.ssh(script + "-H Host:$MYHOST http://$GATEWAY_URL/productpage") == "200"
    assert lab.ssh(". ~/.local/share/meshlab/tutorial.env; echo $MYHOST").strip() == HOST


def test_the_gateway_speaks_tls_with_the_certificate_of_the_host(lab: Lab, named: str) -> None:
    script = (
        ". ~/.local/share/meshlab/tutorial.env; "
        "curl -s --resolve $MYHOST:$SECURE_INGRESS_PORT:$INGRESS_HOST {} https://$MYHOST:$SECURE_INGRESS_PORT/productpage"
    )
    assert TITLE in lab.ssh(script.format(f"--cacert {CERTIFICATE}"))
    assert TITLE not in lab.ssh(script.format(""), check=False), "nobody else vouches for it"
    assert lab.ssh(f"stat --format=%a {CERTIFICATE.replace('.crt', '.key')}").strip() == "600"
    assert "PRIVATE KEY" not in named


def test_a_second_run_of_the_variant_changes_nothing(lab: Lab, named: str) -> None:
    assert_unchanged(lab.playbook("site", "-e", json.dumps(NAMED)))


def test_the_gateway_api_leads_to_bookinfo(lab: Lab, gateway_api: str, measured: dict[str, Any]) -> None:
    service = lab.cluster.get("v1", "Service", "bookinfo-gateway-istio", "tutorial")
    addresses = [each["ip"] for each in service["status"]["loadBalancer"]["ingress"]]
    assert lab.report["ingress_host"] in addresses
    sent = lab.report["traffic"]["sent"]
    assert lab.report["traffic"]["status"] == {"200": sent}
    counted = lab.report["prometheus"]
    assert counted["requests_after"] - counted["requests_before"] >= sent
    assert "bookinfo-gateway-istio" in counted["query"]
    assert TITLE in lab.ssh("curl -s http://127.0.0.1:8080/productpage")
    measured.update(gateway_url=lab.report["gateway_url"], counted=counted)


def test_a_database_whose_images_the_bundle_lacks_is_refused_at_once(lab: Lab) -> None:
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", str(lab.inventory), "playbooks/site.yml", "--tags", "bookinfo",
         "-e", "bookinfo_database=mysql"],
        cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    said = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "examples-bookinfo-mysqldb" in said
    assert "or leave bookinfo_database at none" in said
    assert lab.cluster.find("apps/v1", "Deployment", "mysqldb-v1", "tutorial") is None
