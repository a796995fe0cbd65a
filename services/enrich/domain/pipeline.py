"""Enrichment pipeline: turns a stored original into an article.

Each step is a named, versioned function from draft to draft that returns a short note for the trace. To add a step, add
a line to `recipe`; `PIPELINE_VERSION` is derived from the names and versions of all steps.
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
from services.enrich.domain.terms import words
from services.enrich.domain.terms.fingerprint import fingerprint
from services.enrich.domain.terms.keyphrases import keyphrases
from services.enrich.domain.terms.signature import signature
from services.enrich.domain.terms.summary import summarise
from services.enrich.domain.text import plain_text
from shared.articles import (
    Article,
    Entity,
    InputKind,
    Keyphrase,
    RemovedSpan,
    Step,
    Tag,
)
from shared.fingerprints import EMPTY_FINGERPRINT, Fingerprint
from shared.identity.languages import UNKNOWN, canonical_language
from shared.identity.slugs import slugify

_MAX_REMOVED: Final = 1_000
_MAX_REMOVED_TEXT: Final = 2_000
_MAX_RECOMMENDED: Final = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """An article between two pipeline steps."""

    page: RawPage
    reading: Reading = UNREAD
    tags: tuple[Tag, ...] = ()
    language: str = UNKNOWN
    words: int = 0
    slug: str = ""
    summary: str = ""
    keyphrases: tuple[Keyphrase, ...] = ()
    entities: tuple[Entity, ...] = ()
    signature: tuple[tuple[str, float], ...] = ()
    fingerprint: Fingerprint = EMPTY_FINGERPRINT

    @property
    def text(self) -> str:
        """Title, dek and body, separated by blank lines."""
        return "\n\n".join(filter(None, (self.reading.title, self.reading.dek, *self.reading.paragraphs)))


class Outcome(BaseModel):
    """Result of one pipeline run. Removed spans and recommended items are bounded in number and length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    article: Article
    steps: tuple[Step, ...]
    removed: tuple[RemovedSpan, ...]


StepResult = tuple[Draft, str]


def read(draft: Draft) -> StepResult:
    """Extract the article from the page."""
    page = draft.page
    if page.kind is InputKind.HTML:
        reading = html_page.read(page.data, page.media_type, page.submission.url, page.submission.title)
    elif page.kind is InputKind.JSON:
        reading = json_page.read(page.data, page.submission)
    else:
        text, is_markdown = decoding.decode(page.data, page.media_type), page.media_type.startswith("text/markdown")
        reading = plain_text.read(text, page.submission, is_markdown=is_markdown)
    note = (
        f"{page.kind.value}: {reading.note}; {len(reading.paragraphs)} paragraphs, {len(reading.removed)} removed spans"
    )
    return replace(draft, reading=reading), note


def merge_fields(draft: Draft) -> StepResult:
    """Merge submitted fields over extracted ones."""
    reading, note = fields.merge_fields(draft.page, draft.reading)
    return replace(draft, reading=reading), note


def resolve_section(draft: Draft) -> StepResult:
    """Use the submitted section, else the canonical form of the page's."""
    if draft.page.submission.section:
        return draft, "given"
    section, note = sections.resolve(draft.reading.section, draft.reading.url)
    return replace(draft, reading=replace(draft.reading, section=section)), note


def normalise_tags(draft: Draft) -> StepResult:
    """Normalise labels to tags, one per identity."""
    found = tags.normalise(draft.reading.tags)
    return replace(draft, tags=found), f"{len(draft.reading.tags)} labels, {len(found)} tags"


def detect_language(draft: Draft) -> StepResult:
    """Use the submitted language unless it is English and the text is certainly not; else the detected one, else the
    one the page declares.
    """
    text = "\n".join((*draft.reading.paragraphs, draft.reading.title))
    if given := canonical_language(draft.page.submission.language or ""):
        if given.partition("-")[0] == "en" and (other := detection.not_english(text)):
            return replace(draft, language=other.tag), f"given {given}, but detected: {other.evidence}"
        return replace(draft, language=given), "given"
    detected = detection.detect(text)
    if detected.tag != UNKNOWN:
        return replace(draft, language=detected.tag), f"detected: {detected.evidence}"
    declared = canonical_language(draft.reading.language or "")
    return replace(draft, language=declared or UNKNOWN), "declared by the page" if declared else detected.evidence


def count_words(draft: Draft) -> StepResult:
    """Count the words of the body."""
    total = words.count("\n".join(draft.reading.paragraphs), draft.language)
    return replace(draft, words=total), f"{total} words"


def make_slug(draft: Draft) -> StepResult:
    """Make the readable part of the URL."""
    return replace(draft, slug=slugify(draft.reading.title)), ""


