"""A validated input, the common result of all ingest endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from services.ingest.domain.bodies import MediaType, is_empty_markup, read_html, read_text
from services.ingest.domain.embargo import reject_embargoed
from services.ingest.domain.fields import LISTS, clean_text, is_visible, read_submission
from services.ingest.domain.identity import content_digest, identify
from services.ingest.domain.rejections import Fault, InputRejected, reject, shown_name
from services.ingest.domain.strict_json import parse_object
from shared.articles import InputKind, Submission

HTML_TYPES: Final = ("text/html", "application/xhtml+xml")
BODY_FIELDS: Final = ("text", "html", "paragraphs")
MAX_PARAGRAPHS: Final = 5_000
MAX_PARAMETERS: Final = 400

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """One input. `data` is UTF-8 text or Markdown, HTML as sent, or JSON with `text`, `html` or `paragraphs`."""

    article_id: str
    kind: InputKind
    media_type: str
    data: bytes
    submission: Submission
    digest: str


def read_params(query: bytes) -> Params:
    """Parse a query string strictly: valid UTF-8, at most `MAX_PARAMETERS`. Raises InputRejected."""
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except UnicodeError:
        raise reject("query", "is not percent-encoded UTF-8") from None
    except ValueError:
        raise reject("query", f"holds more than {MAX_PARAMETERS} parameters") from None


def draft_page(media: MediaType, data: bytes, params: Params, *, now: datetime, fetched: bool = False) -> Draft:
    """Draft of a plain-text, Markdown or HTML page with its fields from the parameters. Raises InputRejected.

    `fetched`: the page is public already, whatever date it names.
    """
    submission = read_submission(_fields_of(params), now=now)
    if media.name in HTML_TYPES:
        page = read_html(data, media.charset)
        if not fetched and submission.published_at is None:
            reject_embargoed(page.replace(b"\x00", b"").decode("latin-1"), now=now)
        return _draft(InputKind.HTML, str(media), page, submission, data.decode("latin-1"))
    text = read_text(data, media.charset)
    return _draft(InputKind.TEXT, f"{media.name}; charset=utf-8", text.encode(), submission, text)


def draft_json(data: bytes, *, now: datetime) -> Draft:
    """Draft of a JSON article: submission fields plus a body in one of `text`, `html`, `paragraphs`.

    A title with a URL needs no body: it is a stub that links to its page. Raises InputRejected.
    """
    given = parse_object(data)
    submission = read_submission(given, also=BODY_FIELDS, now=now)
    if submission.title and submission.url and all(given.get(name) is None for name in BODY_FIELDS):
        return _draft(InputKind.JSON, "application/json", b"{}", submission, submission.title)
    name, body = _body_of(given)
    text = "\n\n".join(body) if isinstance(body, list) else body
    if name == "html" and submission.title is None and is_empty_markup(text):
        raise reject("html", "has no text, and there is no title")
    if name == "html" and submission.published_at is None:
        reject_embargoed(text, now=now)
    return _draft(InputKind.JSON, "application/json", orjson.dumps({name: body}), submission, text)


def _draft(kind: InputKind, media_type: str, data: bytes, submission: Submission, text: str) -> Draft:
    digest = content_digest(kind, data, submission)
    return Draft(identify(submission, text), kind, media_type, data, submission, digest)


def _fields_of(params: Params) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in params:
        if name in LISTS:
            fields.setdefault(name, []).append(value)
        elif name in fields:
            raise reject(shown_name(name), "is given more than once")
        else:
            fields[name] = value
    return fields


def _body_of(given: Mapping[str, Any]) -> tuple[str, str | list[str]]:
    present = [name for name in BODY_FIELDS if given.get(name) is not None]
    if len(present) != 1:
        detail = (
            "is required, or html, or paragraphs, or a title with a url"
            if not present
            else "only one of text, html and paragraphs is accepted"
        )
        raise reject("text", detail)
    name = present[0]
    try:
        body = _paragraphs(given[name]) if name == "paragraphs" else _text(given[name])
    except ValueError as error:
        raise InputRejected([Fault(name, str(error))]) from None
    return name, body


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - one kind of error for all faults
    text = clean_text(value)
    if not is_visible(text):
        raise ValueError("is empty or invisible")
    return text


def _paragraphs(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of strings")
    if len(value) > MAX_PARAGRAPHS:
        raise ValueError(f"holds more than {MAX_PARAGRAPHS} items")
    paragraphs = [text for item in value if is_visible(text := clean_text(item))]
    if not paragraphs:
        raise ValueError("is empty or invisible")
    return paragraphs
