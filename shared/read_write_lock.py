"""A read-write lock for asyncio: many holders in shared mode, or one in exclusive mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ReadWriteLock:
    """Any number of `shared` holders, or one `exclusive` holder. A waiting `exclusive` blocks new `shared` holders."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._shared_holders = 0
        self._is_exclusive = False
        self._exclusive_waiters = 0

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Hold the lock together with other shared holders."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._is_exclusive and not self._exclusive_waiters)
            self._shared_holders += 1
        try:
            yield
        finally:
            self._shared_holders -= 1
            await self._notify_waiters()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold the lock alone, after every current holder has released it."""
        async with self._changed:
            self._exclusive_waiters += 1
            try:
                await self._changed.wait_for(lambda: not self._is_exclusive and not self._shared_holders)
                self._is_exclusive = True
            finally:
                self._exclusive_waiters -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            self._is_exclusive = False
            await self._notify_waiters()

    async def _notify_waiters(self) -> None:
        # Shielded: when the holder is cancelled, the waiters must still be woken.
        await asyncio.shield(asyncio.ensure_future(self._notify()))

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
