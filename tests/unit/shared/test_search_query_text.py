"""The query text: words, phrases, exclusions, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.checks import MAX_LENGTH
from shared.search.embedded.query_text import MAX_WORDS, ParsedText, parse, typo_budget
from shared.search.errors import InvalidQuery


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ParsedText(blank=True)),
        (" \t\x00\n", ParsedText(blank=True)),
        ("!!! …", ParsedText()),
        ("Ferry line", ParsedText(words=("ferry", "line"), prefix=True)),
        ("ferry line ", ParsedText(words=("ferry", "line"))),
        ("ferry line!", ParsedText(words=("ferry", "line"))),
        ("covid-19", ParsedText(words=("covid", "19"), prefix=True)),
        ('"ferry line" bay', ParsedText(words=("bay",), prefix=True, phrases=(("ferry", "line"),))),
        ('bay "ferry line"', ParsedText(words=("bay",), phrases=(("ferry", "line"),))),
        ('"ferry li', ParsedText(phrases=(("ferry", "li"),))),
        ("ferry -bay", ParsedText(words=("ferry",), excluded=(("bay",),))),
        ('-"the bay" ferry ', ParsedText(words=("ferry",), excluded=(("the", "bay"),))),
        ("a-b", ParsedText(words=("a", "b"), prefix=True)),
        ("東京", ParsedText(words=("東", "京"), prefix=True)),
    ],
)
def test_reading(text: str, expected: ParsedText) -> None:
    assert parse(text) == expected


def test_words_after_the_tenth_are_ignored() -> None:
    parsed = parse(" ".join(f"word{n}" for n in range(15)))
    assert len(parsed.words) == MAX_WORDS
    assert not parsed.prefix


@pytest.mark.parametrize(
    ("word", "budget"), [("four", 0), ("fives", 1), ("eightlet", 1), ("ninelette", 2), ("abc123def", 0), ("東", 0)]
)
def test_typo_budget(word: str, budget: int) -> None:
    assert typo_budget(word) == budget


@given(st.text(st.characters(), max_size=MAX_LENGTH + 10))
def test_any_text_is_read_or_refused(text: str) -> None:
    if len(text) > MAX_LENGTH or any("\ud800" <= char <= "\udfff" for char in text):
        with pytest.raises(InvalidQuery):
            parse(text)
        return
    try:
        parsed = parse(text)
    except InvalidQuery:
        parsed = ParsedText()
        assert max(text.count('"') / 2, text.count("-")) > 8
    assert len(parsed.words) <= MAX_WORDS
    assert all(word.strip() == word and word for word in parsed.words)
