"""What a delivery says at this moment: made from the log when it is sent, so that nothing retracted is ever sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from services.notify.domain import message
from shared.articles import ArticleState
from shared.events import LogEvent, Withdrawal
from shared.store import ArticleStore, PublicationLog
from shared.store.articles.lifecycle import taken_back
from shared.store.webhooks.deliveries import PING, Delivery
from shared.tombstones import article_of, without_text

_KNOWN: Final = 256


class Messages:
    """Makes bodies. Raises StoreUnavailable, also when it cannot be asked whether an article is retracted."""

    def __init__(self, store: ArticleStore, publications: PublicationLog, *, source: str) -> None:
        self._store = store
        self._log = publications
        self._source = source
        self._known: dict[str, tuple[LogEvent, bytes]] = {}

    async def body(self, endpoint_id: str, delivery: Delivery, *, now: datetime) -> bytes | None:
        """The CloudEvent; of an article that was retracted since, its tombstone. None: the log has no such event."""
        if delivery.type == PING:
            return message.ping(delivery.id, endpoint_id, now=now, source=self._source)
        known = self._known.get(delivery.cursor) or await self._read(delivery.cursor)
        if known is None:
            return None
        event, body = known
        now_event = await self._as_of_now(event)
        return body if now_event is event else message.body(now_event, cursor=delivery.cursor, source=self._source)

    async def _read(self, cursor: str) -> tuple[LogEvent, bytes] | None:
        """The event and its body as they are in the log; one event goes to many endpoints at about the same time."""
        entry = await self._log.at(cursor)
        if entry is None:
            return None
        if len(self._known) >= _KNOWN:
            self._known.pop(next(iter(self._known)))
        known = (entry.event, message.body(entry.event, cursor=entry.cursor, source=self._source))
        self._known[cursor] = known
        return known

    async def _as_of_now(self, event: LogEvent) -> LogEvent:
        if isinstance(event, Withdrawal):
            return event
        (record,) = await self._store.records([article_of(event)])
        if record is None or record.state is not ArticleState.RETRACTED:
            return event
        act = taken_back(record.acts)
        at, reason = (act.at, act.reason) if act else (record.received_at, "")
        return without_text(event, at=at.astimezone(UTC), reason=reason)
