"""Compile the filter tree of the port to tantivy queries that match but never score."""

from __future__ import annotations

from typing import Final

import tantivy

from shared.search.checks import check_filter_field, check_filter_size, check_range, filter_value
from shared.search.embedded.schema import schema
from shared.search.filters import LANGUAGE_RANGE, And, Eq, Exists, Filter, FilterField, In, Not, Or, Range

_I64: Final = (-(1 << 63), (1 << 63) - 1)


def live() -> tantivy.Query:
    """All articles without tombstones; score 0."""
    return unscored(tantivy.Query.term_query(schema(), "kind", "article", "basic"))


def unscored(query: tantivy.Query) -> tantivy.Query:
    """The same matches, score 0."""
    return tantivy.Query.const_score_query(query, 0.0)


def compile_filter(condition: Filter | None) -> tantivy.Query | None:
    """A query with score 0, or None for no filter. Raises InvalidQuery(field="filter")."""
    return None if condition is None else unscored(_Compiler().build(condition, 0))


class _Compiler:
    def __init__(self) -> None:
        self._nodes = 0

    def build(self, node: Filter, depth: int) -> tantivy.Query:
        self._nodes += 1
        check_filter_size(depth, self._nodes)
        match node:
            case And(filters):
                return _both((tantivy.Occur.Must, self.build(item, depth + 1)) for item in filters)
            case Or(filters):
                return _either([self.build(item, depth + 1) for item in filters])
            case Not(inner):
                return _both([(tantivy.Occur.MustNot, self.build(inner, depth + 1))])
            case _:
                return self._leaf(node)

    def _leaf(self, node: Eq | In | Range | Exists) -> tantivy.Query:
        check_filter_field(node.field)
        match node:
            case Eq(name, value):
                return _one_of(name, (value,))
            case In(name, values):
                self._nodes += len(values)
                return _one_of(name, values)
            case Exists(name):
                return live() if name == "id" else tantivy.Query.exists_query(name)
            case Range():
                return _range(node)


def _both(clauses: object) -> tantivy.Query:
    # A boolean query of exclusions alone matches nothing, so every conjunction starts from all articles.
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, live()), *clauses])  # type: ignore[misc]


def _either(queries: list[tantivy.Query]) -> tantivy.Query:
    if not queries:
        return tantivy.Query.empty_query()
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def _one_of(name: FilterField, values: tuple[str | int, ...]) -> tantivy.Query:
    possible = [value for value in (filter_value(name, value) for value in values) if _is_possible(value)]
    if not possible:
        return tantivy.Query.empty_query()
    return tantivy.Query.term_set_query(schema(), LANGUAGE_RANGE if name == "language" else name, possible)


def _is_possible(value: str | int) -> bool:
    """False for a value that no article can have."""
    return not isinstance(value, int) or _I64[0] <= value <= _I64[1]


def _range(condition: Range) -> tantivy.Query:
    check_range(condition)
    low = _I64[0] if condition.gte is None else max(condition.gte, _I64[0])
    high = _I64[1] if condition.lt is None else min(condition.lt - 1, _I64[1])
    if low > high:
        return tantivy.Query.empty_query()
    return tantivy.Query.range_query(
        schema(), condition.field, tantivy.FieldType.Integer, lower_bound=low, upper_bound=high
    )
