# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in _http.HTTP_OPTIONS."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that sends HTTP requests."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Name that is sent as Host header and, without its port, as the TLS server name (SNI).
      - Without it, the host of the URL is sent.
    type: str
  headers:
    description: Further headers.
    type: dict
    default: {}
  validate_certs:
    description: Whether to check the server's certificate and its name.
    type: bool
    default: true
  ca_path:
    description: PEM file with the authorities to trust. Without it those of the system are trusted.
    type: path
  client_cert:
    description: PEM file with a certificate to show to the server (mutual TLS). The key may be in the same file.
    type: path
  client_key:
    description: PEM file with the key of O(client_cert).
    type: path
"""
