"""RSS in JSON (`{"rss": {"channel": {"item": [...]}}}`): rewritten as XML, so that one reader serves both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any, Final

_NAMESPACES: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
}
_NAME: Final = re.compile(r"(?:(?P<prefix>[A-Za-z][\w-]{0,30}):)?[A-Za-z_][\w-]{0,60}")
_TEXT_KEYS: Final = frozenset({"#text", "#value", "#cdata-section", "#", "$t", "_", "$text", "__cdata"})
"""Keys under which converters put the text of an element next to its attributes."""
_ATTRIBUTE_KEYS: Final = frozenset({"$", "@attributes", "_attributes"})
_ATTRIBUTES_OF: Final = {"guid": {"isPermaLink"}, "enclosure": {"url", "type", "length"}, "category": {"domain"}}
"""Attributes that some producers write like child elements."""
_MAX_DEPTH: Final = 8


def is_rss_json(value: Any) -> bool:
    """Whether this is RSS as JSON."""
    rss = value.get("rss") if isinstance(value, dict) else None
    return isinstance(rss, dict) and isinstance(rss.get("channel"), dict)


def xml_of(value: dict[str, Any]) -> str:
    """The RSS in XML."""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    return f'<rss version="2.0"{declared}>{"".join(_elements("channel", value["rss"]["channel"], 0))}</rss>'


def _elements(name: str, value: Any, depth: int) -> Iterator[str]:
    match = _NAME.fullmatch(name)
    if match is None or (match["prefix"] or "dc") not in _NAMESPACES or depth > _MAX_DEPTH or value is None:
        return
    if isinstance(value, list):
        for each in value:
            yield from _elements(name, each, depth + 1)
        return
    attributes, content = "", ""
    if isinstance(value, dict):
        attributes = "".join(f' {key}="{escape(text)}"' for key, text in _attributes(name, value))
        content = "".join(_content(name, value, depth))
    else:
        content = escape(_scalar(value), quote=False)
    yield f"<{name}{attributes}>{content}</{name}>"


def _content(name: str, value: dict[str, Any], depth: int) -> Iterator[str]:
    for key, each in value.items():
        if key in _TEXT_KEYS:
            yield escape(_scalar(each), quote=False)
        elif not key.startswith(("@", "-")) and key not in _ATTRIBUTE_KEYS | _ATTRIBUTES_OF.get(name, set()):
            yield from _elements(key, each, depth + 1)


def _attributes(name: str, value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    grouped = (each for key in _ATTRIBUTE_KEYS if isinstance(each := value.get(key), dict))
    pairs = [(key, each) for group in grouped for key, each in group.items()]
    pairs += [(key[1:], each) for key, each in value.items() if key.startswith(("@", "-")) and key != "@attributes"]
    pairs += [(key, value[key]) for key in _ATTRIBUTES_OF.get(name, set()) if key in value]
    known = {key: _scalar(each) for key, each in pairs if re.fullmatch(r"[A-Za-z][\w-]{0,40}", key)}
    return iter(known.items())


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
