"""Handler of `article.received`: parses each original in the sandbox and commits the result."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from services.enrich.adapters.sandbox import Sandbox
from services.enrich.domain.pipeline import Outcome, version_of
from services.enrich.domain.reading import RawPage
from shared.articles import Provenance
from shared.broker import Delivery
from shared.clock import now
from shared.errors import Permanent
from shared.events import ArticleEnriched, ArticleReceived
from shared.observability import log_events
from shared.store import ArticleStore
from shared.store.articles.port import CorruptOriginal, Enrichment, Entry, Original, RemovedOriginal
from shared.topology import ARTICLE_RECEIVED

GROUP: Final = ARTICLE_RECEIVED.groups[0]
FLUSH_SECONDS: Final = 0.5
"""Maximum seconds between commits of finished articles, so that a slow page does not delay others."""

Failures = dict[str, Exception]
Received = Delivery[ArticleReceived]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EnrichBatch:
    """The handler of the enrich service. `budget`: seconds after which a batch starts no further page."""

    store: ArticleStore
    sandbox: Sandbox
    budget: float = 30.0

    async def __call__(self, deliveries: Sequence[Received]) -> Mapping[str, Exception]:
        """Enrich a batch: {entry id: error} of the entries that failed; the others are acknowledged.

        Raises StoreUnavailable: unacknowledged entries are redelivered; processing is idempotent.
        """
        failures: Failures = {}
        work, superseded, passed = await self._sort(deliveries, failures)
        if superseded:
            await self.store.acknowledge(ARTICLE_RECEIVED, superseded)
        if passed:
            await self.store.lifecycle.forward(GROUP, [(one.entry_id, _enriched(one)) for one in passed])
        deadline = time.monotonic() + self.budget
        waiting = {
            asyncio.create_task(self._enrich(delivery, original, deadline)): delivery for delivery, original in work
        }
        try:
            await self._collect(waiting, failures)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return failures

    async def _sort(
        self, deliveries: Sequence[Received], failures: Failures
    ) -> tuple[list[tuple[Received, Original]], list[Entry], list[Received]]:
        """Split into deliveries to parse, entries of superseded revisions (acknowledged), and entries of removed
        articles (forwarded to index)."""
        originals = await self.store.originals([delivery.event.article.article_id for delivery in deliveries])
        work: list[tuple[Received, Original]] = []
        superseded: list[Entry] = []
        passed: list[Received] = []
        for delivery, original in zip(deliveries, originals, strict=True):
            rev = delivery.event.article.rev
            if isinstance(original, CorruptOriginal):
                failures[delivery.entry_id] = Permanent(original.reason, rule="corrupt-record")
            elif original is None or original.rev < rev:
                failures[delivery.entry_id] = Permanent(f"the store has no revision {rev}", rule="missing-original")
            elif original.rev > rev:
                superseded.append(Entry(delivery.entry_id, GROUP))
            elif isinstance(original, RemovedOriginal):
                passed.append(delivery)
            else:
                work.append((delivery, original))
        return work, superseded, passed

    async def _collect(self, waiting: dict[asyncio.Task[Enrichment], Received], failures: Failures) -> None:
        """Commit finished articles in batches while others are being parsed."""
        pending = set(waiting)
        while pending:
            done, pending = await asyncio.wait(pending, timeout=FLUSH_SECONDS)
            ready: list[tuple[Received, Enrichment]] = []
            for task in done:
                error = task.exception()
                if error is None:
                    ready.append((waiting[task], task.result()))
                elif isinstance(error, Exception):
                    failures[waiting[task].entry_id] = error
                else:
                    raise error
            if ready:
                committed = await self.store.commit_enriched([enrichment for _, enrichment in ready])
                for (delivery, enrichment), is_new in zip(ready, committed, strict=True):
                    if is_new:
                        _log_enriched(delivery, enrichment)

    async def _enrich(self, delivery: Received, original: Original, deadline: float) -> Enrichment:
        started_at, started = now(), time.perf_counter()
        page = RawPage(
            article_id=original.article_id,
            rev=original.rev,
            kind=original.kind,
            media_type=original.media_type,
            data=original.data,
            submission=original.submission,
            received_at=original.received_at,
            first_received_at=original.first_received_at,
        )
        with delivery.log_context():
            outcome = await self.sandbox.run(page, start_before=deadline)
        took_ms = (time.perf_counter() - started) * 1000
        return _enrichment(delivery, original, outcome, started_at, took_ms)


def _enrichment(
    delivery: Received, original: Original, outcome: Outcome, started_at: datetime, took_ms: float
) -> Enrichment:
    article = outcome.article
    if (article.id, article.rev) != (original.article_id, original.rev):
        # Possible only if the document took control of the parser child.
        raise Permanent("the parser returned a result for another article", rule="sandbox-crash")
    provenance = Provenance(
        rev=original.rev,
        input_kind=original.kind,
        input_sha256=original.sha256,
        output_sha256=hashlib.sha256(article.model_dump_json().encode()).hexdigest(),
        pipeline_version=version_of((step.name, step.version) for step in outcome.steps),
        started_at=started_at,
        took_ms=round(took_ms, 3),
        steps=outcome.steps,
        cuts=outcome.removed,
    )
    return Enrichment(Entry(delivery.entry_id, GROUP), article, provenance, _enriched(delivery))


def _log_enriched(delivery: Received, enrichment: Enrichment) -> None:
    took_ms = enrichment.provenance.took_ms
    log.info(log_events.ARTICLE_ENRICHED, **delivery.log_keys(), source=enrichment.article.source, took_ms=took_ms)


def _enriched(delivery: Received) -> ArticleEnriched:
    meta = ArticleEnriched.meta_for(producer="enrich", now=now(), cause=delivery.event.meta)
    return ArticleEnriched(meta=meta, article=delivery.event.article)
