"""Search results as JSON, built without models for speed; tests compare them with `schemas`.

Parsing each card into a model and serialising it again cost more CPU than the rest of a search in serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from services.serve.domain import links
from services.serve.domain.markup import highlight_all, marked
from services.serve.domain.search_request import SearchRequest, page_count
from shared.search.hits import CLOSE, OPEN
from shared.search.port import Highlight, SearchHit, SearchPage


def search_body(search_request: SearchRequest, page: SearchPage, took_ms: float) -> dict[str, Any]:
    """A page of results in the form of `schemas.SearchBody`."""
    return {
        "status": "ok",
        "total": page.total.value,
        "totalIsExact": page.total.exact,
        "startIndex": search_request.offset + 1,
        "pageSize": search_request.page_size,
        "currentPage": search_request.page,
        "pages": page_count(page.total.value, search_request.page_size),
        "orderBy": search_request.order,
        "results": _results(page.hits, highlights=search_request.highlights),
        "facets": page.facets if search_request.facets else None,
        "took_ms": took_ms,
    }


def envelope_json(body: dict[str, Any]) -> bytes:
    """The bytes of the response."""
    return orjson.dumps({"response": body})


def highlight_html(highlight: Highlight) -> str:
    """The highlight as safe HTML."""
    return marked(highlight, OPEN, CLOSE)


def _results(hits: Sequence[SearchHit], *, highlights: bool) -> list[dict[str, Any]]:
    texts = iter(highlight_all([text for hit in hits for text in hit.highlights.values()], OPEN, CLOSE))
    results = []
    for hit in hits:
        card = hit.card_json
        card["score"] = round(hit.score, 6)
        card["highlights"] = dict(zip(hit.highlights, texts, strict=False)) if highlights else None
        card["links"] = {
            "self": links.article_json(card["id"]),
            "html": links.article_page(card["id"], card["slug"]),
        }
        results.append(card)
    return results
