"""In-memory stand-ins for ports: small, honest about ordering and revisions, no ranking to speak of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from shared.identity.languages import language_ranges
from shared.query import Facts, matches
from shared.query.facts import facts_of
from shared.search.checks import filter_value
from shared.search.errors import InvalidQuery, SearchUnavailable
from shared.search.filters import And, Eq, Exists, Filter, In, Not, Or, Range
from shared.search.port import (
    Cap,
    EnsureResult,
    FacetCounts,
    FacetField,
    Highlight,
    IndexDoc,
    IndexSpec,
    IndexStats,
    SearchHit,
    SearchPage,
    SearchQuery,
    SimilarHit,
    SimilarQuery,
    Suggestion,
    Total,
    WriteOutcome,
    WriteReceipt,
)
from shared.search.signatures import one_per_story
from shared.search.strict import strict_runs

_WORD = re.compile(r"\w+")


class FakeSearchIndex:
    """`SearchIndex` on a dict. Words match as prefixes of words; `down = True` makes every read fail."""

    capabilities = frozenset({Cap.SYNC_VISIBILITY})

    def __init__(self) -> None:
        self.docs: dict[str, IndexDoc] = {}
        self.deleted: dict[str, int] = {}
        self.down = False
        self.closed = False
        self.searches = 0
        self.asked: SearchQuery | None = None
        self._epoch = 0

    async def ensure(self, spec: IndexSpec) -> EnsureResult:
        return EnsureResult.UNCHANGED

    async def upsert(self, docs: Sequence[IndexDoc], *, op_id: str) -> WriteReceipt:
        for doc in docs:
            known = self.docs.get(doc.id)
            if doc.rev > self.deleted.get(doc.id, 0) and (known is None or doc.rev >= known.rev):
                self.docs[doc.id] = doc
        self._epoch += 1
        return WriteReceipt(op_id, tuple(doc.id for doc in docs))

    async def delete(self, ids: Sequence[tuple[str, int]], *, op_id: str) -> WriteReceipt:
        for ident, rev in ids:
            self.deleted[ident] = max(rev, self.deleted.get(ident, 0))
            if (known := self.docs.get(ident)) and known.rev <= rev:
                del self.docs[ident]
        self._epoch += 1
        return WriteReceipt(op_id, tuple(ident for ident, _ in ids))

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> Sequence[WriteOutcome]:
        return [WriteOutcome(receipt, "visible") for receipt in receipts]

    async def search(self, query: SearchQuery) -> SearchPage:
        self._check()
        self.searches += 1
        self.asked = query
        if query.offset + query.limit > 1000:
            raise InvalidQuery("too far", field="page")
        found = self._matching(query)
        if query.mode == "oldest":
            found.sort(key=lambda doc: (doc.dated_at, doc.id))
        else:
            found.sort(key=lambda doc: (-doc.dated_at, doc.id))
        counts = _count(found, query.facets)
        total = Total(len(found), exact=True)
        if query.collapse:
            found = one_per_story(found, lambda doc: doc.story)
        hits = tuple(self._hit(doc, query) for doc in found[query.offset : query.offset + query.limit])
        return SearchPage(hits, total, counts)

    async def similar(self, doc_id: str, query: SimilarQuery) -> Sequence[SimilarHit]:
        self._check()
        if doc_id not in self.docs:
            return []
        mine = {term for term, _ in self.docs[doc_id].signature}
        hits = []
        for doc in self.docs.values():
            shared = [term for term, _ in doc.signature if term in mine]
            score = len(shared) / max(1, len(mine))
            if doc.id != doc_id and shared and score >= query.min_score and _passes(query.filter, doc):
                hits.append(SimilarHit(doc.card, score, tuple(shared)))
        hits.sort(key=lambda hit: (-min(1.0, hit.score), hit.card.id))
        return one_per_story(hits, lambda hit: self.docs[hit.card.id].story if query.collapse else None)[: query.limit]

    async def facets(self, query: SearchQuery, names: Sequence[FacetField]) -> FacetCounts:
        self._check()
        return _count(self._matching(query), names)

    async def suggest(self, prefix: str, *, limit: int = 8) -> Sequence[Suggestion]:
        self._check()
        start = prefix.lower()
        tags = sorted({tag for doc in self.docs.values() for tag in doc.tags if tag.startswith(start)})
        titled = [doc for doc in self.docs.values() if any(w.startswith(start) for w in _words(doc.title))]
        found = [Suggestion("title", doc.title, doc.id) for doc in titled] + [Suggestion("tag", tag) for tag in tags]
        return found[:limit]

    @asynccontextmanager
    async def reindex(self, spec: IndexSpec) -> AsyncIterator[FakeStaging]:
        yield FakeStaging(self)

    async def prune(self, *, older_than: float) -> int:
        return 0

    async def documents(self) -> AsyncIterator[tuple[str, int]]:
        for doc in list(self.docs.values()):
            yield doc.id, doc.rev

    async def stats(self) -> IndexStats:
        self._check()
        return IndexStats(len(self.docs), 0, str(self._epoch), "one", "fake")

    async def aclose(self) -> None:
        self.closed = True

    def _check(self) -> None:
        if self.down:
            raise SearchUnavailable("the fake is down", retry_after=3)

    def _matching(self, query: SearchQuery) -> list[IndexDoc]:
        wanted = _words(query.text)
        return [
            doc
            for doc in self.docs.values()
            if _passes(query.filter, doc)
            and (query.query is None or matches(query.query, _facts(doc)))
            and all(any(word.startswith(term) for word in _searchable(doc, query.fields)) for term in wanted)
        ]

    def _hit(self, doc: IndexDoc, query: SearchQuery) -> SearchHit:
        if not query.highlight:
            return SearchHit(doc.card, 1.0)
        terms = _words(query.text)
        texts = {"title": doc.title, "dek": doc.dek, "excerpt": doc.summary or doc.body[:200]}
        return SearchHit(doc.card, 1.0, {name: Highlight.of(text, _spans(text, terms)) for name, text in texts.items()})


def _facts(doc: IndexDoc) -> Facts:
    return facts_of(
        strict_runs(doc),
        tags=doc.tags,
        section=doc.section,
        source=doc.source,
        language=doc.language,
        story=doc.story,
        dated_at=doc.dated_at,
    )


class FakeStaging:
    """`Staging`: a second dict that replaces the first, keeping newer revisions that were written meanwhile."""

    def __init__(self, index: FakeSearchIndex) -> None:
        self._index = index
        self._fresh = FakeSearchIndex()

    async def write(self, docs: Sequence[IndexDoc]) -> None:
        await self._fresh.upsert(docs, op_id="staging")

    async def count(self) -> int:
        return len(self._fresh.docs)

    def reader(self) -> FakeSearchIndex:
        return self._fresh

    async def promote(self) -> None:
        live = list(self._index.docs.values())
        self._index.docs = {}
        await self._index.upsert([*self._fresh.docs.values(), *live], op_id="promote")


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _searchable(doc: IndexDoc, fields: Sequence[str]) -> list[str]:
    texts = {
        "title": doc.title,
        "dek": doc.dek,
        "summary": doc.summary,
        "body": doc.body,
        "tags": " ".join(doc.tags),
        "keyphrases": " ".join(doc.keyphrases),
        "entities": " ".join(doc.entities),
        "authors": " ".join(doc.authors),
    }
    return [word for name, text in texts.items() if not fields or name in fields for word in _words(text)]


def _spans(text: str, terms: Sequence[str]) -> tuple[tuple[int, int], ...]:
    found = (match for match in _WORD.finditer(text) if any(match[0].lower().startswith(term) for term in terms))
    return tuple(match.span() for match in found)


def _values(doc: IndexDoc, field: str) -> tuple[str | int, ...]:
    value = getattr(doc, field)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _passes(wanted: Filter | None, doc: IndexDoc) -> bool:
    match wanted:
        case None:
            return True
        case Eq(field, value):
            return _passes(In(field, (value,)), doc)
        case In(field, values):
            held = language_ranges(doc.language) if field == "language" else _values(doc, field)
            return any(filter_value(field, value) in held for value in values)
        case Exists(field):
            return bool(_values(doc, field))
        case Range(field, gte, lt):
            numbers = (int(value) for value in _values(doc, field))
            return all((gte is None or value >= gte) and (lt is None or value < lt) for value in numbers)
        case And(filters):
            return all(_passes(item, doc) for item in filters)
        case Or(filters):
            return any(_passes(item, doc) for item in filters)
        case Not(item):
            return not _passes(item, doc)


def _count(docs: Sequence[IndexDoc], names: Sequence[FacetField]) -> FacetCounts:
    counts = {name: Counter(str(value) for doc in docs for value in _values(doc, name)) for name in names}
    return {name: dict(counter.most_common(100)) for name, counter in counts.items()}
