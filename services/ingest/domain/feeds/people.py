"""Names of authors in feeds: one element may hold several people, a byline, a role, an address or an account.

Splits only where each part looks like the name of a person: `Ann Lee and Ben Roa` is two people, `Lee, Ann`,
`Food and Drug Administration` and `Anna Roth, Berlin` are one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from services.ingest.domain.feeds.markup import line_of
from services.ingest.domain.feeds.model import Person

_LEAD: Final = re.compile(r"(?i:written by|posted by|by|von|par|por|author|autor|auteur)\s*:?\s+(?=[^\Wa-z\d_])")
_HANDLE: Final = re.compile(r"@[\w.-]{1,40}\s+(?=\S)")
_ADDRESS: Final = re.compile(r"(?:https?://|www\.|mailto:)\S*", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,250}")
_MORE_PEOPLE: Final = re.compile(r"\s*[;、]\s*")
_SITE: Final = re.compile(r"\s+[|•·]\s+.*")
_AND: Final = re.compile(r"\s*(?:,\s*)?(?:&|\b(?:and|und|et|y|och|og|en|e|и)\b)\s*")
_COMMA: Final = re.compile(r"\s*[,،]\s*")
_PARTICLES: Final = frozenset(
    (
        *("al", "ap", "ben", "bin", "bint", "da", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el"),
        *("ibn", "la", "las", "le", "los", "ter", "ten", "van", "von", "y", "zu"),
    )
)
_ROLE: Final = re.compile(
    r"\b(?:admin\w*|analyst|agency|bureau|contribut\w+|columnist|correspondent\w*|desk|editor\w*|gazette|guest|"
    r"journalist\w*|korrespondent\w*|magazine|media|news\w*|photograph\w+|post|press|producer|redakt\w+|reporter\w*|"
    r"staff|team|the|times|tribune|herald|writer\w*|autor\w*|journal)\b",
    re.IGNORECASE,
)
_NOBODY: Final = re.compile(
    r"(?:admin\w*|anonymous|author|contact|default|editor|feedback|guest|info|mail|newsdesk|n/?a|nobody|none|"
    r"no-?reply|null|root|site ?admin|super ?user|undefined|unknown|user|webmaster)",
    re.IGNORECASE,
)
"""Accounts and placeholders that are not the name of an author."""
_MAX_NAME_WORDS: Final = 5


def author_names(people: Iterable[Person]) -> Iterator[str]:
    """The names of the authors. A person with an email address only is called by its local part."""
    for person in people:
        found = [name for name in names_in(person.name) if not _NOBODY.fullmatch(name)]
        local = person.email.partition("@")[0]
        yield from found or ([local] if local and not person.name and not _NOBODY.fullmatch(local) else ())


def names_in(text: str) -> list[str]:
    """The names in the text of one author element."""
    line = _without_email(_ADDRESS.sub(" ", line_of(text, "")))
    line = _SITE.sub("", line.strip())
    for opening in (_HANDLE, _LEAD):
        line = line[found.end() :] if (found := opening.match(line)) else line
    return [name for part in _MORE_PEOPLE.split(line) for one in _split(part) if (name := one.strip(" ,;|<>()"))]


def _without_email(line: str) -> str:
    """`ann@g.example (Ann Lee), ben@g.example (Ben Roa)` as `Ann Lee; Ben Roa`."""
    if not _EMAIL.search(line):
        return line
    bare = _EMAIL.sub(";", line)
    return bare if any(map(str.isalpha, bare)) else line


def _split(text: str) -> list[str]:
    parts = [part for part in _COMMA.split(_AND.sub(", ", text)) if part]
    if len(parts) < 2:
        return [text]
    names = [part for part in parts if not _ROLE.search(part)]
    return names if names[:1] == parts[:1] and all(map(_is_full_name, names)) else [text]


def _is_full_name(text: str) -> bool:
    words = text.split()
    if not 2 <= len(words) <= _MAX_NAME_WORDS or any(map(str.isdigit, text)):
        return False
    return all(word[0].isalpha() and (not word[0].islower() or word.lower() in _PARTICLES) for word in words)
