"""Reader of JSON articles: the body is in `paragraphs`, `html` or `text`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson

from services.enrich.domain.decoding import clean
from services.enrich.domain.html import page as html_page
from services.enrich.domain.html.producer_lines import plain_text_without_producer_lines
from services.enrich.domain.reading import Reading
from services.enrich.domain.similar_text import repeats_title
from services.enrich.domain.text import plain_text
from services.enrich.domain.titles import derived_title
from shared.articles import RemovedSpan, Submission
from shared.charset.mojibake import repair
from shared.errors import Permanent

_BODY_FIELDS: Final = ("paragraphs", "html", "text")


def read(data: bytes, given: Submission) -> Reading:
    """Read a JSON article. The first non-empty of `paragraphs`, `html` and `text` is the body.

    Raises Permanent with rule `bad-json` or `no-body`.
    """
    fields = _fields(data)
    field = next((name for name in _BODY_FIELDS if fields.get(name)), None)
    if field is None:
        return _title_alone(given, "the JSON article has none of `paragraphs`, `html` and `text`")
    value = fields[field]
    if field == "paragraphs":
        return _as_given(_paragraph_texts(value), given, field)
    if not isinstance(value, str):
        raise Permanent(f"`{field}` is not a string", rule="bad-json")
    if field == "html":
        return html_page.read(value.encode("utf-8", "replace"), "text/html; charset=utf-8", given.url, given.title)
    value = repair(value)
    # With a submitted title the text is the body alone; without one it is read as a scraped page.
    if not given.title:
        return plain_text.read(value, given)
    kept, producer = plain_text_without_producer_lines(plain_text.paragraphs_of(value), given.title)
    reading = _as_given(tuple(kept), given, field)
    spans = (RemovedSpan(rule="producer", text=text) for text in producer)
    return replace(reading, removed=(*reading.removed, *spans))


def _title_alone(given: Submission, problem: str) -> Reading:
    """A stub: an article of a title that links to its page. Raises Permanent(rule="no-body") without a title."""
    if not given.title:
        raise Permanent(problem, rule="no-body")
    return Reading(title=given.title, note="title alone")


def _fields(data: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Permanent(f"not JSON: {error}"[:300], rule="bad-json") from error
    if not isinstance(fields, dict):
        raise Permanent("the JSON value is not an object", rule="bad-json")
    return fields


def _paragraph_texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Permanent("`paragraphs` is not a list of strings", rule="bad-json")
    return tuple(" ".join(clean(repair(text)).split()) for text in value)


def _as_given(paragraphs: tuple[str, ...], given: Submission, field: str) -> Reading:
    texts = [text for text in paragraphs if any(map(str.isalnum, text))]
    removed: tuple[RemovedSpan, ...] = ()
    if texts and given.title and repeats_title(texts, given.title):
        removed = (RemovedSpan(rule="title-repeated", text=texts[0]),)
        texts = texts[1:]
    if not texts:
        return replace(_title_alone(given, f"`{field}` has no text"), removed=removed)
    title = given.title or derived_title(texts[0])
    return Reading(
        title=title,
        title_derived=not given.title,
        paragraphs=tuple(texts),
        removed=removed,
        note=f"`{field}` as given",
    )
