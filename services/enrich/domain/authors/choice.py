"""Selects the authors among the names on a page: declared ones, else the most likely candidate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Final

import orjson

from services.enrich.domain.authors.bylines import (
    MAX_AUTHORS,
    declared_names,
    is_generic,
    is_role,
    names_in,
    site_forms,
)
from services.enrich.domain.authors.claims import CHROME, COMMENT, RELATED, Claim, text_key
from services.enrich.domain.authors.first_names import first_name_known
from services.enrich.domain.authors.unspaced import is_unspaced_name
from services.enrich.domain.markup.blocks import HtmlBlock
from services.enrich.domain.similar_text import plain_words

_THRESHOLD: Final = 0.3
_MARGIN: Final = 1.0
"""Margin (logit) by which a person must exceed the threshold to replace a declared site or newsroom."""
_WHOLE: Final = 20
"""Minimum links of a whole page, with menus and footer."""
_PLACES: Final = (("comment", COMMENT), ("related", RELATED), ("aside", CHROME))
_BESIDES: Final = COMMENT | RELATED | CHROME
_BYLINES: Final = frozenset(["byline", "author"])
_NAMING: Final = frozenset(["meta", "meta-other", "itemprop", "rel", "byline", "account", "person"])
"""Kinds of claims from elements that explicitly mark an author."""
_STATING: Final = frozenset(["meta", "meta-other", "itemprop", "rel", "byline", "author"])
_BELOW_HEADING: Final = 6
_NEAR_HEADING: Final = 100
"""Elements after the heading: farther below stand boxes about other people."""
_NAMING_HERE: Final = frozenset(["author", "link", "card", "user"])
_BYLINE_BELOW: Final = 12
"""Blocks below the heading that a line `By ...` of the page's author stands in."""
_MANY: Final = 6
_PEN_NAME: Final = re.compile(r"[^\W\d_][^\W\d_'’.-]{2,19}|(?:[^\W\d_][^\W\d_'’.-]*[.]?\s){1,2}[^\W\d_'’-]{3,19}")
_SHORT: Final = 3
"""Letters of a site's name that are in too many others."""

Features = dict[str, float]
Candidate = tuple[tuple[str, ...], Features]


@dataclass(frozen=True, slots=True)
class Scale:
    """Weight of each feature, and the minimum score of the best candidate."""

    weights: dict[str, float]
    threshold: float = _THRESHOLD

    def weigh(self, row: Features) -> float:
        """Score of a candidate, as a logit relative to "no author"."""
        return sum(self.weights.get(name, 0.0) * value for name, value in row.items())


@dataclass(frozen=True)
class AuthorPage:
    """Page data for scoring candidates."""

    site_names: Sequence[str]
    address: str
    """URL of the page; may be empty."""
    blocks: Sequence[HtmlBlock]
    """The visible text of the page."""
    cards: Sequence[str] = ()
    """Link preview texts (Open Graph, Twitter)."""

    @cached_property
    def sites(self) -> frozenset[str]:
        """Possible names of the site: lower case, letters and digits only."""
        return site_forms(self.site_names, self.address)

    @cached_property
    def whole(self) -> bool:
        """Whether it is a whole page; an extracted article has usually lost its byline."""
        return sum(block.links for block in self.blocks) >= _WHOLE

    @cached_property
    def heading(self) -> bool:
        """Whether the page has a heading."""
        return any(block.place.tag == "h1" for block in self.blocks)

    @cached_property
    def _lower(self) -> str:
        return "\n".join((*(block.text for block in self.blocks), *self.cards)).lower()

    def shows(self, names: Sequence[str]) -> bool:
        """Whether the page shows the longest word of any of these names; a name may be split over elements."""
        return any(max(name.lower().split(), key=len, default="") in self._lower for name in names)

    def bears(self, name: str) -> bool:
        """Whether it is the site's name, not that of a person after whom the site is named."""
        return _flat(name) in self.sites and not (" " in name and first_name_known(name))


