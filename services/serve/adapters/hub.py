"""Fan-out of the public log: one reader per process, any number of followers, each with its own cursor.

The hub reads the log once and encodes each event once. A follower that is behind reads history by its own cursor, page
by page, until it has passed the hub's head; joining happens without an await, so nothing can fall between: what the hub
gives out from then on lies after its head, and what the follower has already seen is dropped by comparing cursors.
A follower whose bounded queue runs full falls back to reading history: memory is bounded, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

import structlog

from services.serve.domain import sse
from shared.clock import now
from shared.cloudevents import cloud_event, to_json
from shared.errors import StoreUnavailable
from shared.events import LogEvent, Publication
from shared.observability.metrics import FRESHNESS_SECONDS, SSE_REPLAYED
from shared.store import PublicationLog
from shared.store.publog import LogEntry, parse_cursor

PAGE: Final = 100
"""Entries read at once from history."""
BLOCK_MS: Final = 1_000
_IDLE_SECONDS: Final = 0.2
_READERS: Final = 8
"""Followers that read history at the same time; more would drain the connection pool after a mass reconnect."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One event ready to be sent: its cursor, the sortable form of it, the event for filters, and the SSE frame."""

    cursor: str
    place: tuple[int, int]
    event: LogEvent
    frame: bytes


class Hub:
    """Reads the log at its head and gives each entry to every follower that is there too."""

    def __init__(self, publications: PublicationLog, *, source: str, queue: int) -> None:
        self._log = publications
        self._source = source
        self._queue = queue
        self._head: str | None = None
        self._followers: set[Follower] = set()
        self._history = asyncio.Semaphore(_READERS)
        self.closing = asyncio.Event()

    async def run(self) -> None:
        """Read until `close`; an unreachable Redis is waited for, with back-off up to 2 s."""
        pause = 0.1
        while not self.closing.is_set():
            try:
                await self._step()
                pause = 0.1
            except StoreUnavailable as error:
                log.warning("hub.waiting", reason=str(error), seconds=pause)
                await self._sleep(pause)
                pause = min(pause * 2, 2.0)

    def close(self) -> None:
        """End `run`, and tell every stream to end."""
        self.closing.set()

    def follow(self, after: str) -> Follower:
        """A follower that starts after this cursor; close it when done."""
        return Follower(self, after, self._queue)

    def attach(self, follower: Follower) -> bool:
        """Let a follower in if it has seen everything up to the head. Never awaits: see the module's text."""
        if self._head is None or parse_cursor(follower.cursor) < parse_cursor(self._head):
            return False
        self._followers.add(follower)
        return True

    def detach(self, follower: Follower) -> None:
        """Stop giving events to a follower."""
        self._followers.discard(follower)

    async def history(self, after: str) -> tuple[list[Encoded], str]:
        """The next page after a cursor, and the cursor behind it; nothing, after a pause, while Redis is away."""
        async with self._history:
            try:
                page = await self._log.page(after, count=PAGE)
            except StoreUnavailable:
                await self._sleep(_IDLE_SECONDS)
                return [], after
        if page.cursor == after:
            await self._sleep(_IDLE_SECONDS)
        SSE_REPLAYED.inc(len(page.entries))
        return [self.encode(entry) for entry in page.entries], page.cursor

    def encode(self, entry: LogEntry) -> Encoded:
        """An entry as an SSE frame whose data is a CloudEvent."""
        event = cloud_event(entry.event, cursor=entry.cursor, source=self._source)
        frame = sse.frame(data=to_json(event), cursor=entry.cursor)
        return Encoded(entry.cursor, parse_cursor(entry.cursor), entry.event, frame)

    async def _step(self) -> None:
        if self._head is None:
            self._head = (await self._log.bounds()).last
        page = await self._log.page(self._head, count=PAGE, block_ms=BLOCK_MS)
        self._head = page.cursor
        for entry in page.entries:
            if isinstance(entry.event, Publication):
                age = now() - entry.event.card.received_at
                FRESHNESS_SECONDS.labels("sse").observe(age.total_seconds())
        if self._followers:
            self._give([self.encode(entry) for entry in page.entries])

    def _give(self, events: list[Encoded]) -> None:
        for follower in tuple(self._followers):
            if not follower.offer(events):
                self.detach(follower)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            return


class Follower:
    """One subscriber's place in the log. `cursor` is the last entry handed out or passed over."""

    def __init__(self, hub: Hub, after: str, size: int) -> None:
        self.cursor = after
        self._hub = hub
        self._size = size
        self._queue: deque[Encoded] = deque()
        self._wake = asyncio.Event()
        self._attached = False

    def offer(self, events: list[Encoded]) -> bool:
        """Take events from the hub, all or none; False detaches: the rest is read from history later."""
        self._attached = len(self._queue) + len(events) <= self._size
        if self._attached:
            self._queue.extend(events)
        self._wake.set()
        return self._attached

    async def next(self) -> list[Encoded]:
        """The next events, in order, at least one; waits as long as it takes."""
        while True:
            if events := self._drain():
                return events
            if self._attached:
                self._wake.clear()
                await self._wake.wait()
                continue
            self._attached = self._hub.attach(self)
            if self._attached:
                continue
            events, self.cursor = await self._hub.history(self.cursor)
            if events:
                return events

    def close(self) -> None:
        """Leave the hub."""
        self._attached = False
        self._hub.detach(self)

    def _drain(self) -> list[Encoded]:
        seen = parse_cursor(self.cursor)
        events = [event for event in self._queue if event.place > seen]
        self._queue.clear()
        if events:
            self.cursor = events[-1].cursor
        return events
