"""Passages that a page holds twice are read once; what is repeated on purpose stays."""

from __future__ import annotations

import pytest

from services.enrich.domain.html.body import engines_agree
from services.enrich.domain.html.page import read
from services.enrich.domain.markup.candidates import text_key, text_keys
from services.enrich.domain.markup.repeats import repeated_texts
from tests.support.effort import at_most
from tests.unit.enrich.pages import html_page

_PARAGRAPHS = [
    f"On day {day} the ferry {name} left the quay of the old town at nine, with {day * 7} passengers and the mail for "
    f"the islands on board, and nobody could say yet whether it would come back before the ice of that winter closed."
    for day, name in enumerate(["Aurora", "Boreas", "Castor", "Deneb", "Electra", "Fornax"], start=1)
]


def _repeats(texts: list[str]) -> frozenset[int]:
    return repeated_texts([text_key(text) for text in texts], [len(text.split()) for text in texts])


@pytest.mark.parametrize("text", ["A “b” c_d-9!", "ΟΔΟΣ, ΟΔΟΣ ½ İſ", "नमस्ते 東京 x", "\ud800 a", ""])
def test_a_key_is_the_letters_and_digits_in_lower_case(text: str) -> None:
    wanted = "".join(filter(str.isalnum, text)).lower()
    assert text_key(text) == wanted
    assert text_keys(f"{text}\nB c\n{text}") == [wanted, "bc", wanted]


def test_the_second_copy_of_an_article_is_found_paragraph_by_paragraph() -> None:
    assert _repeats([*_PARAGRAPHS, "Something else.", *_PARAGRAPHS]) == frozenset(range(7, 13))


def test_a_copy_that_is_cut_in_another_way_is_found() -> None:
    assert _repeats([*_PARAGRAPHS, " ".join(_PARAGRAPHS)]) == {6}
    assert _repeats(["A headline", *_PARAGRAPHS, "A headline " + " ".join(_PARAGRAPHS[:4])]) == {7}


def test_what_is_new_between_two_copies_stays() -> None:
    assert _repeats([*_PARAGRAPHS, "A correction: it left at ten.", *_PARAGRAPHS[:5]]) == frozenset(range(7, 12))


def test_short_repetitions_are_on_purpose() -> None:
    refrain = ["Stir the dough for ten minutes until it is smooth.", "Let it rest."]
    assert _repeats([*refrain, _PARAGRAPHS[0], *refrain, _PARAGRAPHS[1], *refrain]) == frozenset()
    assert _repeats([]) == frozenset()


def test_a_page_made_to_match_everywhere_costs_no_more_than_others() -> None:
    with at_most(3, "telling repeats in a page of one word"):
        _repeats(["again " * 40] * 5_000)
        _repeats(["a" * length for length in range(1_500)])


def test_trafilatura_saying_everything_twice_is_no_disagreement() -> None:
    assert engines_agree(_PARAGRAPHS, "\n".join(_PARAGRAPHS * 3))
    assert not engines_agree(_PARAGRAPHS[:1], "\n".join(_PARAGRAPHS * 3))


def test_a_page_with_its_article_twice_gives_it_once_and_says_so() -> None:
    body = "".join(f"<p>{text}</p>" for text in _PARAGRAPHS)
    twice = f"<div class='desktop'>{body}</div><div class='mobile'>{body}</div>"
    page = html_page(f"<main><article><h1>Ferries of the winter</h1>{twice}</article></main>", "")
    reading = read(page.encode(), "text/html", None)
    assert list(reading.paragraphs) == _PARAGRAPHS
    assert [cut.text for cut in reading.removed if cut.rule == "copy"] == _PARAGRAPHS
