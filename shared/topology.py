"""Topology: all streams with producer, consumers and retention.

Only `declare()` creates consumer groups, always at `0`, so that entries written before a first start are consumed.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from shared.events import ArticleEnriched, ArticleReceived, Event, Publication, Rejection

PARTITION: Final = "p0"
"""The hash tag of every key: one slot, so that one Lua call may touch store and stream together."""

FLOW: Final = ("ingest", "enrich", "index", "serve", "notify")
"""Services in processing order: the producer of a stream before its consumers."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: its name without partition, its event model, its producer, its consumer groups, its retention."""

    name: str
    event: type[Event]
    producer: str
    groups: tuple[str, ...]
    readers: tuple[str, ...]
    keep: timedelta | None
    """Retention of entries that every group has acknowledged; None keeps them permanently."""

    @property
    def key(self) -> str:
        """The Redis key."""
        return f"{{{PARTITION}}}:{self.name}"

    @property
    def dead_key(self) -> str:
        """The Redis key of its dead-letter stream."""
        return f"{self.key}.dead"


ARTICLE_RECEIVED: Final = Stream(
    "article.received.v1", ArticleReceived, "ingest", groups=("enrich",), readers=(), keep=timedelta(days=7)
)
ARTICLE_ENRICHED: Final = Stream(
    "article.enriched.v1", ArticleEnriched, "enrich", groups=("index",), readers=(), keep=timedelta(days=7)
)
PUBLICATIONS: Final = Stream("publications.v1", Publication, "index", groups=(), readers=("serve", "notify"), keep=None)

REJECTIONS: Final = Stream(
    "article.rejected.v1", Rejection, "enrich, index", groups=(), readers=("serve",), keep=timedelta(days=30)
)
"""Private events, beside the flow: the stage that rejects an article appends one. They are not in `publications.v1`,
which everybody reads in one order and which keeps its entries permanently.
"""

STREAMS: Final = (ARTICLE_RECEIVED, ARTICLE_ENRICHED, PUBLICATIONS)


def stream_named(name: str) -> Stream:
    """The stream with this name (or Redis key); raises KeyError naming the known ones."""
    for stream in STREAMS:
        if name in {stream.name, stream.key}:
            return stream
    raise KeyError(f"no stream {name!r}; known: {', '.join(stream.name for stream in STREAMS)}")


def consumed_by(service: str) -> tuple[Stream, ...]:
    """The work streams this service reads through a group."""
    return tuple(stream for stream in STREAMS if service in stream.groups)


def produced_by(service: str) -> tuple[Stream, ...]:
    """The streams this service writes."""
    return tuple(stream for stream in STREAMS if stream.producer == service)


class GroupCreator(Protocol):
    """Creates a consumer group, idempotently: an existing group is not changed."""

    def create_group(self, key: str, group: str) -> Awaitable[None]: ...


async def declare(creator: GroupCreator) -> None:
    """Create every group at `0`; safe to run at any time by any number of processes."""
    for stream in STREAMS:
        for group in stream.groups:
            await creator.create_group(stream.key, group)
