"""`broadsheet selfcheck`: end-to-end check of all services, step by step.

After the canary of `self_check`, a fixed second page on the same subject is posted: a search with a typo must find it,
and it must be among the articles related to the canary.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import httpx

from broadsheet.failure import CliFailure
from broadsheet.supervisor.selfcheck import LIMIT_SECONDS, OPT_IN, SelfCheck, self_check
from shared.articles import CANARY_SOURCE
from shared.store import ArticleStore

COMPANION: Final[dict[str, object]] = {
    "source": CANARY_SOURCE,
    "external_id": "companion",
    "published_at": "2001-01-01T00:00:00Z",  # a year after the canary, so that it is related but not the same story
    "section": "selfcheck",
    "title": "Why a canary travels through every Broadsheet",
    "text": (
        "Why a canary travels through every Broadsheet\n\n"
        "Miners took a canary along to learn early that something was wrong. A self-check canary is a page that "
        "Broadsheet sends to itself for the same reason.\n\n"
        "When the canary page comes out again as an article in a new revision, everything on the way was working. "
        "When it does not, the self-check says at which word of the flow it was last seen.\n"
    ),
}
MISSPELT: Final = "canary travells thruogh"
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class CheckStep:
    """Result of one step. `found` is a short description."""

    name: str
    ok: bool
    found: str


async def whole_path(ingest_url: str, serve_url: str, key: str, store: ArticleStore) -> list[CheckStep]:
    """All steps in pipeline order, up to the first failure. Never raises for an unhealthy stack."""
    try:
        canary = await self_check(ingest_url, serve_url, key, store)
    except CliFailure as error:
        return [CheckStep("canary", ok=False, found=str(error).removeprefix("self-check failed").lstrip(": "))]
    steps = _seen(canary)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, timeout=10.0) as http:
        companion = await _posted(http, ingest_url)
        if not companion:
            return [*steps, CheckStep("second page", ok=False, found="ingest refused it")]
        reader = _ReaderChecks(http, serve_url, canary.article_id, companion)
        for name, question in (("search with a typo", reader.misspelt), ("related", reader.related)):
            steps.append(await _until(name, question))
            if not steps[-1].ok:
                break
    return steps


def _seen(canary: SelfCheck) -> list[CheckStep]:
    times = (
        ("accept", canary.accepted_ms), ("enrich", canary.enriched_ms), ("search", canary.searchable_ms),
        ("event stream", canary.streamed_ms),
    )  # fmt: skip
    return [CheckStep(name, ok=True, found=f"after {ms:.0f} ms") for name, ms in times]


async def _posted(http: httpx.AsyncClient, ingest_url: str) -> str:
    try:
        answer = await http.post(f"{ingest_url}/v1/articles", json=COMPANION)
        return str(answer.json()["id"]) if answer.status_code < httpx.codes.BAD_REQUEST else ""
    except (httpx.HTTPError, ValueError, KeyError):
        return ""


@dataclass(frozen=True, slots=True)
class _ReaderChecks:
    """Queries a reader makes. Each returns what it found, or an empty string while the second page is missing."""

    http: httpx.AsyncClient
    serve_url: str
    canary: str
    companion: str

    async def misspelt(self) -> str:
        found = await self._results("/v1/search", {"q": MISSPELT, "page-size": 50, **OPT_IN})
        return f"`{MISSPELT}` finds `{COMPANION['title']}`" if self.companion in found else ""

    async def related(self) -> str:
        found = await self._results(f"/v1/articles/{self.canary}/related", {})
        return f"the second page is number {found.index(self.companion) + 1}" if self.companion in found else ""

    async def _results(self, path: str, params: dict[str, str | int]) -> list[str]:
        answer = await self.http.get(self.serve_url + path, params=params)
        answer.raise_for_status()
        return [hit["id"] for hit in answer.json()["response"]["results"]]


async def _until(name: str, question: Callable[[], Awaitable[str]]) -> CheckStep:
    """Poll until there is a result. The second page may still be in the pipeline."""
    said = f"the second page is not in it after {LIMIT_SECONDS:.0f} s"
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                if found := await question():
                    return CheckStep(name, ok=True, found=found)
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        return CheckStep(name, ok=False, found=said)
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return CheckStep(name, ok=False, found=f"{type(error).__name__} {error}")
