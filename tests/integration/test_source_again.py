"""What a source is asked again: pages that failed for now, and a feed no sooner than it wishes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.fetching import Asked, http, origin
from tests.support.polling import PAGE, PollingHarness, item, open_polling, rss
from tests.support.valkey import Valkey


@pytest.fixture
async def polling(valkey: Valkey, redis_client: Any) -> AsyncIterator[PollingHarness]:
    async with open_polling(valkey) as opened:
        yield opened


async def test_a_feed_that_did_not_change_is_still_asked_no_more_often_than_it_wishes(polling: PollingHarness) -> None:
    def answer(asked: Asked) -> bytes:
        if asked.headers.get("if-none-match") == '"v1"':
            return http("304 Not Modified")
        return http(body=rss(item(1), head="<ttl>60</ttl>"), etag='"v1"')

    async with origin(answer) as server:
        await polling.put("gazette", server.url(), interval_seconds=60)
        for status in (200, 304, 304):
            await polling.poll_again("gazette")
            assert (await polling.state("gazette")).status == status
            assert (await polling.due_in("gazette") or 0) > 3000


async def test_a_page_whose_server_is_away_for_a_moment_is_fetched_by_a_later_poll(polling: PollingHarness) -> None:
    away = [True]

    def answer(asked: Asked) -> bytes:
        if asked.path == "/map.xml":
            links = "".join(f"<url><loc>{server.url(f'/p{number}')}</loc></url>" for number in range(2))
            body = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{links}</urlset>".encode()
            return http("304 Not Modified") if "if-none-match" in asked.headers else http(body=body, etag='"v1"')
        if asked.path == "/p1" and away[0]:
            return http("503 Service Unavailable")
        return http(body=PAGE.replace(b"The ferry", asked.path[1:].encode() + b" ferry"), content_type="text/html")

    async with origin(answer) as server:
        await polling.put("gazette", server.url("/map.xml"), kind="sitemap", interval_seconds=600)
        await polling.poll()
        state = await polling.state("gazette")
        assert (state.accepted, state.rejected, await polling.received()) == (1, 1, 1)
        assert (await polling.due_in("gazette") or 0) > 500, "a page that fails makes no source poll faster"
        away[0] = False
        await polling.poll_again("gazette")
        state = await polling.state("gazette")
        assert (state.accepted, state.rejected, await polling.received()) == (1, 0, 2)
        await polling.poll_again("gazette")
        assert (await polling.state("gazette")).status == 304


async def test_a_page_that_is_never_there_is_given_up_after_three_polls(polling: PollingHarness) -> None:
    def answer(asked: Asked) -> bytes:
        if asked.path == "/map.xml":
            body = f"<urlset><url><loc>{server.url('/p')}</loc></url></urlset>".encode()
            return http("304 Not Modified") if "if-none-match" in asked.headers else http(body=body, etag='"v1"')
        return http("500 Oops")

    async with origin(answer) as server:
        await polling.put("gazette", server.url("/map.xml"), kind="sitemap")
        for _ in range(5):
            await polling.poll_again("gazette")
        assert [asked.path for asked in server.asked].count("/p") == 3
        assert (await polling.state("gazette")).status == 304
