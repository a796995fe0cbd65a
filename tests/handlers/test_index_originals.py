"""Originals through the index handler: what is stored of claims and rulings, what search shows, what the trace says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.enrich.domain.terms.fingerprint import fingerprint
from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.articles import Article
from shared.claims import Ruling
from shared.source_patterns import SourceTrust
from shared.store import keys
from shared.store.articles.lifecycle import Verb
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from tests.support.taking_back import Way
from tests.unit.index.enriched import deliver, enrich, enrich_again
from tests.unit.index.fake_index import FakeIndex
from tests.unit.index.reports import archive
from tests.unit.index.test_grouping import FERRY, FILLER, GLACIER

pytestmark = pytest.mark.redis

SHORT = FERRY[:1]
JUNK = (*SHORT, *GLACIER, *(texts[0] for texts in FILLER[:4]))


class Sources:
    """Articles of several sources, one each, on their way through the index service."""

    def __init__(self, client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer) -> None:
        self.client, self.store, self.index, self.indexer = client, store, index, indexer
        self.ids: dict[str, str] = {}
        self.way = Way(client, store, indexer)

    async def post(self, source: str, texts: tuple[str, ...], named: str = "") -> Article:
        """A revision of the source's article, indexed. `named` is the site that the page names."""
        article = await enrich(
            self.client,
            self.store,
            source,
            text=f"{source} {texts}",
            owner=source,
            title="Lindmouth ferry",
            source=named or source,
            paragraphs=texts,
            fingerprint=fingerprint("Lindmouth ferry", texts, "en"),
        )
        await self.indexer(await deliver(self.client))
        self.ids[source] = article.id
        return article

    async def copies(self) -> dict[str, tuple[str, str]]:
        """Copy -> its original and why, as stored; the index shows the same."""
        names = {ident: source for source, ident in self.ids.items()}
        found = {}
        for ident, decided in zip(names, await self.store.groups.decisions(list(names)), strict=True):
            duplicate = decided.duplicate_of if decided else None
            if ident in self.index.visible:
                assert self.index.visible[ident].duplicate_of == (duplicate.article_id if duplicate else None)
            if decided and duplicate:
                found[names[ident]] = (names[duplicate.article_id], str(decided.why["rule"]))
        return found

    async def forget_claims(self) -> None:
        """Make the records those of an archive from before claims were stored."""
        for ident in self.ids.values():
            await self.client.hdel(keys.article(ident), "claim", "rule", "ruling")


@pytest.fixture
async def sources(redis_client: Any, store: RedisArticleStore) -> AsyncIterator[Sources]:
    index = FakeIndex()
    queue = WriteQueue(index, SubmittedBatches(redis_client), WriteLimits(gather=0.0, first_poll=0.01, last_poll=0.02))
    indexer = Indexer(store, queue, trust=SourceTrust.parse("reuters=1"))
    await archive(redis_client, store, indexer)
    yield Sources(redis_client, store, index, indexer)
    await queue.aclose()


async def test_a_short_item_is_not_hidden_by_a_later_text_that_contains_it(sources: Sources) -> None:
    await sources.post("bbc", SHORT)
    await sources.post("thief", JUNK)
    assert await sources.copies() == {}
    await sources.post("bbc", (f"Update: {SHORT[0]}",))
    assert await sources.copies() == {}


@pytest.mark.parametrize("is_old", [False, True], ids=["", "of an older archive"])
async def test_an_article_that_changes_into_another_becomes_its_copy_and_stays_it(
    sources: Sources, is_old: bool
) -> None:
    await sources.post("thief", GLACIER)
    await sources.post("bbc", FERRY)
    if is_old:  # nothing is known of what the first texts were: the first change is taken as it comes
        await sources.forget_claims()
        await sources.post("thief", (*GLACIER, "A word more."))
    await sources.post("thief", FERRY)
    assert await sources.copies() == {"thief": ("bbc", "first")}
    await sources.post("bbc", (*FERRY[:2], "The dockers' union wants the crews hired in the town."))
    assert await sources.copies() == {"thief": ("bbc", "first")}


async def test_a_page_that_names_the_site_of_another_source_is_not_of_it(sources: Sources) -> None:
    await sources.post("bbc", SHORT)
    await sources.post("nobody", JUNK, named="bbc")
    assert await sources.copies() == {}


async def test_a_trusted_source_becomes_the_original_of_an_earlier_copy(sources: Sources) -> None:
    await sources.post("bbc", FERRY)
    await sources.post("reuters", FERRY)
    assert await sources.copies() == {"bbc": ("reuters", "trust")}


async def test_withdrawn_and_restored_an_article_is_the_original_of_its_copies_again(sources: Sources) -> None:
    await sources.post("bbc", FERRY)
    await sources.post("thief", (*FERRY, "All rights reserved by nobody."))
    assert await sources.copies() == {"thief": ("bbc", "first")}
    assert (await sources.way.act(Verb.WITHDRAW, sources.ids["bbc"])).status == "accepted"
    await pass_on(sources)
    assert await sources.copies() == {}
    assert (await sources.way.act(Verb.RESTORE, sources.ids["bbc"])).status == "accepted"
    await restore(sources, "bbc", FERRY)
    assert await sources.copies() == {"thief": ("bbc", "first")}


async def test_a_retraction_erases_the_claim(sources: Sources) -> None:
    await sources.post("bbc", FERRY)
    assert await sources.client.hexists(keys.article(sources.ids["bbc"]), "claim")
    await sources.way.act(Verb.RETRACT, sources.ids["bbc"])
    assert not await sources.client.hexists(keys.article(sources.ids["bbc"]), "claim")


@pytest.mark.parametrize("verb", [Verb.ORIGINAL, Verb.NOT_A_COPY])
async def test_an_editors_word_counts_over_all(sources: Sources, verb: Verb) -> None:
    await sources.post("reuters", FERRY)
    await sources.post("bbc", FERRY)
    assert await sources.copies() == {"bbc": ("reuters", "trust")}
    ruling = Ruling(is_original=verb is Verb.ORIGINAL, sources=frozenset({"*"}))
    outcome = await sources.way.act(verb, sources.ids["bbc"], ruling=ruling)
    assert outcome.status == "accepted"
    await restore(sources, "bbc", FERRY)
    expected = {"reuters": ("bbc", "editor")} if verb is Verb.ORIGINAL else {}
    assert await sources.copies() == expected
    await sources.post("reuters", (*FERRY, "A correction."))
    assert await sources.copies() == expected
    (record,) = await sources.store.records([sources.ids["bbc"]])
    assert record is not None
    assert [act.verb for act in record.acts] == [verb]


async def pass_on(sources: Sources) -> None:
    await sources.way.enrich()
    await sources.indexer(await deliver(sources.client))


async def restore(sources: Sources, source: str, texts: tuple[str, ...]) -> None:
    """Enrich the revision that an editor made from the text that is stored, and index it."""
    await enrich_again(
        sources.client,
        sources.store,
        source,
        title="Lindmouth ferry",
        source=source,
        paragraphs=texts,
        fingerprint=fingerprint("Lindmouth ferry", texts, "en"),
    )
    await sources.indexer(await deliver(sources.client))
