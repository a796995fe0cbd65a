"""What every search engine behind the port must do: find, filter, count, order.

Behaviour, not exact ranking; one suite, every engine. It goes on in test_search_index_{answers,writing,processes}.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from shared.search.errors import InvalidQuery
from shared.search.filters import And, Eq, Exists, Filter, In, Not, Or, Range
from shared.search.port import SearchIndex, SearchQuery
from tests.contracts.search_contract import DAY, EPOCH_DAY, article, found, newsroom, put, remove


class TestWords:
    async def test_the_exact_title_comes_first(self, news: SearchIndex) -> None:
        for doc in newsroom():
            assert (await found(news, doc.title))[0] == doc.id

    @pytest.mark.parametrize("text", ["harbor council", "electirc", "comuters", "parliamant", "electionn"])
    async def test_a_typo_is_forgiven(self, news: SearchIndex, text: str) -> None:
        hits = await found(news, text)
        assert hits
        assert hits[0] in {"ferry", "election", "tunnel"}

    async def test_an_exact_word_comes_before_a_typo(self, index: SearchIndex) -> None:
        await put(index, article("typo", "A trial of patience", "tribal tribal"), article("exact", "x", "y tribal"))
        await put(index, article("near", "Tribel tribel tribel", "tribel"))
        assert (await found(index, "tribal "))[-1] == "near"

    async def test_short_words_and_numbers_forgive_nothing(self, index: SearchIndex) -> None:
        await put(index, article("a", "Bus route 14580 and the cart"))
        assert await found(index, "14581 ") == []
        assert await found(index, "card ") == []

    async def test_the_last_word_matches_as_a_prefix(self, news: SearchIndex) -> None:
        assert (await found(news, "parl"))[0] == "election"
        assert (await found(news, "harbour counc"))[0] == "ferry"

    async def test_a_space_behind_it_ends_the_prefix(self, news: SearchIndex) -> None:
        assert await found(news, "parl ") == []

    async def test_last_drops_words_from_the_end(self, news: SearchIndex) -> None:
        hits = await found(news, "ferry line xylophone")
        assert hits[0] == "ferry"
        assert await found(news, "ferry line xylophone", strategy="all") == []

    async def test_more_words_always_come_first(self, index: SearchIndex) -> None:
        await put(
            index,
            article("one", "Harbour harbour harbour", "harbour " * 30),
            article("both", "x", "a harbuor far from any shipyrad"),
        )
        assert await found(index, "harbour shipyard ") == ["both", "one"]

    async def test_near_words_come_before_far_ones(self, index: SearchIndex) -> None:
        gap = "and then many other things happened on that long day "
        await put(index, article("far", "x", f"flour {gap * 3} tax"), article("near", "x", "the flour tax " + gap * 3))
        assert await found(index, "flour tax ") == ["near", "far"]

    async def test_a_title_comes_before_a_body(self, index: SearchIndex) -> None:
        await put(index, article("body", "Other news", "on the ferry"), article("title", "Ferry news", "of the day"))
        assert await found(index, "ferry ") == ["title", "body"]

    async def test_a_phrase_must_match_as_it_stands(self, news: SearchIndex) -> None:
        assert await found(news, '"date of the election"') == ["election"]
        assert await found(news, '"election of the date"') == []
        assert await found(news, '"ferry"') == ["ferry", "tunnel"]

    async def test_a_minus_excludes(self, news: SearchIndex) -> None:
        assert await found(news, "ferry -tunnel") == ["ferry"]
        assert "ferry" not in await found(news, '-"ferry line"')
        assert len(await found(news, "-ferry")) == len(newsroom()) - 2

    async def test_accents_and_case_do_not_matter(self, news: SearchIndex) -> None:
        assert await found(news, "UBERRASCHUNG koln") == ["wahl"]
        assert (await found(news, "Ko\u0308ln"))[0] == "wahl"

    async def test_text_without_spaces_is_found(self, news: SearchIndex) -> None:
        assert await found(news, "東京") == ["tower"]
        assert await found(news, '"再開"') == ["tower"]

    async def test_fields_narrow_the_search(self, news: SearchIndex) -> None:
        assert await found(news, "ferry", fields=("title",)) == ["ferry"]
        assert set(await found(news, "mara", fields=("authors",))) == {"ferry", "tunnel"}

    async def test_scores_are_shares_in_falling_order(self, news: SearchIndex) -> None:
        scores = [hit.score for hit in (await news.search(SearchQuery("ferry boats autumn"))).hits]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)


FILTERS: list[tuple[Filter, set[str]]] = [
    (Eq("section", "food"), {"cheese", "bread"}),
    (Eq("tags", "politics"), {"bread", "election", "wahl"}),
    (Eq("authors", "Mara Holt"), {"ferry", "tunnel"}),
    (Eq("language", "de"), {"wahl"}),
    (Eq("language", "DE"), {"wahl"}),
    (Eq("source", "valley-post"), {"cheese", "bread"}),
    (Eq("id", "ferry"), {"ferry"}),
    (Eq("dated_at", EPOCH_DAY + 3 * DAY), {"cheese"}),
    (Eq("section", "Food"), set()),
    (In("tags", ("fair", "harbour")), {"cheese", "ferry"}),
    (In("tags", ()), set()),
    (Range("dated_at", gte=EPOCH_DAY + 2 * DAY, lt=EPOCH_DAY + 4 * DAY), {"tunnel", "cheese"}),
    (Range("dated_at", gte=EPOCH_DAY + 6 * DAY), {"wahl", "tower"}),
    (Range("dated_at", lt=EPOCH_DAY + 2 * DAY), {"ferry"}),
    (Range("word_count", gte=10**30), set()),
    (Range("dated_at", gte=5, lt=5), set()),
    (Exists("section"), {"ferry", "tunnel", "cheese", "bread", "election", "wahl"}),
    (Not(Exists("source")), {"wahl"}),
    (Not(Exists("id")), set()),
    (And((Eq("tags", "politics"), Eq("language", "en"))), {"bread", "election"}),
    (And(()), {doc.id for doc in newsroom()}),
    (Or((Eq("section", "local"), Eq("language", "ja"))), {"ferry", "tunnel", "tower"}),
    (Or(()), set()),
    (Not(Or((Eq("section", "local"), Eq("section", "food")))), {"election", "wahl", "tower"}),
    (And((Not(Eq("tags", "food")), Not(Eq("tags", "transport")))), {"election", "wahl", "tower"}),
    (Eq("tags", 'quote " or \\ OR x = 1'), set()),
]


class TestFilters:
    @pytest.mark.parametrize(("wanted", "ids"), FILTERS, ids=lambda value: type(value).__name__)
    async def test_every_node(self, news: SearchIndex, wanted: Filter, ids: set[str]) -> None:
        page = await news.search(SearchQuery(filter=wanted))
        assert {hit.card.id for hit in page.hits} == ids
        assert page.total.value == len(ids)

    async def test_a_filter_does_not_change_the_order(self, news: SearchIndex) -> None:
        everything = await found(news, "autumn ferry")
        filtered = await found(news, "autumn ferry", filter=Eq("section", "local"))
        assert filtered == [ident for ident in everything if ident in {"ferry", "tunnel"}]

    @pytest.mark.parametrize("wanted", [Eq("dated_at", "yesterday"), Eq("section", 3), Eq("color", "x")])
    async def test_a_wrong_one_is_named(self, news: SearchIndex, wanted: Filter) -> None:
        with pytest.raises(InvalidQuery) as raised:
            await news.search(SearchQuery(filter=wanted))
        assert raised.value.field == "filter"

    @pytest.mark.parametrize(
        ("wanted", "ids"),
        [
            ("pt", {"a", "b", "c"}),
            ("PT-br", {"b"}),
            ("pt-PT", {"c"}),
            ("zh-hant", {"d"}),
            ("zh-TW", set()),
            ("p", None),
        ],
    )
    async def test_a_language_is_a_range(self, index: SearchIndex, wanted: str, ids: set[str] | None) -> None:
        tags = {"a": "pt", "b": "pt-BR", "c": "pt-PT", "d": "zh-Hant-TW", "e": "en"}
        await put(index, *[article(ident, "x", language=tag) for ident, tag in tags.items()])
        if ids is None:
            with pytest.raises(InvalidQuery):
                await index.search(SearchQuery(filter=Eq("language", wanted)))
            return
        page = await index.search(SearchQuery(filter=Eq("language", wanted), facets=("language",)))
        assert {hit.card.id for hit in page.hits} == ids
        assert set(page.facets["language"]) == {tags[ident] for ident in ids}
        rest = await index.search(SearchQuery(filter=Not(Eq("language", wanted))))
        assert {hit.card.id for hit in rest.hits} == set(tags) - ids

    async def test_deep_nesting_is_refused(self, news: SearchIndex) -> None:
        wanted: Filter = Eq("section", "food")
        for _ in range(500):
            wanted = Not(wanted)
        with pytest.raises(InvalidQuery):
            await news.search(SearchQuery(filter=wanted))


class TestFacets:
    async def test_they_count_everything_that_matches(self, news: SearchIndex) -> None:
        page = await news.search(SearchQuery(facets=("section", "language"), limit=1))
        assert page.facets["section"] == {"local": 2, "food": 2, "politics": 2}
        assert page.facets["language"] == {"en": 5, "de": 1, "ja": 1}
        assert sum(page.facets["language"].values()) == page.total.value

    async def test_they_follow_text_and_filter(self, news: SearchIndex) -> None:
        query = SearchQuery("ferry ", filter=Eq("section", "local"))
        assert await news.facets(query, ("tags",)) == {"tags": {"transport": 2, "harbour": 1}}

    async def test_more_than_ten_values(self, index: SearchIndex) -> None:
        await put(index, *[article(f"a{n}", "x", tags=(f"t{n}", "all")) for n in range(40)])
        counts = (await index.facets(SearchQuery(), ("tags",)))["tags"]
        assert len(counts) == 41
        assert next(iter(counts.items())) == ("all", 40)

    async def test_none_unless_asked(self, news: SearchIndex) -> None:
        assert (await news.search(SearchQuery("ferry"))).facets == {}

    async def test_deleted_articles_are_not_counted(self, news: SearchIndex) -> None:
        await remove(news, ("cheese", 1))
        assert (await news.facets(SearchQuery(), ("section",)))["section"]["food"] == 1


class TestOrderAndPages:
    async def test_newest_and_oldest_are_strict(self, news: SearchIndex) -> None:
        ids = [doc.id for doc in newsroom()]
        assert await found(news) == ids[::-1]
        assert await found(news, mode="newest") == ids[::-1]
        assert await found(news, mode="oldest") == ids
        assert await found(news, "bay", mode="newest") == ["tunnel", "ferry"]

    async def test_pages_join_where_typos_begin(self, index: SearchIndex) -> None:
        exact = [article(f"e{n}", "Ferry news", "on the ferry") for n in range(11)]
        typos = [article(f"t{n}", "Ferri news", "on the ferri") for n in range(9)]
        await put(index, *[doc for pair in zip(exact, [*typos, *typos[:2]], strict=True) for doc in pair])
        seen: list[str] = []
        for offset in range(0, 24, 4):
            seen += await found(index, "ferry ", offset=offset, limit=4)
        assert len(seen) == len(set(seen)) == 20
        assert {ident[0] for ident in seen[:11]} == {"e"}

    @pytest.mark.parametrize("query", [{}, {"text": "ferry"}, {"text": "ferry", "mode": "oldest"}])
    async def test_pages_do_not_overlap_or_miss(self, index: SearchIndex, query: dict[str, Any]) -> None:
        for start in range(0, 60, 20):  # several commits, equal dates
            await put(index, *[article(f"a{n}", "Ferry news", "ferry", day=n // 30) for n in range(start, start + 20)])
        seen: list[str] = []
        for offset in range(0, 70, 7):
            seen += await found(index, offset=offset, limit=7, **query)
        assert len(seen) == 60
        assert len(set(seen)) == 60

    async def test_totals(self, news: SearchIndex) -> None:
        page = await news.search(SearchQuery(limit=0))
        assert (page.hits, page.total.value, page.total.exact) == ((), 7, True)
        assert (await news.search(SearchQuery("ferry ", limit=1))).total.value >= 2

    @pytest.mark.parametrize(("offset", "limit"), [(1000, 1), (0, 1001), (-1, 10), (0, -1)])
    async def test_too_deep_or_negative_is_refused(self, news: SearchIndex, offset: int, limit: int) -> None:
        with pytest.raises(InvalidQuery) as raised:
            await news.search(SearchQuery(offset=offset, limit=limit))
        assert raised.value.field == "page"
        assert await found(news, offset=990, limit=10) == []
