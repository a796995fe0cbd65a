"""Recent removals and corrections from the public log, for feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from shared.events import LogEvent, Publication, Withdrawal, about
from shared.query import Facts
from shared.store import ArticleStore, PublicationLog
from shared.store.log_reader import LogReader
from shared.tombstones import TOMBSTONE_TYPES

LOOKBACK_ENTRIES: Final = 10_000
"""Log entries that a new process reads back."""
MAX_KEPT: Final = 2_000
"""Tombstones and corrections kept, each; the oldest are dropped first."""
_TYPES: Final = TOMBSTONE_TYPES | {Publication.CORRECTED, Publication.RESTORED}
_Value = TypeVar("_Value")


class RecentChanges:
    """Continues from its last position on `refresh`; concurrent callers share one read."""

    def __init__(self, publications: PublicationLog, store: ArticleStore) -> None:
        self._log = publications
        self._reader = LogReader(publications, store)
        self._cursor: str | None = None
        self._removals: dict[str, tuple[Withdrawal, Facts]] = {}
        self._corrected: dict[str, datetime] = {}
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Read to the end of the log. Raises StoreUnavailable; entries read so far are kept."""
        async with self._refreshing:
            if self._cursor is None:
                head = (await self._log.bounds()).last
                entries = await self._log.latest_of(_TYPES, look_at=LOOKBACK_ENTRIES)
                await self._apply([entry.event for entry in entries])
                self._cursor = head  # entries written concurrently are applied twice; this is idempotent
            while (page := await self._log.select(_TYPES, self._cursor)).cursor != self._cursor:
                await self._apply([entry.event for entry in page.entries])
                self._cursor = page.cursor

    def removals(self) -> Sequence[tuple[Withdrawal, Facts]]:
        """Currently removed articles, latest first, with their matching data."""
        return list(self._removals.values())[::-1]

    @property
    def corrected(self) -> Mapping[str, datetime]:
        """Time of the last correction, by article id."""
        return self._corrected

    async def _apply(self, events: Sequence[LogEvent]) -> None:
        for event, facts in zip(events, await self._reader.facts(events), strict=True):
            ident = about(event).id
            if isinstance(event, Withdrawal):
                _put_newest(self._removals, ident, (event, facts))
            else:
                self._removals.pop(ident, None)
            if event.meta.type == Publication.CORRECTED:
                _put_newest(self._corrected, ident, event.meta.occurred_at)


def _put_newest(values: dict[str, _Value], name: str, value: _Value) -> None:
    values.pop(name, None)
    values[name] = value
    if len(values) > MAX_KEPT:
        del values[next(iter(values))]
