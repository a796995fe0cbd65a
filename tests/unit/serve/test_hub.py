"""The moment of joining: history and live meet without a gap or a repeat, in every order of events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.serve.adapters.history import History
from services.serve.adapters.hub import Hub
from services.serve.adapters.stream_sessions import StreamSession, StreamTimeouts
from services.serve.domain.control_frames import ControlFrames
from services.serve.domain.event_filters import EventFilter
from services.serve.domain.wire_format import WireFormat
from shared.errors import StoreUnavailable
from shared.events import Publication
from shared.store.publication_log import EARLIEST, LogBounds, LogEntry, LogPage, parse_cursor
from tests.support.builders import NOON, make_card, wait_until
from tests.support.event_stream import EventParser

TIMEOUTS = StreamTimeouts(heartbeat=100, lifetime=1000, write=0.2)


class ListLog:
    """The public log as a list; `down` makes it unreachable."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.down = False

    def add(self, count: int = 1, **fields: Any) -> list[str]:
        new = []
        for _ in range(count):
            event = Publication(meta=Publication.meta_for(producer="index", now=NOON), card=make_card(**fields))
            new.append(f"{len(self.entries) + 1}-0")
            self.entries.append(LogEntry(new[-1], event))
        return new

    async def page(self, after: str, *, count: int = 200, block_ms: int | None = None) -> LogPage:
        if self.down:
            raise StoreUnavailable("down")
        found = tuple(e for e in self.entries if parse_cursor(e.cursor) > parse_cursor(after))[:count]
        if not found and block_ms:  # a real log waits; a fake that does not would spin
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.02)
        return LogPage(found, found[-1].cursor if found else after)

    async def bounds(self) -> LogBounds:
        last = self.entries[-1].cursor if self.entries else EARLIEST
        return LogBounds("1-0" if self.entries else EARLIEST, last, len(self.entries))


class NoRecords:
    """A store that knows no article, so that none is retracted."""

    async def records(self, ids: Sequence[str]) -> list[None]:
        return [None for _ in ids]


class FakeConnection:
    """A connection as a list of writes. `room` is how many bytes fit before it is full; None never is."""

    def __init__(self) -> None:
        self.parser = EventParser()
        self.room: int | None = None
        self.aborted = False
        self.gone = False
        self.on_lost: Any = None
        self._drained = asyncio.Event()

    @property
    def full(self) -> bool:
        return self.room is not None and self.room <= 0

    def write(self, data: bytes) -> None:
        self.parser.feed(data)
        if self.room is not None:
            self.room -= len(data)

    def take_all(self) -> None:
        self.room = None
        self._drained.set()

    async def drain(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._drained.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def abort(self) -> None:
        self.aborted = True

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.parser.events]


@pytest.fixture
def log() -> ListLog:
    return ListLog()


def make_hub(log: Any) -> Hub:
    store: Any = NoRecords()
    return Hub(History(log, store, source="https://news.example"))


@asynccontextmanager
async def following(
    hub: Hub, after: str, *, event_filter: EventFilter | None = None, connection: FakeConnection | None = None
) -> AsyncIterator[tuple[StreamSession, FakeConnection]]:
    connection = connection or FakeConnection()
    session = StreamSession(
        hub,
        connection,  # type: ignore[arg-type]
        ControlFrames(WireFormat.PLAIN, "https://news.example"),
        event_filter=event_filter or EventFilter(),
        after=after,
        key=None,
        timeouts=TIMEOUTS,
    )
    running = asyncio.create_task(session.run(b""))
    try:
        yield session, connection
    finally:
        session.end("over")
        await asyncio.wait_for(running, 5)


async def test_a_follower_ahead_of_the_hub_sees_nothing_twice(log: ListLog) -> None:
    hub = make_hub(log)
    log.add(2)
    await hub._step()  # the hub's head is 2-0, or beyond it what it read at once
    log.add(2)  # written, and the hub has not read them yet
    async with following(hub, EARLIEST) as (session, connection):
        await wait_until(lambda: hub.follows(session))
        assert connection.ids == ["1-0", "2-0", "3-0", "4-0"]
        log.add(1)
        await hub._step()  # gives out 3-0, 4-0 and 5-0
        assert connection.ids == ["1-0", "2-0", "3-0", "4-0", "5-0"]


