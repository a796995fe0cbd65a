"""One poll: events after a cursor, with a bounded wait if there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from services.serve.adapters.history import EventHistory
from services.serve.adapters.hub import Hub
from services.serve.domain.event_filters import StreamFilter
from services.serve.domain.wire_format import EncodedEvent
from shared.store.publication_log import parse_cursor

LIMIT: Final = 100
"""Maximum events per response."""
_PAGES: Final = 20
"""Maximum log pages that one request searches for matching events."""


async def poll(
    hub: Hub, history: EventHistory, *, after: str, event_filter: StreamFilter, seconds: float
) -> tuple[Sequence[EncodedEvent], str]:
    """Up to `LIMIT` events after the cursor, and the next cursor; waits up to `seconds` for the first.

    Raises StoreUnavailable. No events means that nothing matched up to the returned cursor.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    found: list[EncodedEvent] = []
    for _ in range(_PAGES):
        page = await history.shared_page(after, with_facts=bool(event_filter.queries))
        for encoded in page.events:
            if event_filter.matches(encoded.event, encoded.facts):
                found.append(encoded)
                if len(found) == LIMIT:
                    return found, encoded.cursor
        if page.cursor != after:
            after = page.cursor
            continue
        left = until - loop.time()
        if found or left <= 0 or hub.closing.is_set():
            break
        await hub.wait_beyond(parse_cursor(after), left)
    return found, after
