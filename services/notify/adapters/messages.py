"""Builds the body of a delivery when it is sent, so that text of a retracted article is never sent."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.notify.domain import message
from shared.events import LogEvent, Withdrawal
from shared.store import ArticleStore, PublicationLog
from shared.store.log_reader import LogReader
from shared.store.publication_log import LogEntry
from shared.store.webhooks.deliveries import PING, Delivery

_CACHED: Final = 256


class Undeliverable(Exception):
    """There is nothing to send: the event was trimmed from the log, or its article was retracted."""


class Messages:
    """Builds bodies. Raises StoreUnavailable, also when the state of an article cannot be read."""

    def __init__(self, store: ArticleStore, publications: PublicationLog, *, source: str) -> None:
        self._log = publications
        self._reader = LogReader(publications, store)
        self._source = source
        self._cached: dict[str, tuple[LogEntry, bytes]] = {}

    async def body(self, endpoint_id: str, delivery: Delivery, *, now: datetime) -> bytes:
        """The CloudEvent as JSON. Raises Undeliverable."""
        if delivery.type == PING:
            return message.ping(delivery.id, endpoint_id, now=now, source=self._source)
        entry, body = self._cached.get(delivery.cursor) or await self._read(delivery.cursor)
        if isinstance(entry.event, Withdrawal):
            return body
        current = await self._reader.sendable([entry])
        if not current:
            raise Undeliverable("the article was retracted; its tombstone is delivered instead")
        return body if current[0] is entry else self._encode(current[0])

    def event_of(self, delivery: Delivery) -> LogEvent | None:
        """The event of a delivery whose body was just built; None for a ping."""
        cached = self._cached.get(delivery.cursor)
        return cached[0].event if cached else None

    async def _read(self, cursor: str) -> tuple[LogEntry, bytes]:
        """The event and its encoded body; one event usually goes to many endpoints at about the same time."""
        entry = await self._log.at(cursor)
        if entry is None:
            raise Undeliverable("the event is not in the log any more")
        if len(self._cached) >= _CACHED:
            self._cached.pop(next(iter(self._cached)))
        cached = self._cached[cursor] = (entry, self._encode(entry))
        return cached

    def _encode(self, entry: LogEntry) -> bytes:
        return message.body(entry.event, cursor=entry.cursor, source=self._source)
