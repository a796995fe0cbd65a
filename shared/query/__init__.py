"""One query grammar for search, streams, subscriptions and feeds: text -> AST -> engines and the live matcher.

tokens -> ast -> grammar (parse, with lexer) -> facts -> matching -> percolator. Pure: no I/O, no engine. In strict mode
a query means exactly what `matches` says, whatever engine answers it.
"""

from __future__ import annotations

from shared.query.ast import Query
from shared.query.facts import Facts, article_facts, card_facts, event_facts, removed_text, tombstone_facts
from shared.query.grammar import parse
from shared.query.lexer import QuerySyntaxError
from shared.query.matching import matches
from shared.query.percolator import Percolator

__all__ = [
    "Facts",
    "Percolator",
    "Query",
    "QuerySyntaxError",
    "article_facts",
    "card_facts",
    "event_facts",
    "matches",
    "parse",
    "removed_text",
    "tombstone_facts",
]
