"""The behaviour suite, part five: what news needs beyond search: age, stories, copies, entities, meaning."""

from __future__ import annotations

import math
from typing import Any

import pytest

from shared.clock import now
from shared.search.errors import InvalidQuery
from shared.search.filters import And, Eq, Exists, Not
from shared.search.port import VECTOR_LENGTH, Cap, IndexDoc, SearchIndex, SearchQuery, SimilarQuery
from tests.contracts.search_contract import DAY, EPOCH_DAY, article, found, newsroom, put

TODAY = (int(now().timestamp()) - EPOCH_DAY) // DAY


def vector(*directions: float) -> tuple[float, ...]:
    """A unit vector that leans into the first directions as given."""
    length = math.hypot(*directions)
    return (*(value / length for value in directions), *[0.0] * (VECTOR_LENGTH - len(directions)))


def report(ident: str, age: int, title: str = "Ferry report", body: str = "of the day", **fields: Any) -> IndexDoc:
    """An article of so many days ago."""
    return article(ident, title, body, day=TODAY - age, **fields)


class TestFresh:
    async def test_equals_are_ordered_by_window_of_age(self, index: SearchIndex) -> None:
        await put(index, report("year", 365), report("week", 7), report("today", 1))
        assert await found(index, "ferry report", mode="fresh") == ["today", "week", "year"]

    async def test_a_better_match_of_the_same_age_stays_first(self, index: SearchIndex) -> None:
        await put(index, report("body", 1, "Other news", "a ferry report"), report("title", 1))
        assert await found(index, "ferry report ", mode="fresh") == ["title", "body"]

    async def test_age_does_not_lift_a_chance_mention(self, index: SearchIndex) -> None:
        old = report("old", 400, "Ferry captain retires after forty years", "The ferry captain retires.")
        await put(index, old, report("new", 1, "Weather", "rain, and a captain"))
        assert (await found(index, "ferry captain retires after forty years", mode="fresh"))[0] == "old"

    async def test_without_words_it_is_newest(self, news: SearchIndex) -> None:
        assert await found(news, mode="fresh") == await found(news, mode="newest")

    async def test_pages_join_and_counts_are_whole(self, index: SearchIndex) -> None:
        docs = [report(f"a{n}", age, tags=(f"t{n % 2}",)) for n, age in enumerate([1, 5, 90] * 8)]
        await put(index, *docs)
        page = await index.search(SearchQuery("ferry ", mode="fresh", facets=("tags",), limit=5))
        assert page.total.value == 24
        assert page.facets["tags"] == {"t0": 12, "t1": 12}
        seen: list[str] = []
        for offset in range(0, 25, 5):
            seen += await found(index, "ferry ", mode="fresh", offset=offset, limit=5)
        assert len(seen) == len(set(seen)) == 24
        assert set(seen[:8]) == {f"a{n}" for n in range(0, 24, 3)}

    async def test_filter_typo_and_highlight(self, index: SearchIndex) -> None:
        await put(index, report("a", 1, section="local"), report("b", 1, section="food"))
        query = SearchQuery("ferri reprot", mode="fresh", filter=Eq("section", "local"), highlight=True)
        (hit,) = (await index.search(query)).hits
        assert hit.card.id == "a"
        assert 0 < hit.score <= 1
        assert [hit.highlights["title"].text[a:b] for a, b in hit.highlights["title"].spans] == ["Ferry", "report"]


class TestStories:
    @pytest.fixture
    async def stories(self, index: SearchIndex) -> SearchIndex:
        await put(
            index,
            report("a1", 3, story="a"), report("a2", 1, story="a"), report("a3", 2, story="a"),
            report("b1", 4, "Other news", "ferry", story="b"), report("b2", 5, story="b"),
            report("alone", 6), report("alone2", 7),
        )  # fmt: skip
        return index

    async def test_one_hit_of_each_story(self, stories: SearchIndex) -> None:
        hits = await found(stories, "ferry report ", collapse="story")
        assert hits[0] == "a2", "the newest of equals"
        assert sorted(hits) == ["a2", "alone", "alone2", "b2"], "b2 matches better than b1"

    async def test_counts_still_count_every_article(self, stories: SearchIndex) -> None:
        for mode in ("relevance", "fresh", "newest"):
            query = SearchQuery("ferry ", mode=mode, collapse="story", facets=("language",), limit=2)  # type: ignore[arg-type]
            page = await stories.search(query)
            assert page.total.value == 7
            assert page.facets == {"language": {"en": 7}}

    async def test_in_order_of_date_the_first_of_a_story_stands(self, stories: SearchIndex) -> None:
        assert await found(stories, mode="newest", collapse="story") == ["a2", "b1", "alone", "alone2"]
        assert await found(stories, mode="oldest", collapse="story") == ["alone2", "alone", "b2", "a1"]
        assert await found(stories, "ferry report ", mode="fresh", collapse="story") == ["a2", "b2", "alone", "alone2"]

    async def test_pages_of_stories_join(self, index: SearchIndex) -> None:
        docs = [report(f"s{n}x{copy}", n, story=f"s{n}") for n in range(12) for copy in range(5)]
        await put(index, *docs)
        seen: list[str] = []
        for offset in range(0, 15, 3):
            seen += await found(index, "ferry ", collapse="story", offset=offset, limit=3)
        assert len(seen) == 12
        assert {ident.partition("x")[0] for ident in seen} == {f"s{n}" for n in range(12)}

    async def test_a_story_can_be_listed(self, stories: SearchIndex) -> None:
        assert await found(stories, filter=Eq("story", "a")) == ["a2", "a3", "a1"]
        assert set(await found(stories, filter=Not(Exists("story")))) == {"alone", "alone2"}

    async def test_a_wrong_one_is_named(self, stories: SearchIndex) -> None:
        with pytest.raises(InvalidQuery) as raised:
            await stories.search(SearchQuery(collapse="tags"))  # type: ignore[arg-type]
        assert raised.value.field == "collapse"


