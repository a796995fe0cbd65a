"""What every search engine behind the port must do. Behaviour, not exact ranking; one suite, every engine."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.search.port import (
    And,
    Cap,
    EnsureResult,
    Eq,
    Exists,
    Filter,
    In,
    IndexMissing,
    IndexSpec,
    InvalidQuery,
    Not,
    Or,
    Range,
    SearchIndex,
    SearchQuery,
    SimilarQuery,
)
from tests.contracts.search_contract import DAY, ENGINES, EPOCH_DAY, SPEC, Engine, article, newsroom


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param.missing:
        pytest.skip(request.param.missing)
    return request.param


@pytest.fixture
async def index(engine: Engine, tmp_path: Path) -> AsyncIterator[SearchIndex]:
    """An empty index, opened for writing."""
    opened = engine.open(tmp_path / "index", True)
    assert await opened.ensure(SPEC) is EnsureResult.CREATED
    yield opened
    await opened.aclose()


@pytest.fixture
async def news(index: SearchIndex) -> SearchIndex:
    """The seven articles of the newsroom, visible."""
    await put(index, *newsroom())
    return index


async def put(index: SearchIndex, *docs: Any) -> None:
    receipt = await index.upsert(docs, op_id="op")
    (outcome,) = await index.outcomes([receipt])
    assert outcome.status == "visible", outcome


async def found(index: SearchIndex, text: str = "", **query: Any) -> list[str]:
    return [hit.card.id for hit in (await index.search(SearchQuery(text, **query))).hits]


class TestWords:
    async def test_the_exact_title_comes_first(self, news: SearchIndex) -> None:
        for doc in newsroom():
            assert (await found(news, doc.title))[0] == doc.id

    @pytest.mark.parametrize("text", ["harbor council", "electirc", "comuters", "parliamant", "electionn"])
    async def test_a_typo_is_forgiven(self, news: SearchIndex, text: str) -> None:
        assert Cap.TYPO in news.capabilities
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
        await news.delete([("cheese", 1)], op_id="d")
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


class TestHighlights:
    async def marked(self, index: SearchIndex, text: str) -> dict[str, list[str]]:
        hit = (await index.search(SearchQuery(text, highlight=True))).hits[0]
        assert set(hit.highlights) == {"title", "dek", "excerpt"}
        for mark in hit.highlights.values():
            flat = [edge for span in mark.spans for edge in span]
            assert flat == sorted(flat)
            assert all(0 <= start < end <= len(mark.text) for start, end in mark.spans)
        return {name: [mark.text[a:b] for a, b in mark.spans] for name, mark in hit.highlights.items()}

    async def test_spans_are_characters_also_on_unicode(self, news: SearchIndex) -> None:
        marks = await self.marked(news, "uberraschung koln")
        assert marks["title"] == ["Überraschung", "Köln"]
        assert (await self.marked(news, "strass"))["excerpt"] == ["Straßenbahn"]
        assert (await self.marked(news, "東京"))["title"] == ["東", "京"]

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


class TestRevisions:
    async def title(self, index: SearchIndex) -> list[str]:
        return [hit.card.title for hit in (await index.search(SearchQuery())).hits]

    async def test_the_highest_revision_wins_in_any_order(self, index: SearchIndex) -> None:
        await put(index, article("a", "second", rev=2))
        await put(index, article("a", "first", rev=1))
        assert await self.title(index) == ["second"]
        await put(index, article("a", "third", rev=3))
        assert await self.title(index) == ["third"]

    async def test_inside_one_batch_too(self, index: SearchIndex) -> None:
        await put(index, *[article("a", f"rev {rev}", rev=rev) for rev in (2, 5, 3, 5, 1)])
        assert await self.title(index) == ["rev 5"]

    async def test_a_duplicate_changes_nothing(self, index: SearchIndex) -> None:
        for _ in range(3):
            await put(index, article("a", "once"), article("a", "once"))
        assert await self.title(index) == ["once"]
        assert (await index.stats()).documents == 1

    async def test_a_late_upsert_does_not_undo_a_delete(self, index: SearchIndex) -> None:
        await put(index, article("a", "first"))
        await index.delete([("a", 2)], op_id="d")
        for rev in (1, 2):
            await put(index, article("a", "late", rev=rev))
            assert await self.title(index) == []
        await put(index, article("a", "back", rev=3))
        assert await self.title(index) == ["back"]

    async def test_a_delete_before_the_upsert(self, index: SearchIndex) -> None:
        await index.delete([("a", 1)], op_id="d")
        await put(index, article("a", "late", rev=1))
        assert await self.title(index) == []

    async def test_a_late_delete_of_an_older_revision_is_ignored(self, index: SearchIndex) -> None:
        await put(index, article("a", "second", rev=2))
        await index.delete([("a", 1)], op_id="d")
        assert await self.title(index) == ["second"]

    async def test_a_deletion_survives_reopening(self, engine: Engine, index: SearchIndex, tmp_path: Path) -> None:
        await index.delete([("a", 2)], op_id="d")
        await index.aclose()
        again = engine.open(tmp_path / "index", True)
        assert await again.ensure(SPEC) is EnsureResult.UNCHANGED
        await put(again, article("a", "late", rev=1))
        assert await self.title(again) == []
        await again.aclose()

    async def test_a_delete_hides_everywhere(self, news: SearchIndex) -> None:
        await news.delete([("ferry", 1)], op_id="d")
        assert "ferry" not in await found(news)
        assert "ferry" not in await found(news, "ferry harbour council")
        assert await found(news, filter=Not(Eq("section", "food"))) == ["tower", "wahl", "election", "tunnel"]
        assert await news.similar("ferry", SimilarQuery()) == ()
        assert [hit.card.id for hit in await news.similar("tunnel", SimilarQuery())].count("ferry") == 0
        assert (await news.stats()).documents == 6
        assert "ferry" not in {ident async for ident, _ in news.documents()}


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
        await index.delete([(doc.id, 1) for doc in docs[10:]], op_id="d")
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


class TestHostileText:
    TEXTS = (
        "\x00", "a\x00b", "\x1b[31m", "\ue000", "\U0010ffff", '"', '""', '"""', "-", "--", '-"', "- -", "*",
        "a*", "a~2", "(", ")(", "AND", "title:", "title:(", "[1 TO 2]", "\\", "😀", "\u202e", "\ufeff",
        "a" * 400, "a " * 200, '"a" ' * 8, "x" * 90, "ferry\u0000line", "'; DROP TABLE", "<script>", "{{7*7}}",
        "%00", "ƒ" * 300, "\u0301" * 50, '"- -"', "ＦＥＲＲＹ", "-a -b", "0", "\n", "\u2028", "ﷺ" * 20, "1e999",
        "NaN", "/.*/", "ferry^1e99", "…", "क्षि", "ก" * 100,
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

    @pytest.mark.parametrize("text", ["\ud800", "a \udfff b", "x" * 10_000, '"a" ' * 60, "-a " * 60])
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


