"""Feeds: gofeed's expected models field by field, and every packed feed without a crash."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from broadsheet.bench.quality.material import tar_members
from broadsheet.bench.quality.task import Score, Stopwatch, Task, TaskOutcome
from services.ingest.adapters.feed_parser import FeedParser
from services.ingest.domain.feeds.model import FeedDocument, FeedItem, Person
from services.ingest.domain.feeds.reading import read_feed
from shared.errors import Permanent

_FEEDS: Final = "peers/feeds.tar.zst"
_SUFFIXES: Final = (".xml", ".rss", ".rdf", ".atom")
_CRASH_RULES: Final = frozenset({"sandbox-crash", "sandbox-time", "sandbox-memory"})
_NAMES: Final = {
    "subtitle": "description",
    "rights": "copyright",
    "summary": "description",
    "id": "guid",
    "entries": "items",
    "publishedParsed": "published",
    "pubDateParsed": "published",
    "updatedParsed": "updated",
    "lastBuildDateParsed": "updated",
}
"""gofeed's three models (Atom, RSS, universal) with the field names of the universal one."""

_TERMS: Final = ("value", "term", "label")
COMPARED: Final = (
    *(
        "title",
        "link",
        "description",
        "language",
        "copyright",
        "published",
        "updated",
        "authors",
        "categories",
        "image",
    ),
    *("guid", "content", "enclosures"),
)


def _measure(data: Path) -> TaskOutcome:
    files = tar_members(data / _FEEDS)
    pairs = [
        (name, files[name], json.loads(files[_model_name(name)]))
        for name in sorted(files)
        if _model_name(name) in files
    ]
    watch = Stopwatch()
    missed: list[str] = []
    fields: Counter[str] = Counter()
    for name, feed, expected in pairs:
        with watch.running():
            document = _read(feed)
        wrong = list(_differences(expected, document)) if document is not None else ["unread"]
        fields.update(field.partition(":")[0] for field in wrong)
        if wrong:
            missed.append(f"{name}: {'; '.join(wrong)[:300]}")
    crashed, refused, n = asyncio.run(_all(files))
    scores = (
        Score("gofeed models", 1 - len(missed) / max(1, len(pairs)), len(pairs), reach=0.92, aim=0.98),
        Score("crashes on all feeds", float(crashed), n, reach=0, aim=0, higher_is_better=False, note=refused),
    )
    notes = (f"fields that differ: {dict(fields.most_common())}", *missed)
    return TaskOutcome(scores, len(pairs), watch.ms_per(len(pairs)), notes)