def summarise_text(draft: Draft) -> StepResult:
    """Select the sentences of the summary."""
    prose = [text for text in draft.reading.paragraphs if "\n" not in text]  # code keeps its line breaks
    text = summarise(draft.reading.title, prose, draft.language)
    return replace(draft, summary=text), f"{len(text.split())} words"


def find_keyphrases(draft: Draft) -> StepResult:
    """Extract keyphrases."""
    found = keyphrases(draft.text, draft.language)
    heaviest = ", ".join(one.phrase for one in found[:3])
    return replace(draft, keyphrases=found), f"{len(found)} phrases" + (f": {heaviest}" if heaviest else "")


def find_entities(finder: NameFinder, draft: Draft) -> StepResult:
    """Find entities in dek and body; the capitals of a headline are no evidence of a name."""
    found = entities(tuple(filter(None, (draft.reading.dek, *draft.reading.paragraphs))), draft.language, finder)
    source = "" if finder.supports(draft.language) else " by the rules alone"
    most = ", ".join(one.name for one in found[:3])
    return replace(draft, entities=found), f"{len(found)} names{source}" + (f": {most}" if most else "")


def compute_signature(draft: Draft) -> StepResult:
    """Compute the signature used for related articles."""
    reading = draft.reading
    body = "\n\n".join(filter(None, (reading.dek, *reading.paragraphs)))
    found = signature(reading.title, body, draft.language)
    return replace(draft, signature=found), f"{len(found)} terms"


def compute_fingerprint(draft: Draft) -> StepResult:
    """Compute the fingerprint used for copy and story detection."""
    reading = draft.reading
    found = fingerprint(reading.title, tuple(filter(None, (reading.dek, *reading.paragraphs))), draft.language)
    return replace(draft, fingerprint=found), f"{found.shingle_count} word triples, {len(found.terms)} terms"


Recipe = tuple[tuple[str, str, Callable[[Draft], StepResult]], ...]
"""Name, version and function of each step."""


def recipe(names: NameFinder = RULES) -> Recipe:
    """All steps in order. `names` is the entity finder."""
    return (
        ("read", "8", read),
        ("fields", "3", merge_fields),
        ("section", "1", resolve_section),
        ("tags", "2", normalise_tags),
        ("language", "5", detect_language),
        ("words", "2", count_words),
        ("slug", "1", make_slug),
        ("summary", "2", summarise_text),
        ("keyphrases", "3", find_keyphrases),
        ("entities", names.version, partial(find_entities, names)),
        ("signature", "3", compute_signature),
        ("fingerprint", "2", compute_fingerprint),
    )


def version_of(steps: Iterable[tuple[str, str]]) -> str:
    """Version of a pipeline: a hash of the names and versions of its steps."""
    return hashlib.sha256(";".join(f"{name}@{version}" for name, version in steps).encode()).hexdigest()[:12]


RECIPE: Final = recipe()
"""The default recipe; needs no model."""

PIPELINE_VERSION: Final = version_of((name, version) for name, version, _ in RECIPE)
"""Version of `RECIPE`. Changes when a step is added, removed, reordered or gets another version."""


def run(page: RawPage, clock: Callable[[], float], steps_to_do: Recipe = RECIPE) -> Outcome:
    """Run all steps. `clock` returns seconds, used only for step times. Raises Permanent naming a rule."""
    draft = Draft(page)
    steps: list[Step] = []
    for name, version, step in steps_to_do:
        started = clock()
        draft, note = step(draft)
        steps.append(Step(name=name, version=version, took_ms=round((clock() - started) * 1000, 3), note=note))
    return Outcome(article=_article(draft), steps=tuple(steps), removed=_bounded(draft.reading.removed))


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
        reading_minutes=words.reading_minutes("\n".join(reading.paragraphs)),
        keyphrases=draft.keyphrases,
        entities=draft.entities,
        recommended=reading.recommended[:_MAX_RECOMMENDED],
        images=reading.images,
        correction=page.submission.correction or "",
        signature=draft.signature,
        fingerprint=draft.fingerprint,
    )


def _bounded(removed: tuple[RemovedSpan, ...]) -> tuple[RemovedSpan, ...]:
    kept = tuple(
        span
        if len(span.text) <= _MAX_REMOVED_TEXT
        else span.model_copy(update={"text": span.text[:_MAX_REMOVED_TEXT] + "…"})
        for span in removed[:_MAX_REMOVED]
    )
    left_out = len(removed) - len(kept)
    return (*kept, RemovedSpan(rule="not-listed", text=f"{left_out} more removed spans")) if left_out else kept
