"""Pages of the public log, encoded for subscribers; concurrent reads of the same page share one query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.serve.domain.wire_format import EncodedEvent
from shared.cloudevents import cloud_event, to_json
from shared.store import ArticleStore, PublicationLog
from shared.store.log_reader import LogReader
from shared.store.publication_log import LogEntry, parse_cursor
from shared.tasks import single_flight

PAGE: Final = 100
"""Entries per read."""
_MAX_READERS: Final = 8
"""Concurrent history reads; more would exhaust the connection pool when many clients reconnect at once."""


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """Events in order, and the cursor after every entry that was read, including those left out."""

    events: tuple[EncodedEvent, ...]
    cursor: str


class History:
    """Reads and encodes pages of the log; `shared.store.log_reader` decides what may be sent.

    Raises `StoreUnavailable` while Redis cannot answer.
    """

    def __init__(self, publications: PublicationLog, store: ArticleStore, *, source: str) -> None:
        self._log = publications
        self._reader = LogReader(publications, store)
        self._source = source
        self._readers = asyncio.Semaphore(_MAX_READERS)
        self._reading: dict[tuple[str, bool], asyncio.Task[EncodedPage]] = {}

    async def head(self) -> str:
        """The newest cursor."""
        return (await self._log.bounds()).last

    async def page(self, after: str, *, block_ms: int | None = None) -> EncodedPage:
        """The next page after a cursor; waits up to `block_ms` for one."""
        page = await self._reader.page(after, count=PAGE, block_ms=block_ms)
        return EncodedPage(tuple(map(self._encode, page.entries)), page.cursor)

    async def shared_page(self, after: str, *, with_facts: bool) -> EncodedPage:
        """`page` for many callers: those that ask for the same page share one read, and few reads run at once."""
        name = (after, with_facts)
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = single_flight(self._limited_page(after, with_facts=with_facts))
            reading.add_done_callback(lambda _: self._reading.pop(name, None))
        return await asyncio.shield(reading)

    async def add_facts(self, events: Sequence[EncodedEvent]) -> None:
        """Attach what queries look at to events that lack it."""
        missing = [encoded for encoded in events if encoded.facts is None]
        for encoded, facts in zip(missing, await self._reader.facts([one.event for one in missing]), strict=True):
            encoded.facts = facts

    async def _limited_page(self, after: str, *, with_facts: bool) -> EncodedPage:
        async with self._readers:
            page = await self.page(after)
            if with_facts:
                await self.add_facts(page.events)
            return page

    def _encode(self, entry: LogEntry) -> EncodedEvent:
        text = to_json(cloud_event(entry.event, cursor=entry.cursor, source=self._source))
        return EncodedEvent(entry.cursor, parse_cursor(entry.cursor), entry.event, text)