def authors_of(
    declared: Sequence[str], claims: Callable[[], Sequence[Claim]], page: AuthorPage, scale: Scale | None = None
) -> tuple[str, ...]:
    """The authors, at most 50, distinct; empty if no candidate is likely enough.

    `declared` are the authors in structured data: agencies and newsrooms are accepted, persons that a whole page does
    not show are not. `claims` is called only if these are not sufficient.
    """
    named = tuple(dict.fromkeys(name for text in declared for name in declared_names(text)))
    if named and all(names_in(name) and " " in name for name in named) and page.whole and not page.shows(named):
        named = ()
    if named and not _is_house(named, page):
        return named[:MAX_AUTHORS]
    stated = claims()
    ranked = candidates(stated, page)
    if named:
        ranked = [one for one in ranked if text_key(one[0]) != text_key(named) and _is_person(one[0], page)]
    scale = scale or _fitted()
    best, weight = max(((names, scale.weigh(row)) for names, row in ranked), key=lambda one: one[1], default=((), 0.0))
    if weight > scale.threshold + (_MARGIN if named else 0.0):
        return best[:MAX_AUTHORS]
    return (named or _uncontested(stated, page))[:MAX_AUTHORS]


def _uncontested(claims: Sequence[Claim], page: AuthorPage) -> tuple[str, ...]:
    """The persons whom all places that name an author name; empty if these differ, or none does.

    The weights know the names of a few peoples: a place that says `author` is enough where nothing speaks against it.
    """
    stated = [claim for claim in claims if _states_author(claim) and not _is_nobody([claim], page)]
    stated = [claim for claim in stated if not any(map(is_generic, claim.names))]  # `Transport Correspondent`
    if not stated or not all(_is_person(claim.names, page) or _is_pen_name(claim, page) for claim in stated):
        return ()
    most = max(stated, key=lambda claim: len(claim.key))
    return most.names if all(claim.key <= most.key for claim in stated) else ()


def _is_pen_name(claim: Claim, page: AuthorPage) -> bool:
    """Whether metadata names somebody by one word or in small letters, as `Madonna` and `bell hooks` write it."""
    name = claim.names[0]
    if claim.kind != "meta" or len(claim.names) > 1 or page.bears(name) or _in_site(name, page):
        return False
    return _PEN_NAME.fullmatch(name) is not None and not page.whole


def _states_author(claim: Claim) -> bool:
    if claim.hints & _BESIDES or (claim.order or 0) > _NEAR_HEADING:
        return False
    return claim.kind in _STATING or (claim.kind == "line" and claim.lead and 0 < (claim.order or 0) <= _BELOW_HEADING)


def _is_house(names: Sequence[str], page: AuthorPage) -> bool:
    """Whether it is a single name, more likely of a site or newsroom than of a person."""
    name = names[0]
    return len(names) == 1 and (_is_single(name) or not names_in(name) or is_generic(name) or page.bears(name))


def _is_person(names: Sequence[str], page: AuthorPage) -> bool:
    return all(names_in(name) and not page.bears(name) and not _in_site(name, page) for name in names)


@lru_cache(maxsize=1)
def _fitted() -> Scale:
    return Scale(orjson.loads(resources.files(__package__).joinpath("weights.json").read_bytes()))


def candidates(claims: Sequence[Claim], page: AuthorPage) -> list[Candidate]:
    """Distinct sets of names with their features."""
    by_key: dict[frozenset[str], list[Claim]] = {}
    by_kind: dict[str, list[Claim]] = {}
    for claim in claims:
        by_key.setdefault(claim.key, []).append(claim)
        by_kind.setdefault(claim.kind, []).append(claim)
    keys = list(by_key)
    return [
        (own[0].names, dict(_features(own, keys, by_kind, page)))
        for own in by_key.values()
        if not _is_nobody(own, page)
    ]


def _is_nobody(own: Sequence[Claim], page: AuthorPage) -> bool:
    """Whether these are roles, commenters, or in metadata only: the site's name, or invisible names."""
    names = own[0].names
    if all(is_role(name) for name in names):
        return True
    if any(claim.order is not None for claim in own):
        return all(claim.hints & COMMENT for claim in own)
    if all(page.bears(name) for name in names):
        return True
    hidden = page.whole and all(claim.kind != "card" for claim in own) and not page.shows(names)
    return hidden and all(names_in(name) for name in names)


