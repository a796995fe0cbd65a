"""A search request, before it is converted to a query of the search port."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from services.serve.domain.query_interpretation import NO_QUERY, QueryInterpretation
from services.serve.domain.terms import Expression

REACH: Final = 1_000
"""Maximum result position that can be paged to."""
PAGE_SIZE: Final = 10
ANY: Final = Expression()

Order = Literal["newest", "oldest", "relevance", "fresh"]
Duplicates = Literal["skip", "only", "all"]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search request. `since` and `until` are Unix seconds, `until` exclusive; pages count from 1."""

    words: str = ""
    """The text of `q`; see `interpretation`."""
    interpretation: QueryInterpretation = NO_QUERY
    strict: bool = False
    fields: tuple[str, ...] = ()
    tags: Expression = ANY
    sections: Expression = ANY
    sources: Expression = ANY
    languages: Expression = ANY
    since: int | None = None
    until: int | None = None
    order: Order = "newest"
    page: int = 1
    page_size: int = PAGE_SIZE
    facets: tuple[str, ...] = ()
    highlights: bool = False
    ids: tuple[str, ...] = ()
    url: str | None = None
    """Only the article with this URL, as a `url_key`."""
    duplicates: Duplicates = "skip"
    collapse: Literal["story"] | None = None
    meaning: float = 0.0
    """Weight of vector similarity, 0 to 1."""

    @property
    def offset(self) -> int:
        """Results before this page."""
        return (self.page - 1) * self.page_size

    def for_url(self, url: str) -> SearchRequest:
        """The search for the article with the URL instead of the words."""
        return replace(self, interpretation=NO_QUERY, url=url, order="newest", duplicates="all", meaning=0.0)

    def narrowed_to(self, tags: Expression) -> SearchRequest:
        """The same search among the articles with these tags."""
        return replace(self, tags=tags)


def page_count(total: int, page_size: int) -> int:
    """Number of pages, within the first 1,000 results."""
    return -(-min(total, REACH) // page_size)
