"""What of an article reaches the search engine, and what of it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.index.adapters.documents import index_doc
from services.index.domain.document import BODY_CHARACTERS, FACET_VALUE_BYTES, facet_value, searchable
from shared.articles import Tag, card_of
from tests.support.builders import NOON, make_article, make_index_doc


def test_an_ordinary_article_is_indexed_whole() -> None:
    article = make_article()
    assert searchable(article) is article
    assert index_doc(article) == make_index_doc()


def test_the_card_is_never_cut() -> None:
    article = make_article(section="x" * 2000, title="t" * 5000)
    doc = index_doc(article)
    assert len(doc.title) == 2000
    assert len((doc.section or "").encode()) == FACET_VALUE_BYTES
    assert doc.card == card_of(article)


def test_a_long_body_is_cut_at_the_cap() -> None:
    article = make_article(paragraphs=tuple("p" * 999 for _ in range(100)))
    body = index_doc(article).body
    assert len(body) <= BODY_CHARACTERS
    assert article.body.startswith(body)
    assert len(body) > BODY_CHARACTERS - 1001


def test_a_paragraph_longer_than_the_cap_is_cut() -> None:
    assert len(index_doc(make_article(paragraphs=("p" * 3_000_000,))).body) == BODY_CHARACTERS


def test_repeated_tags_and_authors_count_once() -> None:
    tags = (Tag(slug="transport", label="Transport"), Tag(slug="transport", label="TRANSPORT"))
    doc = index_doc(make_article(tags=tags, authors=("Mara Holt", "Mara Holt ", "", "  ")))
    assert doc.tags == ("transport",)
    assert doc.authors == ("Mara Holt",)


def test_a_date_in_the_future_does_not_pin_the_article() -> None:
    article = make_article(published_at=NOON.replace(year=2999))
    assert index_doc(article).dated_at == int(NOON.timestamp())


@given(st.text(max_size=600))
def test_a_facet_value_fits_and_is_a_prefix(text: str) -> None:
    value = facet_value(text)
    assert len(value.encode()) <= FACET_VALUE_BYTES
    assert text.strip().startswith(value)
    assert facet_value(value) == value


@given(st.lists(st.text(min_size=1, max_size=30_000), max_size=8))
def test_any_body_fits(paragraphs: list[str]) -> None:
    article = make_article(paragraphs=tuple(paragraphs))
    assert len(searchable(article).body) <= BODY_CHARACTERS
    assert article.body.startswith(searchable(article).body)
