"""The measured part of the pipeline benchmark: sends texts through the services and counts them at each stage."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from shared.events import Publication
from shared.store import Credentials, PublicationLog, Redis
from shared.store.publication_log import EARLIEST
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED

LINES_PER_POST: Final = 250
CONNECTIONS: Final = 4
_LOOK_EVERY_SECONDS: Final = 0.05
_STALLED_AFTER_SECONDS: Final = 120.0

Show = Callable[[str, int], None]
"""Called with a stage (`accepted`, `enriched`, `searchable`) and the number of articles that reached it."""


class Stalled(Exception):
    """No progress for two minutes; the message has the count of each stage."""


@dataclass
class Counts:
    """Number of articles that reached a stage, and of its dead letters."""

    done: int = 0
    dead: int = 0
    first_at: float | None = None
    last_at: float | None = None

    def rate(self, started: float) -> float:
        """Articles per second from `started` (of the whole run) to the last one."""
        return self.done / (self.last_at - started) if self.last_at and self.last_at > started else 0.0

    def see(self, done: int, dead: int, at: float) -> bool:
        """Record a new count; whether it changed."""
        moved = done + dead > self.done + self.dead
        if moved:
            self.first_at = self.first_at or at
            self.last_at = at
        self.done, self.dead = done, dead
        return moved


@dataclass
class Flow:
    """One run. `started` is the instant of the first POST, on the monotonic clock."""

    client: Redis
    ingest_url: str
    api_key: str
    show: Show
    started: float = 0.0
    accepted: Counts = field(default_factory=Counts)
    enriched: Counts = field(default_factory=Counts)
    searchable: Counts = field(default_factory=Counts)
    refused: list[dict[str, Any]] = field(default_factory=list)
    stage_started: dict[str, float] = field(default_factory=dict)
    """Start time per service, if they were started one after another."""
    _cursor: str = EARLIEST
    _announced: int = 0

    async def send(self, texts: Sequence[dict[str, Any]]) -> None:
        """POST all texts as NDJSON over a few connections; returns when every line has its result."""
        batches: asyncio.Queue[bytes] = asyncio.Queue()
        for start in range(0, len(texts), LINES_PER_POST):
            lines = [json.dumps(text, ensure_ascii=False).encode() for text in texts[start : start + LINES_PER_POST]]
            batches.put_nowait(b"\n".join(lines) + b"\n")
        self.started = time.monotonic()
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/x-ndjson"}
        limits = httpx.Limits(max_connections=CONNECTIONS)
        async with httpx.AsyncClient(base_url=self.ingest_url, headers=headers, timeout=120.0, limits=limits) as http:
            await asyncio.gather(*(self._post_all(http, batches) for _ in range(CONNECTIONS)))

    async def _post_all(self, http: httpx.AsyncClient, batches: asyncio.Queue[bytes]) -> None:
        while not batches.empty():
            response = await http.post("/v1/articles/bulk", content=batches.get_nowait())
            response.raise_for_status()
            verdicts = [json.loads(line) for line in response.text.splitlines() if line.strip()]
            good = [verdict for verdict in verdicts if verdict.get("status") == "accepted"]
            self.refused += [verdict for verdict in verdicts if "status" in verdict and verdict not in good]
            self.accepted.see(self.accepted.done + len(good), len(self.refused), time.monotonic())
            self.show("accepted", self.accepted.done)

    async def arrive(self, sending: asyncio.Task[None]) -> None:
        """Wait until every accepted article is searchable or dead-lettered. Raises Stalled."""
        await self._until(lambda: sending.done() and self._enriched_all() and self._searchable_all(), sending)

    async def stage_done(self, service: str) -> None:
        """Wait until this service has processed everything; previous ones must be done. Raises Stalled."""
        await self._until({"enrich": self._enriched_all, "index": self._searchable_all}[service])

    async def _until(self, over: Callable[[], bool], sending: asyncio.Task[None] | None = None) -> None:
        moved_at = time.monotonic()
        while not over():
            if sending is not None and sending.done():
                sending.result()  # a failed POST ends the run
            if await self._look():
                moved_at = time.monotonic()
            if time.monotonic() - moved_at > _STALLED_AFTER_SECONDS:
                raise Stalled(
                    f"no progress for {_STALLED_AFTER_SECONDS:g} s: accepted {self.accepted.done}, "
                    f"enriched {self.enriched.done}, searchable {self.searchable.done}"
                )
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def _enriched_all(self) -> bool:
        return self.enriched.done + self.enriched.dead >= self.accepted.done

    def _searchable_all(self) -> bool:
        return self.searchable.done + self.searchable.dead >= self.enriched.done

    async def _look(self) -> bool:
        enriched, not_enriched = await self._length(ARTICLE_ENRICHED.key), await self._length(ARTICLE_RECEIVED.dead_key)
        searchable, not_searchable = await self._publications(), await self._length(ARTICLE_ENRICHED.dead_key)
        at = time.monotonic()
        moved = [
            self.enriched.see(enriched, not_enriched, at),
            self.searchable.see(searchable, not_searchable, at),
        ]
        self.show("enriched", self.enriched.done)
        self.show("searchable", self.searchable.done)
        return any(moved)

    async def _publications(self) -> int:
        """Number of published articles; story events are not counted."""
        log = PublicationLog(self.client)
        while entries := await log.read(self._cursor, count=1000):
            self._cursor = entries[-1].cursor
            self._announced += sum(isinstance(entry.event, Publication) for entry in entries)
        return self._announced

    async def _length(self, key: str) -> int:
        return int(await self.client.xlen(key))


async def make_key(client: Redis) -> str:
    """An API key that may send articles."""
    key, _ = await Credentials(client).create("bench", frozenset({"ingest"}), sources={"*"})
    return key
