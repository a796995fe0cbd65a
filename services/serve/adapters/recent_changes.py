"""What was taken back or corrected lately, read from the public log: feeds tell it to those who know the articles."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from shared.events import LogEvent, Publication, Tombstone, Withdrawal, about
from shared.store import PublicationLog

LOOKBACK_ENTRIES: Final = 10_000
"""Entries of the log that a new process looks back at."""
MAX_KEPT: Final = 2_000
"""Tombstones and corrections each; the oldest go first."""
_KINDS: Final = frozenset({Withdrawal.TYPE, Withdrawal.RETRACTED, Publication.CORRECTED, Publication.RESTORED})
_Value = TypeVar("_Value")


class RecentChanges:
    """Follows the log when it is asked, from where it stood; many who ask at once wait for one read."""

    def __init__(self, log: PublicationLog) -> None:
        self._log = log
        self._cursor: str | None = None
        self._tombstones: dict[str, Tombstone] = {}
        self._corrected: dict[str, datetime] = {}
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Read on to the end of the log. Raises StoreUnavailable; what was read so far stays."""
        async with self._reading:
            if self._cursor is None:
                head = (await self._log.bounds()).last
                for entry in await self._log.latest_of(_KINDS, look_at=LOOKBACK_ENTRIES):
                    self._apply(entry.event)
                self._cursor = head  # what came meanwhile is taken twice, which changes nothing
            while (page := await self._log.select(_KINDS, self._cursor)).cursor != self._cursor:
                for entry in page.entries:
                    self._apply(entry.event)
                self._cursor = page.cursor

    def tombstones(self) -> Sequence[Tombstone]:
        """Articles that are taken back now, the latest first."""
        return list(self._tombstones.values())[::-1]

    @property
    def corrected(self) -> Mapping[str, datetime]:
        """When an article was last corrected, by its id."""
        return self._corrected

    def _apply(self, event: LogEvent) -> None:
        ident = about(event).id
        if isinstance(event, Withdrawal):
            _put_newest(self._tombstones, ident, event.article)
        else:
            self._tombstones.pop(ident, None)
        if event.meta.type == Publication.CORRECTED:
            _put_newest(self._corrected, ident, event.meta.occurred_at)


def _put_newest(values: dict[str, _Value], name: str, value: _Value) -> None:
    values.pop(name, None)
    values[name] = value
    if len(values) > MAX_KEPT:
        del values[next(iter(values))]
