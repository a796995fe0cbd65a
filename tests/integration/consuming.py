"""Pieces for the consumer tests: events on the stream, workers in this process or in their own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from shared.articles import InputKind
from shared.broker import Delivery, Worker, make_worker, serve_worker
from shared.envelope import encode_event
from shared.events import ArticleReceived, ArticleRef
from shared.ids import article_id
from shared.settings import BaseServiceSettings
from shared.topology import ARTICLE_RECEIVED
from tests.support.builders import NOON

STREAM = ARTICLE_RECEIVED
GROUP = "enrich"
ROOT = Path(__file__).resolve().parents[2]


def settings(url: str, **values: Any) -> BaseServiceSettings:
    """Settings with a short take-over time; name others as in the environment, without the prefix."""
    given = {"REDIS_URL": url, "RECLAIM_IDLE_MS": 150, "ENVIRONMENT": "local", "STALL_SECONDS": 30.0} | values
    return BaseServiceSettings(**{f"BROADSHEET_{name}": value for name, value in given.items()})


def received(name: str) -> ArticleReceived:
    ref = ArticleRef(article_id=article_id("external", "example-gazette", name), rev=1, kind=InputKind.TEXT)
    return ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=NOON, correlation_id=name), article=ref)


async def add(client: Any, name: str) -> str:
    """Put one event on the stream; its correlation id is its name. Answers the entry id."""
    return (await client.xadd(STREAM.key, {"__data__": encode_event(received(name))})).decode()


async def dead(client: Any) -> list[dict[str, str]]:
    """The dead letters, without the original fields."""
    rows = await client.xrange(STREAM.dead_key)
    return [{k.decode(): v.decode() for k, v in fields.items() if k.startswith(b"dead_")} for _, fields in rows]


async def pending(client: Any) -> int:
    return (await client.xpending(STREAM.key, GROUP))["pending"]


class Recorder:
    """A handler that acknowledges, except for entries that have a plan: a list of errors, one per attempt."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.plans: dict[str, list[Exception]] = {}
        self.raises: dict[str, Exception] = {}
        self.seen: list[tuple[str, int]] = []
        self.batches: list[list[str]] = []

    async def __call__(self, deliveries: Sequence[Delivery[ArticleReceived]]) -> Mapping[str, Exception]:
        names = [delivery.event.meta.correlation_id for delivery in deliveries]
        self.batches.append(names)
        failures: dict[str, Exception] = {}
        for delivery, name in zip(deliveries, names, strict=True):
            self.seen.append((name, delivery.attempt))
            if name in self.raises:
                raise self.raises[name]
            if plan := self.plans.get(name):
                failures[delivery.entry_id] = plan.pop(0)
            else:
                async with self.client.pipeline(transaction=True) as commit:
                    commit.xack(STREAM.key, GROUP, delivery.entry_id)
                    commit.sadd("done", name)
                    await commit.execute()
        return failures

    def attempts(self, name: str) -> list[int]:
        return [attempt for seen, attempt in self.seen if seen == name]


@asynccontextmanager
async def working(
    url: str, handler: Callable[..., Awaitable[Mapping[str, Exception]]], **values: Any
) -> AsyncIterator[tuple[Worker[Any], asyncio.Task[int]]]:
    """A worker in this process, stopped at the end as by SIGTERM unless it has ended by itself."""
    worker = make_worker(GROUP, STREAM, handler, settings(url, **values))
    worker.subscriber._stream_sub.polling_interval = 200  # a stop waits for the read under way
    task = asyncio.create_task(serve_worker(worker))
    try:
        yield worker, task
    finally:
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(asyncio.shield(asyncio.wait([task])), 15)


def spawn(url: str, **values: Any) -> subprocess.Popen[bytes]:
    """A worker process that runs `worker_process.py`; its output goes to ours."""
    environment = {"BROADSHEET_REDIS_URL": url, "BROADSHEET_ENVIRONMENT": "local", "BROADSHEET_RECLAIM_IDLE_MS": "300"}
    environment |= {f"BROADSHEET_{name}": str(value) for name, value in values.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.worker_process"], cwd=ROOT, env=os.environ | environment
    )
