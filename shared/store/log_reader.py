"""Reads the public log and filters events that may no longer be sent.

For every transport: events with the text of a retracted article are omitted (the tombstone has its own entry); a story
event is kept, without the text of a retracted lead article. Events with a damaged article record are omitted, since the
state is unknown. If only the blob is damaged, the article is matched by its card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from shared.articles import Article, ArticleState
from shared.errors import CorruptRecord
from shared.events import LogEvent, Publication, StoryChange, Withdrawal
from shared.observability import log_events
from shared.query import Facts, event_facts
from shared.store.articles.port import ArticleStore
from shared.store.publication_log import LogEntry, LogPage, PublicationLog
from shared.tombstones import article_of, without_text

log = structlog.get_logger(__name__)


class LogReader:
    """Raises `StoreUnavailable` while log or article states cannot be read: no event is sent unchecked."""

    def __init__(self, publications: PublicationLog, store: ArticleStore) -> None:
        self._log = publications
        self._store = store

    async def page(self, after: str, *, count: int, block_ms: int | None = None) -> LogPage:
        """The next entries after a cursor; waits up to `block_ms` for one. `cursor` advances past omitted entries."""
        page = await self._log.page(after, count=count, block_ms=block_ms)
        return replace(page, entries=tuple(await self.sendable(page.entries)))

    async def sendable(self, entries: Sequence[LogEntry]) -> list[LogEntry]:
        """The entries in the form that may be sent, without those that may not."""
        ids = list(dict.fromkeys(article_of(e.event) for e in entries if not isinstance(e.event, Withdrawal)))
        withheld = await self._withheld(ids)
        if not withheld:
            return list(entries)
        kept: list[LogEntry] = []
        for entry in entries:
            if isinstance(entry.event, Withdrawal) or article_of(entry.event) not in withheld:
                kept.append(entry)
            elif isinstance(entry.event, StoryChange):
                kept.append(LogEntry(entry.cursor, without_text(entry.event)))
        return kept

    async def facts(self, events: Sequence[LogEvent]) -> list[Facts]:
        """Facts of each event for query matching. Publications use the stored article, so that matching agrees with
        search.
        """
        ids = list(dict.fromkeys(article_of(event) for event in events if _needs_article(event)))
        stored = await self._store.articles(ids)
        articles = {one.id: one for one in stored if isinstance(one, Article)}
        return [
            event_facts(event, articles.get(article_of(event)) if _needs_article(event) else None) for event in events
        ]

    async def _withheld(self, ids: Sequence[str]) -> set[str]:
        """The ids of articles with text that may not be sent."""
        if not ids:
            return set()
        try:
            records = await self._store.records(ids)
        except CorruptRecord as error:
            if len(ids) == 1:
                log.warning(log_events.RECORD_CORRUPT, article_id=ids[0], reason=str(error))
                return set(ids)
            return set().union(*[await self._withheld([one]) for one in ids])
        return {one.article_id for one in records if one is not None and one.state is ArticleState.RETRACTED}


def _needs_article(event: LogEvent) -> bool:
    return isinstance(event, Publication) or (isinstance(event, Withdrawal) and event.removed is None)
