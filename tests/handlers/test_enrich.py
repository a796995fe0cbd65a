"""The enrich handler on a real store and real parser children."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.enrich.adapters.sandbox import Sandbox
from services.enrich.domain.pipeline import PIPELINE_VERSION
from services.enrich.handlers import GROUP, EnrichBatch
from shared.articles import InputKind
from shared.broker import Delivery
from shared.envelope import decode
from shared.errors import Permanent, Retryable
from shared.events import ArticleEnriched, ArticleReceived
from shared.sandbox import Limits
from shared.store import keys
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.support.builders import HARBOUR, make_acceptance
from tests.support.valkey import Valkey, emptied

pytestmark = [pytest.mark.redis, pytest.mark.asyncio(loop_scope="module")]  # the loop of the one parser child


@pytest_asyncio.fixture(loop_scope="module")
async def redis_client(valkey: Valkey) -> AsyncIterator[Any]:
    async with emptied(valkey) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    box = Sandbox(1, Limits(seconds=10.0))
    await box.start()
    yield box
    await box.aclose()


async def deliveries(client: Any) -> list[Delivery[ArticleReceived]]:
    """What the group has not read yet, as the broker would hand it over."""
    await client.xgroup_create(ARTICLE_RECEIVED.key, GROUP, id="0", mkstream=True)
    read = await client.xreadgroup(GROUP, "c1", {ARTICLE_RECEIVED.key: ">"}, count=100)
    entries = read[0][1] if isinstance(read, list) else read[ARTICLE_RECEIVED.key.encode()][0]
    return [
        Delivery(entry_id.decode(), ArticleReceived.from_json(decode(fields)[1]), 1) for entry_id, fields in entries
    ]


async def pending(client: Any) -> int:
    return int((await client.xpending(ARTICLE_RECEIVED.key, GROUP))["pending"])


async def enriched(client: Any) -> list[ArticleEnriched]:
    return [ArticleEnriched.from_json(decode(fields)[1]) for _, fields in await client.xrange(ARTICLE_ENRICHED.key)]


async def test_a_batch_becomes_articles_with_their_provenance(
    redis_client: Any, store: RedisArticleStore, sandbox: Sandbox
) -> None:
    item = make_acceptance()
    await store.accept([item])
    batch = await deliveries(redis_client)
    assert await EnrichBatch(store, sandbox)(batch) == {}
    (article,) = await store.articles([item.article_id])
    assert article is not None
    assert article.title == HARBOUR.split("\n\n")[0]
    assert [tag.slug for tag in article.tags] == ["transport", "city-news"]
    assert article.source == "example-gazette"
    provenance = await store.provenance(item.article_id)
    assert provenance is not None
    assert provenance.pipeline_version == PIPELINE_VERSION
    assert [step.name for step in provenance.steps][:2] == ["read", "fields"]
    assert [cut.rule for cut in provenance.cuts] == ["tags"]
    assert await pending(redis_client) == 0
    (event,) = await enriched(redis_client)
    assert event.article.article_id == item.article_id
    assert event.meta.causation_id == batch[0].event.meta.event_id
    assert event.meta.correlation_id == batch[0].event.meta.correlation_id


async def test_the_same_batch_twice_writes_once(redis_client: Any, store: RedisArticleStore, sandbox: Sandbox) -> None:
    await store.accept([make_acceptance()])
    batch = await deliveries(redis_client)
    handler = EnrichBatch(store, sandbox)
    assert await handler(batch) == {}
    assert await handler(batch) == {}
    assert len(await enriched(redis_client)) == 1


async def test_a_superseded_revision_is_finished_without_an_article(
    redis_client: Any, store: RedisArticleStore, sandbox: Sandbox
) -> None:
    await store.accept([make_acceptance()])
    await store.accept([make_acceptance(text=HARBOUR + "\n\nA second edition adds one more paragraph to the story.")])
    batch = await deliveries(redis_client)
    assert [delivery.event.article.rev for delivery in batch] == [1, 2]
    assert await EnrichBatch(store, sandbox)(batch[:1]) == {}
    assert await enriched(redis_client) == []
    assert await pending(redis_client) == 1
    assert await EnrichBatch(store, sandbox)(batch[1:]) == {}
    assert [event.article.rev for event in await enriched(redis_client)] == [2]
    assert await pending(redis_client) == 0


async def test_bad_ones_are_reported_and_good_ones_go_on(
    redis_client: Any, store: RedisArticleStore, sandbox: Sandbox
) -> None:
    good = make_acceptance()
    await store.accept(
        [
            make_acceptance(external_id="empty", text="***"),
            make_acceptance(external_id="lost"),
            make_acceptance(external_id="damaged"),
            make_acceptance(external_id="binary", data=b"%PDF-1.7 ...", kind=InputKind.HTML, media_type="text/html"),
            good,
            make_acceptance(
                external_id="json",
                kind=InputKind.JSON,
                media_type="application/json",
                data=json.dumps({"text": "A title line\n\nA body of more words than that."}).encode(),
            ),
        ]
    )
    batch = await deliveries(redis_client)
    await redis_client.delete(keys.article(batch[1].event.article.article_id))
    await redis_client.hset(keys.article(batch[2].event.article.article_id), "raw", b"damaged")
    failures = await EnrichBatch(store, sandbox)(batch)
    rules = {entry_id: error.rule for entry_id, error in failures.items() if isinstance(error, Permanent)}
    names = ("no-body", "missing-original", "corrupt-record", "not-text")
    assert rules == {batch[i].entry_id: rule for i, rule in enumerate(names)}
    assert len(await enriched(redis_client)) == 2
    assert await pending(redis_client) == 4


async def test_what_cannot_start_in_time_comes_back(
    redis_client: Any, store: RedisArticleStore, sandbox: Sandbox
) -> None:
    await store.accept([make_acceptance()])
    batch = await deliveries(redis_client)
    failures = await EnrichBatch(store, sandbox, budget=-1.0)(batch)
    assert isinstance(failures[batch[0].entry_id], Retryable)
    assert await pending(redis_client) == 1