def _model_name(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.json" if name.startswith("gofeed/") and suffix != "json" else ""


def _read(data: bytes) -> FeedDocument | None:
    try:
        return read_feed(data)
    except Permanent:
        return None


async def _all(files: Mapping[str, bytes]) -> tuple[int, str, int]:
    """Parse every packed feed with the service's parser processes; number of crashes, and rejections."""
    parser = FeedParser(1)
    rules: Counter[str] = Counter()
    feeds = [content for name, content in files.items() if not name.endswith((".jsonl", "LICENSE", ".md"))]
    try:
        for content in feeds:
            try:
                await parser.read(content)
            except Permanent as error:
                rules[error.rule] += 1
    finally:
        await parser.aclose()
    crashed = sum(count for rule, count in rules.items() if rule in _CRASH_RULES)
    return crashed, f"refused: {dict(rules)}", len(feeds)


def _differences(expected: dict[str, Any], document: FeedDocument) -> Iterator[str]:
    both = "feedType" in expected  # gofeed's model for both formats, which takes a date of change for one of birth
    want = _neutral(expected, both=both)
    yield from _unequal("feed", want, _feed_values(document))
    items = want.get("items", [])
    if len(items) != len(document.items):
        yield f"item count: {len(items)} != {len(document.items)}"
        return
    for row, item in zip(items, document.items, strict=True):
        yield from _unequal("item", _neutral(row, both=both), _item_values(item, both=both))


def _unequal(place: str, want: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[str]:
    for name in COMPARED:
        if name in got and (want.get(name) or None) != (got[name] or None):
            yield f"{place}.{name}: {want.get(name)!r} != {got[name]!r}"


def _neutral(model: Mapping[str, Any], *, both: bool) -> dict[str, Any]:
    """One model of gofeed's with the names, and the kinds of value, of its model for both formats."""
    raw = {_NAMES.get(key, key): value for key, value in model.items() if key not in {"published", "updated"}}
    links = raw.get("links") or []
    if links and isinstance(links[0], dict):
        raw["link"] = next((link["href"] for link in links if _leads_to_the_page(link)), "")
    raw["image"] = raw.get("image") or model.get("logo") or model.get("icon")
    if not both and not raw.get("authors"):
        raw["authors"] = _named(model)
    if not both and (subjects := model.get("dcExt", {}).get("subject")):
        raw["categories"] = [*raw.get("categories", []), *subjects]
    return raw | {name: shape(raw[name]) for name, shape in _SHAPES.items() if raw.get(name)}


def _leads_to_the_page(link: Mapping[str, Any]) -> bool:
    return bool(link.get("href")) and link.get("rel", "alternate") == "alternate"


def _named(model: Mapping[str, Any]) -> list[dict[str, str]]:
    """Who is named in gofeed's RSS model, by the precedence of its own translation."""
    dublin, itunes = model.get("dcExt", {}), model.get("itunesExt", {})
    texts = (model.get("managingEditor"), model.get("webMaster"), model.get("author"))
    if isinstance(model.get("author"), dict):
        return [model["author"]]
    found = next((text for text in (*texts, *dublin.get("creator", ()), itunes.get("author")) if text), "")
    return [{"name": found}] if found else []


def _guid(value: Any) -> str:
    return value if isinstance(value, str) else str(value.get("value", ""))


def _image(value: Any) -> str:
    return value if isinstance(value, str) else str(value.get("url", ""))


def _content(value: Any) -> str:
    return value if isinstance(value, str) else str(value.get("value", ""))


def _authors(value: Any) -> list[tuple[str, str]]:
    people = [(person.get("name", ""), person.get("email", "")) for person in value]
    return [person for person in people if any(person)]


def _categories(value: Any) -> list[str]:
    names = (row if isinstance(row, str) else next(map(str, filter(None, map(row.get, _TERMS))), "") for row in value)
    return [name for name in names if name]


def _instant(value: Any) -> datetime:
    return datetime.fromisoformat(value)


_SHAPES: Final[dict[str, Callable[[Any], Any]]] = {
    "guid": _guid,
    "image": _image,
    "content": _content,
    "authors": _authors,
    "categories": _categories,
    "published": _instant,
    "updated": _instant,
}


def _people(people: tuple[Person, ...]) -> list[tuple[str, str]]:
    return [(person.name, person.email) for person in people]


def _feed_values(feed: FeedDocument) -> dict[str, Any]:
    values: dict[str, Any] = {
        "title": feed.title,
        "link": feed.link,
        "description": feed.description,
        "language": feed.language,
        "copyright": feed.rights,
        "categories": list(feed.categories),
        "image": feed.image,
    }
    return values | {"authors": _people(feed.authors), "published": feed.published, "updated": feed.updated}


def _item_values(item: FeedItem, *, both: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "guid": item.guid,
        "title": item.title,
        "link": item.link,
        "description": item.summary,
        "content": item.content,
        "categories": list(item.categories),
        "image": item.image,
        "enclosures": [{"length": e.length, "type": e.media_type, "url": e.url} for e in item.enclosures],
    }
    published = item.date if both else item.published
    return values | {"authors": _people(item.authors), "published": published, "updated": item.updated}


TASKS: Final = (
    Task("gofeed", "feeds against gofeed's expected models; every packed feed survives", (_FEEDS,), _measure),
)
