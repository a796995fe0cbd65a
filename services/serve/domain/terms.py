"""Filter expressions of the API, as in the Guardian's: comma = AND, `|` = OR, a leading `-` = NOT.

`world-news,politics|law,-sport` means world-news and (politics or law) and not sport.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

MAX_TERMS: Final = 100
MAX_TERM_LENGTH: Final = 200


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

    def __bool__(self) -> bool:
        return bool(self.clauses)


def parse(text: str, *, normal: Callable[[str], str] = str.strip) -> Expression:
    """The expression of a multi-valued field; `normal` brings one value into its stored form. Raises ValueError."""
    clauses = tuple(tuple(_term(part, normal) for part in clause.split("|")) for clause in _parts(text, ","))
    if sum(map(len, clauses)) > MAX_TERMS:
        raise ValueError(f"at most {MAX_TERMS} values")
    return Expression(clauses)


def parse_choice(text: str, *, normal: Callable[[str], str] = str.strip) -> Expression:
    """The expression of a single-valued field: comma and `|` both mean OR; each `-value` is excluded.

    Raises ValueError.
    """
    terms = [_term(part, normal) for part in _parts(text.replace("|", ","), ",")]
    wanted = tuple(term for term in terms if not term.negated)
    unwanted = tuple((term,) for term in terms if term.negated)
    return Expression((*((wanted,) if wanted else ()), *unwanted))


def tag_label(slug: str) -> str:
    """A name to show for a slug where no article gives one: `world-news` is `World News`."""
    return " ".join(word[:1].upper() + word[1:] for word in slug.split("-"))


def _parts(text: str, separator: str) -> list[str]:
    # counted before splitting, so that a megabyte of commas costs nothing
    if text.count(separator) >= MAX_TERMS:
        raise ValueError(f"at most {MAX_TERMS} values")
    return text.split(separator)


def _term(text: str, normal: Callable[[str], str]) -> Term:
    text = text.strip()
    negated = text.startswith("-")
    value = normal(text[1:] if negated else text)
    if not value:
        raise ValueError("a value is empty")
    if len(value) > MAX_TERM_LENGTH:
        raise ValueError(f"a value is longer than {MAX_TERM_LENGTH} characters")
    return Term(value, negated)
