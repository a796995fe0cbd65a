"""Results as JSON, without a detour over models: `schemas` documents the form, and tests hold the two together.

A page of ten results is most of what serve sends. Reading each card into a model and writing it out again cost more
than everything else that serve does for a search.
"""

from __future__ import annotations

from typing import Any

import orjson

from services.serve.domain import links
from services.serve.domain.markup import marked
from services.serve.domain.searching import SearchRequest, page_count
from shared.search.hits import CLOSE, OPEN
from shared.search.port import Highlight, SearchHit, SearchPage


def search_body(wanted: SearchRequest, page: SearchPage, took_ms: float) -> dict[str, Any]:
    """A page of results in the form of `schemas.SearchBody`."""
    return {
        "status": "ok",
        "total": page.total.value,
        "totalIsExact": page.total.exact,
        "startIndex": wanted.offset + 1,
        "pageSize": wanted.page_size,
        "currentPage": wanted.page,
        "pages": page_count(page.total.value, wanted.page_size),
        "orderBy": wanted.order,
        "results": [_result(hit, highlights=wanted.highlights) for hit in page.hits],
        "facets": page.facets if wanted.facets else None,
        "took_ms": took_ms,
    }


def enveloped(body: dict[str, Any]) -> bytes:
    """The answer's bytes."""
    return orjson.dumps({"response": body}, option=orjson.OPT_NON_STR_KEYS)


def html_of(highlight: Highlight) -> str:
    """The highlight as safe HTML."""
    return marked(highlight.marked, OPEN, CLOSE)


def _result(hit: SearchHit, *, highlights: bool) -> dict[str, Any]:
    card = hit.shown
    card["score"] = round(hit.score, 6)
    card["highlights"] = {name: html_of(item) for name, item in hit.highlights.items()} if highlights else None
    card["links"] = _links(card)
    return card


def _links(card: dict[str, Any]) -> dict[str, str]:
    return {"self": links.article_json(card["id"]), "html": links.article_page(card["id"], card["slug"])}
