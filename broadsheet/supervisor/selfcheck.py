"""Self-check of `up`: sends one canary page through all services and measures each stage.

The canary is always the same article (source and external id are fixed) with a new revision each time. It is dated
2000, so that it is at the end of every list.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Final

import httpx
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse

from broadsheet.failure import CliFailure
from shared.articles import CANARY_SOURCE
from shared.errors import StoreUnavailable
from shared.store import ArticleStore

EXTERNAL_ID: Final = "canary"
OPT_IN: Final = {"source": CANARY_SOURCE}
"""Parameters with which search and streams include the canary."""
LIMIT_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Milliseconds from the start of the request until each stage was observed."""

    article_id: str
    rev: int
    accepted_ms: float
    enriched_ms: float
    searchable_ms: float
    streamed_ms: float

    def line(self) -> str:
        """The result as one line."""
        return (
            f"self-check ok: accepted {self.accepted_ms:.0f} ms, enriched {self.enriched_ms:.0f} ms, "
            f"searchable {self.searchable_ms:.0f} ms, streamed {self.streamed_ms:.0f} ms"
        )

    def as_json(self) -> dict[str, object]:
        """The result as JSON."""
        return {"ok": True, **asdict(self)}


def canary(token: str) -> dict[str, object]:
    """The JSON submission. `token` is a unique word."""
    return {
        "source": CANARY_SOURCE,
        "external_id": EXTERNAL_ID,
        "published_at": "2000-01-01T00:00:00Z",
        "section": "selfcheck",
        "title": f"Self-check canary {token}",
        "text": (
            f"Self-check canary {token}\n\n"
            "Broadsheet sends this page to itself to check that posted pages become searchable articles. It is always "
            "the same article in a new revision, with an old date, so that it is never among the news.\n\n"
            f"The token of this run is {token}. Readers can ignore this article.\n"
        ),
    }


async def self_check(ingest_url: str, serve_url: str, key: str, store: ArticleStore) -> SelfCheck:
    """Send the canary and wait for every stage. Raises CliFailure with the stage that failed."""
    token = f"canary{secrets.token_hex(6)}"
    headers = {"Authorization": f"Bearer {key}"}
    stage = ["the event stream"]
    try:
        async with asyncio.timeout(LIMIT_SECONDS), httpx.AsyncClient(headers=headers, timeout=10.0) as http:
            return await _watch(http, ingest_url, serve_url, token, store, stage)
    except TimeoutError as error:
        raise CliFailure(f"self-check failed: nothing from {stage[0]} within {LIMIT_SECONDS:.0f} s") from error
    except (httpx.HTTPError, SSEError, StoreUnavailable) as error:
        raise CliFailure(f"self-check failed at {stage[0]}: {type(error).__name__} {error}") from error


async def _watch(
    http: httpx.AsyncClient, ingest_url: str, serve_url: str, token: str, store: ArticleStore, stage: list[str]
) -> SelfCheck:
    # The read time-out must exceed the heartbeat interval of 15 s.
    timeout = httpx.Timeout(10.0, read=30.0)
    async with aconnect_sse(http, "GET", f"{serve_url}/v1/events", params=OPT_IN, timeout=timeout) as source:
        source.response.raise_for_status()
        events = source.aiter_sse()
        await anext(events)  # after `hello` no event is missed
        clock = _Clock(time.perf_counter())
        stage[0] = "ingest"
        article_id, rev = await _post(http, ingest_url, token)
        accepted_ms = clock.ms()
        watchers = {
            "enrich": asyncio.create_task(_enriched(store, article_id, rev, clock)),
            "search": asyncio.create_task(_searchable(http, serve_url, token, clock)),
            "the event stream": asyncio.create_task(_streamed(events, http, serve_url, token, clock)),
        }
        try:
            times = []
            for stage[0], watcher in watchers.items():
                times.append(await watcher)
        finally:
            for watcher in watchers.values():
                watcher.cancel()
    enriched_ms, searchable_ms, streamed_ms = times
    # The search made at the arrival of the event found it too, so the earlier of both times is the bound.
    return SelfCheck(article_id, rev, accepted_ms, enriched_ms, min(searchable_ms, streamed_ms), streamed_ms)


@dataclass(frozen=True, slots=True)
class _Clock:
    began: float

    def ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000


async def _enriched(store: ArticleStore, article_id: str, rev: int, clock: _Clock) -> float:
    while True:
        (record,) = await store.records([article_id])
        if record is not None and record.rejected_rev >= rev:
            raise CliFailure(f"self-check failed: enrich rejected the canary: {record.reason}")
        if record is not None and record.doc_rev >= rev:
            return clock.ms()
        await asyncio.sleep(_POLL_SECONDS)


async def _searchable(http: httpx.AsyncClient, serve_url: str, token: str, clock: _Clock) -> float:
    while True:
        asked = clock.ms()
        if await _found(http, serve_url, token):
            return asked
        await asyncio.sleep(_POLL_SECONDS)


async def _streamed(
    events: AsyncIterator[ServerSentEvent], http: httpx.AsyncClient, serve_url: str, token: str, clock: _Clock
) -> float:
    async for event in events:
        if token in event.data:
            arrived = clock.ms()
            if not await _found(http, serve_url, token):
                raise CliFailure("self-check failed: the event was published before the article was searchable")
            return arrived
    raise CliFailure("self-check failed: the event stream ended")


async def _found(http: httpx.AsyncClient, serve_url: str, token: str) -> bool:
    answer = await http.get(f"{serve_url}/v1/search", params={"q": token, **OPT_IN})
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        raise CliFailure(f"self-check failed: search answered {answer.status_code}: {answer.text[:300]}")
    return any(token in hit["title"] for hit in answer.json()["response"]["results"])


async def _post(http: httpx.AsyncClient, ingest_url: str, token: str) -> tuple[str, int]:
    answer = await http.post(f"{ingest_url}/v1/articles", json=canary(token))
    if answer.status_code != httpx.codes.ACCEPTED:
        raise CliFailure(f"self-check failed: ingest answered {answer.status_code}: {answer.text[:300]}")
    body = answer.json()
    return body["id"], body["rev"]
