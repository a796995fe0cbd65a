"""Links that answers carry: pages of a search, and articles under their slugs."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.serve.domain import links
from services.serve.routes.responses import page_targets


@pytest.mark.parametrize(
    ("query", "begin"),
    [
        ("", "/v1/search?page="),
        ("page=3", "/v1/search?page="),
        ("q=sea+wall&page-size=5", "/v1/search?q=sea+wall&page-size=5&page="),
        ("q=%C3%A9&page=3", "/v1/search?q=%C3%A9&page="),
        ("page=3&q=a", "/v1/search?q=a&page="),
        ("pag%65=3&q=a", "/v1/search?q=a&page="),
        ('q="a">;b', "/v1/search?q=%22a%22%3E%3Bb&page="),
        ("q", "/v1/search?q=&page="),
    ],
)
def test_pages_keep_the_rest_of_the_query(query: str, begin: str) -> None:
    assert page_targets("/v1/search", query, page=3, pages=4) == {
        rel: f"{begin}{number}" for rel, number in {"first": 1, "prev": 2, "next": 4, "last": 4}.items()
    }


def test_there_are_no_links_to_pages_that_are_not_there() -> None:
    assert set(page_targets("/v1/search", "q=a", page=1, pages=1)) == {"first", "last"}
    assert page_targets("/v1/search", "q=a", page=1, pages=0) == {}


@given(st.text(alphabet="pagesizq=&%+;<>\"' 0356C39A9é-", max_size=40))
def test_a_link_says_the_same_as_the_query_whatever_was_sent(query: str) -> None:
    target = page_targets("/v1/search", query, page=1, pages=2)["next"]
    assert not set(target) & set("<>\"' ")
    others = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "page"]
    assert parse_qsl(urlsplit(target).query, keep_blank_values=True) == [*others, ("page", "2")]


@given(st.text(max_size=30))
def test_a_slug_is_quoted_as_a_whole(slug: str) -> None:
    try:
        slug.encode()
    except UnicodeEncodeError:
        return
    assert links.article_page("k", slug) == f"/articles/k/{quote(slug, safe='')}"
