"""What a query looks at: the words and fields of one article, or of what is left of it."""

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
"""What an engine gets of an article at most, in characters and names; nothing beyond it is matched."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One article, ready to be matched. Build it once for any number of queries.

    With `partial` the words, date and story of a removed article are unknown and count as "may match".
    """

    words: frozenset[str] | TermFilter
    """A `TermFilter` when the text was erased by a retraction."""
    runs: str
    """The tokens of each text, a space around each, the texts on lines of their own: phrases are found in here."""
    tags: frozenset[str]
    section: str | None
    source: str | None
    languages: tuple[str, ...]
    """The RFC 4647 ranges that match its language."""
    story: str | None
    dated_at: int
    """Unix seconds."""
    partial: bool = False

    @property
    def is_erased(self) -> bool:
        """Whether only a `TermFilter` of the words is left."""
        return isinstance(self.words, TermFilter)

    def holds(self, tokens_: Sequence[str]) -> bool:
        """Whether these tokens stand side by side in one of the texts."""
        if isinstance(self.words, TermFilter):
            return self.words.holds(tokens_)
        if len(tokens_) == 1:
            return tokens_[0] in self.words
        return self.words.issuperset(tokens_) and f" {' '.join(tokens_)} " in self.runs


def token_runs(
    *, title: str, dek: str, summary: str, body: str, tags: Iterable[str], authors: Iterable[str]
) -> list[list[str]]:
    """The texts that strict matching looks at, as tokens; `tags` are slugs. Empty ones are left out.

    The joined spellings of their words follow, each a text of its own: `wifi` finds `Wi-Fi`.
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
    """Facts of the whole article: what strict search sees."""
    return _facts(article, article.body, article.dated_at)


def card_facts(card: Card) -> Facts:
    """Facts of a card: as of the article, without the words that only its body holds."""
    return _facts(card, "", card.dated_at)


def tombstone_facts(tombstone: Tombstone) -> Facts:
    """What can still be judged of an article that was taken back: tags, section, source and language."""
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
    """What is kept of an article for matching its tombstone; made before the text is erased."""
    facts = article_facts(article)
    runs = [line.split() for line in facts.runs.split("\n")]
    return RemovedText(terms=TermFilter.of(runs).encode(), story_id=article.story_id, dated_at=article.dated_at)


def removed_facts(tombstone: Tombstone, removed: RemovedText) -> Facts:
    """Facts of the article that this tombstone stands for. Raises ValueError for a damaged term filter."""
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

    Give it wherever live matching has to agree with search: the log itself holds no bodies. An article of another
    revision is still the better witness, since search shows only the latest.
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
