"""Generated corpora and queries for the property tests of strict matching: few words, so that they meet often."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st

from shared.articles import Article, Tag
from shared.query.ast import Dated, Field, Node, Query, Text, conjunction, disjunction, negation
from shared.query.tokens import tokens
from tests.support.builders import NOON, make_article

WORDS = (
    "ferry", "harbour", "sea", "wall", "the", "Fähre", "FERRY", "ferries", "don't", "U.S.", "3,000", "covid-19",
    "Straße", "strasse", "東京", "京", "東", "Ωμέγα", "сад", "हिन्दी", "naïve", "l'été", "x", "storm_surge", "ﬁre",
    "Ⅷ", "and", "or",
)  # fmt: skip
TAGS = ("transport", "world-news", "stadte", "Gas")
SECTIONS = ("local", "Arts, Books", 'say "hi"', None)
SOURCES = ("example-gazette", "Harbour Post", None)
LANGUAGES = ("en", "de", "pt-BR", "und")
STORIES = ("s1", "s2", None)
_PUNCTUATION = (" ", " ", " ", ", ", ". ", "\n\n", " - ", " (", ") ", ' "', "! ")

texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(_PUNCTUATION)), max_size=8).map(
    lambda pairs: "".join(word + mark for word, mark in pairs)
)


_tags = st.lists(st.sampled_from(TAGS), unique=True, max_size=2).map(
    lambda slugs: tuple(Tag(slug=slug, label=slug) for slug in slugs)
)


@st.composite
def articles(draw: st.DrawFn, ident: str) -> Article:
    return make_article(
        external_id=ident,
        title=draw(texts) or "untitled",
        dek=draw(texts),
        summary=draw(texts),
        paragraphs=tuple(draw(st.lists(texts, max_size=2))),
        tags=tuple(
            Tag(slug=slug, label=slug) for slug in draw(st.lists(st.sampled_from(TAGS), unique=True, max_size=2))
        ),
        section=draw(st.sampled_from(SECTIONS)),
        source=draw(st.sampled_from(SOURCES)),
        language=draw(st.sampled_from(LANGUAGES)),
        story_id=draw(st.sampled_from(STORIES)),
        authors=tuple(draw(st.lists(texts.filter(str.strip), max_size=1))),
        published_at=NOON - timedelta(days=draw(st.integers(0, 5))),
        keyphrases=(),
        signature=(),
    )


def corpora(size: int) -> st.SearchStrategy[list[Article]]:
    return st.tuples(*(articles(f"q{number}") for number in range(size))).map(list)


_text_leaves = texts.map(lambda text: tuple(tokens(text))[:4]).filter(bool).map(Text)
_field_leaves = st.one_of(
    st.sampled_from([tag.lower() for tag in TAGS]).map(lambda value: Field("tag", value)),
    st.sampled_from([value for value in SECTIONS if value]).map(lambda value: Field("section", value)),
    st.sampled_from([value for value in SOURCES if value]).map(lambda value: Field("source", value)),
    st.sampled_from(LANGUAGES).map(lambda value: Field("lang", value)),
    st.sampled_from([value for value in STORIES if value]).map(lambda value: Field("story", value)),
)


def _at(days: int) -> int:
    moment: datetime = NOON - timedelta(days=days)
    return int(moment.timestamp())


_dated_leaves = st.one_of(
    st.integers(0, 5).map(lambda days: Dated(gte=_at(days))),
    st.integers(0, 5).map(lambda days: Dated(lt=_at(days))),
    st.tuples(st.integers(3, 5), st.integers(0, 2)).map(lambda pair: Dated(_at(pair[0]), _at(pair[1]))),
)
nodes: st.SearchStrategy[Node] = st.recursive(
    st.one_of(_text_leaves, _text_leaves, _text_leaves, _field_leaves, _dated_leaves),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(conjunction),
        st.lists(inner, min_size=2, max_size=3).map(disjunction),
        inner.map(negation),
    ),
    max_leaves=6,
)
queries = nodes.map(Query)
