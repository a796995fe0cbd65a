"""What the text of `q` asks the engine for: words that may be mistyped, or a query that is matched to the letter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.serve.domain.parameters import BadParameter
from shared.query import Query, QuerySyntaxError, parse
from shared.query.ast import All, Dated, Field, Node, Not, Text

_OPERATOR: Final = re.compile(r"""(?<![^\s()"“”„])(?:OR|AND|NOT)(?![^\s()"“”„])""")
_NAMED: Final = re.compile(r"""(?<![^\s("“”„-])[A-Za-z_]+:[^\s]""")


@dataclass(frozen=True, slots=True)
class QueryInterpretation:
    """`words` for the engine's forgiving search, or `query` for strict matching; `filters` are filters beside words."""

    words: str = ""
    query: Query | None = None
    filters: tuple[Node, ...] = ()
    """Fields and dates, maybe negated; all of them must hold."""


NO_QUERY: Final = QueryInterpretation()


def interpret_query(text: str, *, strict: bool, now: datetime) -> QueryInterpretation:
    """Words side by side stay forgiving, also beside fields; with OR or parentheses every word counts to the letter.

    Raises BadParameter that names `q` and the place. Text without any sign of the grammar is never refused: a pasted
    headline with a lone quote or parenthesis is words.
    """
    if not text:
        return NO_QUERY
    if not strict and "(" not in text and ")" not in text and not _has_grammar(text):
        return QueryInterpretation(words=text)  # nearly every search; the parser would cost more than everything else
    try:
        query = parse(text, now=now)
    except QuerySyntaxError as error:
        if strict or _has_grammar(text):
            raise BadParameter("q", str(error)) from error
        return QueryInterpretation(words=text)
    parts = query.root.nodes if isinstance(query.root, All) else (query.root,)
    words = [part for part in parts if _inner(part, Text)]
    filters = [part for part in parts if _inner(part, Field) or _inner(part, Dated)]
    if strict or len(words) + len(filters) < len(parts):
        return QueryInterpretation(query=query)
    if not _has_grammar(text):
        return QueryInterpretation(words=text)
    return QueryInterpretation(words=" ".join(map(_raw, words)), filters=tuple(filters))


def _has_grammar(text: str) -> bool:
    """Whether it has what nobody writes by accident: an operator between words, or a name right before a value."""
    return _OPERATOR.search(text) is not None or (":" in text and _NAMED.search(text) is not None)


def _inner(part: Node, kind: type[Text | Field | Dated]) -> bool:
    return isinstance(part.node if isinstance(part, Not) else part, kind)


def _raw(part: Node) -> str:
    if isinstance(part, Not):
        return f"-{_raw(part.node)}"
    return part.raw if isinstance(part, Text) else ""
