"""Indexes as a whole: make, compare, patch, swap, list, drop; and waiting for the tasks that do it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson

from shared.errors import Permanent
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.search.meilisearch.client import WRITE_SECONDS, MeiliClient
from shared.search.meilisearch.documents import SPEC_ID
from shared.search.meilisearch.shape import CHEAP, COSTLY, PINNED, covers, marker
from shared.search.port import EnsureResult, IndexSpec

_TASK_SECONDS: Final = 300.0
_PART: Final = 1_000
_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 1.0


async def check_version(client: MeiliClient) -> str:
    """The server's version. Raises Permanent(rule="unsupported-server") for one this adapter is not proven on."""
    version = str((await client.get("/version"))["pkgVersion"])
    if not version.startswith(f"{PINNED}."):
        raise Permanent(f"Meilisearch {version} answers; this build needs {PINNED}.x", rule="unsupported-server")
    return version


async def exists(client: MeiliClient, uid: str) -> bool:
    """Whether there is such an index."""
    try:
        await client.get(f"/indexes/{uid}")
    except IndexMissing:
        return False
    return True


async def create(client: MeiliClient, uid: str, spec: IndexSpec) -> None:
    """Make an empty index: its settings come before its first document."""
    await client.post("/indexes", {"uid": uid, "primaryKey": "id"}, within=WRITE_SECONDS)
    await _patch(client, uid, COSTLY | CHEAP)
    task = await client.post(f"/indexes/{uid}/documents", [marker(spec)], within=WRITE_SECONDS)
    await done(client, task)


async def compare(client: MeiliClient, uid: str, spec: IndexSpec, *, patch: bool) -> EnsureResult:
    """Whether the index has the wanted shape; cheap settings are put right with `patch`. Raises IndexMissing."""
    body = {"ids": [SPEC_ID], "limit": 1}
    found = (await client.post(f"/indexes/{uid}/documents/fetch", body))["results"]
    if found != [marker(spec)]:
        return EnsureResult.NEEDS_REINDEX
    settings = await client.get(f"/indexes/{uid}/settings")
    if covers(settings, CHEAP) or not patch:
        return EnsureResult.UNCHANGED
    await done(client, await _patch(client, uid, CHEAP))
    return EnsureResult.PATCHED


async def swap(client: MeiliClient, one: str, other: str) -> None:
    """Exchange the two indexes atomically."""
    await done(client, await client.post("/swap-indexes", [{"indexes": [one, other]}], within=WRITE_SECONDS))


async def drop(client: MeiliClient, uid: str) -> None:
    """Delete the index, if there is one."""
    try:
        await done(client, await client.send("DELETE", f"/indexes/{uid}", within=WRITE_SECONDS))
    except IndexMissing:
        return


async def generations(client: MeiliClient, uid: str) -> list[str]:
    """The uids of the generations beside the live one: its predecessor, and what an interrupted rebuild left."""
    found: list[str] = []
    while True:
        page = await client.get("/indexes", offset=len(found), limit=_PART)
        found += [row["uid"] for row in page["results"]]
        if len(found) >= page["total"] or not page["results"]:
            return [name for name in found if name.startswith(f"{uid}__")]


async def listed(client: MeiliClient, uid: str, condition: str) -> AsyncIterator[tuple[str, int]]:
    """(id, rev) of the documents under a filter expression."""
    offset = 0
    while True:
        body = {"filter": condition, "fields": ["id", "rev"], "offset": offset, "limit": _PART}
        page = await client.post(f"/indexes/{uid}/documents/fetch", body, within=WRITE_SECONDS)
        for row in page["results"]:
            yield row["id"], int(row["rev"])
        offset += _PART
        if offset >= page["total"]:
            return


async def count(client: MeiliClient, uid: str, condition: str) -> int:
    """How many documents pass a filter expression."""
    body = {"filter": condition, "fields": ["id"], "limit": 0}
    return int((await client.post(f"/indexes/{uid}/documents/fetch", body))["total"])


async def done(client: MeiliClient, task: dict[str, Any]) -> None:
    """Wait for a task. Raises IndexMissing or SearchUnavailable when it did not succeed."""
    clock = asyncio.get_running_loop().time
    deadline, pause = clock() + _TASK_SECONDS, _FIRST_PAUSE
    while True:
        found = await client.get(f"/tasks/{task['taskUid']}")
        if found["status"] == "succeeded":
            return
        if found["status"] in ("failed", "canceled"):
            error = found.get("error") or {}
            raised = IndexMissing if error.get("code") == "index_not_found" else SearchUnavailable
            raise raised(f"task {task['taskUid']} {found['status']}: {error.get('message', '')}"[:500])
        if clock() >= deadline:
            raise SearchUnavailable(f"task {task['taskUid']} is not done after {_TASK_SECONDS:g} s")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _patch(client: MeiliClient, uid: str, settings: dict[str, Any]) -> dict[str, Any]:
    answer = await client.send("PATCH", f"/indexes/{uid}/settings", body=orjson.dumps(settings), within=WRITE_SECONDS)
    return dict(answer)
