"""The enrich service: reads `article.received`, makes clean articles, writes `article.enriched`.

`python -m services.enrich.app`
"""

from __future__ import annotations

import sys
from typing import Final

from services.enrich.adapters.sandbox import Sandbox
from services.enrich.handlers import EnrichBatch
from services.enrich.settings import EnrichSettings
from shared.broker import Worker, make_worker, run_worker
from shared.events import ArticleReceived
from shared.observability.logging import configure_logging
from shared.sandbox import Limits, SlowLane
from shared.store import connect, open_store
from shared.topology import ARTICLE_RECEIVED

_BATCHES: Final = 2
"""Batches in flight: while slow documents of one are parsed, documents of the next can finish."""


class EnrichService:
    """The wired service."""

    def __init__(self, settings: EnrichSettings) -> None:
        self.settings = settings
        self.store = open_store(connect(settings.redis_url.get_secret_value()))
        self.sandbox = Sandbox(
            settings.parsers,
            Limits(
                seconds=settings.parse_seconds,
                cpu_seconds=min(settings.parse_cpu_seconds, settings.parse_seconds),
                bytes=settings.parse_megabytes * 1024 * 1024,
                documents=settings.parser_documents,
            ),
            slow_lane=_slow_lane(settings),
            entity_model=settings.entity_model,
        )
        # Latest start of a page such that it ends, by the sandbox's limit, within the time limit of its batch.
        budget = max(1.0, settings.handle_seconds - settings.parse_seconds - 10.0)
        self.worker: Worker[ArticleReceived] = make_worker(
            "enrich",
            ARTICLE_RECEIVED,
            EnrichBatch(self.store, self.sandbox, budget),
            settings,
            batch=settings.batch,
            parallel=_BATCHES,
        )

    async def stop(self) -> None:
        """After the last event: stop the parsers, close connections."""
        await self.sandbox.aclose()
        await self.store.aclose()

    def run(self) -> int:
        """Serve until a signal or a terminal error; the exit code. Ready only when every parser is warm."""
        return run_worker(
            self.worker, port=self.settings.health_port, on_start=[self.sandbox.start], on_stop=[self.stop]
        )


def _slow_lane(settings: EnrichSettings) -> SlowLane | None:
    seconds = settings.overtime_cpu_seconds
    return SlowLane(settings.overtime_parsers, seconds, 3 * seconds) if settings.overtime_parsers else None


def main() -> int:
    """Run the service. The exit code is not 0 after a terminal error."""
    settings = EnrichSettings()
    configure_logging(settings, service="enrich")
    return EnrichService(settings).run()


if __name__ == "__main__":
    sys.exit(main())
