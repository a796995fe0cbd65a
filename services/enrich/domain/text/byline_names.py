"""Names on byline lines of plain text, without the roles, places and agencies beside them."""

from __future__ import annotations

import re
from typing import Final

from services.enrich.domain.authors.bylines import PARTICLES, is_generic
from services.enrich.domain.authors.honorifics import is_degree, without_honorifics
from services.enrich.domain.names.gazetteer import places
from services.enrich.domain.phrases import alternatives, exact, fold, open_ended
from services.enrich.domain.terms.vocabulary import NO_NAMES

_BY_SUFFIX: Final = re.compile(rf"\s*(?:{alternatives('by_suffix')})(?:\s*=)?$")
PARTS: Final = re.compile(r"\s*[|•·]\s*|\s+[–—-]\s+(?!\d{1,2}[:.h]\d\d)|\t")
_AND: Final = r"(?:and|und|et|y|e|en|и|i|ve|och|og|a|та|şi|și|és|και|và|dan)"
_BETWEEN_NAMES: Final = re.compile(rf"\s*[,&;、，،]\s*(?:{_AND}\s+)?|\s+{_AND}\s+|\s+و\s?(?=\S)")
# Possessive: with backtracking a Japanese sentence of 45 characters took 10 s, and each character more doubled that.
_NAME_WORD: Final = re.compile(
    r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u064b-\u0652\u0900-\u0dff])*+"
    r"(?:['’.\-]?['’.\-‑][^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u064b-\u0652\u0900-\u0dff])*+)*+"
    r"['’.\-]?['’.\-‑]?\.?"
)
_PLACE_TAIL: Final = re.compile(
    r",?\s+(?:in|aus|à|en|a|em|da|te|из|в|w|z|reporting|für|for|at|para|pour|desde|de notre|per|uit|i|avec|with|mit|"
    r"con|com|met|—|–|-|@)\s.*$|"
    r"\s*[(（].*$"
)
_PLACE_TAIL_IN_CAPITALS: Final = re.compile(_PLACE_TAIL.pattern, re.IGNORECASE)
CONTACT: Final = re.compile(r"\s*(?:\S+@\S+\.\w+|@\w{2,30}|https?://\S+)\s*")
MAX_BYLINE: Final = 140
_MAX_NAME_WORDS: Final = 5
_MIN_WITH_ROLE: Final = 4
_MAX_UNCASED: Final = 30


def is_role(line: str) -> bool:
    """Whether the line says what an author is, such as `Senior Reporter`."""
    folded = fold(line)
    short = len(line.split()) <= _MAX_NAME_WORDS and not line.rstrip().endswith((".", "。", "?", "!"))
    return short and (folded in exact("role") or open_ended("role").fullmatch(folded) is not None)


def names_of(line: str) -> tuple[str, ...]:
    """Names on a line of names only, such as `Jane Doe and John Roe`; empty if it holds anything else."""
    if len(line) > MAX_BYLINE:
        return ()
    first, *others = PARTS.split(line)
    if not all(_names(other) or is_role(other) for other in others):
        return ()
    for text in (first, _before_role(first)):
        names = _persons(_names(text)) if text else ()
        if names and not any(map(_is_no_person, names)):
            return names
    return ()


def _before_role(text: str) -> str:
    """The name before a role in small letters: `Ada Corlett Transport correspondent`; empty for anything else."""
    words = text.split()
    if len(words) < _MIN_WITH_ROLE or not words[-1].islower():
        return ""
    end = len(words) - 1 if words[-2].islower() else len(words) - 2
    name, role = " ".join(words[:end]), " ".join(words[end:])
    return name if end > 1 and is_role(role) else ""


def _is_no_person(name: str) -> bool:
    return is_generic(name) or is_outlet(name) or is_place(name) or is_role(name)


def signed_names(text: str) -> tuple[str, ...]:
    """The names after a by-word, without roles, places and what else follows them."""
    text = _without_role(_BY_SUFFIX.sub("", CONTACT.sub(" ", text).strip(" :：")))
    if names := _persons(_names(text)):
        return tuple(name for name in names if not is_generic(name)) or names
    tail = _PLACE_TAIL_IN_CAPITALS if text.isupper() else _PLACE_TAIL
    return _persons(_names(tail.sub("", text).strip(" ,"))) or _persons(_names(text.split(",", 1)[0].strip()))


def _without_role(text: str) -> str:
    """Without the role before a name: `our reporter Ada Corlett`."""
    words = text.split()
    for number in range(min(_MAX_NAME_WORDS, len(words) - 2), 0, -1):
        role = " ".join(words[:number])
        if words[number - 1].islower() and is_role(role) and _names(" ".join(words[number:])):
            return " ".join(words[number:])
    return text


def _persons(names: tuple[str, ...]) -> tuple[str, ...]:
    """Without places and agencies of one word behind names of several."""
    if any(" " in name for name in names):
        named = tuple(name for name in names if (" " in name or not is_cased(name)) and not _is_uncased_place(name))
        return tuple(_without_agency(name) for name in named if not name[0].islower()) or named
    return tuple(name for name in names if not _is_no_person(name))


def _without_agency(name: str) -> str:
    """The name in capitals before an agency that is not: `ADA CORLETT Associated Press`."""
    words = name.split()
    capitals = next((at for at, word in enumerate(words) if not word.isupper()), len(words))
    agency = " ".join(words[capitals:])
    return _cased(" ".join(words[:capitals])) if 2 <= capitals < len(words) and is_generic(agency) else name


def suffixed_names(part: str) -> tuple[str, ...]:
    """The names before a word such as `記者`."""
    base = _BY_SUFFIX.sub("", part)
    base = re.sub(r"^[(（\[【].{1,12}?[=＝]\s*", "", base)
    return _names(base) if base != part and base else ()


def _names(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for part in _BETWEEN_NAMES.split(text):
        if not part or (found and (is_role(part) or is_degree(part))):
            continue
        name = _name(part)
        if not name:
            return ()
        found.append(name)
    return tuple(found)


def _name(part: str) -> str:
    part = without_honorifics(part)
    words = part.split()
    if not 1 <= len(words) <= _MAX_NAME_WORDS or words[0].lower() in NO_NAMES or part.endswith(("?", "!", "。")):
        return ""
    if not all(_NAME_WORD.fullmatch(word) for word in words):
        return ""
    if not is_cased(part):
        return part if len(part) <= _MAX_UNCASED else ""
    capitals = [word for word in words if word[0].isupper() or not is_cased(word)]
    others = [word for word in words if word not in capitals and word.lower() not in PARTICLES]
    return _cased(part) if capitals and not others else ""


def is_cased(text: str) -> bool:
    """Whether the script has capitals."""
    return any(char.isupper() or char.islower() for char in text)


def _cased(name: str) -> str:
    return name.title() if name.isupper() and len(name) > 4 else name


def is_outlet(text: str) -> bool:
    """Whether the text has a word that names of newspapers have."""
    return not exact("outlet").isdisjoint(fold(text).split())


def is_outlet_name(text: str) -> bool:
    """Whether a short text in capitals or with capital letters is the name of a newspaper: `The Lowland Courier`."""
    words = text.split()
    return (
        is_outlet(text) and len(words) <= _MAX_NAME_WORDS and all(word[0].isupper() or len(word) <= 3 for word in words)
    )


def is_place(text: str) -> bool:
    """Whether the text is a country, a large city or a city of datelines."""
    return text.lower() in places() or _is_uncased_place(text)


def _is_uncased_place(text: str) -> bool:
    return not text.isascii() and fold(text) in exact("place")
