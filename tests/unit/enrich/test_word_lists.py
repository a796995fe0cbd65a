from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain.language import word_lists
from services.enrich.domain.language.frequencies import shares


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("the clock", "en"),
        ("die Uhr", "de"),
        ("l'horloge ancienne", "fr"),
        ("घड़ी बंद", "hi"),
        ("која слави", "sr"),  # the list is in Latin letters
    ],
)
def test_words_are_most_usual_in_their_own_language(text: str, language: str) -> None:
    means = word_lists.mean_logs(word_lists.words_of(text))
    assert max(means, key=means.__getitem__) == language


def test_a_listed_word_has_the_share_that_its_list_gives() -> None:
    """Two words, so that the mean is of both; wordfreq's own reading of the same list is the witness."""
    known = shares("en")
    means = word_lists.mean_logs(["clock", "tower"])
    expected = (math.log10(known["clock"]) + math.log10(known["tower"])) / 2
    assert means["en"] == pytest.approx(expected, abs=0.01)


def test_unknown_words_say_less_in_a_language_of_many_forms() -> None:
    means = word_lists.mean_logs(["qqqzzzxxx"])
    assert means["fi"] > means["en"]
    assert max(means.values()) < -6.5


def test_sisters_share_a_list_but_only_serbian_is_written_in_cyrillic() -> None:
    latin, cyrillic = (word_lists.mean_logs([word]) for word in ("slavi", "слави"))
    assert latin["bs"] == latin["hr"] == latin["sr"] == cyrillic["sr"]
    assert cyrillic["hr"] < cyrillic["sr"]


@given(st.text(max_size=400))
def test_any_text_has_a_mean_in_every_list_or_no_words(text: str) -> None:
    words = word_lists.words_of(text)
    assert len(words) <= word_lists.MOST_WORDS
    if words:
        means = word_lists.mean_logs(words)
        assert {"en", "bs", "tl"} <= means.keys()
        assert all(-9 < mean < 0 for mean in means.values())
