"""What the text of `q` asks the engine for: words that may be mistyped, or a query that is matched to the letter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.serve.domain.parameters import BadParameter
from shared.query import Query, QuerySyntaxError, parse
from shared.query.ast import All, Dated, Field, Node, Not, Text

_OPERATORS: Final = ("OR", "AND", "NOT")
# What nobody writes by accident: an operator between words, or a name right before a value.
_GRAMMAR: Final = re.compile(rf"(?<!\S)(?:{'|'.join(_OPERATORS)})(?!\S)|(?<![^\s(-])[A-Za-z_]+:[^\s]")
# What can only be words side by side: no quote, parenthesis, colon or leading dash. Most searches are, and reading them
# as a query costs more than all the rest of their parameters.
_PLAIN: Final = re.compile(r"\s*+(?:[\w.,;!?'’][\w.,;!?'’-]*+\s*+)*+")


@dataclass(frozen=True, slots=True)
class Asked:
    """`words` for the engine's forgiving search, or `query` for strict matching; `narrow` are filters beside words."""

    words: str = ""
    query: Query | None = None
    narrow: tuple[Node, ...] = ()
    """Fields and dates, maybe negated; all of them must hold."""


NOTHING_ASKED: Final = Asked()


def asked(text: str, *, strict: bool, now: datetime) -> Asked:
    """Words side by side stay forgiving, also beside fields; with OR or parentheses every word counts to the letter.

    Raises BadParameter that names `q` and the place. Text without any sign of the grammar is never refused: a pasted
    headline with a lone quote or parenthesis is words.
    """
    if not text:
        return NOTHING_ASKED
    if not strict and _PLAIN.fullmatch(text) and not any(word in _OPERATORS for word in text.split()):
        return Asked(words=text)
    try:
        query = parse(text, now=now)
    except QuerySyntaxError as error:
        if strict or _GRAMMAR.search(text):
            raise BadParameter("q", str(error)) from error
        return Asked(words=text)
    parts = query.root.nodes if isinstance(query.root, All) else (query.root,)
    words = [part for part in parts if _inner(part, Text)]
    narrow = [part for part in parts if _inner(part, Field) or _inner(part, Dated)]
    if strict or len(words) + len(narrow) < len(parts):
        return Asked(query=query)
    if not _GRAMMAR.search(text):
        return Asked(words=text)
    return Asked(words=" ".join(map(_raw, words)), narrow=tuple(narrow))


def _inner(part: Node, kind: type[Text | Field | Dated]) -> bool:
    return isinstance(part.node if isinstance(part, Not) else part, kind)


def _raw(part: Node) -> str:
    if isinstance(part, Not):
        return f"-{_raw(part.node)}"
    return part.raw if isinstance(part, Text) else ""