class TestWriting:
    async def test_a_poison_document_is_rejected_alone(self, index: SearchIndex) -> None:
        bad = [
            dataclasses.replace(article("bad1", "x"), body="\ud800"),
            dataclasses.replace(article("bad2", "x"), rev=1 << 70),
            dataclasses.replace(article("bad3", "x"), dated_at=1 << 62),
            dataclasses.replace(article("bad4", "x"), title=None),  # type: ignore[arg-type]
        ]
        good = [article(f"good{n}", "fine") for n in range(5)]
        receipt = await index.upsert([*good[:2], *bad, *good[2:]], op_id="op")
        (outcome,) = await index.outcomes([receipt])
        assert outcome.status == "rejected"
        assert set(outcome.rejected_ids) == {doc.id for doc in bad}
        assert {ident async for ident, _ in index.documents()} == {doc.id for doc in good}

    async def test_documents_lists_every_revision(self, news: SearchIndex) -> None:
        await put(news, article("ferry", "again", rev=4))
        listed = [pair async for pair in news.documents()]
        assert sorted(listed) == sorted((doc.id, 4 if doc.id == "ferry" else 1) for doc in newsroom())

    async def test_the_epoch_moves_with_every_change(self, index: SearchIndex) -> None:
        epochs = [(await index.stats()).epoch]
        await put(index, article("a", "first"))
        epochs.append((await index.stats()).epoch)
        await put(index, article("a", "second", rev=2))
        epochs.append((await index.stats()).epoch)
        await index.delete([("a", 3)], op_id="d")
        epochs.append((await index.stats()).epoch)
        assert len(set(epochs)) == 4
        assert (await index.stats()).epoch == epochs[-1]

    async def test_an_empty_batch(self, index: SearchIndex) -> None:
        await put(index)
        await index.delete([], op_id="d")
        assert (await index.stats()).documents == 0

    async def test_an_empty_index_answers(self, index: SearchIndex) -> None:
        page = await index.search(SearchQuery("ferry", facets=("tags",), highlight=True))
        assert (page.hits, page.total.value, page.facets) == ((), 0, {"tags": {}})
        assert (await index.search(SearchQuery())).hits == ()
        assert await index.suggest("fer") == ()
        assert [pair async for pair in index.documents()] == []

    async def test_ensure_is_idempotent_and_sees_another_version(self, index: SearchIndex) -> None:
        assert await index.ensure(SPEC) is EnsureResult.UNCHANGED
        assert await index.ensure(IndexSpec(version="other")) is EnsureResult.NEEDS_REINDEX
        await put(index, article("a", "still writable"))


