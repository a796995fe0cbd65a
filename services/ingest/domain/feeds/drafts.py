"""From a feed's item to a draft by the doors of ingest; what a feed gets wrong about an article is forgiven."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

from services.ingest.domain.bodies import MediaType, read_media_type
from services.ingest.domain.drafts import Draft, Params, draft_json, draft_page
from services.ingest.domain.feeds.items import Candidate, article_of, submission_fields
from services.ingest.domain.refusals import Refused

_HTML: Final = ("text/html", "application/xhtml+xml")
_NEEDED: Final = frozenset({"source", "external_id", "html", "body"})
_MAX_TRIES: Final = 3


def draft_item(source: str, candidate: Candidate, language: str, *, now: datetime) -> Draft:
    """The item itself as an article: its content, else its summary, else its title. Raises Refused."""
    fields = orjson.loads(article_of(source, candidate, language))
    return _forgiving(fields, lambda kept: draft_json(orjson.dumps(kept), now=now))


def draft_page_of(
    source: str, candidate: Candidate, page: bytes, content_type: str, *, by_url: bool, now: datetime
) -> Draft:
    """The page behind an item. `by_url`: identified by its URL, as when somebody posts it. Raises Refused."""
    media = MediaType("text/html", read_media_type(content_type, _HTML).charset)
    fields = submission_fields(source, candidate)
    if by_url:
        fields.pop("external_id", None)
    return _forgiving(fields, lambda kept: draft_page(media, page, _params(kept), now=now))


def _forgiving(fields: dict[str, Any], make: Callable[[dict[str, Any]], Draft]) -> Draft:
    """A date in the year 9999 or a language called `English` costs the field, not the article. Raises Refused."""
    for _ in range(_MAX_TRIES):
        try:
            return make(fields)
        except Refused as error:
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
