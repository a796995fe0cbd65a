"""tantivy writer of one generation: ordered by revision, one durable commit per batch, without invalid documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import tantivy

from shared.search.embedded.filters import live
from shared.search.embedded.generations import Generation
from shared.search.embedded.reader import total_of
from shared.search.embedded.schema import document_of, register, schema, tombstone_of
from shared.search.errors import SearchUnavailable
from shared.search.port import IndexDoc

HEAP_BYTES: Final = 64_000_000
WRITER_THREADS: Final = 1  # each thread adds segments to every commit, and every segment slows searches
_PART: Final = 1_000  # ids looked up at once
# Errors of the disk or of a dead indexing thread are ValueErrors too, but not caused by a document.
_NOT_THE_DOCUMENT: Final = re.compile(r"\bio\b|no space|killed|lock|poison|thread|panic", re.IGNORECASE)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Stored:
    rev: int
    dead: bool

    def is_superseded_by(self, rev: int, *, deletion: bool) -> bool:
        """Whether an upsert or a deletion at `rev` replaces this."""
        return rev > self.rev or (rev == self.rev and (deletion or not self.dead))


@dataclass(frozen=True, slots=True)
class _Change:
    id: str
    document: tantivy.Document
    replaces: bool
    """Whether something is stored under this id. Known, because each batch is committed before the next lookup."""


class GenerationWriter:
    """Use from one thread. Every method commits before it returns, or raises SearchUnavailable and changes nothing."""

    def __init__(self, generation: Generation, *, create: bool = False) -> None:
        """Open (or `create`) the index in the generation's directory and delete leftovers of a crash."""
        if create:
            with _disk():
                tantivy.Index(schema(), path=str(generation.path), reuse=False)
        self.generation = generation
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._open()

    def upsert(self, docs: Sequence[IndexDoc]) -> tuple[str, ...]:
        """Write documents newer than the stored ones; returns the ids that can never be written."""
        newest = _newest({(doc.id, doc.rev): doc for doc in docs})
        stored = self._stored(list(newest))
        rejected: list[str] = []
        changes: list[_Change] = []
        for doc_id, (rev, doc) in newest.items():
            try:
                document = document_of(doc)
            except (ValueError, TypeError, AttributeError, OverflowError):
                rejected.append(doc_id)
                continue
            if doc_id not in stored or stored[doc_id].is_superseded_by(rev, deletion=False):
                changes.append(_Change(doc_id, document, replaces=doc_id in stored))
        return (*rejected, *self._write(changes))

    def delete(self, ids: Sequence[tuple[str, int]]) -> None:
        """Replace each article by a tombstone of this revision, unless a newer one is stored."""
        newest = _newest({(doc_id, rev): rev for doc_id, rev in ids})
        stored = self._stored(list(newest))
        self._write(
            [
                _Change(doc_id, tombstone_of(doc_id, rev), replaces=doc_id in stored)
                for doc_id, (rev, _) in newest.items()
                if doc_id not in stored or stored[doc_id].is_superseded_by(rev, deletion=True)
            ]
        )

    def count(self) -> int:
        """Articles in the index."""
        return total_of(self._searcher().search(live(), limit=1))

    def tombstones(self) -> list[tuple[str, int]]:
        """All stored tombstones."""
        searcher = self._searcher()
        everything = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, tantivy.Query.all_query()), (tantivy.Occur.MustNot, live())]
        )
        addresses = [at for _, at in searcher.search(everything, limit=max(1, searcher.num_docs), count=False).hits]
        revs = searcher.fast_field_values("rev", addresses)
        return [
            (str(searcher.doc(at).get_first("dead_id")), int(rev or 0)) for at, rev in zip(addresses, revs, strict=True)
        ]

    def close(self) -> None:
        """Release the engine's lock. Everything is committed already."""
        self._writer = None
        self._index = None

    # --- internal -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        with _disk():
            index = register(tantivy.Index.open(str(self.generation.path)))
            index.config_reader("manual")
            writer = index.writer(HEAP_BYTES, WRITER_THREADS)
            writer.garbage_collect_files()
        self._index, self._writer = index, writer

    def _searcher(self) -> tantivy.Searcher:
        if self._index is None:
            self._open()
        with _disk():
            opened(self._index).reload()
            return opened(self._index).searcher()

    def _stored(self, ids: Sequence[str]) -> dict[str, _Stored]:
        searcher = self._searcher()
        with _disk():
            return self._looked_up(searcher, ids)

    def _looked_up(self, searcher: tantivy.Searcher, ids: Sequence[str]) -> dict[str, _Stored]:
        found: dict[str, _Stored] = {}
        for start in range(0, len(ids), _PART):
            part = [doc_id for doc_id in ids[start : start + _PART] if _encodable(doc_id)]
            wanted = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Should, tantivy.Query.term_set_query(schema(), name, part))
                    for name in ("id", "dead_id")
                ]
            )
            addresses = [at for _, at in searcher.search(wanted, limit=2 * _PART, count=False).hits] if part else []
            for at, rev in zip(addresses, searcher.fast_field_values("rev", addresses), strict=True):
                document = searcher.doc(at)
                doc_id = document.get_first("id")
                dead = doc_id is None
                found[str(document.get_first("dead_id") if dead else doc_id)] = _Stored(int(rev or 0), dead)
        return found

    def _write(self, changes: Sequence[_Change]) -> tuple[str, ...]:
        """Commit the changes; returns the ids that the engine rejects individually."""
        return tuple(change.id for change in refused(changes, self._attempt))

    def _attempt(self, changes: Sequence[_Change]) -> None:
        """All or nothing. Raises ValueError for an invalid document, SearchUnavailable for an engine error."""
        if self._writer is None:
            self._open()
        writer = opened(self._writer)
        try:
            for change in changes:
                if change.replaces:
                    writer.delete_documents_by_term("id", change.id)
                    writer.delete_documents_by_term("dead_id", change.id)
                writer.add_document(change.document)
        except (ValueError, OSError) as error:
            self._roll_back(error)
            if isinstance(error, OSError) or _NOT_THE_DOCUMENT.search(str(error)):
                raise SearchUnavailable(f"the index cannot be written: {error}") from error
            raise
        try:
            writer.commit()
        except (ValueError, OSError) as error:
            self._roll_back(error)
            raise SearchUnavailable(f"the index cannot be committed: {error}") from error

    def _roll_back(self, cause: Exception) -> None:
        try:
            opened(self._writer).rollback()
        except (ValueError, OSError):
            self.close()  # the next call opens a fresh writer
            raise SearchUnavailable(f"the index writer failed: {cause}") from cause


@contextmanager
def _disk() -> Iterator[None]:
    """Outside of adding documents, every engine error is a disk error."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise SearchUnavailable(f"the index cannot be opened or read: {error}") from error


def opened(value: T | None) -> T:
    """The value of an opened engine part. Raises SearchUnavailable when it is closed."""
    if value is None:
        raise SearchUnavailable("the index is closed")
    return value


def refused(changes: Sequence[T], attempt: Callable[[Sequence[T]], None]) -> list[T]:
    """Attempt all; on ValueError bisect to the invalid changes. Returns those; the others are written."""
    if not changes:
        return []
    try:
        attempt(changes)
    except ValueError:
        if len(changes) == 1:
            return list(changes)
        middle = len(changes) // 2
        return refused(changes[:middle], attempt) + refused(changes[middle:], attempt)
    return []


def _newest(items: Mapping[tuple[str, int], T]) -> dict[str, tuple[int, T]]:
    """Per id the highest revision."""
    newest: dict[str, tuple[int, T]] = {}
    for (doc_id, rev), item in items.items():
        if doc_id not in newest or rev >= newest[doc_id][0]:
            newest[doc_id] = (rev, item)
    return newest


def _encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
