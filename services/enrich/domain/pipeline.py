"""The recipe: how an original becomes an article.

Every step is a named, versioned function from draft to draft that says in a few words what it decided. A new step is
one more line in `recipe`; its name and version change `PIPELINE_VERSION` by themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pydantic import BaseModel, ConfigDict

from services.enrich.domain import decoding, fields, json_page, sections, tags
from services.enrich.domain.html import page as html_page
from services.enrich.domain.language import detection
from services.enrich.domain.names.entities import entities
from services.enrich.domain.names.names import NameFinder
from services.enrich.domain.names.rules import RULES
from services.enrich.domain.reading import UNREAD, RawPage, Reading
from services.enrich.domain.slug import slugify
from services.enrich.domain.terms import words
from services.enrich.domain.terms.fingerprint import fingerprint
from services.enrich.domain.terms.keyphrases import keyphrases
from services.enrich.domain.terms.signature import signature
from services.enrich.domain.terms.summary import summarise
from services.enrich.domain.text import plain_text
from shared.articles import EMPTY_FINGERPRINT, Article, Cut, Entity, Fingerprint, InputKind, Keyphrase, Step, Tag

_MAX_CUTS: Final = 1_000
_MAX_CUT: Final = 2_000
_MAX_RECOMMENDED: Final = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """An article in the making."""

    page: RawPage
    reading: Reading = UNREAD
    tags: tuple[Tag, ...] = ()
    language: str = detection.UNKNOWN
    words: int = 0
    slug: str = ""
    summary: str = ""
    keyphrases: tuple[Keyphrase, ...] = ()
    entities: tuple[Entity, ...] = ()
    signature: tuple[tuple[str, float], ...] = ()
    fingerprint: Fingerprint = EMPTY_FINGERPRINT

    @property
    def text(self) -> str:
        """Title, dek and body as sentences of their own."""
        return "\n\n".join(filter(None, (self.reading.title, self.reading.dek, *self.reading.paragraphs)))


class Outcome(BaseModel):
    """What one run of the pipeline made. Cuts and recommended items are bounded in number and length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    article: Article
    steps: tuple[Step, ...]
    cuts: tuple[Cut, ...]


Decided = tuple[Draft, str]


def read(draft: Draft) -> Decided:
    """Tell the article's text from everything else on the page."""
    page = draft.page
    if page.kind is InputKind.HTML:
        reading = html_page.read(page.data, page.media_type, page.submission.url)
    elif page.kind is InputKind.JSON:
        reading = json_page.read(page.data, page.submission)
    else:
        reading = plain_text.read(decoding.decode(page.data, page.media_type), page.submission)
    note = f"{page.kind.value}: {reading.note}; {len(reading.paragraphs)} paragraphs, {len(reading.cuts)} cuts"
    return replace(draft, reading=reading), note


def settle_fields(draft: Draft) -> Decided:
    """Put the producer's fields before the page's."""
    reading, note = fields.settle(draft.page, draft.reading)
    return replace(draft, reading=reading), note


def place_in_section(draft: Draft) -> Decided:
    """The producer's section, else the page's in the words of one list."""
    if draft.page.submission.section:
        return draft, "given"
    section, note = sections.settle(draft.reading.section, draft.reading.url)
    return replace(draft, reading=replace(draft.reading, section=section)), note


def normalise_tags(draft: Draft) -> Decided:
    """One tag per identity."""
    found = tags.normalise(draft.reading.tags)
    return replace(draft, tags=found), f"{len(draft.reading.tags)} labels, {len(found)} tags"


def tell_language(draft: Draft) -> Decided:
    """The producer's language, else the one the words are in, else the one the page claims."""
    if given := detection.normalise(draft.page.submission.language):
        return replace(draft, language=given), "given"
    told = detection.tell("\n".join((*draft.reading.paragraphs, draft.reading.title)))
    if told.tag != detection.UNKNOWN:
        return replace(draft, language=told.tag), f"detected: {told.how}"
    claimed = detection.normalise(draft.reading.language)
    return replace(draft, language=claimed or detection.UNKNOWN), "claimed by the page" if claimed else told.how


def count_words(draft: Draft) -> Decided:
    """Words of the body."""
    total = words.count("\n".join(draft.reading.paragraphs))
    return replace(draft, words=total), f"{total} words"


def name_address(draft: Draft) -> Decided:
    """The readable part of the address."""
    return replace(draft, slug=slugify(draft.reading.title)), ""


def write_summary(draft: Draft) -> Decided:
    """The article's own most telling sentences."""
    text = summarise(draft.reading.title, draft.reading.paragraphs, draft.language)
    return replace(draft, summary=text), f"{len(text.split())} words"


