"""Assigns articles to stories and originals: read the candidates, apply the rules, commit the decisions.

One batch takes a fixed number of round trips. Each decision is committed with compare-and-set on the state it was made
at; after a conflict the rest of the batch is decided again on the new state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from services.index.domain.grouping import COMPARED, Archive, Decision, Story, decide, probes
from services.index.domain.originals import Known
from services.index.domain.similarity import Profile, profile_of
from shared.articles import Article
from shared.errors import Retryable
from shared.source_patterns import SourceTrust
from shared.store.articles.group_records import GroupDecision, Grouping, GroupsState, StoryMove, StoryRecord, dated
from shared.store.articles.groups import ArticleGroups, union

_ATTEMPTS: Final = 8
_REMEMBERED: Final = 4_000  # cached profiles of recently compared articles
_COUNTED: Final = 200_000  # terms
_DRIFT: Final = 0.1  # growth of the archive after which terms are recounted


@dataclass(frozen=True, slots=True)
class _Seen:
    digest: bytes
    profile: Profile
    dated: int


@dataclass
class _Around:
    """Data read for one round of decisions."""

    state: GroupsState
    archive: Archive
    stories: dict[str, StoryRecord] = field(default_factory=dict)
    dates: dict[str, int] = field(default_factory=dict)


@dataclass
class Grouper:
    """Decides on articles; has a bounded cache of the articles they are compared with."""

    groups: ArticleGroups
    trust: SourceTrust = field(default_factory=SourceTrust)
    _deciding: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Serialises the batches of one process, which would otherwise conflict."""
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _holding: dict[str, int] = field(default_factory=dict)
    _counted_at: int = 0

    async def settle(self, articles: Sequence[Article]) -> list[GroupDecision]:
        """The decision on each article at its revision, made now if there is none.

        Raises Retryable after repeated conflicts with other processes, and StoreUnavailable.
        """
        async with self._deciding:
            return await self._settled(articles)

    async def _settled(self, articles: Sequence[Article]) -> list[GroupDecision]:
        idents = [article.id for article in articles]
        for _ in range(_ATTEMPTS):
            state, found, sources = await self.groups.read_state(idents)
            open_ = [
                (_of_source(article, source), before)
                for article, before, source in zip(articles, found, sources, strict=True)
                if before is None or before.rev < article.rev
            ]
            if not open_:
                return [one for one in found if one is not None]
            await self.groups.commit(self._decided(open_, await self._around(open_, state)))
        raise Retryable("grouping conflicts with other processes", retry_after=0.2)

    def _decided(self, rows: Sequence[tuple[Article, GroupDecision | None]], around: _Around) -> list[Grouping]:
        items = []
        state = around.state
        for article, before in rows:
            profile = profile_of(article)
            if before is None:
                around.archive.note(profile)
            decision = decide(profile, around.archive)
            item = _grouping(article, before, decision, replace(around, state=state))
            items.append(item)
            around.archive.apply(profile, decision)
            if item.story is not None:
                around.stories[item.story.id] = item.story
            state = state.next(counted=before is None)
        return items

    async def _around(self, rows: Sequence[tuple[Article, GroupDecision | None]], state: GroupsState) -> _Around:
        """Candidates, their originals and stories, and the document frequency of all their terms."""
        profiles = [profile_of(article) for article, _ in rows]
        archive = Archive(state.documents, state.order, self.trust)
        await self._count(archive, profiles)
        own_probes = [probes(profile, archive) for profile in profiles]
        archive.found_by = await self.groups.articles_by_probe(state, union(own_probes))
        near = union(archive.candidates(profile.id, own) for profile, own in zip(profiles, own_probes, strict=True))
        around = _Around(state, archive)
        await self._load(around, near, [before.story for _, before in rows if before and before.story])
        for (article, before), profile in zip(rows, profiles, strict=True):
            around.dates[article.id] = dated(article)
            if before is not None:
                archive.articles[article.id] = _known(profile, before)
            else:
                archive.articles.pop(article.id, None)
        await self._count(archive, [known.profile for known in archive.articles.values()])
        return around

    async def _load(self, around: _Around, near: Sequence[str], kept: Sequence[str]) -> None:
        """The candidates, the originals of copies, and the newest members of stories.

        `kept`: stories of edited articles, which they stay in even without a candidate in it.
        """
        await self._load_articles(around, near)
        known = around.archive.articles.values()
        story_ids = union((kept, *([one.story] for one in known if one.story)))
        records = [one for one in await self.groups.stories(story_ids) if one is not None and one.into is None]
        around.stories = {one.id: one for one in records}
        around.archive.stories = {one.id: Story(one.id, tuple(one.members), one.order) for one in records}
        originals = [one.duplicate_of.article_id for one in known if one.duplicate_of]
        members = union(list(one.members)[-COMPARED:] for one in records)
        await self._load_articles(around, [i for i in union((originals, members)) if i not in around.archive.articles])

    async def _load_articles(self, around: _Around, idents: Sequence[str]) -> None:
        digests = await self.groups.digests(idents)
        stale = [i for i, digest in digests.items() if i not in self._seen or self._seen[i].digest != digest]
        for ident, article in (await self.groups.readable(stale)).items():
            self._seen[ident] = _Seen(digests[ident], profile_of(article), dated(article))
        settled = await self.groups.decisions(list(digests))
        for ident, one in zip(digests, settled, strict=True):
            seen = self._seen.get(ident)
            if one is not None and seen is not None and seen.digest == digests[ident]:
                around.archive.articles[ident] = _known(seen.profile, one)
                around.dates[ident] = seen.dated
        for ident in list(self._seen)[: max(0, len(self._seen) - _REMEMBERED)]:
            del self._seen[ident]

    async def _count(self, archive: Archive, profiles: Iterable[Profile]) -> None:
        """Document frequency of the terms of these profiles: cached while the archive is about the same size."""
        grown = archive.documents > self._counted_at * (1 + _DRIFT) + 10
        if grown or len(self._holding) > _COUNTED:
            self._holding, self._counted_at = {}, archive.documents
        terms = {item.term for profile in profiles for item in profile.fingerprint.terms}
        missing = sorted(terms - self._holding.keys())
        self._holding |= await self.groups.term_counts(missing)
        archive.holding.update({term: self._holding[term] for term in terms if term not in archive.holding})


