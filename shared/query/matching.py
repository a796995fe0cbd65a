"""Reference semantics of strict mode. Property tests compare the engines with it.

No typo tolerance, prefixes or stemming; every word is required.
"""

from __future__ import annotations

from shared.query.ast import All, Dated, Either, Field, Node, Not, Query, Text
from shared.query.facts import Facts


def matches(query: Query, facts: Facts) -> bool:
    """Whether the article matches. For a removed article, unknown conditions count as matching."""
    return judge(query.root, facts) is not False


def judge(node: Node, facts: Facts) -> bool | None:
    """True, False, or None if the facts are not sufficient."""
    match node:
        case Text(tokens):
            return None if facts.partial else facts.holds(tokens)
        case Field():
            return _field(node, facts)
        case Dated(gte, lt):
            inside = (gte is None or gte <= facts.dated_at) and (lt is None or facts.dated_at < lt)
            return None if facts.partial else inside
        case Not(inner):
            found = judge(inner, facts)
            return None if found is None else not found
        case All(nodes) | Either(nodes):
            return _combined(nodes, facts, deciding=isinstance(node, Either))


def _combined(nodes: tuple[Node, ...], facts: Facts, *, deciding: bool) -> bool | None:
    answer: bool | None = not deciding
    for node in nodes:
        found = judge(node, facts)
        if found is deciding:
            return deciding
        if found is None:
            answer = None
    return answer


def _field(field: Field, facts: Facts) -> bool | None:
    match field.name:
        case "tag":
            return field.value in facts.tags
        case "section":
            return field.value == facts.section
        case "source":
            return field.value == facts.source
        case "lang":
            return field.value in facts.languages
        case "story":
            return None if facts.partial else field.value == facts.story
