"""The benchmark of saved searches on invented texts: its searches are queries, its engines agree with the matcher."""

from __future__ import annotations

from typing import Any

import pytest

from broadsheet.bench.match_engines import compared
from broadsheet.bench.saved_searches import articles_of, saved_searches
from shared.query import parse
from tests.support.builders import HARBOUR, NOON


def texts(count: int) -> list[dict[str, Any]]:
    return [
        {
            "source": "gazette",
            "external_id": str(number),
            "title": f"Ferry {number}",
            "section": "Local news",
            "text": f"{HARBOUR}\n\nNumber{number} zeppelins over {chr(97 + number)}ville",
        }
        for number in range(count)
    ]


def test_saved_searches_are_queries_and_the_same_every_time() -> None:
    articles = articles_of(texts(12))
    found = list(saved_searches(articles, 200))
    assert found == list(saved_searches(articles, 200))
    assert len({str(parse(query, now=NOON)) for query in found}) > 50


@pytest.mark.slow
def test_engines_and_matcher_are_compared() -> None:
    articles = articles_of(texts(12))
    agreements = compared(list(saved_searches(articles, 30)), articles)
    embedded, meilisearch = agreements
    assert (embedded.queries, embedded.differing) == (30, ())
    assert embedded.matches > 0
    assert meilisearch.skipped or (meilisearch.matches, meilisearch.differing) == (embedded.matches, ())
