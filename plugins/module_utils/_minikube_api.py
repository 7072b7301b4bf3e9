# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server of a minikube cluster shows without a Kubernetes client: its certificate, its last touches.

The client library takes longer to import than everything here takes to ask.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._http import tls_context

LOOK_SECONDS = 2.0
EXPIRED = 10
NOT_YET_VALID = 9
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID (openssl/x509_vfy.h)."""

MADE_LAST = (
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/minikube-rbac",
    "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy",
)
"""What minikube makes once kubeadm has ended, and kubeadm's last step (minikube 1.38.1:
pkg/minikube/bootstrapper/kubeadm, elevateKubeSystemPrivileges). A start that was cut off while kubeadm made the
control plane leaves neither, and the next start calls such a cluster finished (tried with the driver none)."""

BUILT_IN = {"default", "kube-system", "kube-public", "kube-node-lease"}
"""The namespaces that every cluster has (kube-apiserver makes them)."""


def certificate(address: str, port: int, home: str) -> tuple[int | None, list[str]]:
    """Look at the certificate that the API server shows.

    :param home: minikube's directory, whose ca.crt signed it.
    :returns: the days left (None when it could not be seen: another network, a proxy) and what is wrong with it.
    """
    try:
        context = tls_context(cafile=os.path.join(home, "ca.crt"))
        with (
            socket.create_connection((address, port), timeout=LOOK_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address) as secure,
        ):
            ends = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
            return int((ends - time.time()) // 86400), []
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == EXPIRED:
            return -1, ["the API server's certificate has expired; the next start renews it"]
        if error.verify_code == NOT_YET_VALID:
            now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
            return None, [f"the API server's certificate is not valid yet: this host's clock says {now}, set it right"]
        return None, []
    except (OSError, ValueError, KeyError, OverflowError):
        return None, []


def cut_off(address: str, port: int, home: str, profile: str) -> tuple[bool, list[str]]:
    """Tell whether the cluster's first start was cut off while kubeadm made the control plane.

    :param home: minikube's directory, which holds the profile's client certificate.
    :returns: whether it was, False where that could not be seen; and what somebody has put into it since, as names of
        namespaces and of pods in ``default``.
    """
    try:
        connection = _connect(address, port, home, profile)
        try:
            if any(_get(connection, path) is not None for path in MADE_LAST):
                return False, []
            spaces = _names(_get(connection, "/api/v1/namespaces"))
            pods = _names(_get(connection, "/api/v1/namespaces/default/pods"))
            return True, [*(name for name in spaces if name not in BUILT_IN), *(f"default/{name}" for name in pods)]
        finally:
            connection.close()
    except (OSError, ValueError, OverflowError, http.client.HTTPException):
        return False, []


def cluster_uid(address: str, port: int, home: str, profile: str) -> str:
    """Return the UID of the namespace kube-system, which each new cluster makes anew; "" where it cannot be seen.

    :param home: minikube's directory, which holds the profile's client certificate.
    """
    try:
        connection = _connect(address, port, home, profile)
        try:
            return str((_get(connection, "/api/v1/namespaces/kube-system") or {})["metadata"]["uid"])
        finally:
            connection.close()
    except (OSError, ValueError, OverflowError, LookupError, TypeError, http.client.HTTPException):
        return ""


def _connect(address: str, port: int, home: str, profile: str) -> http.client.HTTPSConnection:
    context = tls_context(cafile=os.path.join(home, "ca.crt"))
    folder = os.path.join(home, "profiles", profile)
    context.load_cert_chain(os.path.join(folder, "client.crt"), os.path.join(folder, "client.key"))
    return http.client.HTTPSConnection(address, port, timeout=LOOK_SECONDS, context=context)


def _get(connection: http.client.HTTPSConnection, path: str) -> dict[str, Any] | None:
    """Return an object, None where there is none. Raises ValueError for any other answer."""
    connection.request("GET", path, headers={"Accept": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status == http.client.NOT_FOUND:
        return None
    if answer.status != http.client.OK:
        raise ValueError(f"{path}: status {answer.status}")
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError(f"{path}: no object")
    return value


def _names(items: dict[str, Any] | None) -> list[str]:
    try:
        return sorted(str(item["metadata"]["name"]) for item in (items or {})["items"])
    except (KeyError, TypeError) as error:
        raise ValueError("no list of objects") from error
