"""Gathers what the checker judges: the whole log, a dump of store and index, and what the public API says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from shared.events import LogEvent, Publication, StoryChange
from shared.search import open_index
from shared.settings import BaseServiceSettings
from shared.store import PublicationLog, open_store
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.chaos.checker import Evidence, LoggedEvent, LoggedStory, Stored
from tests.chaos.ledger import Ledger
from tests.chaos.processes import System

_HTTP_SAMPLE = 150


async def _logged(client: Any) -> AsyncIterator[LogEvent]:
    log, cursor = PublicationLog(client), "0-0"
    while entries := await log.read(cursor, count=1000):
        cursor = entries[-1].cursor
        for entry in entries:
            yield entry.event


async def whole_log(client: Any) -> list[LoggedEvent]:
    """Every publication, in log order."""
    return [
        LoggedEvent(event.card.id, event.card.rev, event.meta.type, event.card.title)
        async for event in _logged(client)
        if isinstance(event, Publication)
    ]


async def whole_store(client: Any) -> dict[str, Stored]:
    """Every article of the store."""
    store, rows = open_store(client), {}
    async for batch in store.scan():
        for article, record in zip(batch, await store.records([a.id for a in batch]), strict=True):
            published = record.published_rev if record else 0
            rows[article.id] = Stored(article.id, article.rev, published, article.title, article.story_id)
    return rows


async def whole_stories(client: Any) -> list[LoggedStory]:
    """Every story event, in log order."""
    return [
        LoggedStory(event.story.id, event.article_id, event.meta.type, event.merged)
        async for event in _logged(client)
        if isinstance(event, StoryChange)
    ]


async def _members(client: Any, evidence: Evidence) -> dict[str, tuple[str, ...]]:
    """The articles of every story that an article or the log names."""
    named = {row.story_id for row in evidence.store.values() if row.story_id}
    told = {ident for event in evidence.stories for ident in (event.story_id, *event.merged)}
    ids = sorted(named | told)
    records = await open_store(client).groups.stories(ids)
    return {ident: tuple(record.members) for ident, record in zip(ids, records, strict=True) if record is not None}


async def whole_index(system: System) -> list[tuple[str, int]]:
    """Every document a reader of its own finds."""
    settings = BaseServiceSettings.model_validate({"BROADSHEET_INDEX_URL": f"embedded:{system.index_directory}"})
    reader = open_index(settings, writer=False)
    try:
        return [row async for row in reader.documents()]
    finally:
        await reader.aclose()


async def gather_evidence(system: System, client: Any, ledger: Ledger) -> Evidence:
    """Everything, once the load is over; `over_http` is a sample."""
    evidence = Evidence(ledger, await whole_log(client), await whole_store(client), await whole_index(system))
    evidence.stories = await whole_stories(client)
    evidence.members = await _members(client, evidence)
    ids = sorted(ledger.latest())[:: max(1, len(ledger.latest()) // _HTTP_SAMPLE)]
    async with httpx.AsyncClient(base_url=system.services["serve"].base_url, timeout=10.0) as http:
        for ident in ids:
            response = await http.get(f"/v1/articles/{ident}")
            evidence.over_http[ident] = _revision(response)
        response = await http.get("/v1/search", params={"duplicates": "all"})
        response.raise_for_status()
        evidence.http_total = int(response.json()["response"]["total"])
    return evidence


def _revision(response: httpx.Response) -> int:
    """The revision in an article answer; 0 when there is none."""
    if response.status_code != 200:
        return 0
    content = response.json()["response"]["content"]
    return int(content.get("rev") or content.get("revision") or 0)


async def unfinished(client: Any, *, unread: int = 1) -> int:
    """Entries of the work streams that are not acknowledged, or not even read: of these at most `unread` a stream."""
    left = 0
    for stream in (ARTICLE_RECEIVED, ARTICLE_ENRICHED):
        (group,) = await client.xinfo_groups(stream.key)
        newer = await client.xrange(stream.key, f"({_text(group['last-delivered-id'])}", "+", count=unread)
        left += int(group["pending"]) + len(newer)
    return left


async def dead_letters(client: Any) -> list[dict[str, str]]:
    """Every dead letter of both work streams, without bodies."""
    rows = []
    for stream in (ARTICLE_RECEIVED, ARTICLE_ENRICHED):
        for _, fields in await client.xrange(stream.dead_key):
            rows.append(
                {key.decode(): value.decode("utf-8", "replace") for key, value in fields.items() if key[:5] == b"dead_"}
            )
    return rows


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
