"""Pages of a log, encoded for subscribers; concurrent reads of the same page share one query."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.serve.domain.wire_format import EncodedEvent
from shared.cloudevents import cloud_event, to_json
from shared.events import Rejection, StreamEvent
from shared.store import ArticleStore, PublicationLog
from shared.store.log_reader import LogReader
from shared.store.publication_log import StreamLog, parse_cursor
from shared.store.rejection_log import RejectionLog
from shared.tasks import single_flight

PAGE: Final = 100
"""Entries per read."""
_MAX_READERS: Final = 8
"""Concurrent history reads; more would exhaust the connection pool when many clients reconnect at once."""


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """Events in order, and the cursor after every entry that was read, including omitted ones."""

    events: tuple[EncodedEvent, ...]
    cursor: str


class EventHistory(ABC):
    """Reads and encodes pages of one log. Raises `StoreUnavailable` while Redis cannot answer."""

    def __init__(self, log: StreamLog, *, source: str) -> None:
        self._stream = log
        self._source = source
        self._readers = asyncio.Semaphore(_MAX_READERS)
        self._reading: dict[tuple[str, bool], asyncio.Task[EncodedPage]] = {}

    @abstractmethod
    async def page(self, after: str, *, block_ms: int | None = None) -> EncodedPage:
        """The next page after a cursor; waits up to `block_ms` for one."""

    @abstractmethod
    async def add_facts(self, events: Sequence[EncodedEvent]) -> None:
        """Attach facts for query matching to events without them."""

    async def head(self) -> str:
        """The newest cursor."""
        return (await self._stream.bounds()).last

    async def shared_page(self, after: str, *, with_facts: bool) -> EncodedPage:
        """`page` for many callers: requests for the same page share one read; concurrent reads are limited."""
        name = (after, with_facts)
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = single_flight(self._limited_page(after, with_facts=with_facts))
            reading.add_done_callback(lambda _: self._reading.pop(name, None))
        return await asyncio.shield(reading)

    async def _limited_page(self, after: str, *, with_facts: bool) -> EncodedPage:
        async with self._readers:
            page = await self.page(after)
            if with_facts:
                await self.add_facts(page.events)
            return page

    def _encode(self, cursor: str, event: StreamEvent) -> EncodedEvent:
        text = to_json(cloud_event(event, cursor=cursor, source=self._source))
        return EncodedEvent(cursor, parse_cursor(cursor), event, text)


class History(EventHistory):
    """The public log; `shared.store.log_reader` decides what may be sent."""

    def __init__(self, publications: PublicationLog, store: ArticleStore, *, source: str) -> None:
        super().__init__(publications, source=source)
        self._reader = LogReader(publications, store)

    async def page(self, after: str, *, block_ms: int | None = None) -> EncodedPage:
        """See `EventHistory`."""
        page = await self._reader.page(after, count=PAGE, block_ms=block_ms)
        return EncodedPage(tuple(self._encode(entry.cursor, entry.event) for entry in page.entries), page.cursor)

    async def add_facts(self, events: Sequence[EncodedEvent]) -> None:
        """See `EventHistory`."""
        missing = [encoded for encoded in events if encoded.facts is None]
        public = [encoded.event for encoded in missing if not isinstance(encoded.event, Rejection)]
        for encoded, facts in zip(missing, await self._reader.facts(public), strict=True):
            encoded.facts = facts


class RejectionHistory(EventHistory):
    """The private log of rejections. Filters decide who may see which entry; nothing else reads it."""

    def __init__(self, rejections: RejectionLog, *, source: str) -> None:
        super().__init__(rejections, source=source)
        self._rejections = rejections

    async def page(self, after: str, *, block_ms: int | None = None) -> EncodedPage:
        """See `EventHistory`."""
        entries, cursor = await self._rejections.page(after, count=PAGE, block_ms=block_ms)
        return EncodedPage(tuple(self._encode(entry.cursor, entry.event) for entry in entries), cursor)

    async def add_facts(self, events: Sequence[EncodedEvent]) -> None:
        """Rejections have none."""
