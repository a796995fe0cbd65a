"""When an article is news, and how the event says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.index.domain.publication import publication
from shared.articles import card_of
from shared.events import ArticleEnriched, EventMeta
from tests.support.builders import NOON, make_article

CAUSE: EventMeta = ArticleEnriched.meta_for(producer="enrich", now=NOON, correlation_id="trace-1")


@pytest.mark.parametrize(
    ("rev", "published_rev", "expected"),
    [(1, 0, "article.published"), (4, 0, "article.published"), (2, 1, "article.updated"), (9, 3, "article.updated")],
)
def test_type_of_the_event(rev: int, published_rev: int, expected: str) -> None:
    event = publication(make_article(rev=rev), published_rev=published_rev, cause=CAUSE, now=NOON)
    assert event is not None
    assert event.meta.type == expected


@pytest.mark.parametrize(("rev", "published_rev"), [(1, 1), (2, 3)])
def test_nothing_is_announced_twice(rev: int, published_rev: int) -> None:
    assert publication(make_article(rev=rev), published_rev=published_rev, cause=CAUSE, now=NOON) is None


def test_the_event_follows_from_its_cause_and_carries_the_card() -> None:
    article = make_article()
    later = NOON + timedelta(seconds=3)
    event = publication(article, published_rev=0, cause=CAUSE, now=later)
    assert event is not None
    assert event.card == card_of(article)
    assert (event.meta.correlation_id, event.meta.causation_id) == ("trace-1", CAUSE.event_id)
    assert (event.meta.producer, event.meta.occurred_at) == ("index", later)
