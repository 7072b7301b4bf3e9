# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markup is escaped by construction."""

from __future__ import annotations

from ansible_collections.meshlab.istio.plugins.module_utils._html import Markup, document, join, tag


def test_text_and_attributes_are_escaped() -> None:
    made = tag("p", "<script>alert('&')</script>", title='"><img src=x>')
    assert made == (
        '<p title="&quot;&gt;&lt;img src=x&gt;">&lt;script&gt;alert(\'&amp;\')&lt;/script&gt;</p>'
    )  # fmt: skip


def test_markup_is_not_escaped_again() -> None:
    assert tag("p", tag("b", "1 < 2")) == "<p><b>1 &lt; 2</b></p>"


def test_children_are_flattened_and_nothing_is_left_out() -> None:
    assert tag("ul", [tag("li", number) for number in (1, 2.5)], None, ()) == "<ul><li>1</li><li>2.5</li></ul>"


def test_text_joined_to_markup_is_no_longer_trusted() -> None:
    """Only what this module's functions return is trusted, not what string methods make of it."""
    assert join([Markup("<b>") + "<i>"]) == "&lt;b&gt;&lt;i&gt;"


def test_attribute_names() -> None:
    made = tag("rect", class_="a", stroke_width=2, viewBox="0 0 1 1", hidden=True, rx=None, ry=False, name="n")
    assert made == '<rect class="a" stroke-width="2" viewBox="0 0 1 1" hidden name="n"></rect>'


def test_void_element_has_no_end() -> None:
    assert tag("br") == "<br>"


def test_document_forbids_scripts_and_requests() -> None:
    page = document("a < b", "p{}", tag("p", "x"))
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "default-src &#x27;none&#x27;; style-src &#x27;unsafe-inline&#x27;" in page
    assert "<title>a &lt; b</title>" in page
