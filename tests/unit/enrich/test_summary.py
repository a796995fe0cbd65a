"""The summary is made of the article's own sentences, whatever the article says and in whatever language."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain.terms.summary import MAX_WORDS, sentences, summarise

MAX_CHARACTERS = 3 * 600 + 2
LANGUAGES = st.sampled_from(["en", "de", "fr", "pt-BR", "ru", "zh", "ja", "ar", "hi", "th", "und", "", "x"])
PIECES = [
    "The",
    "harbour",
    "3.5",
    "Dr.",
    "U.S.",
    "e.g.",
    "Größe",
    "l’été",
    "3.",
    "Mai",
    "Что",
    "東京の朝",
    "今日。",
    "No!",
]
WORDS = st.one_of(
    st.sampled_from(PIECES), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
)
PROSE = st.lists(WORDS, min_size=1, max_size=60).map(lambda words: " ".join(words) + ".")
PARAGRAPHS = st.lists(st.one_of(PROSE, st.text(max_size=300), st.just("x" * 5_000)), max_size=12)


def squeezed(text: str) -> str:
    return " ".join(text.split())


@given(title=st.text(max_size=80), paragraphs=PARAGRAPHS, language=LANGUAGES)
def test_a_summary_is_the_articles_own_sentences_in_order(title: str, paragraphs: list[str], language: str) -> None:
    summary = summarise(title, paragraphs, language)
    assert summary == summarise(title, list(paragraphs), language)
    assert len(summary.split()) <= MAX_WORDS
    assert len(summary) <= MAX_CHARACTERS
    own = [sentence for paragraph in paragraphs for sentence in sentences(paragraph[:4_000])]
    assert bool(summary) == bool(own)
    if summary and summary not in _in_order(summary, own):
        # All sentences are longer than a summary may be: the first of them, cut short.
        assert summary.endswith("…")
        assert squeezed(own[0]).startswith(squeezed(summary[:-1]))


def _in_order(summary: str, own: list[str]) -> set[str]:
    """Every text of up to three of these sentences, in order and joined by a blank, that begins the summary."""
    found, begun = set(), {("", 0, 0)}
    while begun:
        longer = set()
        for text, after, number in begun:
            for place in range(after, len(own)):
                joined = f"{text} {own[place]}" if text else own[place]
                if number < 3 and summary.startswith(joined):
                    longer.add((joined, place + 1, number + 1))
        found |= {text for text, _, _ in longer}
        begun = longer
    return found


@given(paragraph=st.one_of(PROSE, st.text(max_size=300)))
def test_sentences_are_the_paragraph_without_its_outer_blanks(paragraph: str) -> None:
    parts = sentences(paragraph)
    assert "".join("".join(parts).split()) == "".join(paragraph.split())
    at = 0
    for part in parts:
        at = paragraph.index(part, at) + len(part)


def test_a_sentence_that_is_not_the_articles_own_would_be_seen() -> None:
    own = ["One two three four five.", "Six seven eight nine ten."]
    assert " ".join(own) in _in_order(" ".join(own), own)
    assert " ".join(reversed(own)) not in _in_order(" ".join(reversed(own)), own)
    assert "One two three." not in _in_order("One two three.", own)
