"""Filter expressions of the API, as in the Guardian's: comma = AND, `|` = OR, a leading `-` = NOT.

`world-news,politics|law,-sport` means world-news and (politics or law) and not sport. A value that holds one of these
signs is written in double quotes: `"Washington, D.C."`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

MAX_TERMS: Final = 100
MAX_TERM_LENGTH: Final = 200
_VALUE: Final = re.compile(
    r"""\s*(?P<minus>-?)(?:\s*"(?P<quoted>(?:[^"\\]|\\.)*)"\s*(?=[,|]|$)|(?P<plain>[^,|]*))(?P<separator>[,|]?)""",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One value, or everything but it."""

    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """All of the clauses must hold, and of each clause any term; no clauses hold always."""

    clauses: tuple[tuple[Term, ...], ...] = ()

    def matches(self, values: Collection[str]) -> bool:
        """Whether a document whose field holds `values` passes."""
        return all(any((term.value in values) != term.negated for term in clause) for clause in self.clauses)

    def names(self, value: str) -> bool:
        """Whether the value is included, not excluded."""
        return any(term == Term(value) for clause in self.clauses for term in clause)

    def __bool__(self) -> bool:
        return bool(self.clauses)


def parse(text: str, *, normal: Callable[[str], str] = str.strip) -> Expression:
    """The expression of a multi-valued field; `normal` brings one value into its stored form. Raises ValueError."""
    clauses: list[list[Term]] = [[]]
    for term, separator in _terms(text, normal):
        clauses[-1].append(term)
        if separator == ",":
            clauses.append([])
    return Expression(tuple(map(tuple, clauses)))


def parse_choice(text: str, *, normal: Callable[[str], str] = str.strip) -> Expression:
    """The expression of a single-valued field: comma and `|` both mean OR; each `-value` is excluded.

    Raises ValueError.
    """
    terms = [term for term, _ in _terms(text, normal)]
    included = tuple(term for term in terms if not term.negated)
    excluded = tuple((term,) for term in terms if term.negated)
    return Expression((*((included,) if included else ()), *excluded))


def _terms(text: str, normal: Callable[[str], str]) -> Iterator[tuple[Term, str]]:
    """Each value with the separator behind it, which is empty behind the last."""
    at, separator = 0, ","
    for _ in range(MAX_TERMS):  # a megabyte of commas is not split
        found = _VALUE.match(text, at)
        if found is None or not separator:
            return
        at, separator = found.end(), found["separator"]
        quoted = found["quoted"]
        value = normal(found["plain"].strip() if quoted is None else _ESCAPED.sub(r"\1", quoted))
        if not value:
            raise ValueError("a value is empty")
        if len(value) > MAX_TERM_LENGTH:
            raise ValueError(f"a value is longer than {MAX_TERM_LENGTH} characters")
        yield Term(value, negated=bool(found["minus"])), separator
    if separator:
        raise ValueError(f"at most {MAX_TERMS} values")
