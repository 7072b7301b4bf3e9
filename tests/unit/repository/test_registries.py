# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No file names a package registry's host: the ordinary clients know it, or the mirror that a user has configured."""

from __future__ import annotations

import re

import pytest

from tests.unit.repository.collection import ROOT, project_files

REGISTRIES = (
    # The labels of each name, so that this file has no such name either.
    ("pypi", "org"), ("pythonhosted", "org"),
    ("maven", "org"), ("maven", "apache", "org"), ("sonatype", "com"), ("sonatype", "org"),
    ("proxy", "golang", "org"), ("sum", "golang", "org"), ("goproxy", "io"), ("goproxy", "cn"),
    ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"),
    ("deb", "debian", "org"), ("security", "debian", "org"), ("ftp", "debian", "org"), ("archive", "ubuntu", "com"),
    ("crates", "io"), ("rubygems", "org"), ("galaxy", "ansible", "com"), ("anaconda", "org"),
)  # fmt: skip
"""Domains of Python, Java, Go, JavaScript, Debian and others. Images' registries are parts of their names, as
manifests have them, and stand elsewhere."""
NAME = re.compile(rf"(?<![a-z0-9-])(?:{'|'.join(re.escape('.'.join(labels)) for labels in REGISTRIES)})(?![a-z0-9-])")


def found_in(text: str) -> list[str]:
    return NAME.findall(text.lower())


@pytest.mark.parametrize("labels", REGISTRIES, ids="-".join)
def test_a_registrys_host_is_known_wherever_it_stands(labels: tuple[str, ...]) -> None:
    name = ".".join(labels)
    assert found_in(f"x = 'https://repo1.{name.upper()}/path'") == [name]
    assert found_in(f"{name}:443") == [name]
    assert found_in(f"my{name}, {name}x") == []


def test_no_file_names_the_host_of_a_registry() -> None:
    files = project_files()
    assert len(files) > 300
    named = {
        str(path.relative_to(ROOT)): names
        for path in files
        if (names := found_in(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert named == {}, "use the ordinary client (pip, go, mvn, apt-get), which knows the registry or its mirror"
