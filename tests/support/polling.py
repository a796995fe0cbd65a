"""Polling of sources in tests: the parts that ingest wires, on a real store, against servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from services.ingest.adapters.committer import Committer
from services.ingest.adapters.poll_scheduler import PollScheduler
from services.ingest.domain.sources import SourceSpec, read_poll_state
from services.ingest.handlers import OutboundFetcher
from services.ingest.settings import IngestSettings
from shared.fetch import FetchSettings
from shared.store import Sources, connect, keys, open_store
from shared.topology import ARTICLE_RECEIVED
from tests.support.valkey import Valkey

LOCAL = {"allow": "127.0.0.0/8", "ports": "any"}

PAGE = (
    b"<html><head><title>The ferry returns</title></head><body><article><h1>The ferry returns</h1><p>After nine years "
    b"the old ferry crosses the harbour again, and the council pays for it.</p></article></body></html>"
)
"""A page that is one article."""


@dataclass
class PollingHarness:
    """Everything a test of sources needs."""

    outbound: OutboundFetcher
    sources: Sources
    scheduler: PollScheduler
    redis: Any

    async def put(self, source_id: str, url: str, **spec: Any) -> None:
        await self.sources.put(source_id, asdict(SourceSpec(url, **spec)))

    async def poll(self, lease_seconds: float = 30.0) -> None:
        """Poll what is due, once."""
        for lease in await self.sources.acquire_due(limit=10, lease_seconds=lease_seconds):
            await self.scheduler.poll(lease)

    async def poll_again(self, source_id: str) -> None:
        """Make it due now, and poll."""
        await self.redis.zadd(keys.SOURCES_DUE, {source_id: 0})
        await self.poll()

    async def state(self, source_id: str) -> Any:
        record = await self.sources.get(source_id)
        assert record is not None
        return read_poll_state(record.state, SourceSpec(**record.spec))

    async def due_in(self, source_id: str) -> float | None:
        record = await self.sources.get(source_id)
        assert record is not None
        seconds, micros = await self.redis.time()
        return None if record.due_ms is None else record.due_ms / 1000 - seconds - micros / 1e6

    async def received(self) -> int:
        """How many revisions were accepted so far."""
        return int(await self.redis.xlen(ARTICLE_RECEIVED.key))


@asynccontextmanager
async def open_polling(valkey: Valkey, **settings: Any) -> AsyncIterator[PollingHarness]:
    client = connect(valkey.url)
    committer = Committer(open_store(client))
    sources = Sources(client)
    ingest = IngestSettings(BROADSHEET_REDIS_URL=valkey.url, **settings)
    outbound = OutboundFetcher(ingest, sources, committer, FetchSettings(**LOCAL))
    scheduler = outbound.scheduler()
    scheduler._poller.page_pause_seconds = 0.0
    scheduler.host_pause_seconds = 0.0
    scheduler.host_retry_seconds = 0.05
    try:
        yield PollingHarness(outbound, sources, scheduler, client)
    finally:
        await outbound.aclose()
        await committer.aclose()
        await client.aclose()


def rss(*items: str, head: str = "") -> bytes:
    """A feed of these items."""
    return f"<rss version='2.0'><channel><title>The Gazette</title>{head}{''.join(items)}</channel></rss>".encode()


def item(number: int, **fields: str) -> str:
    """An item that reads like news."""
    members = {
        "guid": f"g-{number}",
        "title": f"Ferry number {number} returns",
        "link": f"https://gazette.example/news/{number}",
        "pubDate": "Mon, 02 Mar 2026 08:30:00 GMT",
        "description": f"The council voted to bring ferry number {number} back into service this spring.",
    } | fields
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in members.items() if value) + "</item>"
