from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.query.tokens import MAX_TOKEN, tokens


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Café CAFE ｃａｆé", ["cafe", "cafe", "cafe"]),
        ("Straße ﬁre Ⅷ", ["strasse", "fire", "viii"]),
        ("don't U.S. 3,000 covid-19 a_b", ["don", "t", "u", "s", "3", "000", "covid", "19", "a", "b"]),
        ("東京2020 ไทย", ["東", "京", "2020", "ไ", "ท", "ย"]),
        ("हिन्दी", ["हिन्दी"]),
        ("한국어", ["한국어"]),
        ("Ёлка йод", ["елка", "иод"]),
        ("🙂 & — ...", []),
        ("w" * 100, ["w" * MAX_TOKEN]),
    ],
)
def test_words(text: str, wanted: list[str]) -> None:
    assert tokens(text) == wanted


@given(st.text(max_size=60))
def test_a_token_is_its_own_token(text: str) -> None:
    for token in tokens(text):
        assert tokens(token) == [token]


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_the_fast_path_for_ascii_gives_the_same(text: str) -> None:
    assert tokens(text) == tokens(text + " é")[:-1]