async def test_a_follower_behind_the_hub_misses_nothing(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    log.add(3)
    await hub._step()  # nobody has joined: these are history now
    async with following(hub, EARLIEST) as (session, connection):
        assert not hub.attach(session)
        await wait_until(lambda: hub.follows(session))
        log.add(2)
        await hub._step()
        assert connection.ids == ["1-0", "2-0", "3-0", "4-0", "5-0"]


async def test_nobody_joins_while_events_are_given_out(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    log.add(1)
    late: list[bool] = []

    class Curious(FakeConnection):
        def write(self, data: bytes) -> None:
            super().write(data)
            if data:
                late.append(hub.attach(session))

    async with following(hub, EARLIEST, connection=Curious()) as (session, _):
        await wait_until(lambda: hub.follows(session))
        log.add(1)
        await hub._step()
    assert late[-1] is False


async def test_a_full_connection_falls_back_to_history(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    async with following(hub, EARLIEST) as (session, connection):
        await wait_until(lambda: hub.follows(session))
        connection.room = 1
        log.add(2)
        await hub._step()
        assert not hub.follows(session)
        log.add(2)
        await hub._step()
        connection.take_all()
        await wait_until(lambda: hub.follows(session))
        log.add(1)
        await hub._step()
        assert connection.ids == ["1-0", "2-0", "3-0", "4-0", "5-0"]


async def test_a_connection_that_stays_full_is_cut(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    async with following(hub, EARLIEST) as (session, connection):
        await wait_until(lambda: hub.follows(session))
        connection.room = 1
        log.add(1)
        await hub._step()
        await wait_until(lambda: connection.aborted)
        assert session.ended == "slow"


async def test_a_filter_is_matched_once_for_all_who_have_it(log: ListLog, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = make_hub(log)
    await hub._step()
    saved: list[EventFilter] = []
    really = EventFilter.matches

    def counted(self: EventFilter, *arguments: Any) -> bool:
        saved.append(self)
        return really(self, *arguments)

    monkeypatch.setattr(EventFilter, "matches", counted)
    news, mine = EventFilter(), EventFilter(types=frozenset({"article.retracted"}))
    async with (
        following(hub, EARLIEST, event_filter=news) as (one, first),
        following(hub, EARLIEST, event_filter=EventFilter()) as (two, second),
        following(hub, EARLIEST, event_filter=mine) as (three, third),
    ):
        await wait_until(lambda: all(hub.follows(session) for session in (one, two, three)))
        saved.clear()
        log.add(1)
        await hub._step()
        assert (first.ids, second.ids, third.ids) == (["1-0"], ["1-0"], [])
        assert len(saved) == 2


async def test_a_heartbeat_tells_what_was_passed_over(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    nothing = EventFilter(types=frozenset({"article.retracted"}))
    async with following(hub, EARLIEST, event_filter=nothing) as (session, connection):
        await wait_until(lambda: hub.follows(session))
        log.add(2)
        await hub._step()
        later = asyncio.get_running_loop().time() + 200
        hub.is_dispatching = True
        session.tick(later)  # some have seen the events and some have not: no position is told
        assert (connection.parser.comments, connection.parser.last_id) == (["hb"], "")
        hub.is_dispatching = False
        session.tick(later + 200)
        assert (connection.parser.comments, connection.parser.last_id) == (["hb", "hb"], "2-0")


async def test_a_log_that_is_away_only_takes_time(log: ListLog) -> None:
    hub = make_hub(log)
    log.add(1)
    log.down = True
    reading = asyncio.create_task(hub.run())
    async with following(hub, EARLIEST) as (_, connection):
        assert not connection.ids
        log.down = False
        await wait_until(lambda: connection.ids == ["1-0"])
    hub.close()
    await asyncio.wait_for(reading, 5)


async def test_closing_ends_a_session(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    async with following(hub, EARLIEST) as (session, connection):
        await wait_until(lambda: hub.follows(session))
        hub.close()
        session.tick(0)
        await wait_until(lambda: session.ended == "closing")
        await wait_until(lambda: not hub.follows(session))
        log.add(1)
        await hub._step()
        assert not connection.ids
