from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.articles import Article
from shared.events import Publication, StoryCard, StoryChange, Tombstone, Withdrawal
from shared.query import Percolator, Query, article_facts, card_facts, event_facts, matches, parse, tombstone_facts
from shared.query.percolator import TermCounts, is_broad
from tests.support.builders import NOON, make_article, make_card
from tests.support.queries import corpora, queries

TOMBSTONE = Tombstone(id="x" * 26, rev=2, slug="s", section="local", source="example-gazette", language="en", at=NOON)


def query(text: str) -> Query:
    return parse(text, now=NOON)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ferry LINE", True),
        ("ferr", False),
        ("fery", False),
        ("boats", True),
        ("boat", False),
        ("ferry tunnel", False),
        ("ferry OR tunnel", True),
        ("ferry -tunnel", True),
        ("ferry -line", False),
        ('"old ferry line"', True),
        ('"ferry old"', False),
        ('"line commuters"', False),  # the title ends between them
        ("transport mara", True),
        ("tag:transport section:local source:example-gazette lang:en", True),
        ("tag:sport OR lang:de", False),
        ("section:Local", False),
        ("since:2026-03-14T12:00:00Z", True),
        ("since:2026-03-14T12:00:01Z", False),
        ("until:2026-03-14T12:00:00Z", True),
        ("until:2026-03-13", False),
        ("-(tunnel OR sport)", True),
    ],
)
def test_strict_meaning(text: str, wanted: bool) -> None:
    assert matches(query(text), article_facts(make_article())) is wanted


def test_a_card_has_no_body() -> None:
    assert matches(query("boats"), article_facts(make_article()))
    assert not matches(query("boats"), card_facts(make_card()))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ferry", True),
        ("-ferry", True),
        ("ferry section:local", True),
        ("ferry section:sport", False),
        ("ferry OR section:sport", True),
        ("-(ferry OR section:local)", False),
        ("story:s1 since:2026-01-01", True),
        ("-story:s1", True),
        ("lang:de", False),
    ],
)
def test_of_a_tombstone_only_what_is_left_is_judged(text: str, wanted: bool) -> None:
    facts = tombstone_facts(TOMBSTONE)
    percolator = Percolator()
    percolator.put("k", query(text))
    assert matches(query(text), facts) is wanted
    assert percolator.match(facts) == (["k"] if wanted else [])


def test_events_are_judged_by_what_they_are_about() -> None:
    meta = Publication.meta_for(producer="index", now=NOON)
    published = Publication(meta=meta, card=make_card())
    assert not matches(query("boats"), event_facts(published))
    assert matches(query("boats"), event_facts(published, make_article()))
    assert matches(query("boats"), event_facts(Withdrawal(meta=meta, article=TOMBSTONE)))
    story = StoryCard(id="s9", slug="s", title="Ferry", articles=2, first_at=NOON, last_at=NOON, lead=make_card())
    assert matches(query("story:s9 ferry"), event_facts(StoryChange(meta=meta, story=story, article_id="x" * 26)))


@given(corpora(2), st.lists(queries, min_size=1, max_size=6), st.booleans())
def test_the_percolator_finds_exactly_what_matches(found: list[Article], asked: list[Query], learned: bool) -> None:
    counts = TermCounts()
    facts = [article_facts(article) for article in found]
    if learned:
        counts.learn(facts[0])
    percolator = Percolator(counts)
    for number, one in enumerate(asked):
        percolator.put(str(number), one)
    gone = replace(facts[0], words=frozenset(), runs="", story=None, dated_at=0, partial=True)
    for about in (*facts, gone):
        wanted = {str(number) for number, one in enumerate(asked) if matches(one, about)}
        answer = percolator.match(about)
        assert len(answer) == len(set(answer))
        assert set(answer) == wanted


def test_queries_come_change_and_go() -> None:
    percolator, facts = Percolator(), article_facts(make_article())
    percolator.put("a", query("ferry"))
    percolator.put("b", query("FERRY"))
    assert (len(percolator), percolator.distinct) == (2, 1)
    percolator.put("a", query("tunnel OR bridge"))
    assert percolator.match(facts) == ["b"]
    percolator.put("c", query("-tunnel"))
    assert sorted(percolator.match(facts)) == ["b", "c"]
    assert percolator.remove("b")
    assert not percolator.remove("b")
    assert percolator.remove("c")
    assert percolator.match(facts) == []
    assert "a" in percolator
    assert percolator.remove("a")
    assert (len(percolator), percolator.distinct) == (0, 0)
    assert percolator.candidates(facts) == 0


def test_common_terms_are_no_anchors_once_they_are_known() -> None:
    counts = TermCounts()
    for day in range(20):
        counts.learn(article_facts(make_article(published_at=NOON - timedelta(days=day))))
    percolator = Percolator(counts)
    percolator.put("k", query("ferry lang:en (zeppelin OR airship)"))
    assert percolator.candidates(article_facts(make_article())) == 0
    assert percolator.candidates(article_facts(make_article(dek="an airship"))) == 1


@pytest.mark.parametrize(("text", "broad"), [("-a", True), ("since:1d", True), ("a OR -b", True), ("a -b", False)])
def test_queries_without_required_terms_are_known(text: str, broad: bool) -> None:
    assert is_broad(query(text)) is broad
