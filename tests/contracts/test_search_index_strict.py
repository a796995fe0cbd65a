"""Strict search: matcher, embedded engine and real Meilisearch hold one meaning. `shared.query.matching` is the law."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from shared.articles import Article, Tag
from shared.query import Query, article_facts, matches, parse
from shared.search.errors import InvalidQuery
from shared.search.filters import Eq
from shared.search.port import SearchIndex, SearchQuery, Total
from tests.contracts.search_contract import Engine, put
from tests.support.builders import NOON, index_doc, make_article
from tests.support.queries import LANGUAGES, SECTIONS, SOURCES, STORIES, TAGS, WORDS, queries

_MARKS = (" ", " ", " ", ", ", ". ", "\n", " - ", ' "')


def corpus(seed: int, size: int = 40) -> list[Article]:
    """Articles of few words, so that generated queries meet them; another seed, other articles."""
    rng = random.Random(seed)

    def text(most: int) -> str:
        return "".join(rng.choice(WORDS) + rng.choice(_MARKS) for _ in range(rng.randint(0, most)))

    return [
        make_article(
            external_id=f"s{number}",
            title=text(4) or "untitled",
            dek=text(3),
            summary=text(5),
            paragraphs=(text(8), text(4)),
            tags=tuple(Tag(slug=slug, label=slug) for slug in rng.sample(TAGS, rng.randint(0, 2))),
            section=rng.choice(SECTIONS),
            source=rng.choice(SOURCES),
            language=rng.choice(LANGUAGES),
            story_id=rng.choice(STORIES),
            authors=(text(2),),
            published_at=NOON - timedelta(days=rng.randint(0, 5), seconds=number),
            keyphrases=(),
            signature=(),
        )
        for number in range(size)
    ]


class Corpus(list[Article]):
    """Prints as its seed, so that a failure can be read."""

    def __repr__(self) -> str:
        return f"<{len(self)} articles>"


@pytest.fixture(params=[1, 2])
async def articles(request: pytest.FixtureRequest, index: SearchIndex) -> Corpus:
    found = Corpus(corpus(request.param))
    await put(index, *map(index_doc, found))
    return found


def query(text: str) -> Query:
    return parse(text, now=NOON)


async def found_by(index: SearchIndex, asked: Query, mode: str = "newest") -> set[str]:
    page = await index.search(SearchQuery(query=asked, mode=mode, limit=100))  # type: ignore[arg-type]
    ids = [hit.card.id for hit in page.hits]
    assert len(ids) == len(set(ids))
    assert (page.total.value, page.total.exact) == (len(ids), True)
    return set(ids)


@pytest.mark.timeout(180)
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(asked=queries)
async def test_every_engine_finds_exactly_what_the_matcher_says(
    index: SearchIndex, articles: Corpus, asked: Query
) -> None:
    wanted = {article.id for article in articles if matches(asked, article_facts(article))}
    assert await found_by(index, asked) == wanted
    assert await found_by(index, asked, "relevance") == wanted


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("ferry", {"ferry", "ferry line", "line ferry"}),
        ("ferr", set()),
        ('"ferry line"', {"ferry line"}),
        ("-ferry", {"ferries"}),
        ('line -"ferry line"', {"line ferry"}),
        ("ferries OR (line -ferry)", {"ferries"}),
    ],
)
async def test_no_typo_no_prefix_no_stem(index: SearchIndex, text: str, titles: set[str]) -> None:
    names = ("ferry", "ferry line", "line ferry", "ferries")
    bare = {"dek": "", "summary": "", "paragraphs": (), "tags": (), "authors": (), "keyphrases": (), "signature": ()}
    await put(index, *(index_doc(make_article(external_id=name, title=name, **bare)) for name in names))
    page = await index.search(SearchQuery(query=query(text), mode="newest"))
    assert {hit.card.title for hit in page.hits} == titles


async def test_pages_facets_and_filters(index: SearchIndex, articles: Corpus) -> None:
    asked = query('ferry OR harbour OR sea OR "sea wall"')
    every = await index.search(SearchQuery(query=asked, mode="newest", limit=100, facets=("source", "tags")))
    assert len(every.hits) > 10
    dates = [hit.card.dated_at for hit in every.hits]
    assert dates == sorted(dates, reverse=True)
    oldest = await index.search(SearchQuery(query=asked, mode="oldest", limit=100))
    assert [hit.card.id for hit in oldest.hits] == [hit.card.id for hit in reversed(every.hits)]
    pages = [await index.search(SearchQuery(query=asked, mode="newest", offset=at, limit=4)) for at in range(0, 100, 4)]
    assert [hit.card.id for page in pages for hit in page.hits] == [hit.card.id for hit in every.hits]
    for name in ("source", "tags"):
        wanted: dict[str, int] = {}
        for hit in every.hits:
            values = [tag.slug for tag in hit.card.tags] if name == "tags" else [hit.card.source]
            for value in filter(None, values):
                wanted[value] = wanted.get(value, 0) + 1
        assert every.facets[name] == wanted
        assert await index.facets(SearchQuery(query=asked), (name,)) == {name: wanted}  # type: ignore[arg-type]
    for asked_more in (asked, query('"sea wall" OR ferry OR harbour OR sea')):
        once = await index.search(SearchQuery(query=asked_more, mode="newest", limit=100, collapse="story"))
        stories = [hit.card.story_id for hit in once.hits if hit.card.story_id]
        assert len(stories) == len(set(stories)) == 2
    narrow = await index.search(SearchQuery(query=asked, filter=Eq("source", "Harbour Post"), mode="newest", limit=100))
    assert [hit.card.id for hit in narrow.hits] == [
        hit.card.id for hit in every.hits if hit.card.source == "Harbour Post"
    ]


async def test_what_matches_is_marked(index: SearchIndex) -> None:
    body = "Nothing happens here for a while. " * 20 + "Then the Café by the sea_wall opens in 東京都."
    await put(index, index_doc(make_article(title="A café", dek="", summary="", paragraphs=(body,))))
    for text in ("CAFE 東 wall", 'cafe "東 京" -absent'):
        (hit,) = (await index.search(SearchQuery(query=query(text), highlight=True))).hits
        title, excerpt = hit.highlights["title"], hit.highlights["excerpt"]
        assert [title.text[start:end] for start, end in title.spans] == ["café"]
        assert next(excerpt.text[start:end] for start, end in excerpt.spans) == "Café"
        assert "東" in [excerpt.text[start:end] for start, end in excerpt.spans]


async def test_rank_puts_the_title_first_and_loses_nothing(index: SearchIndex) -> None:
    bare = {"summary": "", "tags": (), "keyphrases": (), "signature": ()}
    await put(
        index,
        index_doc(make_article(external_id="b", title="A quiet day", dek="", paragraphs=("A zeppelin came.",), **bare)),
        index_doc(make_article(external_id="t", title="Zeppelin", dek="", paragraphs=("It came.",), **bare)),
        index_doc(make_article(external_id="o", title="Airship", dek="", paragraphs=("It went.",), **bare)),
    )
    page = await index.search(SearchQuery(query=query("zeppelin OR airship"), mode="relevance"))
    assert len(page.hits) == 3
    assert page.hits[0].card.title == "Zeppelin"


@pytest.mark.parametrize(
    "bad",
    [
        SearchQuery(query=query("a"), text="b"),
        SearchQuery(query=query("a"), fields=("title",)),
        SearchQuery(query=query("a"), mode="fresh"),
        SearchQuery(query=query("a"), offset=1_000, limit=1),
    ],
)
async def test_what_strict_search_does_not_do_is_refused(index: SearchIndex, bad: SearchQuery) -> None:
    with pytest.raises(InvalidQuery):
        await index.search(bad)


async def test_phrases_among_very_many_are_counted_honestly(
    engine: Engine, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.search.meilisearch.boolean.VERIFIED", 4)
    monkeypatch.setattr("shared.search.meilisearch.boolean._PART", 2)
    await put(index, *(index_doc(make_article(external_id=f"p{number}")) for number in range(6)))
    total = (await index.search(SearchQuery(query=query('"ferry line"')))).total
    assert total == (Total(4, exact=False) if engine.differs("phrases-bounded") else Total(6, exact=True))


async def test_the_heaviest_queries_are_answered(index: SearchIndex, articles: Corpus) -> None:
    """The bounds of the grammar, used up: no engine refuses or fails what the grammar takes."""
    nested = "(" * 16 + "ferry" + " OR sea)" * 16
    for text in (
        " OR ".join(f"x{number}" for number in range(64)),
        " ".join(f"-(x{number} y{number})" for number in range(32)),
        nested,
        '"' + "ferry " * 32 + '"',
        'section:"' + "語" * 200 + '"',
        "ferry" * 100 + " OR ferry",
        r'source:"a\"] OR kind = \"gone" OR ferry',
    ):
        asked = query(text)
        wanted = {article.id for article in articles if matches(asked, article_facts(article))}
        assert await found_by(index, asked) == wanted, text
