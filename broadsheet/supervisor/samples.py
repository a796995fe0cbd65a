"""The bundled sample pages: scraped text, HTML and JSON, written for this project."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib import resources
from typing import Final

import httpx

from broadsheet.failure import CliFailure

SOURCE: Final = "broadsheet-samples"
_MEDIA_TYPES: Final = {
    ".txt": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One page and how to post it."""

    name: str
    media_type: str
    data: bytes


def samples() -> list[Sample]:
    """All sample pages, by name. JSON ones carry their own source and id."""
    folder = resources.files("broadsheet") / "samples"
    found = []
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        stem, dot, suffix = item.name.rpartition(".")
        if dot + suffix in _MEDIA_TYPES:
            found.append(Sample(stem, _MEDIA_TYPES[dot + suffix], item.read_bytes()))
    return found


async def load_samples(ingest_url: str, key: str) -> int:
    """Post every sample page (idempotent). Returns their number. Raises CliFailure."""
    pages = samples()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=20.0) as http:
        await asyncio.gather(*(_post(http, ingest_url, page) for page in pages))
    return len(pages)


async def _post(http: httpx.AsyncClient, ingest_url: str, page: Sample) -> None:
    fields = {} if page.media_type == "application/json" else {"source": SOURCE, "id": page.name}
    try:
        answer = await http.post(
            f"{ingest_url}/v1/articles", params=fields, content=page.data, headers={"Content-Type": page.media_type}
        )
    except httpx.HTTPError as error:
        raise CliFailure(f"sample page {page.name} was not sent: {type(error).__name__} {error}") from error
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        raise CliFailure(f"sample page {page.name} was rejected with {answer.status_code}: {answer.text[:300]}")
