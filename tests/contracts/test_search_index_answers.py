"""The behaviour suite, part two: highlights, similar articles, suggestions, hostile text."""

from __future__ import annotations

import dataclasses

import pytest

from shared.search.errors import InvalidQuery
from shared.search.filters import Eq
from shared.search.port import SearchIndex, SearchQuery, SimilarQuery
from tests.contracts.search_contract import Engine, article, found, newsroom, put, remove


class TestHighlights:
    async def marked(self, index: SearchIndex, text: str) -> dict[str, list[str]]:
        hit = (await index.search(SearchQuery(text, highlight=True))).hits[0]
        assert set(hit.highlights) == {"title", "dek", "excerpt"}
        for mark in hit.highlights.values():
            flat = [edge for span in mark.spans for edge in span]
            assert flat == sorted(flat)
            assert all(0 <= start < end <= len(mark.text) for start, end in mark.spans)
        return {name: [mark.text[a:b] for a, b in mark.spans] for name, mark in hit.highlights.items()}

    async def test_spans_are_characters_also_on_unicode(self, engine: Engine, news: SearchIndex) -> None:
        marks = await self.marked(news, "uberraschung koln")
        assert marks["title"] == ["Überraschung", "Köln"]
        assert (await self.marked(news, "straß"))["excerpt"] == ["Straßenbahn"]
        assert await found(news, "strass") == ([] if engine.differs("eszett") else ["wahl"])
        assert (await self.marked(news, "東京"))["title"] == ["東京"]

    async def test_astral_characters_before_a_match(self, index: SearchIndex) -> None:
        await put(index, article("a", "🚢🚢 Ferry 🚢 again", "🚢 the ferry"))
        assert (await self.marked(index, "ferry"))["title"] == ["Ferry"]

    async def test_typo_prefix_and_phrase_are_marked(self, news: SearchIndex) -> None:
        assert (await self.marked(news, "parliamant "))["title"] == ["Parliament"]
        assert (await self.marked(news, "parl"))["title"] == ["Parliament"]
        assert (await self.marked(news, '"date of the election"'))["title"] == ["date of the election"]

    async def test_the_excerpt_is_the_window_that_matches(self, index: SearchIndex) -> None:
        body = "Nothing of note here. " * 60 + "A rare walrus slept on the pier. " + "More of nothing. " * 60
        await put(index, article("a", "News", body, summary="A quiet day."))
        mark = (await index.search(SearchQuery("walrus pier", highlight=True))).hits[0].highlights["excerpt"]
        assert [mark.text[a:b] for a, b in mark.spans] == ["walrus", "pier"]
        assert len(mark.text) < 300

    async def test_none_unless_asked(self, news: SearchIndex) -> None:
        assert (await news.search(SearchQuery("ferry"))).hits[0].highlights == {}


class TestSimilar:
    async def test_the_same_topic_comes_first(self, news: SearchIndex) -> None:
        near = await news.similar("ferry", SimilarQuery())
        assert near[0].card.id == "tunnel"
        assert {"shipyard", "commuters", "boats"} & set(near[0].shared_terms)
        assert all(0 < hit.score <= 1 for hit in near)
        assert [hit.score for hit in near] == sorted((hit.score for hit in near), reverse=True)
        assert "ferry" not in {hit.card.id for hit in near}

    async def test_a_twin_is_nearest_with_a_score_of_one(self, news: SearchIndex) -> None:
        twin = dataclasses.replace(newsroom()[0], id="twin")
        await put(news, dataclasses.replace(twin, card=twin.card.model_copy(update={"id": "twin"})))
        first = (await news.similar("ferry", SimilarQuery()))[0]
        assert first.card.id == "twin"
        assert first.score == pytest.approx(1.0)

    async def test_limit_and_filter(self, news: SearchIndex) -> None:
        assert len(await news.similar("ferry", SimilarQuery(limit=1))) == 1
        only = await news.similar("ferry", SimilarQuery(filter=Eq("section", "food")))
        assert {hit.card.id for hit in only} <= {"cheese", "bread"}

    async def test_unknown_or_without_features(self, news: SearchIndex) -> None:
        await put(news, article("bare", "Ferry", "ferry", signature=()))
        for ident in ("bare", "nobody", "", "\ud800", "\x00"):
            assert list(await news.similar(ident, SimilarQuery())) == []

    async def test_after_many_deletes(self, index: SearchIndex) -> None:
        docs = [article(f"a{n}", "Ferry harbour", f"ferry harbour council bay boat{n % 7}") for n in range(120)]
        await put(index, *docs)
        await remove(index, *[(doc.id, 1) for doc in docs[10:]])
        near = await index.similar("a0", SimilarQuery(limit=20))
        assert {hit.card.id for hit in near} <= {f"a{n}" for n in range(1, 10)}
        assert near


