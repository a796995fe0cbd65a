"""Writer of the embedded index: the live generation, and the one being built.

All calls block and run in the single writer thread, so a swap never interrupts a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from shared.errors import Permanent
from shared.observability import log_events
from shared.search.embedded.generation_writer import GenerationWriter
from shared.search.embedded.generations import Generation, Generations, WriterLock
from shared.search.errors import IndexMissing, Rejected, SearchUnavailable
from shared.search.port import EnsureResult, IndexDoc, IndexSpec

_log = structlog.get_logger(__name__)


class IndexWriter:
    """Owner of the writer lock. Live writes during a rebuild go to both generations."""

    def __init__(self, root: Path) -> None:
        self._generations = Generations(root)
        self._lock: WriterLock | None = None
        self._live: GenerationWriter | None = None
        self._staging: GenerationWriter | None = None
        self._staging_fault = ""
        self._is_missing = False

    @property
    def needs_rebuild(self) -> bool:
        """Whether `ensure` found an index that cannot be opened: damaged, or of another format."""
        return self._lock is not None and self._live is None and not self._is_missing

    def ensure(self, spec: IndexSpec) -> EnsureResult:
        """Take the lock, open or create the live generation. Raises SearchUnavailable while another process writes."""
        if self._lock is None:
            self._lock = WriterLock(self._generations.root)
        try:
            current = self._generations.current()
        except IndexMissing:
            current = self._generations.create(spec)
            self._live = GenerationWriter(current, create=True)
            self._generations.promote(current)
            return EnsureResult.CREATED
        if self._staging is None:
            self._generations.clear_unfinished()
        if not current.readable():
            return EnsureResult.NEEDS_REINDEX
        if self._live is None and not self._open(current):
            return EnsureResult.NEEDS_REINDEX
        return EnsureResult.UNCHANGED if current.fits(spec) else EnsureResult.NEEDS_REINDEX

    def _open(self, current: Generation) -> bool:
        try:
            self._live = GenerationWriter(current)
        except SearchUnavailable as error:  # damaged: must be rebuilt from the store
            _log.error(log_events.SEARCH_INDEX_UNREADABLE, generation=current.name, reason=str(error)[:300])
            return False
        return True

    def upsert(self, docs: Sequence[IndexDoc]) -> tuple[str, ...]:
        """Write to the live generation and to the one being built; returns the rejected ids."""
        rejected = self._writable().upsert(docs)
        self._mirror(lambda staging: staging.upsert(docs))
        return rejected

    def delete(self, ids: Sequence[tuple[str, int]]) -> None:
        """Delete in the live generation and in the one being built."""
        self._writable().delete(ids)
        self._mirror(lambda staging: staging.delete(ids))

    def begin(self, spec: IndexSpec) -> None:
        """Start building a new generation. Raises Permanent while another rebuild runs."""
        if self._staging is not None:
            raise Permanent("a rebuild is running already", rule="reindex-running")
        self._release_deleted()
        self._staging_fault = ""
        self._staging = GenerationWriter(self._generations.create(spec), create=True)

    def _release_deleted(self) -> None:
        """After the index was deleted on disk: refuse writes until its rebuild is live."""
        if self._lock is None or not self._lock.is_held():
            if self._lock is not None:
                self._lock.release()
                self._lock = None
            self._lock = WriterLock(self._generations.root)
        try:
            self._generations.current()
        except IndexMissing:
            self._is_missing = True
            if self._live is not None:
                self._live.close()
                self._live = None

    def stage(self, docs: Sequence[IndexDoc]) -> None:
        """Add to the generation being built. Raises Rejected with the ids of rejected documents."""
        rejected = self._building().upsert(docs)
        if rejected:
            raise Rejected(f"{len(rejected)} documents cannot be indexed", rejected)

    def staged(self) -> int:
        """Articles in the generation being built."""
        return self._building().count()

    @property
    def staging_generation(self) -> Generation:
        """The generation being built. Raises Permanent when there is none."""
        return self._building().generation

    def promote(self) -> None:
        """Make the new generation live; the old one stays on disk until `prune`."""
        staging = self._building()
        if self._live is not None:
            staging.delete(self._live.tombstones())
        self._generations.promote(staging.generation)
        old, self._live, self._staging, self._is_missing = self._live, staging, None, False
        if old is not None:
            old.close()
        _log.info(log_events.SEARCH_GENERATION_PROMOTED, generation=staging.generation.name)

    def prune(self, older_than: float) -> int:
        """Delete generations older than this many seconds; returns the count."""
        kept = {self._staging.generation.name} if self._staging is not None else set()
        return self._generations.prune(older_than, kept)

    def abandon(self) -> None:
        """Discard the generation being built, if there is one."""
        staging, self._staging = self._staging, None
        if staging is not None:
            staging.close()
            self._generations.discard(staging.generation)

    def reopen(self) -> None:
        """After a panic: drop the engine's objects; the next call opens them again."""
        for writer in (self._live, self._staging):
            if writer is not None:
                writer.close()

    def close(self) -> None:
        """Release everything; what was acknowledged is committed."""
        self.abandon()
        if self._live is not None:
            self._live.close()
            self._live = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _writable(self) -> GenerationWriter:
        if self._live is not None:
            return self._live
        if self._staging is not None and not self._is_missing:
            return self._staging  # the live generation has another format: only the new one is writable
        raise IndexMissing("no index can be written: call ensure, or reindex when it says so", retry_after=5.0)

    def _mirror(self, write: Callable[[GenerationWriter], object]) -> None:
        """Mirror a live write to the rebuild; if that fails, the rebuild must not become live."""
        if self._staging is None or self._live is None:
            return
        try:
            write(self._staging)
        except SearchUnavailable as error:
            self._staging_fault = str(error)

    def _building(self) -> GenerationWriter:
        if self._staging is None:
            raise Permanent("this rebuild is over", rule="reindex-over")
        if self._staging_fault:
            raise SearchUnavailable(f"the rebuild missed a live write: {self._staging_fault}")
        return self._staging