class TestReindex:
    async def test_a_new_generation_replaces_the_old(self, news: SearchIndex) -> None:
        before = await news.stats()
        async with news.reindex(IndexSpec(version="contract-2")) as staging:
            await staging.write([article("new", "Fresh start")])
            assert await staging.count() == 1
            assert (await news.stats()).documents == 7
            await staging.promote()
        after = await news.stats()
        assert await found(news) == ["new"]
        assert after.generation != before.generation
        assert after.epoch != before.epoch
        assert await news.ensure(IndexSpec(version="contract-2")) is EnsureResult.UNCHANGED

    async def test_live_writes_reach_both(self, news: SearchIndex) -> None:
        async with news.reindex(SPEC) as staging:
            await put(news, article("ferry", "Live ferry", rev=2), article("added", "Added live"))
            await news.delete([("bread", 1)], op_id="d")
            assert {"added"} < set(await found(news))
            await staging.write(newsroom())  # the older ferry, and bread, must not come back
            await staging.promote()
        assert set(await found(news)) == {doc.id for doc in newsroom()} - {"bread"} | {"added"}
        assert (await found(news, "live"))[0] in {"ferry", "added"}
        await put(news, article("later", "Written after the swap"))
        assert "later" in await found(news)

    async def test_old_deletions_hold_in_the_new_generation(self, news: SearchIndex) -> None:
        await news.delete([("ferry", 2)], op_id="d")
        async with news.reindex(SPEC) as staging:
            await staging.write(newsroom())
            await staging.promote()
        assert "ferry" not in await found(news)
        await put(news, article("ferry", "late", rev=2))
        assert "ferry" not in await found(news)

    async def test_leaving_without_promote_throws_it_away(self, news: SearchIndex) -> None:
        before = await news.stats()

        async def give_up() -> None:
            async with news.reindex(SPEC) as staging:
                await staging.write([article("new", "Fresh start")])
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            await give_up()
        assert await news.stats() == before
        async with news.reindex(SPEC) as staging:
            assert await staging.count() == 0


class TestBeforeTheFirstIndex:
    async def test_a_reader_waits_and_then_sees_it(self, engine: Engine, tmp_path: Path) -> None:
        reader = engine.open(tmp_path / "index", False)
        for call in (reader.search(SearchQuery()), reader.stats(), reader.suggest("a"), reader.ensure(SPEC)):
            with pytest.raises(IndexMissing):
                await call
        writer = engine.open(tmp_path / "index", True)
        await writer.ensure(SPEC)
        await put(writer, article("a", "Here"))
        assert await found(reader, "here") == ["a"]
        await put(writer, article("b", "Here too"))
        assert set(await found(reader, "here")) == {"a", "b"}
        await writer.aclose()
        await reader.aclose()