def _features(
    own: Sequence[Claim], keys: Sequence[frozenset[str]], by_kind: dict[str, list[Claim]], page: AuthorPage
) -> Iterator[tuple[str, float]]:
    names, key, kinds = own[0].names, own[0].key, {claim.kind for claim in own}
    strict = all(names_in(name) for name in names)
    yield "any", 1.0
    for kind, claims in by_kind.items():
        if kind in kinds:
            yield f"said by {kind}", 1.0
            yield f"first {kind}", float(claims[0].key == key)
            others = len({claim.key for claim in claims if not claim.together})
            yield f"one of many {kind}", min(others, _MANY) / 5 if others > 1 else 0.0
            yield f"not strictly {kind}", float(not strict)
        elif not any(claim.key & key for claim in claims):
            yield f"other {kind}", float(any(not claim.hints & _BESIDES for claim in claims))
    yield "kinds", min(len(kinds), _MANY) / 3
    yield "one kind, strict" if strict else "one kind", float(len(kinds) == 1)
    yield "in more names", float(any(key < other for other in keys))
    yield "has fewer names", float(any(other < key for other in keys))
    yield from _of_places(own, strict, page)
    yield from _of_names(own, strict, page)


def _of_places(own: Sequence[Claim], strict: bool, page: AuthorPage) -> Iterator[tuple[str, float]]:
    placed = [claim for claim in own if claim.order is not None]
    names = own[0].names
    if not placed:
        yield "only told, strict" if strict else "only told", 1.0
        yield "not shown", float(page.whole and not page.shows(names))
        return
    yield "shown", 1.0
    for name, bit in _PLACES:
        yield name, float(all(claim.hints & bit for claim in placed))
    yield "lead", float(any(claim.lead for claim in placed))
    yield "times", min(len(placed), 10) / 5
    yield "dated", float(any(claim.dated for claim in placed))
    slug = _flat(names[0])
    yield "leads to the name", float(any(slug in _flat(claim.address) for claim in placed if claim.address))
    lines = [claim.order or 0 for claim in placed if claim.kind == "line"]
    yield "line below", float(any(0 < order <= _BYLINE_BELOW for order in lines))
    yield "line above", float(bool(lines) and all(order < 0 for order in lines))
    marked = [claim.order or 0 for claim in placed if claim.kind not in ("line", "alone")]
    if marked and page.heading:
        beside = min(marked, key=abs)
        yield "just below", float(0 <= beside < 25)
        yield "below", float(25 <= beside < 60)
        yield "just above", float(-15 < beside < 0)
        yield "above", float(all(order < 0 for order in marked))


def _of_names(own: Sequence[Claim], strict: bool, page: AuthorPage) -> Iterator[tuple[str, float]]:
    names = own[0].names
    single = any(map(_is_single, names))
    # First-name lists are incomplete: where markup marks a name, its form is sufficient.
    signed = any(claim.lead and claim.kind in _BYLINES for claim in own)
    named = signed or any(_names_author(claim) for claim in own)
    known = (named and strict) or signed or any(first_name_known(name) for name in names)
    bears = any(page.bears(name) for name in names)
    yield "strict", float(strict)
    yield "single", float(single)
    yield "long", float(not strict and any(name.count(" ") >= 3 for name in names))
    yield "generic", float(any(is_generic(name) for name in names))
    yield "known", float(known and not single)
    yield "known, strict", float(known and strict)
    yield "known, single", float(known and single)
    yield "site", float(bears)
    yield "site, strict", float(bears and strict)
    yield "in site", float(not bears and any(_in_site(name, page) for name in names))
    yield "initials of site", float(any(_initials(name) in page.sites for name in names if " " in name))


def _names_author(claim: Claim) -> bool:
    """Whether the place says that the name is the author's; what stands in a teaser or a side bar says it of others."""
    if claim.kind in _NAMING:
        return True
    signs = claim.kind == "line" and 0 < (claim.order or 0) <= _BYLINE_BELOW
    return (signs or claim.kind in _NAMING_HERE) and not claim.hints & _BESIDES


def _is_single(name: str) -> bool:
    """Whether it is a single word, except full names in scripts without spaces."""
    return " " not in name and not is_unspaced_name(name)


def _in_site(name: str, page: AuthorPage) -> bool:
    flat = _flat(name)
    return len(flat) > _SHORT and any(flat in site or site in flat for site in page.sites if len(site) > _SHORT)


def _initials(name: str) -> str:
    return "".join(word[0] for word in plain_words(name))


def _flat(text: str) -> str:
    return "".join(plain_words(text))
