"""The Bloom filter that matches tombstones: no false negatives, few false positives, and words of unspaced scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.articles import Article
from shared.events import Tombstone
from shared.query import Percolator, Query, article_facts, matches, parse, removed_text
from shared.query.facts import removed_facts
from shared.query.term_filter import TermFilter
from shared.query.tokens import tokens
from tests.support.builders import NOON, make_article
from tests.support.queries import queries


def erased(article: Article) -> Tombstone:
    kept = article.model_dump(include={"id", "rev", "slug", "section", "source", "language"})
    return Tombstone(**kept, tags=article.tags, at=NOON, reason="")


@given(st.lists(st.lists(st.text(min_size=1, max_size=12), max_size=20), max_size=5))
def test_no_word_of_the_text_is_missing(runs: list[list[str]]) -> None:
    found = TermFilter.decode(TermFilter.of(runs).encode())
    assert all(found.holds(run) for run in runs)


def test_false_positives_are_rare() -> None:
    found = TermFilter.of([[f"word{number}" for number in range(2_000)]])
    assert sum(f"other{number}" in found for number in range(20_000)) <= 40


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("北京海关宣布新规", "北海", False),
        ("北京海关宣布新规", "海关", True),
        ("東京都の天気", "京都", True),
        ("การเดินเรือเริ่มใหม่", "เรือ", True),
        ("sea wall holds", "sea wall", True),
        ("sea wall holds", "sea gull", False),
    ],
)
def test_phrases(text: str, words: str, expected: bool) -> None:
    assert TermFilter.of([tokens(text)]).holds(tokens(words)) is expected


@pytest.mark.parametrize("text", ["", "nonsense!", "====="])
def test_a_damaged_filter_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="term filter"):
        TermFilter.decode(text)


@given(queries)
def test_what_matched_the_article_matches_its_tombstone(query: Query) -> None:
    article = make_article(paragraphs=("Rain, tram and a harbour wall.",))
    facts = removed_facts(erased(article), removed_text(article))
    percolator = Percolator()
    percolator.put("one", query)
    assert (percolator.match(facts) == ["one"]) is matches(query, facts)
    if not any(type(leaf).__name__ == "Text" and len(leaf.tokens) > 1 for leaf in query.leaves()):  # type: ignore[union-attr]
        assert matches(query, facts) is matches(query, article_facts(article))


@pytest.mark.parametrize("q", ["ferry", "boats tag:transport", '"electric boats"', "ferry -tram", "since:2026-01-01"])
def test_examples_of_queries(q: str) -> None:
    article = make_article()
    assert matches(parse(q, now=NOON), removed_facts(erased(article), removed_text(article)))
    other = make_article(title="Snow", dek="", summary="", paragraphs=("Snow.",), tags=(), published_at=None)
    facts = removed_facts(erased(other), removed_text(other))
    assert matches(parse("ferry", now=NOON), facts) is False
