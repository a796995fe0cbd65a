"""The index service: reads `article.enriched`, makes articles searchable, writes the public log.

Only one process may run, since it holds the index writer: `python -m services.index.app`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Coroutine
from contextlib import suppress

from services.index.adapters.documents import SPEC, with_vectors
from services.index.adapters.index_recovery import IndexRecovery
from services.index.adapters.meaning import embedder_of
from services.index.adapters.reindex_requests import ReindexRequests
from services.index.adapters.startup import prepare_index, retry_until_deadline
from services.index.adapters.write_queue import WriteQueue
from services.index.handlers import Indexer
from services.index.settings import IndexSettings
from shared.broker import Worker, make_worker, run_worker
from shared.errors import StoreUnavailable
from shared.events import ArticleEnriched
from shared.observability.logging import configure_logging
from shared.search import open_index
from shared.search.port import Cap
from shared.source_patterns import SourceTrust
from shared.store import connect, open_store
from shared.store.index_jobs.models import Models
from shared.store.index_jobs.pending_writes import SubmittedBatches
from shared.store.lease import Lease
from shared.tasks import cancel_and_wait
from shared.topology import ARTICLE_ENRICHED


class IndexService:
    """Wiring of the service, and its start and stop."""

    def __init__(self, settings: IndexSettings) -> None:
        self.settings = settings
        self.client = connect(settings.redis_url.get_secret_value())
        self.store = open_store(self.client)
        self.embedder = embedder_of(settings.embedder, self.store, Models(self.client))
        self.index = open_index(settings, writer=True)
        document_of = with_vectors(self.embedder.vector)
        self.write_queue = WriteQueue(self.index, SubmittedBatches(self.client))
        self.indexer = Indexer(self.store, self.write_queue, document_of, SourceTrust.parse(settings.source_trust))
        self.requests = ReindexRequests(
            self.client, self.store, self.index, SPEC, self.indexer.writing, self.embedder.relearned, document_of
        )
        self.recovery = IndexRecovery(self.client, self.index, SPEC, self.write_queue.on_missing)
        self.lease = Lease(self.client, "index-writer", label=f"{socket.gethostname()}-{os.getpid()}")
        self.worker: Worker[ArticleEnriched] = make_worker(
            "index",
            ARTICLE_ENRICHED,
            self.indexer,
            settings,
            batch=settings.batch,
            parallel=self.write_queue.max_parallel_batches(settings.batch),
            paused=lambda: self.write_queue.is_full,
        )
        self._serving: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Before the first event: open or rebuild the index, then accept reindex requests."""
        if Cap.SYNC_VISIBILITY not in self.index.capabilities:  # the embedded engine has its own lock
            await retry_until_deadline(self.lease.acquire, within=self.settings.start_within)
            self._begin(self.lease.keep_renewed())
        await retry_until_deadline(self.embedder.load, within=self.settings.start_within)
        await prepare_index(
            self.client,
            self.store,
            self.index,
            SPEC,
            writing=self.indexer.writing,
            within=self.settings.start_within,
            learning=self.embedder.relearned,
            document_of=self.indexer.document_of,
        )
        await self.write_queue.start()
        self._begin(self.requests.serve())
        self._begin(self.recovery.run())
        for task in self.write_queue.tasks:
            task.add_done_callback(self._over)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._over)
        self._serving.append(task)

    async def stop(self) -> None:
        """After the last event: cancel a running rebuild, finish the writer's commit, close connections."""
        await cancel_and_wait(self._serving)
        await self.write_queue.aclose()
        await self.index.aclose()
        with suppress(StoreUnavailable):
            await self.lease.release()
        await self.store.aclose()

    def _over(self, task: asyncio.Task[None]) -> None:
        """A required task ended: stop the process, so that the supervisor restarts it."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.worker.gate.fail(error)

    def run(self) -> int:
        """Serve until a signal or a terminal error; the exit code."""
        return run_worker(self.worker, port=self.settings.health_port, on_start=[self.start], on_stop=[self.stop])


def main() -> int:
    """Run the service. The exit code is not 0 after a terminal error."""
    settings = IndexSettings()
    configure_logging(settings, service="index")
    return IndexService(settings).run()


if __name__ == "__main__":
    sys.exit(main())
