"""SourcePoller feeds and sitemaps: conditional, polite, patient; nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from shared.store import keys
from shared.tasks import cancel_and_wait
from tests.support.builders import wait_until
from tests.support.fetching import Asked, http, origin
from tests.support.polling import PAGE, PollingHarness, item, open_polling, rss
from tests.support.valkey import Valkey


@pytest.fixture
async def polling(valkey: Valkey, redis_client: Any) -> AsyncIterator[PollingHarness]:
    async with open_polling(valkey) as opened:
        yield opened


async def test_a_feed_becomes_articles_once_and_is_asked_conditionally(polling: PollingHarness) -> None:
    def answer(asked: Asked) -> bytes:
        if asked.headers.get("if-none-match") == '"v1"':
            return http("304 Not Modified")
        return http(body=rss(item(1), item(2)), etag='"v1"', last_modified="Mon, 02 Mar 2026 09:00:00 GMT")

    async with origin(answer) as server:
        await polling.put("gazette", server.url("/feed"), interval_seconds=600)
        await polling.poll()
        state = await polling.state("gazette")
        assert (state.items, state.accepted, state.rejected, state.error) == (2, 2, 0, "")
        assert await polling.received() == 2
        assert 500 < (await polling.due_in("gazette") or 0) < 700
        await polling.poll()  # not due
        assert len(server.asked) == 1
        await polling.poll_again("gazette")
        state = await polling.state("gazette")
        assert (state.status, state.accepted, state.failures, state.polls_total) == (304, 0, 0, 2)
        assert server.asked[1].headers["if-modified-since"] == "Mon, 02 Mar 2026 09:00:00 GMT"
        assert await polling.received() == 2


async def test_only_what_changed_is_accepted_again_as_a_new_revision(polling: PollingHarness) -> None:
    feeds = [rss(item(1), item(2)), rss(item(1), item(2, title="Ferry number 2 is late")), rss(item(3), item(1))]
    async with origin(lambda _: http(body=feeds[0])) as server:
        await polling.put("gazette", server.url())
        for accepted, total in ((2, 2), (1, 3), (1, 4)):
            await polling.poll_again("gazette")
            assert (await polling.state("gazette")).accepted == accepted
            assert await polling.received() == total
            feeds.pop(0)


async def test_a_guid_that_is_new_for_each_poll_makes_no_twins(polling: PollingHarness) -> None:
    """F12; and F11, F13, F14 beside it."""
    polls = iter(range(100))

    def answer(_: Asked) -> bytes:
        now = next(polls)
        strange = [
            item(7, guid="same"),
            item(8, guid="same"),
            "<item><title>x</title></item>",
            item(9, guid="", link=""),
        ]
        return http(
            body=rss(item(1, guid=f"made-up-{now}"), *strange, item(5, pubDate="Thu, 01 Jan 9998 00:00:00 GMT"))
        )

    async with origin(answer) as server:
        await polling.put("gazette", server.url())
        await polling.poll()
        first = await polling.state("gazette")
        assert (first.items, first.accepted, first.rejected) == (6, 4, 2)
        assert first.rejected_reason == "item 'x' has neither guid nor link"
        await polling.poll_again("gazette")
        again = await polling.state("gazette")
        assert (again.accepted, again.unchanged, again.rejected) == (0, 4, 2)
        assert len(await polling.redis.keys(f"{keys.ARTICLE_PREFIX}*")) == 4


ANSWERS: dict[str, tuple[bytes, str, tuple[float, float] | None]] = {
    "not found": (http("404 Not Found"), "http-404", (1000, 2200)),
    "server error": (http("500 Internal Server Error"), "http-500", (1000, 2200)),
    "too many requests": (http("429 Too Many", retry_after="7200"), "http-429", (7100, 8000)),
    "retry after ten years": (http("503 No", retry_after="315360000"), "http-503", (604_000, 700_000)),
    "retry after nonsense": (http("503 No", retry_after="soon -1"), "http-503", (1000, 2200)),
    "gone": (http("410 Gone"), "http-410", None),
    "F18 html": (http(body=b"<!DOCTYPE html><html>Please log in</html>"), "feed-html", (1000, 2200)),
    "F19 304 to nothing": (http("304 Not Modified"), "http-304", (1000, 2200)),
    "F21 bomb": (http(body=gzip.compress(bytes(30_000_000)), content_encoding="gzip"), "fetch-", (1000, 2200)),
    "F21 bomb inside": (http(body=gzip.compress(bytes(30_000_000))), "fetch-", (1000, 2200)),
    "F01 laughs": (http(body=b"<!DOCTYPE x [<!ENTITY a 'b'>]><rss/>"), "feed-doctype", (1000, 2200)),
    "a sitemap": (http(body=b"<urlset><url><loc>https://a.example/</loc></url></urlset>"), "feed-kind", (1000, 2200)),
    "F16 to itself": (http("301 Moved", location="/"), "fetch-redirects", (1000, 2200)),
    "to metadata": (http("302 Found", location="http://169.254.169.254/"), "fetch-address", (1000, 2200)),
    "empty": (http(), "feed-not-a-feed", (1000, 2200)),
}


async def test_a_bad_answer_is_told_and_the_sources_beside_it_are_unharmed(polling: PollingHarness) -> None:
    async with AsyncExitStack() as servers:
        for place, (name, (answer, _, _)) in enumerate(ANSWERS.items()):
            bad = await servers.enter_async_context(origin(lambda _, a=answer: a, address=f"127.0.1.{place + 1}"))
            await polling.put(_id(name), bad.url(), interval_seconds=900)
        good = await servers.enter_async_context(origin(lambda _: http(body=rss(item(1)))))
        await polling.put("zz-good", good.url())
        for _ in range(3):
            await polling.poll()
    assert (await polling.state("zz-good")).accepted == 1
    for name, (_, error, due) in ANSWERS.items():
        state = await polling.state(_id(name))
        assert state.error.startswith(error), name
        assert (state.failures, state.accepted) == (1, 0), name
        assert state.error_detail, name
        waits = await polling.due_in(_id(name))
        assert (waits is None) == (due is None), name
        assert due is None or due[0] < (waits or 0) < due[1], (name, waits)
        assert (state.stopped == "gone") == (due is None), name


def _id(name: str) -> str:
    return name.replace(" ", "-")


async def test_failures_double_the_wait_and_one_success_ends_it(polling: PollingHarness) -> None:
    answers = [http("500 No")] * 3 + [http(body=rss(item(1)))]
    async with origin(lambda _: answers.pop(0)) as server:
        await polling.put("gazette", server.url(), interval_seconds=100)
        for low, high in ((170, 230), (350, 450), (700, 900), (80, 120)):
            await polling.poll_again("gazette")
            assert low < (await polling.due_in("gazette") or 0) < high
        assert (await polling.state("gazette")).failures == 0


async def test_permanent_moves_and_hubs_are_noted_and_a_header_that_is_no_etag_is_not_sent(
    polling: PollingHarness,
) -> None:
    links = "<link xmlns='http://www.w3.org/2005/Atom' rel='hub' href='https://hub.example/'/><ttl>60</ttl>"

    def answer(asked: Asked) -> bytes:
        if asked.path == "/old":
            return http("301 Moved Permanently", location="/new")
        return http(body=rss(item(1), head=links), etag='"a\tb"')  # F20

    async with origin(answer) as server:
        await polling.put("gazette", server.url("/old"), interval_seconds=60)
        await polling.poll()
        state = await polling.state("gazette")
        assert (state.moved_to, state.hubs, state.error) == (server.url("/new"), ("https://hub.example/",), "")
        assert (await polling.due_in("gazette") or 0) > 3000  # the feed's own wish
        await polling.poll_again("gazette")
        assert "if-none-match" not in server.asked[-1].headers


@pytest.mark.slow
async def test_two_pollers_fetch_each_source_once_and_one_connection_at_a_time_per_host(
    polling: PollingHarness, valkey: Valkey
) -> None:
    busy, most = 0, 0

    async def answer(asked: Asked) -> bytes:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return http(body=rss(item(int(asked.path[1:]))))

    async with origin(answer) as server, open_polling(valkey) as other:
        for scheduler in (polling.scheduler, other.scheduler):
            scheduler.random_fraction = lambda: 0.0
        for number in range(8):
            await polling.put(f"s{number}", server.url(f"/{number}"))
        loops = [asyncio.create_task(scheduler.run()) for scheduler in (polling.scheduler, other.scheduler)]

        async def all_polled() -> bool:
            return all([(await polling.state(f"s{number}")).polls_total for number in range(8)])

        await wait_until(all_polled, timeout=30)
        await cancel_and_wait(loops)
        assert sorted(asked.path for asked in server.asked) == [f"/{number}" for number in range(8)]
        assert most == 1
        assert await polling.received() == 8


async def test_a_poller_that_dies_loses_nothing(polling: PollingHarness) -> None:
    asked_once = asyncio.Event()
    go_on = asyncio.Event()

    async def answer(asked: Asked) -> bytes:
        asked_once.set()
        await go_on.wait()
        return http(body=rss(item(1), item(2)))

    async with origin(answer) as server:
        await polling.put("gazette", server.url())
        (lease,) = await polling.sources.acquire_due(limit=5, lease_seconds=0.5)
        dying = asyncio.create_task(polling.scheduler.poll(lease))
        await asked_once.wait()
        await cancel_and_wait([dying])
        go_on.set()
        assert await polling.sources.acquire_due(limit=5, lease_seconds=30) == []  # still leased to the dead one

        async def due() -> bool:
            await polling.poll()
            return bool((await polling.state("gazette")).accepted)

        await wait_until(due, timeout=10)
        assert await polling.received() == 2
        assert not await polling.sources.release(lease, state={}, seconds=5)  # the dead one's word counts no more


SITEMAP = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{}</urlset>"


async def test_a_gzipped_sitemap_index_leads_to_pages_that_are_fetched_in_turns(polling: PollingHarness) -> None:
    def answer(asked: Asked) -> bytes:
        host = f"http://{asked.headers['host']}"
        if asked.path == "/sitemap.xml":
            return http(body=f"<sitemapindex><sitemap><loc>{host}/news.xml.gz</loc></sitemap></sitemapindex>".encode())
        if asked.path == "/news.xml.gz":
            urls = "".join(
                f"<url><loc>{host}/n/{n}</loc><lastmod>2026-03-{n + 1:02}</lastmod></url>" for n in range(25)
            )
            return http(body=gzip.compress(SITEMAP.format(urls).encode()), content_type="application/gzip")
        if asked.path == "/n/24":
            return http("404 Not Found")
        return http(body=PAGE.replace(b"nine", asked.path.encode()), content_type="text/html; charset=utf-8")

    async with origin(answer) as server:
        await polling.put("map", server.url("/sitemap.xml"), kind="sitemap")
        await polling.poll()
        state = await polling.state("map")
        assert (state.items, state.accepted, state.rejected, state.pages_left) == (25, 19, 1, 5)
        assert "404" in state.rejected_reason
        assert (await polling.due_in("map") or 0) < 100  # the rest soon
        newest = [asked.path for asked in server.asked[2:]]
        assert newest[-1] == "/n/24"
        assert newest[0] == "/n/5"
        await polling.poll_again("map")
        state = await polling.state("map")
        assert (state.accepted, state.pages_left, await polling.received()) == (5, 0, 24)


async def test_pages_of_a_feed_fall_back_to_the_feeds_own_text(polling: PollingHarness) -> None:
    def answer(asked: Asked) -> bytes:
        host = f"http://{asked.headers['host']}"
        if asked.path == "/feed":
            return http(
                body=rss(item(1, link=f"{host}/1"), item(2, link=f"{host}/2"), item(3, link="http://10.0.0.1/"))
            )
        return http(body=PAGE, content_type="text/html") if asked.path == "/1" else http("500 No")

    async with origin(answer) as server:
        await polling.put("gazette", server.url("/feed"), pages=True)
        await polling.poll()
        state = await polling.state("gazette")
        assert (state.accepted, state.rejected) == (3, 0)
        kinds = [await polling.redis.hget(key, "kind") for key in await polling.redis.keys(f"{keys.ARTICLE_PREFIX}*")]
        assert sorted(kinds) == [b"html", b"json", b"json"]


async def test_a_paused_source_rests_and_a_changed_one_begins_anew(polling: PollingHarness) -> None:
    async with origin(lambda _: http(body=rss(item(1)), etag='"1"')) as server:
        await polling.put("gazette", server.url("/a"), paused=True)
        await polling.poll()
        assert (server.asked, await polling.due_in("gazette")) == ([], None)
        await polling.put("gazette", server.url("/a"))
        await polling.poll()
        await polling.put("gazette", server.url("/b"))
        await polling.poll()
        assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, None]
        assert await polling.sources.delete("gazette")
        assert await polling.sources.get("gazette") is None
        assert not await polling.sources.delete("gazette")
