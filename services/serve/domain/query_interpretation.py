"""Interprets the text of `q`: typo-tolerant words, a strictly matched query, or a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from services.serve.domain.parameters import BadParameter
from services.serve.domain.pasted_text import as_typed, split_url
from shared.query import Query, QuerySyntaxError, parse
from shared.query.ast import All, Dated, Field, Node, Not, Text
from shared.query.lexer import FIELDS
from shared.urls import url_key

_OPERATOR: Final = re.compile(r"""(?<![^\s()"“”„])(?:OR|AND|NOT)(?![^\s()"“”„])""")
_NAMED: Final = re.compile(rf"""(?<![^\s("“”„-])(?:{"|".join(FIELDS)}):(?=[^\s])""", re.IGNORECASE)
_ADDRESS: Final = re.compile(
    r"""[<"'(]?(?P<url>(?:(?:https?:)?//|www\.)[^\s<>"]+|(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>"]*)[>"')]?""", re.IGNORECASE
)
_PATH_WORDS: Final = re.compile(r"[^\W_]+")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_HEADLINE: Final = 0.8
"""Share of capitalised words above which a text is treated as a headline in capitals."""


@dataclass(frozen=True, slots=True)
class QueryInterpretation:
    """`words` for the engine's forgiving search, or `query` for strict matching; `filters` apply as well."""

    words: str = ""
    query: Query | None = None
    filters: tuple[Node, ...] = ()
    """Fields and dates, possibly negated; all must match."""
    url: str | None = None
    """The text is or holds an address: its key. `words` are those around it, or of its path, for an address that no
    article has.
    """


NO_QUERY: Final = QueryInterpretation()


def interpret_query(text: str, *, strict: bool, now: datetime) -> QueryInterpretation:
    """Words are typo-tolerant, also next to fields; with OR or parentheses they are matched strictly.

    Strict text raises BadParameter with `q` and the position. Other text is never refused: invalid syntax is searched
    as words, unbalanced signs and operators without operands are dropped, and a URL finds its article.
    """
    if not text:
        return NO_QUERY
    if not strict:
        return _forgiving(text, now)
    try:
        return QueryInterpretation(query=parse(text, now=now))
    except QuerySyntaxError as error:
        raise BadParameter("q", str(error)) from error


def _forgiving(text: str, now: datetime) -> QueryInterpretation:
    text = as_typed(text)
    if " -" in text and _is_headline(text):  # the name after the dash is the speaker, not an exclusion
        text = text.replace(" -", " ")
    words = _address(text) or QueryInterpretation(words=text)
    if words.url or not _may_have_structure(text):
        return words  # most searches; skips the parser, which is expensive
    try:
        query = parse(text, now=now, lenient=True)
    except QuerySyntaxError:  # no word in it, or too many
        return words
    parts = query.root.nodes if isinstance(query.root, All) else (query.root,)
    plain = [part for part in parts if _inner(part, Text)]
    filters = [part for part in parts if _inner(part, Field) or _inner(part, Dated)]
    if len(plain) + len(filters) < len(parts):
        return QueryInterpretation(query=query)
    if not filters and not _OPERATOR.search(text):
        return words
    return QueryInterpretation(words=" ".join(map(_raw, plain)), filters=tuple(filters))


def _address(text: str) -> QueryInterpretation | None:
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return _address_among_words(text)
    key = url_key(f"https:{found['url']}" if found["url"].startswith("//") else found["url"])
    if key is None:
        return None
    address = unquote(key.partition("://")[2])
    parts = (part for part in reversed(re.split(r"[/?#]", address)[1:]) if len(_WORD.findall(part)) > 1)
    return QueryInterpretation(words=" ".join(_PATH_WORDS.findall(next(parts, address))), url=key)


def _address_among_words(text: str) -> QueryInterpretation | None:
    """Of what share buttons copy: a headline, a URL, a few words of a person."""
    parts = split_url(text)
    key = url_key(parts[1]) if parts else None
    return QueryInterpretation(words=parts[0], url=key) if parts and parts[0] and key else None


def _may_have_structure(text: str) -> bool:
    """Whether it has an operator between words, a known field right before a value, or parentheses."""
    if "(" in text or ")" in text or (":" in text and _NAMED.search(text) is not None):
        return not _is_headline(text) or ":" in text
    return _OPERATOR.search(text) is not None and not _is_headline(text)


def _is_headline(text: str) -> bool:
    """Whether the text is a headline in capitals, where `NOT` and `OR` are words like all the others."""
    words = _WORD.findall(_OPERATOR.sub(" ", text))
    capital = sum(word.isupper() for word in words)
    return len(words) >= (2 if re.search(r"(?<!\S)NOT(?!\S)", text) else 4) and capital >= _HEADLINE * len(words)


def _inner(part: Node, kind: type[Text | Field | Dated]) -> bool:
    return isinstance(part.node if isinstance(part, Not) else part, kind)


def _raw(part: Node) -> str:
    if isinstance(part, Not):
        return f"-{_raw(part.node)}"
    return part.raw if isinstance(part, Text) else ""
