"""Checks of `broadsheet doctor`, each with its result and advice."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import httpx

from broadsheet.cli.target import StackTarget, database
from broadsheet.failure import CliFailure
from broadsheet.finding import Finding
from broadsheet.key_diagnosis import keys
from broadsheet.search_diagnosis import differences, held, server_findings
from broadsheet.source_diagnosis import sources
from broadsheet.supervisor.selfcheck import self_check
from broadsheet.webhook_diagnosis import webhooks
from shared.articles import CANARY_SOURCE, ArticleState
from shared.broker.heartbeat import is_reading
from shared.broker.lag import lag
from shared.errors import BroadsheetError
from shared.store import Redis, check_server, open_store
from shared.store.connection import unavailable_when_down
from shared.topology import STREAMS

CLOCK_SKEW_SECONDS: Final = 2.0
SERVER_SECONDS: Final = 20.0
"""Longer than the client's connect time-out, so that its error is shown."""
_LOOKS: Final = 3
"""Articles can finish between two counts. Real drift persists in the third comparison."""
_WORKERS: Final = tuple(sorted({group for stream in STREAMS for group in stream.groups}))


async def examine(target: StackTarget, *, probe: bool = False) -> list[Finding]:
    """All checks. Those that need the database are skipped while it is down. Never raises for an unhealthy stack."""
    try:
        async with database(target) as client:
            async with unavailable_when_down(deadline=SERVER_SECONDS):
                findings = await _server(client)
            findings += [finding for check in _CHECKS for finding in await _guarded(check, client)]
            findings += await _guarded(lambda _: server_findings(target), client, "search server")
            findings += await _guarded(lambda _: _drift(client, target), client, "store and index")
            if probe:
                findings += await _guarded(lambda _: _canary(client, target), client, "whole path")
    except (BroadsheetError, CliFailure) as error:
        findings = [Finding("server", False, str(error), "start it: `broadsheet up`")]
    return [*findings, _data_directory(target)]


async def _guarded(
    check: Callable[[Redis], Awaitable[Sequence[Finding]]], client: Redis, name: str = ""
) -> Sequence[Finding]:
    """A check that raises counts as failed. The next one still runs."""
    try:
        async with unavailable_when_down(deadline=30.0):
            return await check(client)
    except (BroadsheetError, CliFailure) as error:
        return [Finding(name or _name(check), False, str(error))]


def _name(check: Callable[..., Any]) -> str:
    return check.__name__.strip("_").replace("_", " ")


async def _server(client: Redis) -> list[Finding]:
    version = await check_server(client)
    return [Finding("server", True, version)]


async def _durability(client: Redis) -> list[Finding]:
    """Managed servers forbid CONFIG. INFO then says whether AOF is enabled."""
    info = await client.info("persistence")
    settings = await client.config_get("append*")
    eviction = await client.config_get("maxmemory-policy")
    rewriting = (await client.config_get("auto-aof-rewrite-percentage")).get("auto-aof-rewrite-percentage")
    appendonly, appendfsync = settings.get("appendonly"), settings.get("appendfsync")
    durable = appendonly == "yes" and appendfsync == "always"
    healthy = info.get("aof_last_write_status", "ok") == "ok"
    return [
        Finding(
            "fsync policy", durable, f"appendonly {appendonly}, appendfsync {appendfsync}",
            "set appendonly yes and appendfsync always; without them acknowledged pages can be lost",
        ),
        Finding("last write to disk", healthy, str(info.get("aof_last_write_status")), "check the disk of Redis"),
        Finding(
            "log rewriting", rewriting != "0", f"at +{rewriting} %",
            "a backup is running, or was interrupted: then restart Redis, or set auto-aof-rewrite-percentage 100",
        ),
        Finding(
            "eviction policy", eviction.get("maxmemory-policy") == "noeviction", str(eviction.get("maxmemory-policy")),
            "set maxmemory-policy noeviction; eviction silently deletes articles",
        ),
    ]  # fmt: skip


