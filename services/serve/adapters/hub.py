"""Fan-out of the public log: one reader per process, each event encoded once and matched once per distinct filter.

The hub reads the log at its head and writes each event to every attached subscriber, straight into its connection.
A subscriber that is behind reads history from its own cursor, page by page, until it reaches the head; then it
attaches. `attach` never awaits and is refused while events are dispatched, so no event can be missed in between; events
that the subscriber has already sent are dropped by comparing cursors. A subscriber whose connection is full is detached
and reads history again once the connection has drained: memory stays bounded and no event is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from services.serve.adapters.history import EncodedPage, EventHistory
from services.serve.domain.event_filters import StreamFilter
from services.serve.domain.wire_format import EncodedEvent, WireFormat, join_events
from shared.backoff import Backoff
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.events import Publication
from shared.observability import log_events
from shared.observability.metrics import FRESHNESS_SECONDS, SSE_REPLAYED
from shared.store.publication_log import EARLIEST, parse_cursor

BLOCK_MS: Final = 1_000
SLICE_BYTES: Final = 32 * 1024
"""Bytes written to a connection between two checks of its buffer."""
_IDLE_SECONDS: Final = 0.2
_WRITES_PER_TURN: Final = 250
"""Writes between two yields to other tasks."""

log = structlog.get_logger(__name__)


class StreamSubscriber(Protocol):
    """One subscriber that has reached the head of the log."""

    wire_format: WireFormat
    event_filter: StreamFilter
    position: tuple[int, int]
    """Sortable cursor of the last entry sent or filtered out; lags behind the hub's while it is attached."""

    def deliver(self, data: bytes, last: EncodedEvent) -> bool:
        """Write bytes that end with `last`; False when the connection is full now, and the hub detaches it."""
        ...

    def on_detached(self, cursor: str) -> None:
        """The hub dispatches nothing after this cursor: read on from there."""
        ...


class Hub:
    """Reads the log at its head and dispatches each entry to the attached subscribers."""

    def __init__(self, history: EventHistory) -> None:
        self._history = history
        self._head = ""
        self.position: tuple[int, int] = (0, 0)
        """The head in sortable form."""
        self._subscribers: dict[StreamFilter, dict[StreamSubscriber, None]] = {}
        self.is_dispatching = False
        self.closing = asyncio.Event()
        self._waiting: set[asyncio.Event] = set()

    @property
    def head(self) -> str:
        """The newest cursor that was dispatched; empty until the first read succeeded."""
        return self._head

    async def run(self) -> None:
        """Read until `close`; retries with back-off up to 2 s while Redis is unavailable."""
        backoff = Backoff(longest=2.0)
        while not self.closing.is_set():
            try:
                await self._step()
                backoff.succeeded()
            except StoreUnavailable as error:
                pause = backoff.failed()
                log.warning(log_events.STORE_UNAVAILABLE, component="hub", reason=str(error), seconds=round(pause, 3))
                await self._sleep(pause)

    def close(self) -> None:
        """End `run` and every stream."""
        self.closing.set()
        for waiting in self._waiting:
            waiting.set()

    def attach(self, subscriber: StreamSubscriber) -> bool:
        """Attach a subscriber that has reached the head; False if it has not. Never awaits (see the module)."""
        if self.is_dispatching or not self._head or subscriber.position < self.position:
            return False
        self._subscribers.setdefault(subscriber.event_filter, {})[subscriber] = None
        return True

    def detach(self, subscriber: StreamSubscriber) -> None:
        """Stop dispatching to a subscriber."""
        group = self._subscribers.get(subscriber.event_filter)
        if group is not None:
            group.pop(subscriber, None)
            if not group:
                del self._subscribers[subscriber.event_filter]

    def follows(self, subscriber: StreamSubscriber) -> bool:
        """Whether the subscriber is attached."""
        return subscriber in self._subscribers.get(subscriber.event_filter, ())

    async def history(self, after: str, *, with_facts: bool) -> EncodedPage:
        """The next page after a cursor; empty, after a pause, while Redis is unavailable or there is none."""
        try:
            page = await self._history.shared_page(after, with_facts=with_facts)
        except StoreUnavailable:
            page = EncodedPage((), after)
        if page.cursor == after:
            await self._sleep(_IDLE_SECONDS)
        SSE_REPLAYED.inc(len(page.events))
        return page

    async def wait_beyond(self, after: tuple[int, int], seconds: float) -> None:
        """Wait until the head is after this position, the hub closes, or the time is over."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(seconds):
                while self.position <= after and not self.closing.is_set():
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return
        finally:
            self._waiting.discard(changed)

    async def _step(self) -> None:
        if not self._head:
            self._advance(await self._history.head())
        page = await self._history.page(self._head or EARLIEST, block_ms=BLOCK_MS)
        for encoded in page.events:
            if isinstance(encoded.event, Publication):
                age = now() - encoded.event.card.received_at
                FRESHNESS_SECONDS.labels("sse").observe(age.total_seconds())
        if page.cursor == self._head:
            return
        self.is_dispatching = True  # no subscriber may attach from here on
        try:
            if any(event_filter.queries for event_filter in self._subscribers):
                await self._history.add_facts(page.events)
            for part in slices(page.events):
                await self._dispatch(part)
            self._log_broadcast(page.events)
            self._advance(page.cursor)
        finally:
            self.is_dispatching = False

    def _advance(self, cursor: str) -> None:
        self._head, self.position = cursor, parse_cursor(cursor)
        for waiting in self._waiting:
            waiting.set()

    def _log_broadcast(self, events: Sequence[EncodedEvent]) -> None:
        clients = sum(len(group) for group in self._subscribers.values())
        for encoded in events:
            event = encoded.event
            log.info(log_events.ARTICLE_BROADCAST, **event.log_keys(), type=event.meta.type, clients=clients)

    async def _dispatch(self, events: Sequence[EncodedEvent]) -> None:
        """Write a few events to all subscribers whose filter matches; subscribers may detach meanwhile, none attach."""
        for event_filter, group in tuple(self._subscribers.items()):
            passing = [encoded for encoded in events if event_filter.matches(encoded.event, encoded.facts)]
            if passing:
                await self._write(group, passing, events[-1].cursor)

    async def _write(self, group: dict[StreamSubscriber, None], passing: Sequence[EncodedEvent], cursor: str) -> None:
        made: dict[WireFormat, bytes] = {}
        first, last = passing[0].position, passing[-1]
        for number, subscriber in enumerate(tuple(group), 1):
            if number % _WRITES_PER_TURN == 0:
                await asyncio.sleep(0)
            if subscriber not in group:
                continue
            data = made.get(subscriber.wire_format)
            if data is None:
                data = made[subscriber.wire_format] = join_events(passing, subscriber.wire_format)
            if subscriber.position >= first:  # it read ahead of the hub: send only what it has not sent yet
                data = join_events(
                    [encoded for encoded in passing if encoded.position > subscriber.position], subscriber.wire_format
                )
            if data and not subscriber.deliver(data, last):
                self.detach(subscriber)
                subscriber.on_detached(cursor)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            return


def slices(events: Sequence[EncodedEvent]) -> list[list[EncodedEvent]]:
    """The events in slices of about `SLICE_BYTES` each."""
    slices: list[list[EncodedEvent]] = []
    size = SLICE_BYTES
    for encoded in events:
        if size >= SLICE_BYTES:
            slices.append([])
            size = 0
        slices[-1].append(encoded)
        size += len(encoded.text)
    return slices
