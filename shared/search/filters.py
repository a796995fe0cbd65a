"""Filter AST, compiled by each engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from shared.articles import CANARY_SOURCE

FilterField = Literal[
    "tags",
    "section",
    "source",
    "language",
    "authors",
    "entities",
    "story",
    "duplicate_of",
    "url",
    "dated_at",
    "word_count",
    "id",
]


LANGUAGE_RANGE: Final = "language_range"
"""Index field for filters of `language`: all RFC 4647 ranges that match an article's language.

Facets count `language`, which has the language only.
"""


@dataclass(frozen=True, slots=True)
class Eq:
    """The field has this value (multi-valued fields: among others).

    A value of `language` is an RFC 4647 basic range: `pt` also matches `pt-BR`.
    """

    field: FilterField
    value: str | int


@dataclass(frozen=True, slots=True)
class In:
    """The field has one of these values; an empty list matches nothing."""

    field: FilterField
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """`gte <= field < lt`, numbers only; None means unbounded."""

    field: Literal["dated_at", "word_count"]
    gte: int | None = None
    lt: int | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value."""

    field: FilterField


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction; empty matches everything."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction; empty matches nothing."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    filter: Filter


Filter = Eq | In | Range | Exists | And | Or | Not

NO_CANARY: Final[Filter] = Not(Eq("source", CANARY_SOURCE))
"""All articles except those of the self-check."""
VISIBLE: Final[Filter] = And((Exists("id"), NO_CANARY))
"""Every article that an unfiltered list may show."""
