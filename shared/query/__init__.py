"""Query grammar of search, streams, subscriptions and feeds: text -> AST -> search engines and saved-search matcher.

Modules in order of dependency: tokens, ast, grammar (with lexer), facts, matching, percolator. Pure: no I/O. `matches`
defines strict mode for every engine.
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
