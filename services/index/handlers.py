"""Handler of `article.enriched`: makes the latest state of each article searchable, then publishes it.

Entries only name the changed articles. The latest state in the store is written, so order, duplicates and replays do
not matter. An article is published only after the search engine reports that it is visible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from services.index.adapters.documents import DocumentOf, index_doc
from services.index.adapters.grouping import Grouper
from services.index.adapters.removal import remove
from services.index.adapters.story_updates import regrouped_articles, story_updates, with_groups
from services.index.adapters.write_queue import WriteQueue
from services.index.domain.document_validation import INVALID, validation_error
from services.index.domain.publication import publication, story_change, withdrawal
from shared.articles import Article, ArticleState
from shared.broker import Delivery
from shared.clock import now
from shared.errors import CorruptRecord, Permanent
from shared.events import ArticleEnriched
from shared.observability import log_events, metrics
from shared.read_write_lock import ReadWriteLock
from shared.search.port import VECTOR_LENGTH, IndexDoc
from shared.source_patterns import SourceTrust
from shared.store import ArticleStore
from shared.store.articles.lifecycle import REMOVED_STATES, STATE_VERBS, Removal
from shared.store.articles.port import Announcement, CorruptArticle, Entry, Record
from shared.topology import ARTICLE_ENRICHED

log = structlog.get_logger(__name__)

GROUP: Final = ARTICLE_ENRICHED.groups[0]
REJECTED: Final = "index-rejected"
"""Dead-letter rule of a document that the engine rejected."""
_COMMIT_ATTEMPTS: Final = 3

Deliveries = Sequence[Delivery[ArticleEnriched]]


@dataclass
class Indexer:
    """The handler of the index service; several batches may be in flight at once.

    `writing` is held shared from the first write of a batch to its publication.
    """

    store: ArticleStore
    write_queue: WriteQueue
    document_of: DocumentOf = index_doc
    trust: SourceTrust = field(default_factory=SourceTrust)
    writing: ReadWriteLock = field(default_factory=ReadWriteLock)
    grouper: Grouper = field(init=False)

    def __post_init__(self) -> None:
        self.grouper = Grouper(self.store.groups, self.trust)

    async def __call__(self, deliveries: Deliveries) -> Mapping[str, Exception]:
        """Handle a batch: {entry id: error} of the entries that failed; the others are acknowledged.

        Raises StoreUnavailable or SearchUnavailable (Retryable): then the whole batch is redelivered.
        """
        by_article: dict[str, list[Delivery[ArticleEnriched]]] = defaultdict(list)
        for delivery in deliveries:
            by_article[delivery.event.article.article_id].append(delivery)
        async with self.writing.shared():
            articles, failures, gone = await self._latest(list(by_article))
            articles, refused = await self._write_grouped(articles)
            failures |= {ident: error for ident, error in refused.items() if ident in by_article}
            visible = [article for article in articles if article.id not in failures]
            for article in visible:
                keys = _newest(by_article[article.id]).log_keys() | {"rev": article.rev, "source": article.source}
                log.info(log_events.ARTICLE_INDEXED, **keys)
            await self._announce(visible, by_article)
        if gone:
            async with self.writing.exclusive():  # no older write of the same articles is in flight
                await self._remove(gone, by_article)
        return {delivery.entry_id: error for ident, error in failures.items() for delivery in by_article[ident]}

    async def _write_grouped(self, articles: Sequence[Article]) -> tuple[list[Article], dict[str, Exception]]:
        """Group the articles and write them, with earlier ones whose story changed.

        If another batch moves an article into a story during the write, it is written again.
        """
        decisions = await self.grouper.settle(articles)
        grouped = with_groups(articles, decisions)
        moved = await regrouped_articles(self.store, decisions, grouped)
        refused = await self._write({article.id: self.document_of(article) for article in (*grouped, *moved)})
        again = with_groups(articles, await self.grouper.settle(articles))
        changed = [new for old, new in zip(grouped, again, strict=True) if new != old and new.id not in refused]
        return again, refused | await self._write({article.id: self.document_of(article) for article in changed})

    async def _write(self, docs: Mapping[str, IndexDoc]) -> dict[str, Exception]:
        """Write the valid documents and wait until they are searchable; the errors of the others."""
        faults = {ident: validation_error(doc, vector_length=VECTOR_LENGTH) for ident, doc in docs.items()}
        failures: dict[str, Exception] = {
            ident: Permanent(fault, rule=INVALID) for ident, fault in faults.items() if fault
        }
        refused = await self.write_queue.write([doc for ident, doc in docs.items() if ident not in failures])
        return failures | {ident: Permanent(refusal.reason, rule=REJECTED) for ident, refusal in refused.items()}

    async def _latest(self, article_ids: Sequence[str]) -> tuple[list[Article], dict[str, Exception], list[str]]:
        """The latest state of each article, errors by id, and the ids of removed articles."""
        failures: dict[str, Exception] = {}
        found: list[Article] = []
        gone: list[str] = []
        # articles are read before states, so that a retraction in between is noticed
        read = await self.store.articles(article_ids)
        for ident, article, record in zip(article_ids, read, await self.store.records(article_ids), strict=True):
            if record is not None and (record.state in REMOVED_STATES or _is_behind(record, article)):
                gone.append(ident)
            elif isinstance(article, Article):
                found.append(article)
            else:
                failures[ident] = (
                    Permanent("the store has no such article", rule="no-article")
                    if article is None
                    else CorruptRecord(f"article {ident}: {article.reason}")
                )
        return found, failures, gone

    async def _remove(
        self, idents: Sequence[str], by_article: Mapping[str, Sequence[Delivery[ArticleEnriched]]]
    ) -> None:
        """Remove articles that are still withdrawn or retracted and publish it once; restored ones have own entries."""
        rows = zip(await self.store.records(idents), await self.store.lifecycle.removals(idents), strict=True)
        removed = [(record, removal) for record, removal in rows if record is not None]
        unannounced = [
            one for one, _ in removed if one.state in REMOVED_STATES and one.announced_state is not one.state
        ]
        await remove(self.store, self.write_queue, unannounced, self.document_of)
        removals = []
        for record, removal in removed:
            deliveries = by_article[record.article_id]
            cause = _newest(deliveries).event.meta
            retracted = record.state is ArticleState.RETRACTED
            event = withdrawal(*removal, retracted=retracted, cause=cause, now=now()) if removal else None
            entries = [delivery.entry_id for delivery in deliveries]
            removals.append(Removal(record.article_id, entries, record.state, event if record.published_rev else None))
        log_ids = await self.store.lifecycle.announce(GROUP, removals)
        for announced, log_id in zip(removals, log_ids, strict=True):
            if (event := announced.event) is not None and log_id is not None:
                log.info(log_events.ARTICLE_TAKEN_DOWN, **event.log_keys(), type=event.meta.type, cursor=log_id)

    async def _announce(
        self, articles: Sequence[Article], by_article: Mapping[str, Sequence[Delivery[ArticleEnriched]]]
    ) -> None:
        """Commit each visible article; retry those that changed concurrently."""
        left = list(articles)
        for _ in range(_COMMIT_ATTEMPTS):
            if not left:
                return
            announcements = await self._announcements(left, by_article)
            log_ids = await self.store.commit_published(announcements)
            _log_published(announcements, log_ids)
            _record_freshness(left, log_ids)
            left = [
                article
                for article, announcement, log_id in zip(left, announcements, log_ids, strict=True)
                if announcement.event is not None and log_id is None
            ]
        if left:  # their entries stay pending and are redelivered
            log.warning(log_events.INDEX_ANNOUNCEMENT_CONTENDED, articles=len(left))

    async def _announcements(
        self, articles: Sequence[Article], by_article: Mapping[str, Sequence[Delivery[ArticleEnriched]]]
    ) -> list[Announcement]:
        idents = [article.id for article in articles]
        records = await self.store.records(idents)
        decided = zip(idents, await self.store.groups.decisions(idents), strict=True)
        news = await story_updates(self.store, articles, {ident: one for ident, one in decided if one})
        at = now()
        announcements: list[Announcement] = []
        for article, record in zip(articles, records, strict=True):
            published_rev = record.published_rev if record else 0
            deliveries = by_article[article.id]
            cause = _newest(deliveries).event.meta
            gone = record is not None and record.state in REMOVED_STATES
            back = record is not None and record.announced_state is not None
            event = (
                None
                if gone
                else publication(article, published_rev=published_rev, comes_back=back, cause=cause, now=at)
            )
            entries = [Entry(delivery.entry_id, GROUP) for delivery in deliveries]
            announcement = Announcement(entries, article.id, article.rev, published_rev == 0, event)
            if update := news.get(article.id):
                change = story_change(
                    update.card, article.id, merged=update.move.merged, known=update.known, cause=cause, now=at
                )
                announcement = replace(announcement, story=change, story_known=update.known)
            announcements.append(announcement)
        return announcements


def _newest(deliveries: Deliveries) -> Delivery[ArticleEnriched]:
    """The delivery of the highest revision."""
    return max(deliveries, key=lambda delivery: delivery.event.article.rev)


def _log_published(announcements: Sequence[Announcement], log_ids: Sequence[str | None]) -> None:
    for announcement, log_id in zip(announcements, log_ids, strict=True):
        if (event := announcement.event) is not None and log_id is not None:
            log.info(log_events.ARTICLE_PUBLISHED, **event.log_keys(), type=event.meta.type, cursor=log_id)


def _is_behind(record: Record, article: Article | CorruptArticle | None) -> bool:
    """Whether the article is older than its last change of state: its restoration is still in flight."""
    last = next((act for act in reversed(record.acts) if act.verb in STATE_VERBS), None)
    if last is None or isinstance(article, CorruptArticle):
        return False
    return article is None or article.rev < last.rev


def _record_freshness(articles: Sequence[Article], log_ids: Sequence[str | None]) -> None:
    """Record the time from acceptance to searchable of each newly published revision."""
    at = now()
    for article, log_id in zip(articles, log_ids, strict=True):
        if log_id is not None:
            metrics.FRESHNESS_SECONDS.labels("search").observe((at - article.received_at).total_seconds())