async def _groups(client: Redis) -> list[Finding]:
    found = await lag(client)
    missing = [f"{item.stream}/{item.group}" for item in found if item.missing]
    dead = sum({item.stream: item.dead for item in found}.values())
    waiting = ", ".join(f"{item.group} {item.waiting + item.pending}" for item in found)
    return [
        Finding("consumer groups", not missing, f"missing {', '.join(missing)}" if missing else f"lag: {waiting}",
                "start the service; it creates its group at 0"),
        Finding("dead letters", dead == 0, str(dead), "`broadsheet dead list`, then retry or drop"),
    ]  # fmt: skip


async def _heartbeats(client: Redis) -> list[Finding]:
    alive = {service: await is_reading(client, service) for service in _WORKERS}
    return [
        Finding(f"{service} heartbeat", ok, "alive" if ok else "none", f"is {service} running? see data/logs")
        for service, ok in alive.items()
    ]


async def _clock(client: Redis) -> list[Finding]:
    before = time.time()
    seconds, micros = await client.time()
    skew = float(seconds) + float(micros) / 1e6 - (before + time.time()) / 2
    return [Finding("clock", abs(skew) < CLOCK_SKEW_SECONDS, f"{skew * 1000:+.0f} ms", "synchronise the clocks")]


async def _drift(client: Redis, target: StackTarget) -> list[Finding]:
    """Compares published articles with search counts and Meilisearch documents. In-flight work is not drift."""
    text, same, busy = "", False, await _busy(client)
    for _ in range(_LOOKS):
        stored = await _published(client)
        try:
            found, content = await _searchable(target), await held(target)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            return [Finding("store and index", False, f"search is unavailable: {error}", "is serve running?")]
        # In-flight ids are read before and after counting, to exclude work that started or finished in between.
        busy, was_busy = await _busy(client), busy
        odd = "" if content is None else differences(stored, content)
        same, busy = len(stored) == found and not odd, busy or was_busy
        text = "; ".join(filter(None, (f"{len(stored)} published, {found} searchable", odd)))
        text += " (in flight)" if busy and not same else ""
        if same or busy:
            break
    return [Finding("store and index", same or busy, text, "`broadsheet reindex` rebuilds the index from the store")]


async def _busy(client: Redis) -> bool:
    return any(item.waiting or item.pending for item in await lag(client))


async def _searchable(target: StackTarget) -> int:
    """Articles that searches find. Those of the self-check are found only by naming their source."""
    count = 0
    async with httpx.AsyncClient(timeout=10.0) as http:
        for extra in ({}, {"source": CANARY_SOURCE}):
            params = {"page-size": "1", "duplicates": "all", **extra}
            answer = await http.get(f"{target.serve_url}/v1/search", params=params)
            answer.raise_for_status()
            count += int(answer.json()["response"]["total"])
    return count


async def _published(client: Redis) -> dict[str, int]:
    """Maps visible articles to their published revision."""
    store = open_store(client)
    found: dict[str, int] = {}
    async for batch in store.scan():
        records = await store.records([article.id for article in batch])
        found |= {
            item.article_id: item.published_rev
            for item in records
            if item is not None and item.state is ArticleState.PUBLISHED
        }
    return found


async def _canary(client: Redis, target: StackTarget) -> list[Finding]:
    result = await self_check(target.ingest_url, target.serve_url, target.key or "", open_store(client))
    return [Finding("whole path", True, result.line())]


def _data_directory(target: StackTarget) -> Finding:
    stamps = sorted(target.layout.root.glob("redis-*/ENGINE"))
    named = [(path.parent.name, path.read_text(encoding="utf-8").strip()) for path in stamps]
    wrong = [f"{folder} is stamped {stamp}" for folder, stamp in named if folder != f"redis-{stamp}"]
    found = ", ".join(wrong) or ", ".join(folder for folder, _ in named) or f"no server data in {target.layout.root}"
    return Finding("data directory", not wrong, found, "use a separate BROADSHEET_DATA_DIR for each server type")


_CHECKS: Final = (_durability, _clock, _groups, _heartbeats, keys, sources, webhooks)