def find_keyphrases(draft: Draft) -> Decided:
    """What the article speaks of."""
    found = keyphrases(draft.text, draft.language)
    heaviest = ", ".join(one.phrase for one in found[:3])
    return replace(draft, keyphrases=found), f"{len(found)} phrases" + (f": {heaviest}" if heaviest else "")


def name_entities(finder: NameFinder, draft: Draft) -> Decided:
    """The people, organisations and places that dek and body name; a headline's capitals would say nothing."""
    found = entities(tuple(filter(None, (draft.reading.dek, *draft.reading.paragraphs))), draft.language, finder)
    alone = "" if finder.speaks(draft.language) else " by the rules alone"
    most = ", ".join(one.name for one in found[:3])
    return replace(draft, entities=found), f"{len(found)} names{alone}" + (f": {most}" if most else "")


def sign(draft: Draft) -> Decided:
    """The heaviest terms, for related articles."""
    reading = draft.reading
    body = "\n\n".join(filter(None, (reading.dek, *reading.paragraphs)))
    found = signature(reading.title, body, draft.language)
    return replace(draft, signature=found), f"{len(found)} terms"


def take_fingerprint(draft: Draft) -> Decided:
    """What copies and stories are told by."""
    reading = draft.reading
    found = fingerprint(reading.title, tuple(filter(None, (reading.dek, *reading.paragraphs))), draft.language)
    return replace(draft, fingerprint=found), f"{found.shingle_count} word triples, {len(found.terms)} terms"


Recipe = tuple[tuple[str, str, Callable[[Draft], Decided]], ...]
"""Name, version and function of each step."""


def recipe(names: NameFinder = RULES) -> Recipe:
    """All steps in order. `names`: who finds names."""
    return (
        ("read", "4", read),
        ("fields", "2", settle_fields),
        ("section", "1", place_in_section),
        ("tags", "2", normalise_tags),
        ("language", "4", tell_language),
        ("words", "1", count_words),
        ("slug", "1", name_address),
        ("summary", "1", write_summary),
        ("keyphrases", "2", find_keyphrases),
        ("entities", names.version, partial(name_entities, names)),
        ("signature", "2", sign),
        ("fingerprint", "1", take_fingerprint),
    )


def version_of(steps: Iterable[tuple[str, str]]) -> str:
    """The version of a whole pipeline, from the names and versions of its steps."""
    return hashlib.sha256(";".join(f"{name}@{version}" for name, version in steps).encode()).hexdigest()[:12]


RECIPE: Final = recipe()
"""The one that needs no model."""

PIPELINE_VERSION: Final = version_of((name, version) for name, version, _ in RECIPE)
"""That of `RECIPE`: changes whenever a step is added, removed, reordered or given another version."""


def run(page: RawPage, clock: Callable[[], float], steps_to_do: Recipe = RECIPE) -> Outcome:
    """Make the article. `clock` answers seconds, for the steps' times only. Raises Permanent naming a rule."""
    draft = Draft(page)
    steps: list[Step] = []
    for name, version, step in steps_to_do:
        started = clock()
        draft, note = step(draft)
        steps.append(Step(name=name, version=version, took_ms=round((clock() - started) * 1000, 3), note=note))
    return Outcome(article=_article(draft), steps=tuple(steps), cuts=_bounded(draft.reading.cuts))


def _article(draft: Draft) -> Article:
    page, reading = draft.page, draft.reading
    return Article(
        id=page.article_id,
        rev=page.rev,
        slug=draft.slug,
        title=reading.title,
        dek=reading.dek,
        paragraphs=reading.paragraphs,
        summary=draft.summary,
        tags=draft.tags,
        section=reading.section,
        source=reading.site,
        authors=reading.authors,
        language=draft.language,
        url=reading.url,
        published_at=reading.published_at,
        received_at=page.received_at,
        first_received_at=page.first_received_at,
        word_count=draft.words,
        reading_minutes=words.reading_minutes(draft.words),
        keyphrases=draft.keyphrases,
        entities=draft.entities,
        recommended=reading.recommended[:_MAX_RECOMMENDED],
        images=reading.images,
        correction=page.submission.correction or "",
        signature=draft.signature,
        fingerprint=draft.fingerprint,
    )


def _bounded(cuts: tuple[Cut, ...]) -> tuple[Cut, ...]:
    kept = tuple(
        cut if len(cut.text) <= _MAX_CUT else cut.model_copy(update={"text": cut.text[:_MAX_CUT] + "…"})
        for cut in cuts[:_MAX_CUTS]
    )
    left_out = len(cuts) - len(kept)
    return (*kept, Cut(rule="not-listed", text=f"{left_out} more cuts")) if left_out else kept
