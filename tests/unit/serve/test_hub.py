"""The moment of joining: history and live meet without a gap or a repeat, in every order of events."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from services.serve.adapters.hub import Follower, Hub
from shared.errors import StoreUnavailable
from shared.events import Publication
from shared.store.publog import EARLIEST, LogBounds, LogEntry, LogPage, parse_cursor
from tests.builders import NOON, make_card


class ListLog:
    """The public log as a list; `down` makes it unreachable."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.down = False

    def add(self, count: int = 1) -> list[str]:
        new = []
        for _ in range(count):
            event = Publication(meta=Publication.meta_for(producer="index", now=NOON), card=make_card())
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
        return LogBounds("1-0" if self.entries else EARLIEST, last, len(self.entries), EARLIEST)


@pytest.fixture
def log() -> ListLog:
    return ListLog()


def make_hub(log: Any, queue: int = 100) -> Hub:
    return Hub(log, source="https://news.example", queue=queue)


async def taken(follower: Follower) -> list[str]:
    return [event.cursor for event in await asyncio.wait_for(follower.next(), 2)]


async def joined(follower: Follower) -> asyncio.Task[list[str]]:
    """A waiting `next`, once the follower is in the hub."""
    waiting = asyncio.create_task(taken(follower))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return waiting


async def test_a_follower_ahead_of_the_hub_sees_nothing_twice(log: ListLog) -> None:
    hub = make_hub(log)
    log.add(2)
    await hub._step()  # the hub's head is 2-0
    log.add(2)  # written, and the hub has not read them yet
    follower = hub.follow(EARLIEST)
    assert await taken(follower) == ["1-0", "2-0", "3-0", "4-0"]
    waiting = await joined(follower)
    log.add(1)
    await hub._step()  # gives out 3-0, 4-0 and 5-0
    assert await waiting == ["5-0"]


async def test_a_follower_behind_the_hub_misses_nothing(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    follower = hub.follow(EARLIEST)
    log.add(3)
    await hub._step()  # nobody has joined: these are history now
    assert not hub.attach(follower)
    assert await taken(follower) == ["1-0", "2-0", "3-0"]
    waiting = await joined(follower)
    log.add(2)
    await hub._step()
    assert await waiting == ["4-0", "5-0"]


async def test_a_full_queue_falls_back_to_history(log: ListLog) -> None:
    hub = make_hub(log, queue=2)
    await hub._step()
    follower = hub.follow(EARLIEST)
    waiting = await joined(follower)
    log.add(2)
    await hub._step()
    log.add(2)
    await hub._step()  # no room for these: the follower is let go
    log.add(1)
    await hub._step()
    assert await waiting == ["1-0", "2-0"]
    assert await taken(follower) == ["3-0", "4-0", "5-0"]
    assert len(follower._queue) <= 2


async def test_a_log_that_is_away_only_takes_time(log: ListLog) -> None:
    hub = make_hub(log)
    log.add(1)
    log.down = True
    reading = asyncio.create_task(hub.run())
    follower = hub.follow(EARLIEST)
    waiting = await joined(follower)
    assert not waiting.done()
    log.down = False
    assert await waiting == ["1-0"]
    hub.close()
    await asyncio.wait_for(reading, 5)


async def test_closing_leaves_the_hub(log: ListLog) -> None:
    hub = make_hub(log)
    await hub._step()
    follower = hub.follow(EARLIEST)
    waiting = await joined(follower)
    follower.close()
    log.add(1)
    await hub._step()
    assert not follower._queue
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
