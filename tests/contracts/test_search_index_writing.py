"""The behaviour suite, part three: revisions, batches, rebuilds, readers before the first index."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shared.search.digest import index_digest
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.search.filters import Eq, Not
from shared.search.port import EnsureResult, IndexSpec, SearchIndex, SearchQuery, SimilarQuery
from tests.contracts.search_contract import SPEC, Engine, article, found, newsroom, put, remove, settled


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
        await remove(index, ("a", 2))
        for rev in (1, 2):
            await put(index, article("a", "late", rev=rev))
            assert await self.title(index) == []
        await put(index, article("a", "back", rev=3))
        assert await self.title(index) == ["back"]

    async def test_a_delete_before_the_upsert(self, index: SearchIndex) -> None:
        await remove(index, ("a", 1))
        await put(index, article("a", "late", rev=1))
        assert await self.title(index) == []

    async def test_a_late_delete_of_an_older_revision_is_ignored(self, index: SearchIndex) -> None:
        await put(index, article("a", "second", rev=2))
        await remove(index, ("a", 1))
        assert await self.title(index) == ["second"]

    async def test_a_deletion_survives_reopening(self, engine: Engine, index: SearchIndex, tmp_path: Path) -> None:
        await remove(index, ("a", 2))
        await index.aclose()
        again = engine.open(tmp_path / "index", True)
        assert await again.ensure(SPEC) is EnsureResult.UNCHANGED
        await put(again, article("a", "late", rev=1))
        assert await self.title(again) == []
        await again.aclose()

    async def test_a_delete_hides_everywhere(self, news: SearchIndex) -> None:
        await remove(news, ("ferry", 1))
        assert "ferry" not in await found(news)
        assert "ferry" not in await found(news, "ferry harbour council")
        assert await found(news, filter=Not(Eq("section", "food"))) == ["tower", "wahl", "election", "tunnel"]
        assert await news.similar("ferry", SimilarQuery()) == ()
        assert [hit.card.id for hit in await news.similar("tunnel", SimilarQuery())].count("ferry") == 0
        assert (await news.stats()).documents == 6
        assert "ferry" not in {ident async for ident, _ in news.documents()}


class TestWriting:
    async def test_a_poison_document_is_rejected_alone(self, index: SearchIndex) -> None:
        bad = [
            dataclasses.replace(article("bad1", "x"), section="\ud800"),
            dataclasses.replace(article("bad2", "x"), rev=1 << 70),
            dataclasses.replace(article("bad3", "x"), dated_at=1 << 62),
            dataclasses.replace(article("bad4", "x"), title=None),  # type: ignore[arg-type]
        ]
        good = [article(f"good{n}", "fine") for n in range(5)]
        outcome = await settled(index, await index.upsert([*good[:2], *bad, *good[2:]], op_id="op"))
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
        await remove(index, ("a", 3))
        epochs.append((await index.stats()).epoch)
        assert len(set(epochs)) == 4
        assert (await index.stats()).epoch == epochs[-1]

    async def test_an_empty_batch(self, index: SearchIndex) -> None:
        await put(index)
        await remove(index)
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
            await remove(news, ("bread", 1))
            assert {"added"} < set(await found(news))
            await staging.write(newsroom())  # the older ferry, and bread, must not come back
            await staging.promote()
        assert set(await found(news)) == {doc.id for doc in newsroom()} - {"bread"} | {"added"}
        assert (await found(news, "live"))[0] in {"ferry", "added"}
        await put(news, article("later", "Written after the swap"))
        assert "later" in await found(news)

    async def test_old_deletions_hold_in_the_new_generation(self, news: SearchIndex) -> None:
        await remove(news, ("ferry", 2))
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

    async def test_what_a_swap_leaves_behind_is_kept_for_a_while(self, news: SearchIndex) -> None:
        for _ in range(3):
            async with news.reindex(SPEC) as staging:
                await staging.write(newsroom())
                await staging.promote()
        assert await news.prune(older_than=3_600) == 0
        async with news.reindex(SPEC) as staging:
            await staging.write(newsroom())
            assert await news.prune(older_than=0) == 3  # not the live one, nor the one being built
            assert await staging.count() == 7
        assert await news.prune(older_than=0) == 0
        assert (await news.stats()).documents == 7


class TestSecondWriter:
    async def test_it_is_refused(self, engine: Engine, index: SearchIndex, tmp_path: Path) -> None:
        second = engine.open(tmp_path / "index", True)
        if engine.differs("second-writer"):
            assert await second.ensure(SPEC) is EnsureResult.UNCHANGED
        else:
            with pytest.raises(SearchUnavailable):
                await second.ensure(SPEC)
        await second.aclose()


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


async def test_equal_content_has_an_equal_digest_whatever_the_order(index: SearchIndex) -> None:
    one, other = article("a", "Harbour"), article("b", "Ferry", rev=3)
    await put(index, one, other)
    before = await index_digest(index)
    assert before.documents == 2
    async with index.reindex(SPEC) as staging:
        await staging.write([other, one])
        await staging.promote()
    assert await index_digest(index) == before
    await put(index, article("a", "Harbour!", rev=2))
    assert (await index_digest(index)).hex != before.hex
