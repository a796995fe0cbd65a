"""Invisible characters leave texts and queries; those that shape letters and emoji stay."""

from __future__ import annotations

import pytest

from services.enrich.domain.decoding import clean
from shared.text_cleaning import remove_invisible


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("Kanal\u00adbrücke", "Kanalbrücke"),
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffa\u061c\u2066b\u2069", "ab"),
        ("Auf\u200clage", "Auflage"),
        ("\u202eevil\u202c", "evil"),
        ("a\x00b\x9fc", "abc"),
        ("filler\u3164\uffa0", "filler"),
        ("word\u2060joiner", "wordjoiner"),
        ("tail\u200d", "tail"),
        ("lone\ud800", "lone"),
    ],
)
def test_invisible_characters_go(text: str, visible: str) -> None:
    assert remove_invisible(text) == visible
    assert clean(text) == visible


@pytest.mark.parametrize(
    "text",
    ["می\u200cخواهم", "क\u094d\u200dष", "\U0001f468\u200d\U0001f469", "❤\ufe0f", "葛\U000e0100", "line\nend\ttab",
     "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"],
)  # fmt: skip
def test_what_shapes_letters_and_emoji_stays(text: str) -> None:
    assert remove_invisible(text) == text
