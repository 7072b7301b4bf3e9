# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy kubectl would use (golang.org/x/net 0.46, http/httpproxy; its own test's table is in here)."""

from __future__ import annotations

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._proxies import proxy_of

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("https://api:6443", {"HTTPS_PROXY": PROXY}, (PROXY, "HTTPS_PROXY")),
        ("https://api:6443", {"https_proxy": "proxy:3128"}, (PROXY, "https_proxy")),
        ("https://api:6443", {"HTTPS_PROXY": "", "https_proxy": PROXY}, (PROXY, "https_proxy")),
        ("https://api:6443", {"HTTPS_PROXY": PROXY, "https_proxy": "http://other"}, (PROXY, "HTTPS_PROXY")),
        # No http proxy for https, and none that only curl knows.
        ("https://api:6443", {"HTTP_PROXY": PROXY, "http_proxy": PROXY, "ALL_PROXY": PROXY}, None),
        ("http://api", {"HTTP_PROXY": PROXY, "HTTPS_PROXY": "http://other"}, (PROXY, "HTTP_PROXY")),
        ("http://api", {"HTTPS_PROXY": PROXY}, None),
        ("https://localhost:6443", {"HTTPS_PROXY": PROXY}, None),
        ("https://127.3.2.1:6443", {"HTTPS_PROXY": PROXY}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": PROXY}, None),
        ("https://api:6443", {}, None),
    ],
)
def test_which_variable_counts(url: str, environment: dict[str, str], expected: tuple[str, str] | None) -> None:
    assert proxy_of(url, environment) == expected


@pytest.mark.parametrize(
    ("url", "exceptions", "straight"),
    [
        # The table of Go's own test (proxy_test.go, UseProxyTests) with its NO_PROXY.
        *[(f"https://{host}", GO, straight) for GO in [
            "foobar.com, .barbaz.net, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, "
            "[2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64"
        ] for host, straight in [
            ("barbaz.net", False), ("www.barbaz.net", True), ("foobar.com", True), ("www.foobar.com", True),
            ("foofoobar.com", False), ("baz.com", False), ("localhost.net", False), ("local.localhost", False),
            ("barbarbaz.net", False), ("192.168.1.1", True), ("192.168.1.2", False), ("192.168.1.3", False),
            ("192.168.1.4", False), ("10.0.0.2", True), ("10.0.0.4", False), ("[2001:db8::52:0:1]", True),
            ("[2001:db8::52:0:2]", True), ("[2001:db8::52:0:3]", False), ("[2002:db8:a::123]", True),
            ("[fe80::424b:c8be:1643:a1b6]", False),
        ]],
        ("https://192.168.49.2:8443", "localhost,127.0.0.1,10.96.0.0/12,192.168.49.0/24", True),
        ("https://192.168.50.2:8443", "localhost,127.0.0.1,10.96.0.0/12,192.168.49.0/24", False),
        ("https://api.lab.example:6443", "*.lab.example", True),
        ("https://lab.example:6443", "*.lab.example", False),
        ("https://api.lab.example:6443", "API.LAB.example:6443", True),
        ("https://api.lab.example:6443", "api.lab.example:443", False),
        ("https://api.lab.example", "api.lab.example:443", True),
        ("https://api.lab.example", "other, *", True),
        ("https://api.lab.example", ":443,/,10.0.0.0/99,[", False),
    ],
)  # fmt: skip
def test_what_needs_no_proxy(url: str, exceptions: str, straight: bool) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        found = proxy_of(url, {"HTTPS_PROXY": PROXY, variable: exceptions})
        assert (found is None) is straight
