"""What every article store must do, on a real Valkey: one atomic commit per change, twice is once, nothing half."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.articles import ArticleState, InputKind
from shared.envelope import decode
from shared.events import ArticleReceived, Publication
from shared.store import keys
from shared.store.articles.port import Announcement, CorruptArticle, CorruptOriginal, Entry, Original
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED, PUBLICATIONS
from tests.support.builders import NOON, make_acceptance, make_article, make_card, make_submission
from tests.support.store_commits import enrichment, groups, next_entry

pytestmark = pytest.mark.redis

ID = make_acceptance().article_id


def announcement(entry: Entry, rev: int = 1, *, first: bool = True, quiet: bool = False) -> Announcement:
    event = Publication(meta=Publication.meta_for(producer="index", now=NOON), card=make_card(rev=rev))
    return Announcement([entry], ID, rev, first, None if quiet else event)


async def received(client: Any) -> list[ArticleReceived]:
    rows = await client.xrange(ARTICLE_RECEIVED.key)
    return [ArticleReceived.from_json(decode(fields)[1]) for _, fields in rows]


async def accepted_and_enriched(store: RedisArticleStore, client: Any) -> Entry:
    """Revision 1 is accepted and enriched; the entry that the indexer holds."""
    await groups(client)
    await store.accept([make_acceptance()])
    entry = await next_entry(client, ARTICLE_RECEIVED.key, "enrich")
    assert await store.commit_enriched([enrichment(entry)]) == [True]
    return await next_entry(client, ARTICLE_ENRICHED.key, "index")


class TestAccept:
    async def test_a_new_article_is_revision_1_and_announced(self, store: RedisArticleStore, redis_client: Any) -> None:
        (outcome,) = await store.accept([make_acceptance()])
        assert (outcome.status, outcome.article_id, outcome.rev) == ("accepted", ID, 1)
        (event,) = await received(redis_client)
        assert (event.article.article_id, event.article.rev, event.article.kind) == (ID, 1, InputKind.TEXT)
        (record,) = await store.records([ID])
        assert record is not None
        assert (record.rev, record.state, record.doc_rev, record.published_rev) == (1, ArticleState.RECEIVED, 0, 0)

    async def test_the_original_comes_back_as_it_was(self, store: RedisArticleStore) -> None:
        data = bytes(range(256)) * 100
        submission = make_submission(source="example-gazette", external_id="a1", tags=("x", "ü"), published_at=NOON)
        await store.accept([make_acceptance(data=data, submission=submission, media_type="text/html; charset=cp1252")])
        (original,) = await store.originals([ID])
        assert isinstance(original, Original)
        assert (original.data, original.submission) == (data, submission)
        assert (original.media_type, original.rev) == ("text/html; charset=cp1252", 1)

    async def test_the_same_content_is_unchanged(self, store: RedisArticleStore, redis_client: Any) -> None:
        await store.accept([make_acceptance()])
        (again,) = await store.accept([make_acceptance()])
        assert (again.status, again.rev) == ("unchanged", 1)
        assert len(await received(redis_client)) == 1

    async def test_other_content_is_a_new_revision(self, store: RedisArticleStore, redis_client: Any) -> None:
        outcomes = await store.accept([make_acceptance(), make_acceptance(text="An update.")])
        assert [(outcome.status, outcome.rev) for outcome in outcomes] == [("accepted", 1), ("accepted", 2)]
        assert [event.article.rev for event in await received(redis_client)] == [1, 2]
        (record,) = await store.records([ID])
        assert record is not None
        assert record.received_at >= record.first_received_at

    async def test_the_same_request_is_replayed(self, store: RedisArticleStore, redis_client: Any) -> None:
        item = make_acceptance(idempotency_key="k")
        await store.accept([item])
        await store.accept([make_acceptance(text="In between.")])
        (replay,) = await store.accept([item])
        assert (replay.status, replay.rev) == ("replayed", 1)
        assert len(await received(redis_client)) == 2

    async def test_a_key_of_another_request_is_refused(self, store: RedisArticleStore, redis_client: Any) -> None:
        await store.accept([make_acceptance(idempotency_key="k")])
        (other,) = await store.accept([make_acceptance(text="Other.", idempotency_key="k")])
        assert other.status == "key-reused"
        assert len(await received(redis_client)) == 1

    async def test_keys_of_two_owners_do_not_meet(self, store: RedisArticleStore) -> None:
        one, two = (make_acceptance(text=owner, idempotency_key="k", owner=owner) for owner in ("one", "two"))
        assert [outcome.status for outcome in await store.accept([one, two])] == ["accepted", "accepted"]

    async def test_a_key_is_forgotten_in_time(self, store: RedisArticleStore, redis_client: Any) -> None:
        await store.accept([make_acceptance(idempotency_key="k", keep_seconds=60)])
        assert 0 < await redis_client.ttl(keys.idempotency("tests", "k")) <= 60

    @pytest.mark.parametrize(("versions", "last"), [((5, 4), "stale"), ((5, 5), "stale"), ((5, 6), "accepted")])
    async def test_a_lower_version_is_stale(
        self, store: RedisArticleStore, redis_client: Any, versions: tuple[int, int], last: str
    ) -> None:
        first, second = (
            make_acceptance(text=f"Text {n}.", submission=make_submission(source="s", external_id="1", version=version))
            for n, version in enumerate(versions)
        )
        outcomes = await store.accept([first, second])
        assert [outcome.status for outcome in outcomes] == ["accepted", last]
        assert len(await received(redis_client)) == (1 if last == "stale" else 2)

    async def test_parallel_twins_make_one_revision(self, store: RedisArticleStore, redis_client: Any) -> None:
        answers = await asyncio.gather(*(store.accept([make_acceptance() for _ in range(25)]) for _ in range(8)))
        statuses = [outcome.status for outcomes in answers for outcome in outcomes]
        assert statuses.count("accepted") == 1
        assert statuses.count("unchanged") == 199
        assert len(await received(redis_client)) == 1

    async def test_a_forgotten_script_is_loaded_again(self, store: RedisArticleStore, redis_client: Any) -> None:
        await store.accept([make_acceptance(external_id="1")])
        await redis_client.script_flush()
        outcomes = await store.accept([make_acceptance(external_id=str(n)) for n in range(2, 5)])
        assert [(outcome.status, outcome.rev) for outcome in outcomes] == [("accepted", 1)] * 3

    @pytest.mark.parametrize("victim", [0, 1, 2], ids=["article", "stream", "idempotency"])
    async def test_a_key_of_the_wrong_type_leaves_nothing_half_written(
        self, store: RedisArticleStore, redis_client: Any, victim: int
    ) -> None:
        item = make_acceptance(idempotency_key="k")
        names = [keys.article(ID), ARTICLE_RECEIVED.key, keys.idempotency("tests", "k")]
        await redis_client.sadd(names[victim], "wrong")
        with pytest.raises(Exception, match="WRONGTYPE"):
            await store.accept([item])
        assert {key.decode() for key in await redis_client.keys("*")} == {names[victim]}


class TestReads:
    async def test_unknown_ids_are_none(self, store: RedisArticleStore) -> None:
        assert await store.originals(["x"]) == [None]
        assert await store.articles(["x"]) == [None]
        assert await store.records(["x"]) == [None]
        assert await store.provenance("x") is None
        assert await store.articles([]) == []

    @pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
    async def test_a_damaged_original_is_marked_and_its_neighbour_read(
        self, store: RedisArticleStore, redis_client: Any, damage: str
    ) -> None:
        await store.accept([make_acceptance(), make_acceptance(external_id="b")])
        raw: bytes = await redis_client.hget(keys.article(ID), "raw")
        flipped = bytes([*raw[:20], raw[20] ^ 1, *raw[21:]])
        await redis_client.hset(keys.article(ID), "raw", {"flip": flipped, "cut": raw[:-3], "empty": b""}[damage])
        bad, good = await store.originals([ID, make_acceptance(external_id="b").article_id])
        assert isinstance(bad, CorruptOriginal)
        assert isinstance(good, Original)

    async def test_a_damaged_article_is_never_served(self, store: RedisArticleStore, redis_client: Any) -> None:
        await accepted_and_enriched(store, redis_client)
        doc: bytes = await redis_client.hget(keys.article(ID), "doc")
        await redis_client.hset(keys.article(ID), "doc", doc[:-1] + bytes([doc[-1] ^ 1]))
        await store.accept([make_acceptance(external_id="b")])
        bad, absent = await store.articles([ID, make_acceptance(external_id="b").article_id])
        assert (isinstance(bad, CorruptArticle), absent) == (True, None)
        assert [article async for batch in store.scan() for article in batch] == []

    async def test_a_scan_meets_every_article(self, store: RedisArticleStore, redis_client: Any) -> None:
        await groups(redis_client)
        wanted = set()
        for n in range(30):
            await store.accept([make_acceptance(external_id=str(n))])
            entry = await next_entry(redis_client, ARTICLE_RECEIVED.key, "enrich")
            item = enrichment(entry, external_id=str(n))
            assert await store.commit_enriched([item]) == [True]
            wanted.add(item.article.id)
        assert {article.id async for batch in store.scan(batch=7) for article in batch} == wanted


class TestEnriched:
    async def test_article_event_and_acknowledgement_are_one(self, store: RedisArticleStore, redis_client: Any) -> None:
        await accepted_and_enriched(store, redis_client)
        assert (await store.articles([ID])) == [make_article()]
        provenance = await store.provenance(ID)
        assert provenance is not None
        assert provenance.rev == 1
        assert (await redis_client.xpending(ARTICLE_RECEIVED.key, "enrich"))["pending"] == 0
        assert await redis_client.xlen(ARTICLE_ENRICHED.key) == 1

    async def test_twice_is_once(self, store: RedisArticleStore, redis_client: Any) -> None:
        await groups(redis_client)
        await store.accept([make_acceptance()])
        item = enrichment(await next_entry(redis_client, ARTICLE_RECEIVED.key, "enrich"))
        assert await store.commit_enriched([item, item]) == [True, False]
        assert await redis_client.xlen(ARTICLE_ENRICHED.key) == 1

    async def test_a_superseded_revision_is_only_acknowledged(
        self, store: RedisArticleStore, redis_client: Any
    ) -> None:
        await groups(redis_client)
        await store.accept([make_acceptance()])
        entry = await next_entry(redis_client, ARTICLE_RECEIVED.key, "enrich")
        await store.accept([make_acceptance(text="An update.")])
        assert await store.commit_enriched([enrichment(entry)]) == [False]
        assert await store.articles([ID]) == [None]
        assert await redis_client.xlen(ARTICLE_ENRICHED.key) == 0
        assert (await redis_client.xpending(ARTICLE_RECEIVED.key, "enrich"))["pending"] == 0

    async def test_an_entry_of_somebody_else_changes_nothing(self, store: RedisArticleStore, redis_client: Any) -> None:
        await groups(redis_client)
        await store.accept([make_acceptance()])
        assert await store.commit_enriched([enrichment(Entry("1-1", "enrich"))]) == [False]
        assert await store.articles([ID]) == [None]

    async def test_the_wrong_type_leaves_nothing_half_written(
        self, store: RedisArticleStore, redis_client: Any
    ) -> None:
        await groups(redis_client)
        await store.accept([make_acceptance()])
        entry = await next_entry(redis_client, ARTICLE_RECEIVED.key, "enrich")
        await redis_client.delete(ARTICLE_ENRICHED.key)
        await redis_client.set(ARTICLE_ENRICHED.key, "wrong")
        with pytest.raises(Exception, match="WRONGTYPE"):
            await store.commit_enriched([enrichment(entry)])
        assert await store.articles([ID]) == [None]
        assert (await redis_client.xpending(ARTICLE_RECEIVED.key, "enrich"))["pending"] == 1


class TestPublished:
    async def test_a_revision_is_announced_at_most_once(self, store: RedisArticleStore, redis_client: Any) -> None:
        entry = await accepted_and_enriched(store, redis_client)
        first, second = await store.commit_published([announcement(entry), announcement(entry)])
        assert first is not None
        assert second is None
        (record,) = await store.records([ID])
        assert record is not None
        assert (record.state, record.published_rev) == (ArticleState.PUBLISHED, 1)
        assert record.publication_id == first
        assert await redis_client.xlen(PUBLICATIONS.key) == 1

    async def test_two_workers_announce_once(self, store: RedisArticleStore, redis_client: Any) -> None:
        entry = await accepted_and_enriched(store, redis_client)
        answers = await asyncio.gather(*(store.commit_published([announcement(entry)]) for _ in range(20)))
        assert sum(answer[0] is not None for answer in answers) == 1
        assert await redis_client.xlen(PUBLICATIONS.key) == 1

    async def test_an_older_revision_is_not_announced(self, store: RedisArticleStore, redis_client: Any) -> None:
        entry = await accepted_and_enriched(store, redis_client)
        assert (await store.commit_published([announcement(entry, rev=3)]))[0]
        assert await store.commit_published([announcement(entry, rev=2, first=False)]) == [None]
        assert (await store.commit_published([announcement(entry, rev=4, first=False)]))[0]

    async def test_a_wrong_belief_about_being_first_changes_nothing(
        self, store: RedisArticleStore, redis_client: Any
    ) -> None:
        entry = await accepted_and_enriched(store, redis_client)
        assert await store.commit_published([announcement(entry, first=False)]) == [None]
        assert (await redis_client.xpending(ARTICLE_ENRICHED.key, "index"))["pending"] == 1
        assert await redis_client.xlen(PUBLICATIONS.key) == 0

    async def test_nothing_new_is_only_acknowledged(self, store: RedisArticleStore, redis_client: Any) -> None:
        entry = await accepted_and_enriched(store, redis_client)
        assert await store.commit_published([announcement(entry, quiet=True)]) == [None]
        assert (await redis_client.xpending(ARTICLE_ENRICHED.key, "index"))["pending"] == 0
        assert await redis_client.xlen(PUBLICATIONS.key) == 0