class TestCopiesAndEntities:
    async def test_copies_are_told_apart(self, index: SearchIndex) -> None:
        await put(index, report("one", 2), report("copy", 1, duplicate_of="one"))
        assert await found(index, filter=Not(Exists("duplicate_of"))) == ["one"]
        assert await found(index, filter=Exists("duplicate_of")) == ["copy"]
        assert await found(index, filter=Eq("duplicate_of", "one")) == ["copy"]

    async def test_entities_are_searched_filtered_and_counted(self, index: SearchIndex) -> None:
        named = ("Mara Holt", "Überlingen")
        await put(index, report("named", 1, entities=named), report("bare", 1))
        assert await found(index, "holt ") == ["named"]
        assert await found(index, "holt ", fields=("entities",)) == ["named"]
        assert await found(index, filter=Eq("entities", "Mara Holt")) == ["named"]
        assert await index.facets(SearchQuery(), ("entities",)) == {"entities": dict.fromkeys(named, 1)}


class TestMeaning:
    @pytest.fixture
    async def meant(self, index: SearchIndex) -> SearchIndex:
        """`own` shares one word with each; its vector points where that of `sense` does."""
        words = "common harbour"
        await put(
            index,
            article("own", "x", f"{words} quay", vector=vector(1, 0.1)),
            article("sense", "y", f"{words} jetty", vector=vector(1, 0.2)),
            article("other", "z", f"{words} pier", vector=vector(-1, 1)),
            article("plain", "w", f"{words} mole"),
        )
        return index

    async def test_the_nearest_vector_comes_first(self, meant: SearchIndex) -> None:
        for by in ("meaning", "best"):
            near = await meant.similar("own", SimilarQuery(by=by))  # type: ignore[arg-type]
            assert near[0].card.id == "sense"
            assert "common" in near[0].shared_terms
            assert all(0 < hit.score <= 1 for hit in near)

    async def test_an_article_without_vector_is_compared_by_terms(self, meant: SearchIndex) -> None:
        near = await meant.similar("plain", SimilarQuery(by="meaning"))
        assert {hit.card.id for hit in near} == {"own", "sense", "other"}

    async def test_a_vector_goes_when_its_article_changes(self, meant: SearchIndex) -> None:
        await put(meant, article("sense", "y", "common harbour jetty", rev=2))
        near = await meant.similar("own", SimilarQuery(by="meaning"))
        assert all(hit.card.id != "sense" or hit.score < 0.9 for hit in near)

    async def test_one_of_each_story_and_never_what_the_filter_leaves_out(self, news: SearchIndex) -> None:
        bay = "harbour council bay ferry commuters shipyard"
        copies = [article(f"c{n}", "Harbour ferry", f"{bay} boat{n}", story="s") for n in range(4)]
        await put(news, *copies, article("copy", "Harbour ferry", bay, duplicate_of="ferry"))
        wanted = And((Not(Exists("duplicate_of")), Not(Eq("id", "tunnel"))))
        near = [hit.card.id for hit in await news.similar("ferry", SimilarQuery(filter=wanted, collapse="story"))]
        assert sum(ident in {"c0", "c1", "c2", "c3"} for ident in near) == 1
        assert not {"copy", "tunnel", "ferry"} & set(near)

    async def test_hybrid_search_where_the_engine_can(self, meant: SearchIndex) -> None:
        query = SearchQuery("zebra", vector=vector(1, 0.2), semantic_ratio=1.0)
        if Cap.HYBRID in meant.capabilities:
            assert (await meant.search(query)).hits[0].card.id == "sense"
            return
        with pytest.raises(InvalidQuery) as raised:
            await meant.search(query)
        assert raised.value.field == "semantic_ratio"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            (SearchQuery("x", semantic_ratio=1.5), "semantic_ratio"),
            (SearchQuery("x", semantic_ratio=0.5), "vector"),
            (SearchQuery("x", semantic_ratio=0.5, vector=(1.0,)), "vector"),
            (SearchQuery("x", semantic_ratio=0.5, vector=vector(1), mode="newest"), "semantic_ratio"),
        ],
    )
    async def test_a_wrong_question_is_named(self, news: SearchIndex, query: SearchQuery, field: str) -> None:
        with pytest.raises(InvalidQuery) as raised:
            await news.search(query)
        assert raised.value.field == field

    @pytest.mark.parametrize("bad", [(1.0,), (math.nan,) * VECTOR_LENGTH, (math.inf,) * VECTOR_LENGTH])
    async def test_a_bad_vector_rejects_its_article_alone(self, index: SearchIndex, bad: tuple[float, ...]) -> None:
        good = newsroom()[0]
        receipt = await index.upsert([good, article("bad", "x", "y", vector=bad)], op_id="v")
        (outcome,) = await index.outcomes([receipt])
        while outcome.status == "pending":
            (outcome,) = await index.outcomes([receipt])
        assert outcome.rejected_ids == ("bad",)
        assert await found(index) == [good.id]
