"""Rule-based name finder: neighbouring words, the words of the name, and the gazetteer.

The rules are for English. In other languages only first names, acronyms and the gazetteer apply, which gives low recall
and few errors: German capitals and scripts without capitals are no evidence of a name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.enrich.domain.language.frequencies import shares, zipf
from services.enrich.domain.names.gazetteer import places
from services.enrich.domain.names.names import Name, NameFinder
from services.enrich.domain.names.spans import Span, spans
from services.enrich.domain.names.vocabulary import (
    ACRONYMS,
    FIRST_NAMES,
    ORGANISATION,
    PARTICLES,
    PLACE,
    PLACE_BEFORE,
    PLACE_PREPOSITIONS,
    ROLES,
    SPEAKS,
)  # fmt: skip
from services.enrich.domain.terms.words import stop_words
from shared.articles import EntityKind

_LOWER: Final = re.compile(r"\b[^\W\d_A-ZÀ-Þ][^\W\d_]+")
_INITIAL: Final = re.compile(r"[^\W\d_]\.?")
_ACRONYM: Final = re.compile(r"[A-Z]{3,5}")
_MIN_ROLE: Final = 6
_COMMON: Final = 3.6
"""Zipf frequency from which a capitalised word at the start of a sentence counts as ordinary."""


class _Rules:
    """Name finder without a model; supports every language."""

    version: Final = "2"

    def supports(self, language: str) -> bool:  # noqa: ARG002 - the port's signature
        """Every language."""
        return True

    def find(self, text: str, language: str) -> list[Name]:
        """All candidate spans; those of unknown kind are kept because they may be surnames."""
        primary = language.partition("-")[0]
        found = (_from_first_name(span) for span in spans(text, _ordinary(text, language)))
        return [Name(span.words, _kind(span, primary)) for span in found]


RULES: Final[NameFinder] = _Rules()


def _from_first_name(span: Span) -> Span:
    """`William Lind` of `County Coroner William Lind`: a capitalised role before a name is not part of it."""
    lower = [word.lower() for word in span.words]
    first = next((at for at, word in enumerate(lower[:-1]) if word in FIRST_NAMES), 0)
    if (
        not first
        or lower[first - 1] in PARTICLES | PLACE_BEFORE
        or not (ORGANISATION | PLACE).isdisjoint(lower[first:])
    ):
        return span
    return replace(span, words=span.words[first:], before=lower[first - 1], opens=False, title=True)


def _ordinary(text: str, language: str) -> frozenset[str]:
    """Words that start no name at the start of a sentence: stop words, words also in lower case, frequent words."""
    frequencies = shares(language)
    starts = {match.lower() for match in re.findall(r"\b[A-ZÀ-Þ][^\W\d_]*", text)}
    frequent = {word for word in starts if not _is_name(word) and zipf(word, frequencies) >= _COMMON}
    return stop_words(language) | frozenset(_LOWER.findall(text)) | frequent


def _is_name(word: str) -> bool:
    return word in FIRST_NAMES or word in ACRONYMS or word in ORGANISATION or word in places()


def _kind(span: Span, primary: str) -> EntityKind | None:
    lower = [word.lower() for word in span.words]
    if (kind := _known(span, lower)) is not None:
        return kind
    if primary != "en":
        return EntityKind.PERSON if len(lower) > 1 and lower[0] in FIRST_NAMES else None
    return _kind_of_several(span, lower) if len(lower) > 1 else _kind_of_one(span, lower[0])


def _kind_of_one(span: Span, lower: str) -> EntityKind | None:
    if span.title or _is_role(span.before) or lower in FIRST_NAMES:
        return EntityKind.PERSON
    if _ACRONYM.fullmatch(span.text):
        return EntityKind.ORGANISATION
    return EntityKind.PLACE if span.after in {"region", "province", "county", "city", "peninsula"} else None


def _known(span: Span, lower: list[str]) -> EntityKind | None:
    """Kind determined by the words alone, in any language."""
    place = places().get(span.text.lower())
    if place is not None and not span.title and (place.is_known or len(lower) > 1 or _is_located(span)):
        return EntityKind.PLACE
    if len(lower) == 1 and lower[0] in ACRONYMS:
        return EntityKind.ORGANISATION
    return None


def _is_role(word: str) -> bool:
    return word in ROLES or (word.endswith("ist") and len(word) > _MIN_ROLE)


def _is_located(span: Span) -> bool:
    """Whether the words beside a name say that it is a place: `in Union`, `Union, New Jersey`."""
    return span.before in PLACE_PREPOSITIONS or span.after == ","


def _kind_of_several(span: Span, lower: list[str]) -> EntityKind | None:
    if ORGANISATION.intersection(lower):
        return EntityKind.ORGANISATION
    if not span.title and (lower[-1] in PLACE or lower[0] in PLACE_BEFORE):
        return EntityKind.PLACE
    is_person = span.title or _is_role(span.before) or span.after in SPEAKS or span.before in SPEAKS
    return EntityKind.PERSON if is_person or lower[0] in FIRST_NAMES or _looks_like_a_person(span) else None


def _looks_like_a_person(span: Span) -> bool:
    """Two words unknown to the English word list, or three with an initial in the middle."""
    names = [word for word in span.words if word not in PARTICLES]
    if any(_INITIAL.fullmatch(word) for word in names[1:-1]):
        return names[0].isalpha() and len(names) == 3
    return len(names) == 2 and not any(word.lower() in shares("en") or word.lower() in places() for word in names)
