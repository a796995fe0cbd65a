"""Store of copies and stories. Every decision is one atomic commit with optimistic locking.

Candidates are found by probes (hashes of word triples, significant terms) among the most recent articles; the decision
on an article stays in its record permanently. The rules are in `services/index/domain/grouping.py`.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from shared.articles import Article, Duplicate
from shared.claims import Claim, Ruling
from shared.errors import CorruptRecord
from shared.store import keys
from shared.store.articles import blobs
from shared.store.articles.group_records import SLICES, GroupDecision, Grouping, GroupsState, StoryMove, StoryRecord
from shared.store.articles.group_scripts import CommitGrouping, LeaveStory
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts

_ID: Final = 26  # length of an article id; a probe stores a concatenation of ids
_DECISION_FIELDS: Final = (
    "group_rev",
    "group_order",
    "story",
    "dup",
    "change",
    "why",
    "rule",
    "claim",
    "ruling",
    "source",
)
_BUCKETS: Final = 2**20
"""Number of hash buckets for term counts: bounds the memory for arbitrary terms."""


class ArticleGroups:
    """Copies and stories in Redis. Raises `StoreUnavailable` while Redis is unavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def read_state(
        self, article_ids: Sequence[str]
    ) -> tuple[GroupsState, list[GroupDecision | None], list[str | None]]:
        """The grouping state and the decisions on articles, in one round trip.

        The state is read first, so a commit at this state fails if any decision was made after the read.
        """
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            pipe.hmget(keys.GROUPS, ["version", "documents", "order", "slice", "in_slice"])
            for ident in article_ids:
                pipe.hmget(keys.article(ident), list(_DECISION_FIELDS))
            state, *rows = await pipe.execute()
        return (
            GroupsState(*(int(value or 0) for value in state)),
            [_decision(row, left=True) for row in rows],
            [_text(row[-1]) for row in rows],
        )

    async def decisions(self, article_ids: Sequence[str]) -> list[GroupDecision | None]:
        """The decisions on articles; None if there is none."""
        return [
            _decision(row) for row in await self._rows([keys.article(ident) for ident in article_ids], _DECISION_FIELDS)
        ]

    async def term_counts(self, terms: Sequence[str]) -> dict[str, int]:
        """Term -> number of articles that contain it; an upper bound, since terms may share a bucket."""
        if not terms:
            return {}
        async with unavailable_when_down():
            counts = await self._client.hmget(keys.GROUP_TERMS, [_bucket(term) for term in terms])
        return {term: int(count or 0) for term, count in zip(terms, counts, strict=True)}

    async def articles_by_probe(self, state: GroupsState, probes: Sequence[str]) -> dict[str, list[str]]:
        """Probe -> ids of the most recent articles with it, oldest first."""
        if not probes:
            return {}
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for number in range(max(0, state.slice - SLICES + 1), state.slice + 1):
                pipe.hmget(keys.group_probes(number), [_field(probe) for probe in probes])
            slices = await pipe.execute()
        found: dict[str, list[str]] = {}
        for row in slices:
            for probe, packed in zip(probes, row, strict=True):
                if packed:
                    text = packed.decode()
                    found.setdefault(probe, []).extend(text[at : at + _ID] for at in range(0, len(text), _ID))
        return found

    async def stories(self, story_ids: Sequence[str]) -> list[StoryRecord | None]:
        """Stories, including merged ones; None if there is none."""
        rows = await self._rows([keys.story(ident) for ident in story_ids], ["members", "order", "announced", "into"])
        return [_story(ident, row) for ident, row in zip(story_ids, rows, strict=True)]

    async def digests(self, article_ids: Sequence[str]) -> dict[str, bytes]:
        """Article -> SHA-256 of its document; removed articles are omitted."""
        rows = await self._rows([keys.article(ident) for ident in article_ids], ["doc_sha256", "state"])
        return {
            ident: digest
            for ident, (digest, state) in zip(article_ids, rows, strict=True)
            if digest is not None and state not in {b"withdrawn", b"retracted"}
        }

    async def readable(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """Enriched articles; damaged ones are omitted."""
        rows = await self._rows([keys.article(ident) for ident in article_ids], ["doc", "doc_sha256"])
        found: dict[str, Article] = {}
        for ident, (doc, sha256) in zip(article_ids, rows, strict=True):
            if doc is None or sha256 is None:
                continue
            try:
                found[ident] = Article.model_validate_json(blobs.unpack(doc, sha256))
            except (CorruptRecord, ValueError):
                continue  # reported when this article is read by itself; the others are returned
        return found

    async def commit(self, items: Sequence[Grouping]) -> list[bool]:
        """Commit decisions in order. False for the first that was made at an outdated state, and for all after it."""
        answers = await self._scripts.run_all([_commit_grouping(item) for item in items])
        return [answer == 1 for answer in answers]

    async def leave(self, article_id: str) -> list[str]:
        """Remove an article from its story and its copies; returns the ids of the documents to reindex.

        For withdrawn and retracted articles: the oldest copy becomes the original of the others. Idempotent; returns
        the same ids until the removal is published.
        """
        call = LeaveStory(
            article=keys.article(article_id),
            groups=keys.GROUPS,
            article_id=article_id,
            article_prefix=keys.ARTICLE_PREFIX,
            story_prefix=keys.story(""),
            copies_prefix=keys.group_copies(""),
        )
        changed = await self._scripts.run(call)
        return [ident.decode() for ident in changed]

    async def _rows(self, names: Sequence[str], fields: Sequence[str]) -> list[list[bytes | None]]:
        if not names:
            return []
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(name, list(fields))
            rows: list[list[bytes | None]] = await pipe.execute()
        return rows


def with_group(article: Article, story: bytes | None, duplicate: bytes | None) -> Article:
    """The article with its stored decision."""
    found = _duplicate(duplicate)
    if not story and found is None:
        return article
    return article.model_copy(update={"story_id": story.decode() if story else None, "duplicate_of": found})


def _duplicate(packed: bytes | None) -> Duplicate | None:
    return Duplicate.model_validate_json(packed) if packed else None


def _decision(row: Sequence[bytes | None], *, left: bool = False) -> GroupDecision | None:
    """The stored decision; None where there is none. With `left`, one at revision 0 for an article that was removed:
    it keeps its place in the order of texts."""
    rev, order, story, duplicate, change, why, rule, claim, ruling, source = row
    if rev is None and not (left and order is not None):
        return None
    move = json.loads(change) if change else None
    reasons: dict[str, Any] = json.loads(why) if why else {}
    return GroupDecision(
        rev=int(rev or 0),
        order=int(order or 0),
        story=story.decode() if story else None,
        duplicate_of=_duplicate(duplicate),
        change=StoryMove(move["story"], tuple(move["merged"]), tuple(move["moved"])) if move else None,
        why=reasons | ({"rule": rule.decode()} if rule else {}),
        claim=Claim.unpack(claim) if claim else None,
        ruling=Ruling.unpack(ruling) if ruling else None,
        source=_text(source),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _story(ident: str, row: Sequence[bytes | None]) -> StoryRecord | None:
    members, order, announced, into = row
    if order is None:
        return None
    return StoryRecord(
        ident, dict(json.loads(members or b"[]")), int(order), announced == b"1", into.decode() if into else None
    )


def _bucket(term: str) -> str:
    return f"{zlib.crc32(term.encode('utf-8', 'replace')) % _BUCKETS:x}"


def _field(probe: str) -> str:
    """Digest of a probe, so that no word of a retracted article remains in clear text."""
    return hashlib.blake2b(probe.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _commit_grouping(item: Grouping) -> CommitGrouping:
    move, story = item.move, item.story
    slice_number = item.state.next(counted=False).slice
    change = {"story": move.story, "merged": move.merged, "moved": move.moved} if move else None
    return CommitGrouping(
        article=keys.article(item.article_id),
        groups=keys.GROUPS,
        terms=keys.GROUP_TERMS,
        probes=keys.group_probes(slice_number),
        expired_probes=keys.group_probes(slice_number - SLICES),
        story=keys.story(story.id) if story else keys.GROUPS,
        copies=keys.group_copies(item.duplicate_of.article_id if item.duplicate_of else item.article_id),
        merged_stories=[keys.story(ident) for ident in move.merged] if move else (),
        moved_articles=[keys.article(ident) for ident in move.moved] if move else (),
        version=item.state.version,
        article_id=item.article_id,
        rev=item.rev,
        story_id=story.id if story else "",
        duplicate=item.duplicate_of.model_dump_json() if item.duplicate_of else "",
        story_move=json.dumps(change) if change else "",
        why=json.dumps(dict(item.why)),
        slice_number=slice_number,
        members=json.dumps(list(story.members.items())) if story and item.in_story else "",
        story_order=story.order if story else 0,
        rule=item.rule,
        claim=item.claim.pack() if item.claim else b"",
        is_new_claim=item.is_new_claim,
        new_copies=json.dumps([(ident, of.model_dump_json(), rule) for ident, (of, rule) in item.copies.items()]),
        article_prefix=keys.ARTICLE_PREFIX,
        copies_prefix=keys.group_copies(""),
        article_probes=[_field(probe) for probe in item.probes],
        counted_terms=[_bucket(term) for term in item.terms],
    )


def union(groups: Iterable[Iterable[str]]) -> list[str]:
    """Distinct items in order of first occurrence."""
    return list(dict.fromkeys(item for group in groups for item in group))
