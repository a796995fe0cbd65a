"""A real worker process with a handler that does what an entry's name says."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from shared.broker import Delivery, make_worker, run_worker
from shared.observability.logging import configure_logging
from shared.settings import BaseServiceSettings
from shared.topology import ARTICLE_RECEIVED


def main() -> int:
    settings = BaseServiceSettings()
    configure_logging(settings, service="enrich")

    async def handle(deliveries: Sequence[Delivery[Any]]) -> Mapping[str, Exception]:
        for delivery in deliveries:
            name = delivery.event.meta.correlation_id
            if name.startswith("killer"):
                await worker.client.incr(f"deaths:{name}")
                os.kill(os.getpid(), signal.SIGKILL)
            if name.startswith("looper"):
                await worker.client.incr(f"deaths:{name}")
                while True:
                    pass
            if name.startswith("slow"):
                await worker.client.sadd("begun", name)
                await asyncio.sleep(1.0)
            if await worker.client.xack(ARTICLE_RECEIVED.key, "enrich", delivery.entry_id):
                await worker.client.sadd("done", name)
        return {}

    worker = make_worker("enrich", ARTICLE_RECEIVED, handle, settings)
    return run_worker(worker)


if __name__ == "__main__":
    sys.exit(main())
