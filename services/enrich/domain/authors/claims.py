"""Collects author candidates (claims) from all places of a page, without judging them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any, Final

from services.enrich.domain.authors.bylines import called, names_in, starts_byline
from services.enrich.domain.markup.blocks import HINTS, HtmlBlock, hints_of
from services.enrich.domain.markup.page_parts import Sign, Signs
from services.enrich.domain.similar_text import plain_words

KINDS: Final = (
    "account", "person", "meta", "meta-other", "card", "itemprop", "rel", "link", "byline", "author", "user", "box",
    "line", "alone",
)  # fmt: skip
"""Kinds of claims: account or person in structured data, meta elements, link previews, author markup, a line `By ...`,
a name alone below the heading."""
_OTHER_METAS: Final = (
    "parsely-author", "sailthru.author", "byl", "dc.creator", "dcterms.creator", "creator", "citation_author",
    "itemprop:author", "article:author_name", "og:article:author", "shareaholic:article_author_name",
)  # fmt: skip
_METAS: Final = {"author": "meta", "article:author": "meta"} | dict.fromkeys(_OTHER_METAS, "meta-other")
_CATALOGUES: Final = frozenset(["citation_author", "dc.creator", "dcterms.creator"])
"""Meta elements in which libraries write the surname first."""
_SURNAME_FIRST: Final = re.compile(r"\s*([^\s,]+(?: [^\s,]+)?),\s*([^\s,]+(?: [^\s,]+)?)\s*")
_WRITTEN: Final = re.compile(
    r"written|author|verfasst|geschrieben|escrit|écrit|autor|auteur|scritto|skrevet|skriven|ditulis|yazan|geschreven|"
    r"napisa",
    re.IGNORECASE,
)
_DAY: Final = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[./]\s?\d{1,2}[./]")
_ASIDE: Final = re.compile(
    r"side-?bar|widget|footer|(?:^|[-_ ])(?:nav|menu|rail|aside|popup|modal)(?:$|[-_ ])|navbar|recent|latest"
)
COMMENT, RELATED, CHROME = (1 << HINTS.index(name) for name in ("comment", "related", "chrome"))
_OUTSIDE: Final = frozenset(["footer", "nav", "aside"])
_MAX_TEXT: Final = 160
_MAX_LINE: Final = 120
_MAX_ALONE: Final = 60
_BELOW_HEADING: Final = 8
_MAX_UP: Final = 7
_NEXT: Final = 30
"""Maximum elements between two that may name authors of the same article."""
_MAX_TOGETHER: Final = 8
_MAX_VALUES: Final = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """The names in one place; not empty."""

    kind: str
    names: tuple[str, ...]
    order: int | None = None
    """Elements (for lines: blocks) after the heading; None for metadata."""
    hints: int = 0
    """`html_blocks.HINTS` of its ancestors."""
    lead: bool = False
    """Whether it starts with `By` or an equivalent."""
    together: bool = False
    """Whether several adjacent places were combined."""
    dated: bool = False
    """Whether a date is next to it."""
    address: str = ""
    """Target of its link."""
    key: frozenset[str] = frozenset()
    """Comparison key; computed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", text_key(self.names))


def text_key(names: Iterable[str]) -> frozenset[str]:
    """Key for comparing two sets of names."""
    return frozenset(" ".join(plain_words(name)) for name in names)


def told_claims(article: dict[str, Any], nodes: Sequence[dict[str, Any]], meta: dict[str, list[str]]) -> list[Claim]:
    """Claims from metadata other than the declared author: accounts, meta elements, link previews."""
    found = (*_accounts(article, nodes), *_metas(meta))
    return [claim for claim in found if claim.names]


def shown_claims(signs: Signs, blocks: Sequence[HtmlBlock]) -> list[Claim]:
    """Claims from visible text: author markup, lines `By ...`, names alone below the heading."""
    return [claim for claims in (_marked(signs), _lines(blocks), _alone(blocks)) for claim in claims]


def _accounts(article: dict[str, Any], nodes: Sequence[dict[str, Any]]) -> Iterator[Claim]:
    """Authors referenced by id in structured data, and its first person."""
    by_id = {node["@id"]: node["name"] for node in nodes if isinstance(node.get("@id"), str) and "name" in node}
    kind = "account" if article else "person"
    value = (article or next((node for node in nodes if "author" in node), {})).get("author")
    referred: list[str] = []
    for item in value[:_MAX_VALUES] if isinstance(value, list) else [value]:
        name = by_id.get(str(item.get("@id"))) if isinstance(item, dict) and "name" not in item else None
        if name is None and not article:
            name = item.get("name") if isinstance(item, dict) else item
        if isinstance(name, str):
            referred += called(name)
    yield Claim(kind, tuple(dict.fromkeys(referred)))
    person = next((node for node in nodes if "Person" in _types(node)), {})
    yield Claim("person", called(str(person.get("name") or "")))


def _types(node: dict[str, Any]) -> Sequence[Any]:
    kind = node.get("@type")
    return kind if isinstance(kind, list) else [kind]


def _metas(meta: dict[str, list[str]]) -> Iterator[Claim]:
    for name, kind in _METAS.items():
        each = [called(_given_name_first(text) if name in _CATALOGUES else text) for text in meta.get(name, ())]
        if each:
            yield Claim(kind, tuple(dict.fromkeys(name for names in each for name in names)), together=len(each) > 1)
        if len(each) > 1:
            yield Claim(kind, each[0])
    for number in ("1", "2"):
        if _WRITTEN.search(meta.get(f"twitter:label{number}", [""])[0]):
            yield Claim("card", called(meta.get(f"twitter:data{number}", [""])[0]))


