"""Turns a feed item into a draft. Invalid fields of a feed are dropped instead of rejecting the article."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

from services.ingest.domain.bodies import MediaType, read_media_type
from services.ingest.domain.drafts import Draft, Params, draft_json, draft_page
from services.ingest.domain.feeds.items import FeedCandidate, article_of, submission_fields
from services.ingest.domain.rejections import InputRejected

_HTML: Final = ("text/html", "application/xhtml+xml")
_NEEDED: Final = frozenset({"source", "external_id", "html", "body"})
_MAX_TRIES: Final = 3


def draft_item(source: str, candidate: FeedCandidate, language: str, *, now: datetime) -> Draft:
    """The item itself as an article: its content, else its summary, else its title. Raises InputRejected."""
    fields = orjson.loads(article_of(source, candidate, language))
    return _without_invalid_fields(fields, lambda kept: draft_json(orjson.dumps(kept), now=now))


def draft_page_of(
    source: str, candidate: FeedCandidate, page: bytes, content_type: str, *, by_url: bool, now: datetime
) -> Draft:
    """The page behind an item. `by_url`: identified by its URL, like a posted page. Raises InputRejected."""
    media = MediaType("text/html", read_media_type(content_type, _HTML, fetched=True).charset)
    fields = submission_fields(source, candidate)
    if by_url:
        fields.pop("external_id", None)
    return _without_invalid_fields(fields, lambda kept: draft_page(media, page, _params(kept), now=now, fetched=True))


def _without_invalid_fields(fields: dict[str, Any], make: Callable[[dict[str, Any]], Draft]) -> Draft:
    """Drops fields that fail validation, such as a language called `English`, and tries again. Raises InputRejected."""
    for _ in range(_MAX_TRIES):
        try:
            return make(fields)
        except InputRejected as error:
            wrong = {fault.field.partition("[")[0] for fault in error.faults}
            if wrong & _NEEDED or not wrong & fields.keys():
                raise
            fields = {name: value for name, value in fields.items() if name not in wrong}
    return make(fields)


def _params(fields: dict[str, Any]) -> Params:
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        pairs += [(name, str(each)) for each in (value if isinstance(value, list) else [value])]
    return pairs
