"""Compile the filter AST to Meilisearch's filter language. All values are quoted and escaped."""

from __future__ import annotations

from typing import Final

from shared.search.checks import (
    NUMBERS,
    check_filter_field,
    check_filter_size,
    check_range,
    filter_value,
)
from shared.search.filters import LANGUAGE_RANGE, And, Eq, Exists, Filter, FilterField, In, Not, Or, Range
from shared.search.meilisearch.documents import key_of

LIVE: Final = 'kind = "article"'
GONE: Final = 'kind = "gone"'
NOTHING: Final = 'kind = "nothing"'
_EXACT: Final = 1 << 53  # numbers are compared as 64-bit floats


def compiled(condition: Filter | None) -> str:
    """An expression that matches articles only. Raises InvalidQuery(field="filter")."""
    return LIVE if condition is None else f"{LIVE} AND ({_Compiler().build(condition, 0)})"


def quoted(value: str) -> str:
    """The text as one value of an expression."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Compiler:
    def __init__(self) -> None:
        self._nodes = 0

    def build(self, node: Filter, depth: int) -> str:
        self._nodes += 1
        check_filter_size(depth, self._nodes)
        match node:
            case And(filters):
                return " AND ".join(f"({self.build(item, depth + 1)})" for item in filters) or LIVE
            case Or(filters):
                return " OR ".join(f"({self.build(item, depth + 1)})" for item in filters) or NOTHING
            case Not(inner):
                return f"NOT ({self.build(inner, depth + 1)})"
            case _:
                return self._leaf(node)

    def _leaf(self, node: Eq | In | Range | Exists) -> str:
        check_filter_field(node.field)
        match node:
            case Eq(name, value):
                return _one_of(name, (value,))
            case In(name, values):
                self._nodes += len(values)
                check_filter_size(0, self._nodes)
                return _one_of(name, values)
            case Exists(name):
                return f"{_attribute(name)} EXISTS"
            case Range():
                return _range(node)


def _attribute(name: FilterField) -> str:
    return name if name in NUMBERS else f"k_{name}"


def _one_of(name: FilterField, values: tuple[str | int, ...]) -> str:
    possible = [_value(value) for value in (filter_value(name, value) for value in values) if _is_possible(value)]
    attribute = f"k_{LANGUAGE_RANGE}" if name == "language" else _attribute(name)
    return f"{attribute} IN [{', '.join(possible)}]" if possible else NOTHING


def _is_possible(value: str | int) -> bool:
    """False for a value that no article can have."""
    return bool(value) if isinstance(value, str) else abs(value) < _EXACT


def _value(value: str | int) -> str:
    return quoted(key_of(value)) if isinstance(value, str) else str(value)


def _range(condition: Range) -> str:
    check_range(condition)
    low = -_EXACT if condition.gte is None else max(condition.gte, -_EXACT)
    high = _EXACT if condition.lt is None else min(condition.lt, _EXACT)
    if low >= high:
        return NOTHING
    return f"({condition.field} >= {low} AND {condition.field} < {high})"
