"""The index service: reads `article.enriched`, makes articles searchable, writes the public log.

The one process that holds the index writer: `python -m services.index.app`.
"""

from __future__ import annotations

import asyncio
import sys

from services.index.adapters.documents import SPEC
from services.index.adapters.requests import ReindexRequests
from services.index.adapters.start import prepare
from services.index.handlers import Indexer
from services.index.settings import IndexSettings
from shared.broker import Worker, make_worker, run_worker
from shared.events import ArticleEnriched
from shared.observability.logging import configure_logging
from shared.search import open_index
from shared.store import connect, open_store
from shared.topology import ARTICLE_ENRICHED


class IndexService:
    """The parts of the service, wired, and what happens when it starts and stops."""

    def __init__(self, settings: IndexSettings) -> None:
        self.settings = settings
        self.client = connect(settings.redis_url.get_secret_value())
        self.store = open_store(self.client)
        self.index = open_index(settings, writer=True)
        self.indexer = Indexer(self.store, self.index)
        self.requests = ReindexRequests(self.client, self.store, self.index, SPEC, self.indexer.writing)
        self.worker: Worker[ArticleEnriched] = make_worker(
            "index", ARTICLE_ENRICHED, self.indexer, settings, batch=settings.batch
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Before the first event: make the index ready, rebuild it if it must be, then take reindex requests."""
        await prepare(
            self.client,
            self.store,
            self.index,
            SPEC,
            writing=self.indexer.writing,
            within=self.settings.start_within,
        )
        self._serving = asyncio.create_task(self.requests.serve(), name="reindex-requests")
        self._serving.add_done_callback(self._requests_over)

    async def stop(self) -> None:
        """After the last event: end a running rebuild, finish the writer's commit, close connections."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        await self.index.aclose()
        await self.store.aclose()

    def _requests_over(self, task: asyncio.Task[None]) -> None:
        """Nobody would take reindex requests any more: end the process, so that it is started again."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.worker.gate.give_up(error)

    def run(self) -> int:
        """Serve until a signal or a terminal error; the exit code."""
        return run_worker(self.worker, port=self.settings.health_port, on_start=[self.start], on_stop=[self.stop])


def main() -> int:
    """Run the service; the exit code is not 0 after any terminal error."""
    settings = IndexSettings()
    configure_logging(settings)
    return IndexService(settings).run()


if __name__ == "__main__":
    sys.exit(main())
