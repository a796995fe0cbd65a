"""Strict search, shared by both engines: tokens of a document, highlights, and filters of a query."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from shared.articles import Card
from shared.query import Query
from shared.query.ast import All, Dated, Either, Field, Node, Not, Text
from shared.query.facts import token_runs
from shared.query.spellings import joined_spellings
from shared.query.tokens import tokens
from shared.search.checks import normal
from shared.search.filters import Eq, Filter, FilterField, Range
from shared.search.filters import Not as Excluded
from shared.search.port import Highlight, IndexDoc

WINDOW: Final = 240  # characters of an excerpt
_LEAD_IN: Final = 40
_SCANNED: Final = 60_000  # maximum characters of a body that are searched for matches
_PIECE: Final = re.compile(r"\w+")
_FIELDS: Final[dict[str, FilterField]] = {
    "tag": "tags",
    "section": "section",
    "source": "source",
    "lang": "language",
    "story": "story",
}


def strict_runs(doc: IndexDoc) -> list[list[str]]:
    """The token runs of a document for strict matching."""
    return token_runs(
        title=doc.title, dek=doc.dek, summary=doc.summary, body=doc.body, tags=doc.tags, authors=doc.authors
    )


def spellings_of(doc: IndexDoc) -> list[str]:
    """The joined spellings of a document's words, for typo-tolerant search."""
    return joined_spellings((doc.title, doc.dek, doc.summary, doc.body, *doc.keyphrases, *doc.entities, *doc.authors))


def joined(runs: Iterable[Sequence[str]]) -> str:
    """The tokens of all texts, space-separated, one text per line; phrases are substrings of it."""
    return "\n".join(f" {' '.join(run)} " for run in runs)


def filter_of(node: Node) -> Filter:
    """A field or date of a query, possibly negated, as a filter of the port. Raises TypeError for other nodes."""
    match node:
        case Not(inner):
            return Excluded(filter_of(inner))
        case Dated(gte, lt):
            return Range("dated_at", gte=gte, lt=lt)
        case Field(name, value):
            return Eq(_FIELDS[name], value)
        case _:
            raise TypeError(f"no filter says what {type(node).__name__} says")


def wanted_words(query: Query) -> tuple[str, ...]:
    """The distinct words of a query that are not excluded: for ranking and highlights."""
    return tuple(dict.fromkeys(_required(query.root)))


def strict_highlights(card: Card, summary: str, body: str, words: Collection[str]) -> dict[str, Highlight]:
    """The highlights of a hit: title, dek, and a window of summary or body around the first of these words."""
    words = frozenset(words)
    return {
        "title": _highlighted(card.title, words),
        "dek": _highlighted(card.dek, words),
        "excerpt": _excerpt(summary, body, words),
    }


def _highlighted(text: str, words: Collection[str]) -> Highlight:
    text = normal(text)
    return Highlight.of(text, tuple(_spans(text, words)))


def _excerpt(summary: str, body: str, words: Collection[str]) -> Highlight:
    for text in (normal(summary), normal(body)[:_SCANNED]):
        spans = _spans(text, words)
        if spans:
            start = max(0, spans[0][0] - _LEAD_IN)
            start = text.find(" ", start) + 1 if start and " " in text[start : spans[0][0]] else start
            return _cut(text, start, words)
    return _cut(normal(summary or body), 0, words)


def _cut(text: str, start: int, words: Collection[str]) -> Highlight:
    end = min(len(text), start + WINDOW)
    before, after = "…" * (start > 0), "…" * (end < len(text))
    piece = before + text[start:end] + after
    return Highlight.of(piece, tuple(_spans(piece, words)))


def _spans(text: str, words: Collection[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for piece in _PIECE.finditer(text):
        inside = tokens(piece[0])
        if not any(token in words for token in inside):
            continue
        if len(inside) == 1 or all(token in words for token in inside):
            found.append(piece.span())
        else:  # a run of a script without spaces, or words around an underscore: mark the characters that match
            found += [(at, at + 1) for at in range(*piece.span()) if set(tokens(text[at])) & set(words)]
    return found


def _required(node: Node) -> Iterable[str]:
    match node:
        case Text(tokens=found):
            yield from found
        case All(nodes) | Either(nodes):
            for inner in nodes:
                yield from _required(inner)
        case _:
            return
