"""Suggestions and related articles on every engine: typos are forgiven, tags have labels, neighbours have a floor."""

from __future__ import annotations

import dataclasses

import pytest

from shared.articles import Tag
from shared.search.filters import Eq
from shared.search.port import IndexDoc, SearchIndex, SimilarQuery
from tests.contracts.search_contract import article, put


def tagged(ident: str, title: str, *labels: tuple[str, str], day: int = 0) -> IndexDoc:
    doc = article(ident, title, "text", tags=tuple(slug for slug, _ in labels), day=day)
    tags = tuple(Tag(slug=slug, label=label) for slug, label in labels)
    return dataclasses.replace(doc, card=doc.card.model_copy(update={"tags": tags}))


@pytest.fixture
async def streams(index: SearchIndex) -> SearchIndex:
    await put(
        index,
        tagged("a", "Parliament debates the harbour", ("politics", "Politics"), ("r-and-d", "R&D")),
        tagged("b", "Ferry timetable changes", ("world-news", "World news"), ("cafe-culture", "Café Culture")),
        tagged("c", "Harbour crane falls", ("world-news", "World News"), ("koln", "Köln"), day=3),
        tagged("d", "Wi-Fi on board", ("polls", "Polls"), ("東京", "東京")),
    )
    return index


class TestSuggestions:
    @pytest.mark.parametrize(
        ("typed", "title"),
        [
            ("parlia", "Parliament debates the harbour"),
            ("parlaiment", "Parliament debates the harbour"),
            ("parliamnet deb", "Parliament debates the harbour"),
            ("harbuor cra", "Harbour crane falls"),
            ("timetabel", "Ferry timetable changes"),
            ("ferry timtable", "Ferry timetable changes"),
            ("wifi on", "Wi-Fi on board"),
        ],
    )
    async def test_a_title_in_spite_of_a_typo(self, streams: SearchIndex, typed: str, title: str) -> None:
        found = [item.text for item in await streams.suggest(typed) if item.kind == "title"]
        assert title in found, found

    @pytest.mark.parametrize(
        ("typed", "slug", "label"),
        [
            ("poli", "politics", "Politics"),
            ("poltics", "politics", "Politics"),
            ("polotics", "politics", "Politics"),
            ("world nwes", "world-news", "World News"),
            ("worl", "world-news", "World News"),
            ("cafe c", "cafe-culture", "Café Culture"),
            ("cafe cluture", "cafe-culture", "Café Culture"),
            ("r and", "r-and-d", "R&D"),
            ("köl", "koln", "Köln"),
            ("東", "東京", "東京"),
        ],
    )
    async def test_a_tag_by_its_label(self, streams: SearchIndex, typed: str, slug: str, label: str) -> None:
        found = [(item.text, item.label) for item in await streams.suggest(typed) if item.kind == "tag"]
        assert (slug, label) in found, found

    async def test_what_begins_with_the_text_comes_first(self, streams: SearchIndex) -> None:
        assert [item.text for item in await streams.suggest("poll") if item.kind == "tag"] == ["polls"]
        assert next(item.text for item in await streams.suggest("harbour cr")) == "Harbour crane falls"
        assert [item for item in await streams.suggest("xyzzy") if item.kind == "tag"] == []


class TestNeighbours:
    async def test_none_below_the_floor(self, index: SearchIndex) -> None:
        story = "ferry harbour council shipyard commuters electric boats"
        await put(
            index,
            article("own", "x", story),
            article("near", "x", f"{story} timetable"),
            article("far", "x", "ferry mountain cheese dairy valley autumn fair cellar"),
            *[article(f"other{n}", "x", f"parliament election debate number{n}") for n in range(30)],
        )
        everything = {hit.card.id: hit.score for hit in await index.similar("own", SimilarQuery())}
        assert everything["near"] > 0.5 > 0.2 > everything["far"] > 0
        for least, wanted in ((0.2, {"near"}), (0.0, {"near", "far"}), (1.0, set())):
            found = await index.similar("own", SimilarQuery(min_score=least))
            assert {hit.card.id for hit in found} == wanted
        only = SimilarQuery(min_score=0.2, filter=Eq("id", "far"))
        assert list(await index.similar("own", only)) == []