def _of_source(article: Article, source: str | None) -> Article:
    """The article under the source that it belongs to: a page of no source may name any site as its own."""
    return article if source is None else article.model_copy(update={"source": source or None})


def _known(profile: Profile, decided: GroupDecision) -> Known:
    return Known(
        profile if decided.source is None else replace(profile, source=decided.source or None),
        decided.order,
        decided.story,
        decided.duplicate_of,
        decided.claim,
        decided.ruling,
        is_back=decided.rev == 0,
    )


def _grouping(article: Article, before: GroupDecision | None, decision: Decision, around: _Around) -> Grouping:
    story = decision.story
    joined = story is not None and article.id in story.members and (before is None or before.story != story.id)
    record = _record(story, around) if story is not None else None
    move = None
    if story is not None and joined:
        move = StoryMove(story.id, tuple(one.id for one in decision.merged), decision.moved)
    elif decision.copies:
        move = StoryMove("", moved=decision.moved)  # no story event, but the copies have to be written again
    return Grouping(
        state=around.state,
        article_id=article.id,
        rev=article.rev,
        story=record,
        in_story=joined,
        duplicate_of=decision.duplicate_of,
        rule=decision.rule.value if decision.rule else "",
        claim=decision.claim,
        is_new_claim=decision.is_new_claim,
        copies={ident: (copy.of, copy.rule.value) for ident, copy in decision.copies.items()},
        move=move,
        why=_why(decision),
        probes=decision.probes,
        terms=[item.term for item in article.fingerprint.terms] if before is None else (),
    )


def _record(story: Story, around: _Around) -> StoryRecord:
    dates = {ident: at for record in around.stories.values() for ident, at in record.members.items()} | around.dates
    known = around.stories.get(story.id)
    members = {ident: dates.get(ident, 0) for ident in story.members}
    return StoryRecord(story.id, members, story.order, announced=known.announced if known else False)


def _why(decision: Decision) -> dict[str, Any]:
    copied = decision.duplicate_of
    return {
        "compared": decision.compared,
        "nearest": decision.similarity,
        "story": decision.story.id if decision.story else None,
        "merged": [one.id for one in decision.merged],
        "duplicate_of": copied.article_id if copied else None,
        "containment": copied.score if copied else None,
        "copies": {ident: copy.rule.value for ident, copy in decision.copies.items()},
    }
