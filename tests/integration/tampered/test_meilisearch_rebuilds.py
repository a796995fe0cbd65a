"""Rebuilding beside a live index on Meilisearch: refusals, live writes meanwhile, and how long the old one is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.search.errors import Rejected
from shared.search.meilisearch import MeiliIndex
from tests.contracts.search_contract import SPEC, article, newsroom, put
from tests.support.builders import wait_until
from tests.support.tampered import Tampered, listed

pytestmark = pytest.mark.slow


async def test_a_live_write_does_not_wait_for_a_rebuild(client: Tampered, index: MeiliIndex) -> None:
    """What a rebuild has sent may take the server long; a live write comes behind it in the queue, and no later."""
    asked, over = asyncio.Event(), False

    def answer(path: str, answer: Any) -> Any:
        for row in answer["results"] if path == "/tasks" and not over else []:
            if "__" in row["indexUid"]:  # the index being built
                row["status"] = "processing"
                asked.set()
        return answer

    client.answer = answer
    async with index.reindex(SPEC) as staging:
        await staging.write(newsroom())
        counting = asyncio.create_task(staging.count())
        async with asyncio.timeout(30):
            await asked.wait()
            await put(index, article("live", "Written meanwhile"))
        assert not counting.done()
        over = True
        assert await counting == len(newsroom()) + 1
        await staging.promote()
    assert "live" in await listed(index)


async def test_a_document_that_a_rebuild_is_refused_costs_it_no_other(client: Tampered, index: MeiliIndex) -> None:
    client.spoil = lambda body: body.replace(b'"id":"bad",', b'"id":"no primary key",')
    async with index.reindex(SPEC) as staging:
        await staging.write([article("a", "x"), article("bad", "x"), article("b", "x")])
        with pytest.raises(Rejected) as refused:
            await staging.count()
        assert refused.value.ids == ("bad",)
        await staging.write([article("c", "x")])
        assert await staging.count() == 3
        await staging.promote()
    assert set(await listed(index)) == {"a", "b", "c"}


async def test_a_live_write_meets_a_rebuild_that_is_refused_a_document(client: Tampered, index: MeiliIndex) -> None:
    """The refusal is the rebuild's to hear of; the live document is in both indexes."""
    client.spoil = lambda body: body.replace(b'"id":"bad",', b'"id":"no primary key",')
    async with index.reindex(SPEC) as staging:
        await staging.write([article("bad", "x"), *(article(f"a{n}", "x") for n in range(20))])
        counting = asyncio.create_task(staging.count())
        await wait_until(lambda: len(client.sent) >= 4, timeout=30, what="it is being taken apart")
        await put(index, article("live", "Written meanwhile"))
        with pytest.raises(Rejected) as refused:
            await counting
        assert refused.value.ids == ("bad",)
        assert await staging.count() == 21
        await staging.promote()
    assert set(await listed(index)) == {"live", *(f"a{n}" for n in range(20))}


async def test_an_index_before_a_swap_is_kept_however_quiet_it_was(client: Tampered, index: MeiliIndex) -> None:
    """The day that it is kept begins with the rebuild, not with the last write that it had."""
    await put(index, *newsroom())
    async with index.reindex(SPEC) as staging:
        await staging.write(newsroom())
        await staging.promote()
    old: set[str] = {"updatedAt"}

    def answer(path: str, answer: Any) -> Any:
        return answer | dict.fromkeys(old, "2020-01-01T00:00:00Z") if path.startswith("/indexes/") else answer

    client.answer = answer
    assert await index.prune(older_than=3_600) == 0
    old.add("createdAt")
    assert await index.prune(older_than=3_600) == 1
