"""One worker: a FastStream app that reads one stream in bounded batches, its consumer and its reclaimer."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from faststream import AckPolicy, FastStream
from faststream.redis import StreamSub
from faststream.redis.annotations import RedisBatchStreamMessage as ContextMessage
from faststream.redis.message import BatchStreamMessage, RedisBatchStreamMessage
from faststream.redis.parser import BinaryMessageFormatV1
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.broker.batch import Handler, RawEntry
from shared.broker.consume import Consumer, RetryTiming
from shared.broker.failures import DeadLetterLimit
from shared.broker.group import WorkGroup
from shared.broker.reading import GatedBroker, ReadGate
from shared.broker.reclaim import Reclaimer
from shared.envelope import encode
from shared.events import Event
from shared.settings import BaseServiceSettings
from shared.store.connection import SOCKET_TIMEOUT_SECONDS, connect
from shared.topology import Stream, produced_by

E = TypeVar("E", bound=Event)

MAX_BATCH: Final = 100
POLLING_INTERVAL_MS: Final = 2000
"""How long one read blocks; below the socket timeout, or every read without entries would be an error."""
STALE_READ_SECONDS: Final = 30.0

_READ_SOCKET_TIMEOUT: Final = SOCKET_TIMEOUT_SECONDS + POLLING_INTERVAL_MS / 1000


class Envelope(BinaryMessageFormatV1):
    """Our envelope as FastStream's message format: publishing through the broker writes what the scripts write."""

    __slots__ = ()

    @classmethod
    async def encode(cls, **parts: Any) -> bytes:
        """One entry's `__data__`; header lengths in bytes, where FastStream's encoder counts characters."""
        built = await cls.build(**parts)
        return encode({key: str(value) for key, value in built.headers.items()}, built.data)


class Worker(Generic[E]):
    """One consuming process. Create it with `make_worker`, run it with `run_worker`."""

    def __init__(
        self,
        service: str,
        stream: Stream,
        handler: Handler[E],
        settings: BaseServiceSettings,
        *,
        batch: int,
        parallel: int = 1,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        if not 1 <= batch <= MAX_BATCH:
            raise ValueError(f"batch must be between 1 and {MAX_BATCH}")
        if service not in stream.groups:
            raise ValueError(f"{service} has no group on {stream.name}")
        self.service = service
        self.stream = stream
        self.settings = settings
        self.consumer_name = f"{service}-{_host()}-{os.getpid()}"
        url = settings.redis_url.get_secret_value()
        self.client: Redis = connect(url)
        self.gate = ReadGate(service, paused)
        self.group = WorkGroup(self.client, stream, service, self.consumer_name)
        timing = RetryTiming(settings.reclaim_idle_ms, settings.handle_seconds)
        limit = DeadLetterLimit(settings.max_dead_letters_per_minute)
        self.consumer: Consumer[E] = Consumer(self.group, handler, self.gate, timing, limit, parallel=parallel)
        self.reclaimer = Reclaimer(self.group, self.consumer, self.gate, self._feed)
        self.reclaiming: asyncio.Task[None] | None = None
        self.broker = _broker(url, self.gate, self.group)
        self._subscribe(batch)
        self.app = FastStream(self.broker, logger=None)

    async def ready(self) -> bool:
        """Whether new entries are being read: reader and reclaimer alive, and a read within the last 30 s."""
        return all(self.checks().values())

    def checks(self) -> dict[str, bool]:
        """The conditions of `ready`, for the health page."""
        last = self.gate.last_read
        return {
            "reader": self.subscriber.running and not self.gate.closed,
            "reclaimer": self.reclaiming is not None and not self.reclaiming.done(),
            "read_lately": last is not None and time.monotonic() - last < STALE_READ_SECONDS,
        }

    def _subscribe(self, batch: int) -> None:
        async def consume(events: list[Any], message: ContextMessage) -> None:
            del events  # for the AsyncAPI document; entries, ids and attempts are in the raw message
            raw = cast("dict[str, Any]", message.raw_message)
            counts = raw.get("delivery_counts") or [1] * len(raw["data"])
            rows = zip(raw["message_ids"], raw["data"], counts, strict=True)
            await self.consumer.consume(
                [RawEntry(entry_id.decode(), fields, count) for entry_id, fields, count in rows]
            )

        # FastStream documents the payload from the annotation, so it has to name this stream's event.
        consume.__annotations__ = {"events": list[self.stream.event], "message": ContextMessage, "return": None}  # type: ignore[name-defined]
        self.subscriber: Any = self.broker.subscriber(
            stream=StreamSub(
                self.stream.key,
                group=self.service,
                consumer=self.consumer_name,
                batch=True,
                max_records=batch,
                polling_interval=POLLING_INTERVAL_MS,
            ),
            ack_policy=AckPolicy.MANUAL,
            parser=self._parse,
            decoder=self._decode,
            title=self.stream.name,
        )
        self.subscriber(consume)
        for target in produced_by(self.service):
            self.broker.publisher(stream=target.key, schema=target.event, title=target.name)

    async def _parse(self, raw: BatchStreamMessage) -> RedisBatchStreamMessage:
        return RedisBatchStreamMessage(raw_message=raw, body=b"", consumer=cast("Any", self.client), group=self.service)

    async def _decode(self, _: RedisBatchStreamMessage) -> list[Event]:
        """Decodes nothing: the consumer decodes the raw entries itself, and settles each that cannot be decoded."""
        return []

    async def _feed(self, claimed: Sequence[tuple[bytes, dict[bytes, bytes]]], attempts: Sequence[int]) -> None:
        """Pass claimed entries through the subscriber of new ones: parser, middlewares, handler and shutdown lock."""
        await self.subscriber.consume(
            BatchStreamMessage(
                type="bstream",
                channel=self.stream.key,
                data=[fields for _, fields in claimed],
                message_ids=[entry_id for entry_id, _ in claimed],
                delivery_counts=list(attempts),
            )
        )


def make_worker(
    service: str,
    stream: Stream,
    handler: Handler[E],
    settings: BaseServiceSettings,
    *,
    batch: int = 64,
    parallel: int = 1,
    paused: Callable[[], bool] = lambda: False,
) -> Worker[E]:
    """A worker of `service` on `stream`, not yet started; reads at most `batch` (<= 100) entries at once.

    Up to `parallel` batches are in flight at once, if the handler is re-entrant; nothing is read while `paused()`.
    Raises ValueError when the topology gives the service no group on that stream.
    """
    return Worker(service, stream, handler, settings, batch=batch, parallel=parallel, paused=paused)


def _broker(url: str, gate: ReadGate, group: WorkGroup) -> GatedBroker:
    return GatedBroker(
        url,
        gate,
        group.ensure_exists,
        message_format=Envelope,
        logger=logging.getLogger("shared.broker"),
        log_level=logging.DEBUG,
        graceful_timeout=1.0,
        socket_timeout=_READ_SOCKET_TIMEOUT,
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),  # the gate retries reads, with a longer back-off
    )


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:60]
