"""What became of the articles of a source: published and dead are counted in the commits themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest

from broadsheet.source_diagnosis import problem_of
from services.ingest.domain.sources import SourceSpec, next_poll
from shared.broker.group import WorkGroup
from shared.clock import now
from shared.events import ArticleReceived, ArticleRef
from shared.observability.metrics import SOURCE_PROBLEMS
from shared.store import open_store
from shared.store.articles.port import Announcement
from shared.store.sources import SourceRecord
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.support.announcing import publication
from tests.support.builders import make_acceptance, make_article, make_enrichment
from tests.support.fetching import Asked, http, origin
from tests.support.polling import PollingHarness, item, open_polling, rss
from tests.support.store_commits import groups, next_entry
from tests.support.valkey import Valkey


@pytest.fixture
async def polling(valkey: Valkey, redis_client: Any) -> AsyncIterator[PollingHarness]:
    async with open_polling(valkey) as harness:
        await groups(harness.redis)
        yield harness


async def refs(polling: PollingHarness) -> list[ArticleRef]:
    """The articles on the work stream, oldest first."""
    rows = await polling.redis.xrange(ARTICLE_RECEIVED.key)
    return [ArticleRef.model_validate(_payload(fields)["article"]) for _, fields in rows]


def _payload(fields: dict[bytes, bytes]) -> Any:
    data = fields[b"__data__"]
    return orjson.loads(data[data.index(b"{") : data.rindex(b"}") + 1])


async def publish(polling: PollingHarness, ref: ArticleRef) -> None:
    """The commits of enrich and index for the next entry of the stream."""
    store = open_store(polling.redis)
    article = make_article(id=ref.article_id, rev=ref.rev)
    await store.commit_enriched(
        [make_enrichment(await next_entry(polling.redis, ARTICLE_RECEIVED.key, "enrich"), article)]
    )
    entry = await next_entry(polling.redis, ARTICLE_ENRICHED.key, "index")
    for _ in range(2):  # the second time is a redelivery and counts nothing
        event = publication(id=ref.article_id, rev=ref.rev)
        await store.commit_published([Announcement([entry], ref.article_id, ref.rev, first=True, event=event)])


async def dead_letter(polling: PollingHarness, ref: ArticleRef, reason: str) -> None:
    """The commit of a worker that gives up on the next entry of the stream."""
    group = WorkGroup(polling.redis, ARTICLE_RECEIVED, "enrich", "c")
    event = ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=now()), article=ref)
    entry = await next_entry(polling.redis, ARTICLE_RECEIVED.key, "enrich")
    for _ in range(2):
        await group.dead_letter(entry.entry_id, (reason, "no-body"), 1, event)


async def record(polling: PollingHarness) -> SourceRecord:
    found = await polling.sources.get("gazette")
    assert found is not None
    return found


async def test_published_and_dead_are_counted_for_the_last_poll_and_in_total(polling: PollingHarness) -> None:
    bodies = [rss(item(1), item(2), item(3)), rss(item(1), item(2), item(3), item(4))]
    async with origin(lambda _: http(body=bodies.pop(0) if len(bodies) > 1 else bodies[0])) as server:
        await polling.put("gazette", server.url())
        await polling.poll()
        one, two, three = await refs(polling)
        await publish(polling, one)
        await dead_letter(polling, two, "nothing to read")
        counts = (await record(polling)).counts
        assert {name: counts[name] for name in ("published", "published_total", "dead", "dead_total")} == {
            "published": "1", "published_total": "1", "dead": "1", "dead_total": "1",
        }  # fmt: skip
        assert (counts["dead_reason"], counts["dead_article"].endswith(two.article_id)) == ("nothing to read", True)
        assert "1 articles of the last poll are dead-lettered: nothing to read" in problem_of(await record(polling))

        await polling.poll_again("gazette")
        await publish(polling, three)  # of the poll before: it counts in the total only
        *_, four = await refs(polling)
        await publish(polling, four)
        counts = (await record(polling)).counts
        assert (counts["published"], counts["published_total"], counts["dead"], counts["dead_total"]) == (
            "1",
            "3",
            "0",
            "1",
        )
        state = await polling.state("gazette")
        assert (state.items_total, state.accepted_total, state.unchanged_total, state.rejected_total) == (7, 4, 3, 0)
        assert problem_of(await record(polling)) == ""


async def test_problem_series_are_exported_before_the_first_problem(valkey: Valkey, redis_client: Any) -> None:
    """Prometheus' `increase()` is 0 over a series that begins at 1: the first problem would raise no alert."""
    SOURCE_PROBLEMS.clear()
    async with open_polling(valkey):
        samples = {sample.labels["problem"]: sample.value for sample in next(iter(SOURCE_PROBLEMS.collect())).samples}
    assert set(samples) == {"dead", "nothing-published"}


async def test_articles_that_a_producer_posts_are_not_counted_for_the_source(polling: PollingHarness) -> None:
    await open_store(polling.redis).accept([make_acceptance(source="gazette")])
    (ref,) = await refs(polling)
    await publish(polling, ref)
    assert await polling.redis.keys("*source-counts*") == []


async def test_a_source_that_publishes_nothing_is_a_problem_after_a_while(polling: PollingHarness) -> None:
    async with origin(lambda _: http(body=rss(item(1)))) as server:
        await polling.put("gazette", server.url())
        await polling.poll()
    fresh = await record(polling)
    assert problem_of(fresh) == ""
    old = SourceRecord(
        fresh.source_id, fresh.spec, fresh.state | {"succeeded_at": "2026-01-01T00:00:00+00:00"}, None, {}
    )
    assert problem_of(old) == "1 articles accepted, none published"


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), timedelta(hours=9), timedelta(days=60)])
async def test_an_item_with_a_future_date_is_held_back_until_its_time(
    polling: PollingHarness, ahead: timedelta
) -> None:
    date = now() + ahead

    def answer(_: Asked) -> bytes:
        return http(body=rss(item(1), item(2, pubDate=format_datetime(date))), etag='"1"')

    async with origin(answer) as server:
        await polling.put("gazette", server.url())
        await polling.poll()
        state = await polling.state("gazette")
        assert (state.items, state.accepted, state.held_back, state.etag) == (2, 1, 1, "")
        assert state.next_release_at == date.replace(microsecond=0).isoformat()
        record_ = await record(polling)
        due = next_poll(SourceSpec(**record_.spec), state, random_fraction=0.5)
        assert due is not None
        assert due <= ahead.total_seconds() + 1
        date = now() - timedelta(seconds=1)  # its time has come
        await polling.poll_again("gazette")
        state = await polling.state("gazette")
        assert (state.accepted, state.unchanged, state.held_back, state.next_release_at) == (1, 1, 0, "")


async def test_a_date_that_is_an_error_costs_the_date_and_not_the_item(polling: PollingHarness) -> None:
    async with origin(lambda _: http(body=rss(item(1, pubDate="Thu, 01 Jan 2099 00:00:00 GMT")))) as server:
        await polling.put("gazette", server.url())
        await polling.poll()
        state = await polling.state("gazette")
        assert (state.accepted, state.held_back) == (1, 0)
