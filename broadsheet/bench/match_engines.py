"""Checks that strict search of each engine returns exactly the articles that the matcher matches."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from broadsheet.bench.processes import Running, free_port, launch, wait_until_up
from broadsheet.bench.saved_searches import document_of
from shared.articles import Article
from shared.query import Percolator, article_facts, parse
from shared.search import open_index
from shared.search.port import IndexSpec, SearchIndex, SearchQuery
from shared.settings import BaseServiceSettings

_NOW: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
_PAGE: Final = 1_000
_BATCH: Final = 250
_SETTLE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """One engine compared with the matcher. `skipped`: why it was not compared; empty otherwise."""

    engine: str
    queries: int = 0
    matches: int = 0
    differing: tuple[str, ...] = ()
    skipped: str = ""

    def line(self) -> str:
        """One line of text."""
        if self.skipped:
            return f"{self.engine}: NOT COMPARED: {self.skipped}"
        differing = f"{len(self.differing)} DIFFER: {'; '.join(self.differing[:5])}"
        verdict = differing if self.differing else "all equal"
        return f"{self.engine}: {self.queries:,} saved searches, {self.matches:,} matches, {verdict}"


def compared(queries: Sequence[str], articles: Sequence[Article]) -> list[Agreement]:
    """Compare each engine's strict results for these queries with the matcher's. At most 1,000 articles, the limit of
    one search.
    """
    articles = articles[:_PAGE]
    wanted = _matched(queries, articles)
    with tempfile.TemporaryDirectory(prefix="broadsheet-match-") as directory:
        root = Path(directory)
        found = [asyncio.run(_compared("embedded", f"embedded:{root / 'index'}", "", queries, articles, wanted))]
        program = shutil.which("meilisearch")
        if program is None:
            return [*found, Agreement("meilisearch", skipped="no program of this name on PATH")]
        with _server(program, root) as (url, key):
            found.append(asyncio.run(_compared("meilisearch", url, key, queries, articles, wanted)))
    return found


def _matched(queries: Sequence[str], articles: Sequence[Article]) -> list[set[str]]:
    percolator = Percolator()
    for number, query in enumerate(queries):
        percolator.put(str(number), parse(query, now=_NOW))
    wanted: list[set[str]] = [set() for _ in queries]
    for article in articles:
        for key in percolator.match(article_facts(article)):
            wanted[int(key)].add(article.id)
    return wanted


async def _compared(
    name: str, url: str, key: str, queries: Sequence[str], articles: Sequence[Article], wanted: Sequence[set[str]]
) -> Agreement:
    settings = BaseServiceSettings(BROADSHEET_INDEX_URL=url, BROADSHEET_INDEX_KEY=SecretStr(key))
    index = open_index(settings, writer=True)
    try:
        await index.ensure(IndexSpec())
        await _fill(index, articles)
        differing = []
        for query, ids in zip(queries, wanted, strict=True):
            asked = SearchQuery(query=parse(query, now=_NOW), mode="newest", limit=_PAGE)
            page = await index.search(asked)
            if {hit.card.id for hit in page.hits} != ids:
                differing.append(query)
        return Agreement(name, len(queries), sum(map(len, wanted)), tuple(differing))
    finally:
        await index.aclose()


async def _fill(index: SearchIndex, articles: Sequence[Article]) -> None:
    receipts = [
        await index.upsert([document_of(article) for article in articles[at : at + _BATCH]], op_id=f"match-{at}")
        for at in range(0, len(articles), _BATCH)
    ]
    async with asyncio.timeout(_SETTLE_SECONDS):
        # the port can only be polled
        while any(one.status == "pending" for one in await index.outcomes(receipts)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@contextmanager
def _server(program: str, root: Path) -> Iterator[tuple[str, str]]:
    port, key = free_port(), secrets.token_hex(16)
    command = [
        program, "--http-addr", f"127.0.0.1:{port}", "--db-path", str(root / "meilisearch"), "--no-analytics",
        "--env", "development", "--master-key", key,
    ]  # fmt: skip
    running: Running = launch("meilisearch", command, root, {})
    try:
        wait_until_up(running, lambda: _answers(f"http://127.0.0.1:{port}/health"))
        yield f"meilisearch:http://127.0.0.1:{port}", key
    finally:
        running.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
            return True
    except (urllib.error.URLError, OSError):
        return False
