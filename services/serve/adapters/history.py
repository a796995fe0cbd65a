"""Pages of the public log, encoded: retracted articles as tombstones, one read for all who ask for the same page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.serve.domain.wire_format import EncodedEvent
from shared.articles import Article, ArticleState
from shared.cloudevents import cloud_event, to_json
from shared.errors import CorruptRecord
from shared.events import Publication, Withdrawal
from shared.query import event_facts
from shared.store import ArticleStore, PublicationLog
from shared.store.articles.lifecycle import taken_back
from shared.store.publication_log import LogEntry, LogPage, parse_cursor
from shared.tasks import single_flight
from shared.tombstones import article_of, without_text

PAGE: Final = 100
"""Entries read at once."""
_READERS: Final = 8
"""Pages of history read at the same time; more would drain the connection pool after a mass reconnect."""


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """Events in order, and the cursor behind everything that was looked at."""

    events: tuple[EncodedEvent, ...]
    cursor: str


class History:
    """Reads pages of the log. Everything that leaves the process as an event goes through `page`.

    Raises `StoreUnavailable` while Redis cannot answer, also for the question which articles are retracted: an event is
    never sent unchecked.
    """

    def __init__(self, publications: PublicationLog, store: ArticleStore, *, source: str) -> None:
        self._log = publications
        self._store = store
        self._source = source
        self._readers = asyncio.Semaphore(_READERS)
        self._reading: dict[tuple[str, bool], asyncio.Task[EncodedPage]] = {}

    async def head(self) -> str:
        """The newest cursor."""
        return (await self._log.bounds()).last

    async def page(self, after: str, *, block_ms: int | None = None) -> EncodedPage:
        """The next page after a cursor; waits up to `block_ms` for one."""
        return await self._encoded(await self._log.page(after, count=PAGE, block_ms=block_ms))

    async def shared_page(self, after: str, *, whole: bool) -> EncodedPage:
        """`page` for many at once: those who ask for the same page wait for one read, and the readers are few.

        `whole` adds the facts of the stored articles.
        """
        name = (after, whole)
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = single_flight(self._one_of_few(after, whole=whole))
            reading.add_done_callback(lambda _: self._reading.pop(name, None))
        return await asyncio.shield(reading)

    async def add_facts(self, events: Sequence[EncodedEvent]) -> None:
        """Give publications the facts of their stored articles, so that a query sees the words that search sees."""
        missing = [encoded for encoded in events if encoded.facts is None and isinstance(encoded.event, Publication)]
        if not missing:
            return
        ids = list(dict.fromkeys(article_of(encoded.event) for encoded in missing))
        articles = dict(zip(ids, await self._articles(ids), strict=True))
        for encoded in missing:
            encoded.facts = event_facts(encoded.event, articles[article_of(encoded.event)])

    async def _articles(self, ids: Sequence[str]) -> list[Article | None]:
        """Stored articles; None for a damaged one, which is then judged by its card."""
        try:
            return await self._store.articles(ids)
        except CorruptRecord:
            if len(ids) == 1:
                return [None]
            return [found for one in ids for found in await self._articles([one])]

    async def _one_of_few(self, after: str, *, whole: bool) -> EncodedPage:
        async with self._readers:
            page = await self.page(after)
            if whole:
                await self.add_facts(page.events)
            return page

    async def _encoded(self, page: LogPage) -> EncodedPage:
        retracted = await self._retracted(page.entries)
        return EncodedPage(tuple(self._encode(entry, retracted) for entry in page.entries), page.cursor)

    async def _retracted(self, entries: Sequence[LogEntry]) -> dict[str, tuple[datetime, str]]:
        """When and why, by the id of each article of these events that is retracted now."""
        ids = list(dict.fromkeys(article_of(e.event) for e in entries if not isinstance(e.event, Withdrawal)))
        if not ids:
            return {}
        records = await self._store.records(ids)
        return {
            record.article_id: (act.at, act.reason) if (act := taken_back(record.acts)) else (record.received_at, "")
            for record in records
            if record is not None and record.state is ArticleState.RETRACTED
        }

    def _encode(self, entry: LogEntry, retracted: dict[str, tuple[datetime, str]]) -> EncodedEvent:
        event = entry.event
        if retracted and (found := retracted.get(article_of(event))):
            event = without_text(event, at=found[0].astimezone(UTC), reason=found[1])
        text = to_json(cloud_event(event, cursor=entry.cursor, source=self._source))
        return EncodedEvent(entry.cursor, parse_cursor(entry.cursor), event, text)
