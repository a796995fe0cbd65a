"""Reading the private log `article.rejected.v1` by cursor. Who may see an entry is the caller's decision."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.envelope import MalformedEntry, decode
from shared.events import Rejection
from shared.store.publication_log import StreamLog
from shared.topology import REJECTIONS


@dataclass(frozen=True, slots=True)
class RejectionEntry:
    """One rejection and its place in the log."""

    cursor: str
    event: Rejection


class RejectionLog(StreamLog):
    """Rejections of all producers, oldest first. Raises `StoreUnavailable` while Redis cannot answer."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client, REJECTIONS)

    async def page(
        self, after: str, *, count: int, block_ms: int | None = None
    ) -> tuple[tuple[RejectionEntry, ...], str]:
        """Up to `count` entries after the cursor, and the cursor after everything that was read; see `StreamLog.rows`.

        Damaged entries are left out.
        """
        rows = await self.rows(after, count=count, block_ms=block_ms)
        entries = tuple(entry for row in rows if (entry := _parse(*row)))
        return entries, rows[-1][0].decode() if rows else after


def _parse(entry_id: bytes, fields: dict[bytes, bytes]) -> RejectionEntry | None:
    try:
        return RejectionEntry(entry_id.decode(), Rejection.from_json(decode(fields)[1]))
    except (MalformedEntry, ValueError):
        return None
