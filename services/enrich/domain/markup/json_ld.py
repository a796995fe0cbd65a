"""JSON-LD of a page: nodes of all scripts, malformed JSON included, with resolved references between nodes."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from lxml.html import HtmlElement  # type: ignore[import-untyped]

_MAX_SCRIPTS: Final = 20
_MAX_SCRIPT: Final = 512 * 1024
_MAX_NODES: Final = 500
_MAX_VALUES: Final = 200
_GRAPHS: Final = ("@graph", "mainEntity", "mainEntityOfPage")
_PEOPLE: Final = ("author", "creator", "publisher")
"""Properties under which a node may be written in full and have an id that another node refers to."""
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)'  # a string, also unterminated, so that scanning is linear
    r"|//\s{0,9}(?:<!\[CDATA\[|\]\]>|-->)|<!--|-->|<!\[CDATA\[|\]\]>"
    r"|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|//[^\n]*|,(?=\s*[\]},])"
    r"|[;\x00-\x08\x0b\x0c\x0e-\x1f\xa0\u2028\u2029\ufeff]",
    re.DOTALL,
)
"""Strings, and invalid separators that search engines tolerate."""
_ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPED: Final = frozenset('"\\/bfnrtu')
_ADDRESS: Final = re.compile(r"(?:https?:)?//|www\.|mailto:|[\w.-]+\.[a-z]{2,6}/", re.IGNORECASE)
_VALUE: Final = re.compile(r"[{\[]")
_QUOTED: Final = r"\s{0,9}([\"'])((?:[^\"'\\\n]|\\.){1,2000}?)\1(?=\s{0,9}[,}\]\"'\n]|\Z)"
_STRING: Final = re.compile(_QUOTED)
_FIELDS: Final = {
    name: re.compile(rf"[\"']{name}[\"']\s{{0,9}}:{_QUOTED}") for name in ("headline", "datePublished", "dateModified")
}
_ARTICLE_TYPE: Final = re.compile(r"[\"'](?:\w{0,20}Article|BlogPosting|LiveBlogPosting)[\"']")
_AUTHOR: Final = re.compile(r"[\"'](?:author|creator)[\"']\s{0,9}:\s{0,9}")
_NAME: Final = re.compile(rf"[\"']name[\"']\s{{0,9}}:{_QUOTED}")
_MAX_AUTHOR: Final = 2_000
_DECODER: Final = json.JSONDecoder(strict=False)  # strings may contain raw line ends

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JsonLd:
    """The nodes of a page in document order."""

    nodes: tuple[Node, ...]
    by_id: dict[str, Node] = field(default_factory=dict)
    """Nodes that others may refer to by `@id`."""

    def referred_names(self, value: Any) -> tuple[str, ...]:
        """Names of the nodes that a property refers to by `@id`."""
        ids = (item.get("@id") if isinstance(item, dict) else item for item in _items(value))
        known = (self.by_id.get(ident.strip()) for ident in ids if isinstance(ident, str))
        return tuple(name for node in known if node for name in name_of(node))


def read_json_ld(scripts: Sequence[HtmlElement]) -> JsonLd:
    """The JSON-LD in `script` elements; unreadable scripts are ignored, since pages have other sources."""
    texts = [
        text
        for script in scripts
        if "ld+json" in (script.get("type") or "").lower()
        and (text := (script.text or "").strip())
        and len(text) <= _MAX_SCRIPT
    ]
    nodes = tuple(node for text in texts[:_MAX_SCRIPTS] for value in _values(text) for node in _nodes(value))
    by_id: dict[str, Node] = {}
    for node in (inner for outer in nodes for inner in (outer, *_people(outer))):
        if isinstance(ident := node.get("@id"), str) and name_of(node):
            by_id.setdefault(ident, node)
    return JsonLd(nodes, by_id)


def strings(value: Any, *, numbers: bool = False) -> list[str]:
    """The texts of a property that is a text, a list of texts or a `{"@value": text}`; with `numbers` those, too."""
    values = value[:_MAX_VALUES] if isinstance(value, list) else [value]
    texts = (item.get("@value") if isinstance(item, dict) else item for item in values)
    if numbers:
        texts = (str(text) if isinstance(text, int) else text for text in texts)
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def names_of(value: Any) -> tuple[str, ...]:
    """Names in a property with texts, nodes or lists of these; URLs are ignored."""
    found = (name_of(item) if isinstance(item, dict) else strings(item) for item in _items(value))
    return tuple(name for names in found for name in names if not _ADDRESS.match(name))


def name_of(node: Node) -> list[str]:
    """The names of a node; of a person without `name`, the given and the family name."""
    if names := strings(node.get("name")):
        return names
    parts = [text for key in ("givenName", "additionalName", "familyName") for text in strings(node.get(key))[:1]]
    return [" ".join(parts)] if parts else []


def _items(value: Any) -> list[Any]:
    """The values of a property, which may be a list of lists."""
    items = value[:_MAX_VALUES] if isinstance(value, list) else [value]
    return [one for item in items for one in (item[:_MAX_VALUES] if isinstance(item, list) else [item])][:_MAX_VALUES]


def _values(text: str) -> Iterable[Any]:
    try:
        return (orjson.loads(text.encode("utf-8", "replace")),)
    except orjson.JSONDecodeError:
        return _nearly_json(text)


def _nearly_json(text: str) -> Iterator[Any]:
    """Leniently parsed values, up to the first unreadable one."""
    if '"' not in text:
        text = html.unescape(text)  # `{&quot;@type&quot;`, written by templates that escape everything
    source = text
    text = _TOKEN.sub(_mended, text)
    place = 0
    while start := _VALUE.search(text, place):
        try:
            value, place = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            yield _salvaged(source)
            return
        yield value


def _salvaged(text: str) -> Node:
    """The article in a text that is not JSON at all: cut short, without commas, with quotes inside its strings."""
    values = {name: match[2] for name, form in _FIELDS.items() if (match := form.search(text))}
    if not _ARTICLE_TYPE.search(text) or not values:
        return {}
    node: Node = {"@type": "Article", **values}
    if author := _AUTHOR.search(text):
        inside = text[author.end() : author.end() + _MAX_AUTHOR]
        names = [match[2] for match in _NAME.finditer(inside[: _author_end(inside)])]
        node["author"] = names or ([match[2]] if (match := _STRING.match(inside)) else [])
    return node


def _author_end(text: str) -> int:
    """Where a list of authors, or the only one, ends; all of the text if that cannot be told."""
    end = text.find("]" if text[:1] == "[" else "}")
    return end if end >= 0 else len(text)


def _mended(token: re.Match[str]) -> str:
    if not token[0].startswith('"'):
        return " "
    return _ESCAPE.sub(lambda escape: escape[0] if escape[1] in _ESCAPED else escape[1], token[0])


def _nodes(value: Any) -> Iterator[Node]:
    waiting = [value]
    for _ in range(_MAX_NODES):
        if not waiting:
            return
        node = waiting.pop(0)
        if isinstance(node, list):
            waiting += node[:_MAX_NODES]
        elif isinstance(node, dict):
            yield node
            waiting += [node[key] for key in _GRAPHS if key in node]


def _people(node: Node) -> Iterator[Node]:
    for key in _PEOPLE:
        value = node.get(key)
        values = value[:_MAX_VALUES] if isinstance(value, list) else [value]
        yield from (one for one in values if isinstance(one, dict))


def parsely_page(meta: dict[str, list[str]]) -> dict[str, list[str]]:
    """The meta elements that the JSON of a `parsely-page` meta element stands for."""
    try:
        value = orjson.loads(next(iter(meta.get("parsely-page", ())), "null"))
    except orjson.JSONDecodeError:
        return {}
    node = value if isinstance(value, dict) else {}
    found = {
        "parsely-author": names_of(node.get("authors") or node.get("author")),
        "parsely-pub-date": strings(node.get("pub_date")),
    }
    return {name: list(texts) for name, texts in found.items() if texts}
