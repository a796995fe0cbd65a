"""Response models of the API. Envelopes follow the Guardian Content API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.serve.domain import links
from services.serve.domain.related import reasons
from shared.articles import Article, Card, Keyphrase, Teaser
from shared.search.port import SimilarHit

SAMPLE_CARD: dict[str, Any] = {
    "id": "k3pz7q2m5xw4t6bnajdlhgfy2e",
    "rev": 1,
    "slug": "lindmouth-sea-wall-holds",
    "title": "Lindmouth sea wall holds through the highest tide in forty years",
    "dek": "Engineers credit last summer's repairs",
    "summary": "The rebuilt sea wall at Lindmouth kept the old town dry on Monday night.",
    "tags": [{"slug": "climate", "label": "Climate"}],
    "section": "local",
    "source": "harbour-gazette",
    "authors": ["Mara Holt"],
    "language": "en",
    "url": "https://gazette.example/2026/sea-wall",
    "dated_at": "2026-03-14T12:00:00Z",
    "published_at": "2026-03-14T12:00:00Z",
    "received_at": "2026-03-14T12:01:00Z",
    "word_count": 412,
    "reading_minutes": 2,
}


class Links(BaseModel):
    """Links of the article as JSON and as a page, and of its story."""

    self: str
    html: str
    story: str | None = None


def links_of(card: Card | Article) -> Links:
    """Paths of an article on this server."""
    story = links.story_json(card.story_id) if card.story_id else None
    return Links(self=links.article_json(card.id), html=links.article_page(card.id, card.slug), story=story)


class Result(Card):
    """One article in a list. Highlights are safe HTML: escaped text with `<mark>` around what matched."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"example": SAMPLE_CARD | {"score": 0.93}})

    score: float | None = None
    highlights: dict[str, str] | None = None
    links: Links

    @classmethod
    def of_card(cls, card: Card) -> Result:
        """A card without a score."""
        return cls(**dict(card), links=links_of(card))


class RelatedReason(BaseModel):
    """Why an article is related: the same story (its id), or shared tags (slugs) or terms."""

    kind: Literal["story", "tags", "terms"]
    values: tuple[str, ...]


class RelatedResult(Card):
    """A neighbour with its score in [0, 1], the reasons and the shared terms, strongest first."""

    model_config = ConfigDict(extra="ignore")

    score: float
    shared_terms: tuple[str, ...]
    reasons: tuple[RelatedReason, ...]
    links: Links

    @classmethod
    def of(cls, article: Article, hit: SimilarHit) -> RelatedResult:
        """A neighbour of the article as it is shown."""
        why = reasons(article, hit.card, hit.shared_terms)
        return cls(
            **dict(hit.card),
            score=round(hit.score, 6),
            shared_terms=hit.shared_terms,
            reasons=tuple(RelatedReason(kind=one.kind, values=one.values) for one in why),
            links=links_of(hit.card),
        )


class SearchBody(BaseModel):
    """One page of results. `total` is a lower bound when `totalIsExact` is false; `startIndex` counts from 1."""

    status: str = "ok"
    total: int
    totalIsExact: bool  # noqa: N815 - the Guardian's style
    startIndex: int  # noqa: N815
    pageSize: int  # noqa: N815
    currentPage: int  # noqa: N815
    pages: int
    orderBy: str  # noqa: N815
    results: tuple[Result, ...]
    facets: dict[str, dict[str, int]] | None = None
    took_ms: float


class SearchResponse(BaseModel):
    """The envelope of `/v1/search`."""

    response: SearchBody


class StreamTag(BaseModel):
    """The tag of a stream."""

    slug: str
    label: str


class StreamBody(SearchBody):
    """One page of a stream, newest first."""

    tag: StreamTag


class StreamResponse(BaseModel):
    """The envelope of `/v1/streams/{slug}`."""

    response: StreamBody


class ArticleContent(Card):
    """A published article with its body. `related` only when asked for."""

    model_config = ConfigDict(extra="ignore")

    paragraphs: tuple[str, ...]
    keyphrases: tuple[Keyphrase, ...]
    recommended: tuple[Teaser, ...]
    first_received_at: datetime
    links: Links
    related: tuple[RelatedResult, ...] | None = None


class ArticleBody(BaseModel):
    """One article; with `show-fields` only the fields asked for, `id` and `rev`."""

    status: str = "ok"
    content: ArticleContent


class ArticleResponse(BaseModel):
    """The envelope of `/v1/articles/{id}`."""

    response: ArticleBody


class RelatedBody(BaseModel):
    """Neighbours of an article, nearest first."""

    status: str = "ok"
    id: str
    results: tuple[RelatedResult, ...]


class RelatedResponse(BaseModel):
    """The envelope of `/v1/articles/{id}/related`."""

    response: RelatedBody


class TagCount(BaseModel):
    """A tag with its label and number of articles."""

    slug: str
    label: str
    count: int
    links: dict[str, str]


class TagsBody(BaseModel):
    """Tags, most frequent first."""

    status: str = "ok"
    total: int
    results: tuple[TagCount, ...]


class TagsResponse(BaseModel):
    """The envelope of `/v1/tags`."""

    response: TagsBody


class SuggestionItem(BaseModel):
    """A completion: `kind` is `title` (with the article's id) or `tag` (`text` is its slug); `href` is its page."""

    kind: str
    text: str
    label: str
    """Display text: the title, or the label of the tag."""
    id: str | None
    href: str


class SuggestBody(BaseModel):
    """Completions, best first."""

    status: str = "ok"
    results: tuple[SuggestionItem, ...]


class SuggestResponse(BaseModel):
    """The envelope of `/v1/suggest`."""

    response: SuggestBody
