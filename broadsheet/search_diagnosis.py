"""`broadsheet doctor` checks of the search engine: version, keys, task queue and stored revisions."""

from __future__ import annotations

import asyncio
from typing import Final

from broadsheet.cli.target import StackTarget
from broadsheet.finding import Finding
from shared.search import open_index
from shared.search.server import MEILISEARCH, server_status
from shared.settings import BaseServiceSettings

QUEUE: Final = 100
"""Tasks in the queue above which the server is behind; more than the index service keeps in flight."""


async def server_findings(target: StackTarget) -> list[Finding]:
    """Checks of the engine; none for the embedded one. Raises SearchUnavailable."""
    seen = await asyncio.to_thread(server_status, target.index_url, _key(target))
    if seen is None:
        return []
    keys, wrong = "not readable with this key, as intended", {}
    if seen.keys is not None:
        wrong = {name: state for name, state in seen.keys.items() if state == "other rights"}
        keys = ", ".join(f"{name} {state}" for name, state in (wrong or seen.keys).items())
    aside = f"; other indexes: {', '.join(seen.other_generations)}" if seen.other_generations else ""
    tasks = seen.pending_tasks
    return [
        Finding("search server", seen.version == seen.pinned, f"Meilisearch {seen.version}, pinned {seen.pinned}",
                "run the pinned version; see docs/operations.md, Upgrade Meilisearch"),
        Finding("search keys", not wrong, keys, "run bootstrap again: `docker compose up -d bootstrap`"),
        Finding("search queue", tasks <= QUEUE, f"{tasks} tasks{aside}", "check CPU and disk of Meilisearch"),
    ]  # fmt: skip


async def held(target: StackTarget) -> dict[str, int] | None:
    """Maps articles to indexed revisions. None for the embedded engine, which is only readable locally."""
    if not MEILISEARCH.fullmatch(target.index_url):
        return None
    settings = BaseServiceSettings.model_validate(
        {"BROADSHEET_INDEX_URL": target.index_url, "BROADSHEET_INDEX_KEY": _key(target)}
    )
    index = open_index(settings, writer=False)
    try:
        return {ident: rev async for ident, rev in index.documents()}
    finally:
        await index.aclose()


def differences(stored: dict[str, int], found: dict[str, int]) -> str:
    """Describes missing, outdated and surplus articles of the index. Empty if there are none."""
    lacking = sorted(stored.keys() - found.keys())
    extra = sorted(found.keys() - stored.keys())
    other = sorted(ident for ident in stored.keys() & found.keys() if stored[ident] != found[ident])
    parts = (("missing", lacking), ("of another revision", other), ("too many", extra))
    return "; ".join(f"{len(ids)} {word}: {', '.join(ids[:3])}" for word, ids in parts if ids)


def _key(target: StackTarget) -> str:
    return target.settings.index_key.get_secret_value() if target.settings.index_key else ""