def _given_name_first(text: str) -> str:
    """`Corlett, Ada` as `Ada Corlett`."""
    match = _SURNAME_FIRST.fullmatch(text)
    return f"{match[2]} {match[1]}" if match else text


def _marked(signs: Signs) -> Iterator[Claim]:
    by_kind: dict[str, list[Claim]] = {}
    heading = max(signs.heading, 0)
    for sign in signs.found:
        text = _text(sign)
        if names := _linked(sign) or called(text) if text else ():
            claim = Claim(
                sign.kind, names, sign.order - heading, _around(sign.element), starts_byline(text),
                dated=_dated(sign.element), address=_address(sign.element),
            )  # fmt: skip
            by_kind.setdefault(sign.kind, []).append(claim)
    for claims in by_kind.values():
        yield from claims
        yield from _together([claim for claim in claims if not claim.hints & COMMENT] or claims)


def _together(claims: Sequence[Claim]) -> Iterator[Claim]:
    """The first of these combined with those close to it."""
    first = claims[0]
    last = next((place for place, (a, b) in enumerate(pairwise(claims)) if _apart(a, b)), len(claims) - 1)
    names = tuple(dict.fromkeys(name for claim in claims[: last + 1] for name in claim.names))
    if 1 < len(names) <= _MAX_TOGETHER and text_key(names) != first.key:
        yield Claim(first.kind, names, first.order, first.hints, first.lead, together=True)


def _apart(earlier: Claim, later: Claim) -> bool:
    return (later.order or 0) - (earlier.order or 0) > _NEXT


def _linked(sign: Sign) -> tuple[str, ...]:
    """The persons linked in the element, if there are several separated by spaces only."""
    if sign.element.tag == "a":
        return ()
    links = islice(sign.element.iter("a"), _MAX_TOGETHER)
    found = [names for link in links if (names := names_in(" ".join(link.text_content()[:_MAX_TEXT].split())))]
    return tuple(dict.fromkeys(name for names in found for name in names)) if len(found) > 1 else ()


def _text(sign: Sign) -> str:
    """The text of the element; empty if it is too long for a byline."""
    if sign.kind == "itemprop" and (content := sign.element.get("content")):
        return str(content)[:_MAX_TEXT]
    texts: list[str] = []
    size = 0
    for text in sign.element.itertext():
        texts.append(" ".join(text.split()))
        size += len(texts[-1])
        if size > _MAX_TEXT:
            return ""
    return " ".join(filter(None, texts))


def _dated(element: Any) -> bool:
    above = element.getparent()
    size = 0
    for text in above.itertext() if above is not None else ():
        size += len(text.strip())
        if size > _MAX_TEXT:
            return False
        if _DAY.search(text):
            return True
    return False


def _address(element: Any) -> str:
    link = element if element.tag == "a" else next(element.iter("a"), None)
    return str(link.get("href") or "")[:300].lower() if link is not None else ""


def _around(element: Any) -> int:
    hints = 0
    for _ in range(_MAX_UP):
        if element is None or element.tag in ("body", "html"):
            break
        names = f"{element.get('class') or ''} {element.get('id') or ''}"[:_MAX_TEXT].lower()
        hints |= _hints(names) | (CHROME if element.tag in _OUTSIDE else 0)
        element = element.getparent()
    return hints


@lru_cache(maxsize=4_096)
def _hints(names: str) -> int:
    # Bylines are often in headers, so only hints of parts outside the article count.
    return hints_of(names) & ~CHROME | (CHROME if _ASIDE.search(names) else 0)


def _heading(blocks: Sequence[HtmlBlock]) -> int | None:
    return next((number for number, block in enumerate(blocks) if block.place.tag == "h1"), None)


def _lines(blocks: Sequence[HtmlBlock]) -> Iterator[Claim]:
    heading = _heading(blocks) or 0
    for number, block in enumerate(blocks):
        if (
            len(block.text) <= _MAX_LINE
            and starts_byline(block.text)
            and not _credits(block)
            and (names := names_in(block.text))
        ):
            dated = _day_beside(blocks, number)
            yield Claim("line", names, number - heading, block.place.hints, lead=True, dated=dated)


def _alone(blocks: Sequence[HtmlBlock]) -> Iterator[Claim]:
    heading = _heading(blocks)
    if heading is None:
        return
    for number in range(heading + 1, min(len(blocks), heading + 1 + _BELOW_HEADING)):
        block = blocks[number]
        if len(block.text) <= _MAX_ALONE and not _credits(block) and (names := names_in(block.text)):
            dated = _day_beside(blocks, number)
            yield Claim("alone", names, number - heading, block.place.hints, dated=dated)


def _credits(block: HtmlBlock) -> bool:
    """Whether it belongs to an image, where names are those of photographers."""
    return block.place.inside("figure") or block.place.inside("figcaption")


def _day_beside(blocks: Sequence[HtmlBlock], number: int) -> bool:
    beside = blocks[max(0, number - 1) : number + 3]
    return any(len(block.text) <= _MAX_LINE and _DAY.search(block.text) for block in beside)
