"""An article as IPTC ninjs 3.1, the exchange format of news agencies. A pure mapping."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from services.serve.domain import links
from services.serve.domain.feed import entry_id, language_of, plain_url
from shared.articles import Article, EntityKind

VERSION: Final = "3.1"
_STANDARD: Final = {
    "name": "ninjs",
    "version": VERSION,
    "schema": f"http://www.iptc.org/std/ninjs/ninjs-schema_{VERSION}.json",
}
_LISTS: Final = {
    EntityKind.PERSON: "people",
    EntityKind.ORGANISATION: "organisations",
    EntityKind.PLACE: "places",
}


def ninjs(article: Article, base: str) -> dict[str, Any]:
    """The article as a ninjs object; `base` is the public URL of this server."""
    item: dict[str, Any] = {
        "uri": entry_id(base, article.id),
        "standard": dict(_STANDARD),
        "type": "text",
        "representationType": "full",
        "version": str(article.rev),
        "firstCreated": _iso(article.first_received_at),
        "versionCreated": _iso(article.received_at),
        "contentCreated": _iso(article.dated_at),
        "pubStatus": "usable",
        "title": article.title,
        "headlines": [{"role": "main", "contentType": "text/plain", "value": article.title}],
        "slugline": article.slug,
        "bodies": [_body(article)],
        "subjects": [
            {"name": tag.label, "uri": f"{base}{links.stream_page(tag.slug)}", "creator": "machine"}
            for tag in article.tags
        ],
        "altIds": [{"role": "broadsheet", "value": article.id}],
    }
    notes = (("correction", f"{_iso(note.at)} {note.text}") for note in article.correction_notes)
    described = (("dek", article.dek), ("summary", article.summary), *notes)
    descriptions = [{"role": role, "contentType": "text/plain", "value": text} for role, text in described if text]
    if descriptions:
        item["descriptions"] = descriptions
    for kind, name in _LISTS.items():
        if found := [{"name": one.name, "literal": one.id} for one in article.entities if one.kind is kind]:
            item[name] = found
    return item | _optional(article)


def _body(article: Article) -> dict[str, Any]:
    text = article.body
    return {
        "role": "main",
        "contentType": "text/plain",
        "charCount": len(text),
        "wordCount": article.word_count,
        "value": text,
    }


def _optional(article: Article) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if language := language_of(article.language):
        found["language"] = language
    if article.authors:
        found["by"] = ", ".join(article.authors)
    if article.source:
        found["infoSources"] = [{"name": article.source, "role": "publisher"}]
    if article.section:
        found["genres"] = [{"name": article.section}]
    associations = [
        _picture(number, url) for number, image in enumerate(article.images) if (url := plain_url(image.url))
    ]
    if associations:
        found["associations"] = associations
    return found


def _picture(number: int, url: str) -> dict[str, Any]:
    return {"name": f"picture-{number + 1}", "uri": url, "type": "picture"}


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
