"""Index administration with the official client: create, compare, patch, swap, list, drop; waits for tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError
from meilisearch.models.task import TaskInfo

from shared.errors import Permanent
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.search.meilisearch.client import WRITE_SECONDS, MeiliClient
from shared.search.meilisearch.documents import NO_VECTOR, SPEC_ID
from shared.search.meilisearch.official_client import call
from shared.search.meilisearch.settings import CHEAP, COSTLY, PINNED, covers, marker
from shared.search.port import EnsureResult, IndexSpec

_TASK_SECONDS: Final = 300.0
_PART: Final = 1_000
_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 1.0


UNKNOWN_VERSION: Final = "(version unknown)"
"""Version for keys restricted to index names, which cannot read it: `bootstrap` has checked it."""


async def check_version(client: MeiliClient) -> str:
    """The server's version, or UNKNOWN_VERSION. Raises Permanent(rule="unsupported-server") for an untested one."""
    version = await call(client, _version)
    if version != UNKNOWN_VERSION:
        require_pinned_version(version)
    return version


def require_pinned_version(version: str) -> None:
    """Raises Permanent(rule="unsupported-server") for a version whose first two numbers are not the pinned ones."""
    proven = PINNED.rpartition(".")[0]
    if not version.startswith(f"{proven}."):
        raise Permanent(f"Meilisearch {version} answers; this build needs {proven}.x", rule="unsupported-server")


def _version(server: Client) -> str:
    try:
        return str(server.get_version()["pkgVersion"])
    except MeilisearchApiError as error:
        if error.code == "invalid_api_key":  # also returned for a wrong key; the next request reports that
            return UNKNOWN_VERSION
        raise


async def exists(client: MeiliClient, uid: str) -> bool:
    """Whether there is such an index."""
    try:
        await call(client, lambda server: server.get_raw_index(uid))
    except IndexMissing:
        return False
    return True


async def create(client: MeiliClient, uid: str, spec: IndexSpec) -> None:
    """Create an empty index with its settings, before its first document."""
    await call(client, lambda server: server.create_index(uid, {"primaryKey": "id"}))
    await call(client, lambda server: server.index(uid).update_settings(COSTLY | CHEAP))
    task = await client.post(
        f"/indexes/{uid}/documents", [marker(spec) | {"_vectors": NO_VECTOR}], within=WRITE_SECONDS
    )
    await done(client, task)


async def compare(client: MeiliClient, uid: str, spec: IndexSpec, *, patch: bool) -> EnsureResult:
    """Whether the index has the expected format; cheap settings are corrected with `patch`. Raises IndexMissing."""
    body = {"ids": [SPEC_ID], "limit": 1}
    found = (await client.post(f"/indexes/{uid}/documents/fetch", body))["results"]
    if found != [marker(spec)]:
        return EnsureResult.NEEDS_REINDEX
    settings = await client.get(f"/indexes/{uid}/settings")
    if covers(settings, CHEAP) or not patch:
        return EnsureResult.UNCHANGED
    await _do(client, lambda server: server.index(uid).update_settings(CHEAP))
    return EnsureResult.PATCHED


async def swap(client: MeiliClient, one: str, other: str) -> None:
    """Exchange the two indexes atomically."""
    await _do(client, lambda server: server.swap_indexes([{"indexes": [one, other]}]))


async def rename(client: MeiliClient, uid: str, name: str) -> None:
    """Rename the index; the new name must be free."""
    await _do(client, lambda server: server.swap_indexes([{"indexes": [uid, name], "rename": True}]))


async def drop(client: MeiliClient, uid: str) -> None:
    """Delete the index, if there is one."""
    try:
        await _do(client, lambda server: server.delete_index(uid))
    except IndexMissing:
        return


async def generations(client: MeiliClient, uid: str) -> list[str]:
    """The uids of other generations: previous ones, and leftovers of interrupted rebuilds."""
    return [name for name in await call(client, _names) if name.startswith(f"{uid}__")]


def _names(server: Client) -> list[str]:
    found: list[str] = []
    while True:
        page: Any = server.get_raw_indexes({"offset": len(found), "limit": _PART})  # wrongly typed as a list
        found += [row["uid"] for row in page["results"]]
        if len(found) >= page["total"] or not page["results"]:
            return found


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
    """Wait for a task. Raises IndexMissing or SearchUnavailable if it fails."""
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


async def _do(client: MeiliClient, order: Callable[[Client], TaskInfo]) -> None:
    """Submit a task and wait until it has succeeded."""
    await done(client, {"taskUid": (await call(client, order)).task_uid})
