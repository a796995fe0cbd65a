"""Real articles and known-item queries from the shared corpora."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Final

import zstandard

from broadsheet.bench.texts import CORPORA, NoTexts
from services.enrich.domain.terms.signature import signature
from services.index.adapters.documents import index_doc
from shared.articles import Article, Tag
from shared.identity.slugs import slugify
from shared.search.port import IndexDoc

_ISO_639_1: Final = {"eng": "en", "fra": "fr"}
_TITLE: Final = 120
_LEAD: Final = 300
_SPREAD_DAYS: Final = 730
_FIRST: Final = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """A query with the ids of its correct articles."""

    kind: str
    text: str
    relevant: frozenset[str]


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a `.jsonl.zst` file, split at newlines only. Raises NoTexts when it is absent."""
    if not path.is_file():
        raise NoTexts(f"there is no {path}; give --data DIRECTORY, laid out like ../shared/data")
    with path.open("rb") as raw:
        reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw)
        for line in io.TextIOWrapper(reader, encoding="utf-8", newline="\n"):
            yield json.loads(line)


def read_documents(data: Path, count: int) -> list[IndexDoc]:
    """`count` articles as index documents, interleaved from all corpora."""
    corpora = [((row, name) for row in read_rows(data / "corpus" / f"{name}.jsonl.zst")) for name in CORPORA]
    in_turn = (pair for pairs in zip_longest(*corpora) for pair in pairs if pair is not None)
    docs = (document_of(row, name) for row, name in in_turn if row["text"].strip())
    return list({doc.id: doc for doc in islice(docs, count)}.values())


def read_questions(data: Path, known: frozenset[str]) -> list[Question]:
    """The known-item queries with an indexed correct article."""
    found = []
    for row in read_rows(data / "search" / "known_item_queries.jsonl.zst"):
        relevant = frozenset(map(str, row["relevant"])) & known
        if relevant:
            found.append(Question(str(row["kind"]), str(row["query"]), relevant))
    return found


def document_of(row: dict[str, Any], corpus: str, *, story: str | None = None) -> IndexDoc:
    """The index document of a corpus row. Rows without a date are spread over two years."""
    ident, text = str(row["id"]), str(row["text"])
    title = " ".join(str(row.get("title") or text[: 2 * _TITLE]).split())[:_TITLE] or ident
    language = _ISO_639_1.get(str(row.get("lang", "en")), str(row.get("lang", "en")))
    topic = str(row.get("topic") or "news")
    at = _date_of(row, ident)
    article = Article(
        id=ident,
        rev=1,
        slug="bench",
        title=title,
        paragraphs=tuple(part for part in text.split("\n") if part.strip()) or (text,),
        summary=text[:_LEAD],
        tags=(Tag(slug=slugify(topic), label=topic),),
        section=topic,
        source=str(row.get("source") or corpus),
        language=language,
        published_at=at,
        received_at=at,
        first_received_at=at,
        word_count=len(text.split()),
        signature=signature(title, text, language),
        story_id=story,
    )
    return index_doc(article)


def _date_of(row: dict[str, Any], ident: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(row.get("published")))
    except ValueError:
        days = sum(ident.encode()) * 7919 % _SPREAD_DAYS
        return _FIRST + timedelta(days=days)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
