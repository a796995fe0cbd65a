"""Resolves names to entities with stable ids: surnames to full names, places to GeoNames ids.

Independent of the finder (rules or a model, `names.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from services.enrich.domain.names.gazetteer import places
from services.enrich.domain.names.names import Name, NameFinder
from services.enrich.domain.names.rules import RULES
from shared.articles import Entity, EntityKind
from shared.identity.slugs import slugify

MAX_ENTITIES: Final = 100
MAX_CHARACTERS: Final = 20_000


class Mention(NamedTuple):
    """A name in the text and the entity it refers to."""

    kind: EntityKind
    text: str
    name: str
    """The longest form in this text, or the gazetteer name of a place."""
    id: str


def entities(paragraphs: Sequence[str], language: str, finder: NameFinder = RULES) -> tuple[Entity, ...]:
    """At most 100 entities, most mentions first, one per id."""
    counts: Counter[str] = Counter()
    first: dict[str, Mention] = {}
    for mention in mentions(paragraphs, language, finder):
        counts[mention.id] += 1
        first.setdefault(mention.id, mention)
    return tuple(
        Entity(kind=first[key].kind, id=key, name=first[key].name, mentions=number)
        for key, number in counts.most_common(MAX_ENTITIES)
    )


def mentions(paragraphs: Sequence[str], language: str, finder: NameFinder = RULES) -> list[Mention]:
    """All resolved mentions in the first 20,000 characters, in order."""
    found = finder.find("\n".join(paragraphs)[:MAX_CHARACTERS], language)
    people = _by_surname(name for name in found if name.kind is EntityKind.PERSON)
    return [mention for name in found if (mention := _mention(name, people)) is not None]


def _by_surname(people: Iterable[Name]) -> dict[str, Name]:
    """Longest name per surname; a surname shared by two people refers to the first one named."""
    found: dict[str, Name] = {}
    for name in people:
        surname = name.words[-1].lower()
        if len(name.words) > len(found[surname].words if surname in found else ()):
            found[surname] = name
    return found


def _mention(found: Name, people: dict[str, Name]) -> Mention | None:
    kind, text = found.kind, found.text
    lower = text.lower()
    if kind in {None, EntityKind.PERSON} and len(found.words) == 1 and lower in people:
        full = people[lower].text
        return Mention(EntityKind.PERSON, text, full, f"person:{slugify(full)}")
    if kind is None:
        return None
    if kind is EntityKind.PLACE and (place := places().get(lower)):
        return Mention(kind, text, place.name, f"place:geonames-{place.number}")
    return Mention(kind, text, text, f"{kind.value}:{slugify(text)}")