class TestSuggest:
    async def test_titles_and_tags(self, news: SearchIndex) -> None:
        titles = await news.suggest("harbour cou")
        assert [(item.kind, item.id) for item in titles] == [("title", "ferry")]
        assert ("tag", "politics") in {(item.kind, item.text) for item in await news.suggest("poli")}
        assert await news.suggest("") == ()
        assert len(await news.suggest("the", limit=2)) == 2

    async def test_tags_of_every_script(self, index: SearchIndex) -> None:
        tags = ("москва-река", "東京-塔", "köln", "k2", "koala")
        await put(index, *[article(f"a{n}", "x", tags=tags[: n + 1]) for n in range(len(tags))])
        for typed, wanted in (("моск", 0), ("МОСКВА ре", 0), ("東", 1), ("東京 塔", 1), ("k2", 3), ("koa", 4)):
            assert ("tag", tags[wanted]) in {(item.kind, item.text) for item in await index.suggest(typed)}, typed
        assert [item.text for item in await index.suggest("каша") if item.kind == "tag"] == []


class TestHostileText:
    TEXTS = (
        "\x00", "a\x00b", "\x1b[31m", "\ue000", "\U0010ffff", '"', '""', '"""', "-", "--", '-"', "- -", "*",
        "a*", "a~2", "(", ")(", "AND", "title:", "title:(", "[1 TO 2]", "\\", "😀", "\u202e", "\ufeff",
        "a" * 400, "a " * 200, '"a" ' * 8, "x" * 90, "ferry\u0000line", "'; DROP TABLE", "<script>", "{{7*7}}",
        "%00", "ƒ" * 300, "\u0301" * 50, '"- -"', "ＦＥＲＲＹ", "-a -b", "0", "\n", "\u2028", "ﷺ" * 20, "1e999",
        "NaN", "/.*/", "ferry^1e99", "…", "क्षि", "ก" * 100,
        "x" * 10_000, "word " * 2_000, '"a" ' * 60, "-a " * 60, '"a b" -"c d" ' * 40, "海" * 700, "a-b-c" * 300,
    )  # fmt: skip

    @pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
    async def test_it_is_answered(self, news: SearchIndex, text: str) -> None:
        for query in (
            SearchQuery(text, facets=("tags",), highlight=True),
            SearchQuery(text, mode="newest"),
            SearchQuery(text, strategy="all"),
            SearchQuery(text + "ferry", highlight=True),
        ):
            page = await news.search(query)
            assert page.total.value >= len(page.hits)
        await news.suggest(text)
        assert getattr(news, "panics", 0) == 0

    @pytest.mark.parametrize("text", ["\ud800", "a \udfff b", "-\udc00"])
    async def test_or_refused_by_name(self, news: SearchIndex, text: str) -> None:
        for call in (news.search(SearchQuery(text)), news.suggest(text)):
            with pytest.raises(InvalidQuery) as raised:
                await call
            assert raised.value.field == "q"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            (SearchQuery(mode="random"), "mode"),  # type: ignore[arg-type]
            (SearchQuery(strategy="some"), "strategy"),  # type: ignore[arg-type]
            (SearchQuery(facets=("body",)), "facets"),  # type: ignore[arg-type]
            (SearchQuery("x", fields=("id",)), "fields"),  # type: ignore[arg-type]
            (SearchQuery(filter=Eq("tags", "\ud800")), "filter"),
        ],
    )
    async def test_the_error_names_the_field(self, news: SearchIndex, query: SearchQuery, field: str) -> None:
        with pytest.raises(InvalidQuery) as raised:
            await news.search(query)
        assert raised.value.field == field
