"""The query text: words, phrases, exclusions, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.checks import MAX_EXCLUSIONS, MAX_LENGTH, MAX_PHRASES, clean_query
from shared.search.embedded.query_text import MAX_WORDS, ParsedText, Word, parse, typo_budget
from shared.search.errors import InvalidQuery


def words(*tokens: str) -> tuple[Word, ...]:
    return tuple(map(Word.plain, tokens))


def run(text: str) -> Word:
    return Word(tuple(text), "", is_run=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ParsedText(blank=True)),
        (" \t\x00\n", ParsedText(blank=True)),
        ("!!! …", ParsedText()),
        ("Ferry line", ParsedText(words=words("ferry", "line"), prefix=True)),
        ("ferry line ", ParsedText(words=words("ferry", "line"))),
        ("ferry line!", ParsedText(words=words("ferry", "line"))),
        ("Covid-19", ParsedText(words=(Word(("covid", "19"), "covid19"),), prefix=True)),
        ("O'Neill's", ParsedText(words=(Word(("o", "neill", "s"), "oneills", base=("o", "neill")),), prefix=True)),
        ("1,250 ", ParsedText(words=(Word(("1", "250"), "1250"),))),
        ("2026-11-18 ", ParsedText(words=(Word(("2026", "11", "18"), ""),))),
        ("l'économie ", ParsedText(words=words("l", "economie"))),
        ("six-killed-in-the-storm ", ParsedText(words=words("six", "killed", "in", "the", "storm"))),
        ('"ferry line" bay', ParsedText(words=words("bay"), prefix=True, phrases=(("ferry", "line"),))),
        ('bay "ferry line"', ParsedText(words=words("bay"), phrases=(("ferry", "line"),))),
        ('"ferry li', ParsedText(phrases=(("ferry", "li"),))),
        ("ferry -bay", ParsedText(words=words("ferry"), excluded=(("bay",),))),
        ('-"the bay" ferry ', ParsedText(words=words("ferry"), excluded=(("the", "bay"),))),
        ("東京", ParsedText(words=(Word(("東", "京"), "", is_run=True),), prefix=True)),
        ("東京タワー", ParsedText(words=(run("東京"), run("タワー")), prefix=True)),
        ("fer\u00adry \u200bline ", ParsedText(words=words("ferry", "line"))),
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
def test_any_text_is_read(text: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in text):
        with pytest.raises(InvalidQuery):
            parse(text)
        return
    parsed = parse(text)
    assert len(parsed.words) <= MAX_WORDS
    assert all(token.strip() == token and token for word in parsed.words for token in word.tokens)


def test_a_long_text_is_cut_between_words() -> None:
    assert clean_query("word " * 500) == ("word " * 102).strip()
    assert len(clean_query("x" * 5_000)) == MAX_LENGTH
    assert len(parse('"a b" ' * 60).phrases) == MAX_PHRASES
    assert len(parse("-ab " * 60).excluded) == MAX_EXCLUSIONS
