"""Values for tests, with sensible defaults, and one way to wait."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from shared.articles import Article, Card, InputKind, Keyphrase, Provenance, Submission, Tag, card_of
from shared.events import ArticleEnriched, ArticleReceived, ArticleRef
from shared.ids import article_id
from shared.search.port import IndexDoc
from shared.store.articles.port import Acceptance, Enrichment, Entry
from shared.urls import url_key

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)

HARBOUR = (
    "Harbour council votes to reopen the old ferry line\n\n"
    "Commuters may cross the bay again by autumn\n\n"
    "The harbour council of Lindmouth voted on Tuesday to reopen the ferry line that closed nineteen years ago.\n\n"
    "Two electric boats will cross the bay every twenty minutes, the council said, and a ticket costs two crowns.\n\n"
    "Tags: #Transport #CityNews\n"
)


async def wait_until(
    condition: Callable[[], Awaitable[Any] | Any],
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - it polls, so it needs the number
    what: str = "the condition",
) -> Any:
    """Poll until the condition answers something true, and return it; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer: Any = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s; last answer: {answer!r}")
        await asyncio.sleep(0.02)


def make_submission(**fields: Any) -> Submission:
    return Submission(**fields)


def make_acceptance(
    *,
    text: str = HARBOUR,
    external_id: str = "a1",
    source: str = "example-gazette",
    kind: InputKind = InputKind.TEXT,
    media_type: str = "text/plain",
    data: bytes | None = None,
    **fields: Any,
) -> Acceptance:
    """An original ready for `ArticleStore.accept`; submission fields may be given as `submission`."""
    raw = text.encode() if data is None else data
    ident = article_id("external", source, external_id)
    submission = fields.pop("submission", Submission(source=source, external_id=external_id))
    ref = ArticleRef(article_id=ident, rev=1, kind=kind)
    digest = hashlib.sha256(raw + submission.model_dump_json().encode()).hexdigest()
    values: dict[str, Any] = {
        "article_id": ident,
        "kind": kind,
        "media_type": media_type,
        "data": raw,
        "submission": submission,
        "content_digest": digest,
        "event": ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=NOON), article=ref),
        "owner": "tests",
        "idempotency_key": uuid.uuid4().hex,
        "fingerprint": digest,
    }
    return Acceptance(**(values | fields))


def make_enrichment(entry: Entry, article: Article) -> Enrichment:
    """What enrich commits when the work of `entry` has become `article`."""
    ref = ArticleRef(article_id=article.id, rev=article.rev, kind=InputKind.TEXT)
    provenance = Provenance(
        rev=article.rev,
        input_kind=InputKind.TEXT,
        input_sha256="0" * 64,
        output_sha256="1" * 64,
        pipeline_version="1",
        started_at=NOON,
        took_ms=1.5,
    )
    event = ArticleEnriched(meta=ArticleEnriched.meta_for(producer="enrich", now=NOON), article=ref)
    return Enrichment(entry, article, provenance, event)


def make_article(**fields: Any) -> Article:
    """An article about a ferry; give `external_id` to get another identity."""
    external_id = fields.pop("external_id", "a1")
    values: dict[str, Any] = {
        "id": article_id("external", "example-gazette", external_id),
        "rev": 1,
        "slug": "harbour-council-votes",
        "title": "Harbour council votes to reopen the old ferry line",
        "dek": "Commuters may cross the bay again by autumn",
        "paragraphs": (
            "The harbour council of Lindmouth voted on Tuesday to reopen the ferry line.",
            "Two electric boats will cross the bay every twenty minutes, the council said.",
        ),
        "summary": "The harbour council of Lindmouth voted on Tuesday to reopen the ferry line.",
        "tags": (Tag(slug="transport", label="Transport"), Tag(slug="city-news", label="City News")),
        "section": "local",
        "source": "example-gazette",
        "authors": ("Mara Holt",),
        "language": "en",
        "published_at": NOON,
        "received_at": NOON,
        "first_received_at": NOON,
        "word_count": 25,
        "reading_minutes": 1,
        "keyphrases": (Keyphrase(phrase="ferry line", weight=1.0), Keyphrase(phrase="harbour council", weight=0.8)),
        "signature": (("ferry", 3.0), ("harbour", 2.0), ("council", 2.0), ("bay", 1.0)),
    }
    return Article(**(values | fields))


def make_card(**fields: Any) -> Card:
    return card_of(make_article(**fields))


def make_index_doc(**fields: Any) -> IndexDoc:
    """The index document of `make_article(**fields)`."""
    return index_doc(make_article(**fields))


def index_doc(article: Article) -> IndexDoc:
    """The index document of this very article."""
    return IndexDoc(
        id=article.id,
        rev=article.rev,
        title=article.title,
        dek=article.dek,
        summary=article.summary,
        body=article.body,
        tags=tuple(tag.slug for tag in article.tags),
        section=article.section,
        source=article.source,
        authors=article.authors,
        language=article.language,
        dated_at=int(article.dated_at.timestamp()),
        word_count=article.word_count,
        keyphrases=tuple(item.phrase for item in article.keyphrases),
        story=article.story_id,
        signature=article.signature,
        card=card_of(article),
        duplicate_of=article.duplicate_of.article_id if article.duplicate_of else None,
        entities=tuple(entity.name for entity in article.entities),
        url=url_key(article.url) if article.url else None,
    )
