"""Facts: the words and fields of an article, event or tombstone that queries are matched against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from shared.articles import Article, Card
from shared.events import LogEvent, Publication, RemovedText, StoryChange, Tombstone
from shared.identity.languages import language_ranges
from shared.query.spellings import joined_spellings
from shared.query.term_filter import TermFilter
from shared.query.tokens import tokens

MAX_TITLE: Final = 2_000
MAX_BODY: Final = 60_000
MAX_AUTHORS: Final = 100
"""Maximum characters and names of an article that are indexed; text beyond them is not matched."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One article prepared for matching. Build once, match against any number of queries.

    With `partial` the words, date and story of a removed article are unknown and count as "may match".
    """

    words: frozenset[str] | TermFilter
    """A `TermFilter` if a retraction erased the text."""
    runs: str
    """The tokens of all texts, separated by spaces, one text per line. Phrases are substrings of it."""
    tags: frozenset[str]
    section: str | None
    source: str | None
    languages: tuple[str, ...]
    """RFC 4647 language ranges that match the language."""
    story: str | None
    dated_at: int
    """Unix seconds."""
    partial: bool = False

    @property
    def is_erased(self) -> bool:
        """Whether the text is erased and only a `TermFilter` remains."""
        return isinstance(self.words, TermFilter)

    def holds(self, tokens_: Sequence[str]) -> bool:
        """Whether these tokens are adjacent in one of the texts."""
        if isinstance(self.words, TermFilter):
            return self.words.holds(tokens_)
        if len(tokens_) == 1:
            return tokens_[0] in self.words
        return self.words.issuperset(tokens_) and f" {' '.join(tokens_)} " in self.runs


def token_runs(
    *, title: str, dek: str, summary: str, body: str, tags: Iterable[str], authors: Iterable[str]
) -> list[list[str]]:
    """The texts that strict matching searches, as token runs; `tags` are slugs. Empty texts are omitted.

    Joined spellings follow, each as its own text, so that `wifi` finds `Wi-Fi`.
    """
    texts = (title[:MAX_TITLE], dek[:MAX_TITLE], summary, body[:MAX_BODY], *tags, *islice(authors, MAX_AUTHORS))
    runs = [run for text in texts if (run := tokens(text))]
    known = {token for run in runs for token in run}
    return runs + [[spelling] for spelling in joined_spellings(texts) if spelling not in known]


def facts_of(
    runs: Sequence[Sequence[str]],
    *,
    tags: Iterable[str],
    section: str | None,
    source: str | None,
    language: str,
    story: str | None,
    dated_at: int,
    partial: bool = False,
) -> Facts:
    """Facts from token runs and fields."""
    return Facts(
        words=frozenset(token for run in runs for token in run),
        runs="\n".join(f" {' '.join(run)} " for run in runs),
        tags=frozenset(tags),
        section=section,
        source=source,
        languages=language_ranges(language),
        story=story,
        dated_at=dated_at,
        partial=partial,
    )


def article_facts(article: Article) -> Facts:
    """Facts of the whole article, as in strict search."""
    return _facts(article, article.body, article.dated_at)


def card_facts(card: Card) -> Facts:
    """Facts of a card: those of the article without the words of its body."""
    return _facts(card, "", card.dated_at)


def tombstone_facts(tombstone: Tombstone) -> Facts:
    """Facts of a removed article: tags, section, source and language."""
    return facts_of(
        (),
        tags=(tag.slug for tag in tombstone.tags),
        section=tombstone.section,
        source=tombstone.source,
        language=tombstone.language,
        story=None,
        dated_at=0,
        partial=True,
    )


def removed_text(article: Article) -> RemovedText:
    """Data for matching the tombstone of an article. Built before the text is erased."""
    facts = article_facts(article)
    runs = [line.split() for line in facts.runs.split("\n")]
    return RemovedText(terms=TermFilter.of(runs).encode(), story_id=article.story_id, dated_at=article.dated_at)


def removed_facts(tombstone: Tombstone, removed: RemovedText) -> Facts:
    """Facts of the article of this tombstone. Raises ValueError for a damaged term filter."""
    return Facts(
        words=TermFilter.decode(removed.terms),
        runs="",
        tags=frozenset(tag.slug for tag in tombstone.tags),
        section=tombstone.section,
        source=tombstone.source,
        languages=language_ranges(tombstone.language),
        story=removed.story_id,
        dated_at=int(removed.dated_at.timestamp()),
    )


def event_facts(event: LogEvent, article: Article | None = None) -> Facts:
    """Facts of an event of the public log; `article`, if given, is the stored article, with its body.

    Pass the article if matching must agree with search: the log contains no bodies. An article of another revision is
    preferred to the card, since search shows only the latest.
    """
    match event:
        case Publication():
            return card_facts(event.card) if article is None else article_facts(article)
        case StoryChange():
            return card_facts(event.story.lead.model_copy(update={"story_id": event.story.id}))
        case _ if event.removed is not None:
            return removed_facts(event.article, event.removed)
        case _:  # written by an older version
            return tombstone_facts(event.article) if article is None else article_facts(article)


def _facts(source: Article | Card, body: str, dated_at: datetime) -> Facts:
    slugs = [tag.slug for tag in source.tags]
    runs = token_runs(
        title=source.title,
        dek=source.dek,
        summary=source.summary,
        body=body,
        tags=slugs,
        authors=source.authors,
    )
    return facts_of(
        runs,
        tags=slugs,
        section=source.section,
        source=source.source,
        language=source.language,
        story=source.story_id,
        dated_at=int(dated_at.timestamp()),
    )
