"""Reader: an always current searcher on the live generation, in any process.

Each search checks `CURRENT` and the generation's `meta.json` (two stat calls), so the next search after a commit or
swap of the writer process sees it: no event is published before its article is searchable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import tantivy

from shared.search.embedded.generations import Generation, Generations
from shared.search.embedded.schema import register
from shared.search.embedded.spelling import SpellingDictionaries, SpellingDictionary
from shared.search.errors import IndexMissing, SearchUnavailable

T = TypeVar("T")
_FORCED_RELOAD: Final = 0.1  # seconds; after this, a commit that did not change inode, time and size is seen too


@dataclass(frozen=True, slots=True)
class View:
    """One consistent state of the index; valid while referenced."""

    searcher: tantivy.Searcher
    generation: str
    epoch: str
    spellings: SpellingDictionaries

    def spelling(self) -> SpellingDictionary | None:
        """The spelling dictionary of this state, if it is built."""
        return self.spellings.of(self.searcher, self.epoch)


class IndexReader:
    """Thread-safe. Opens the index once it exists and reloads after commits and swaps."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        self._guard = threading.Lock()
        self._index: tantivy.Index | None = None
        self._generation: Generation | None = None
        self._seen: tuple[int, int, int] | None = None
        self._made_at = 0
        self._reloaded = 0.0
        self._opstamp = 0
        self._spellings = SpellingDictionaries()

    def read(self, work: Callable[[View], T]) -> T:
        """Run `work` on a current view; retried on a newly opened index if the generation was deleted.

        Raises IndexMissing before there is an index, SearchUnavailable if the retry fails too.
        """
        try:
            return work(self.view())
        except (ValueError, OSError):
            self.drop()
        try:
            return work(self.view())
        except (ValueError, OSError) as error:
            self.drop()
            raise SearchUnavailable(f"the index cannot be read: {error}", retry_after=1.0) from error

    def view(self) -> View:
        """The newest committed state."""
        with self._guard:
            generation = self._generations.current()
            if self._index is None or (generation, generation.made_at()) != (self._generation, self._made_at):
                self._open(generation)
            else:
                self._refresh(generation)
            if self._index is None:
                raise SearchUnavailable("the index is closed")
            epoch = f"{generation.name}.{self._made_at}.{self._opstamp}"  # generation names can be reused
            return View(self._index.searcher(), generation.name, epoch, self._spellings)

    def drop(self) -> None:
        """Close the index; the next view opens it again."""
        with self._guard:
            self._index = None
            self._generation = None

    def _open(self, generation: Generation) -> None:
        if not generation.readable():
            raise IndexMissing("the index was built by another version: run `broadsheet reindex`", retry_after=5.0)
        self._index = None
        # The state is read before the searcher is created: an epoch may be older than its data, never newer.
        self._made_at = generation.made_at()
        self._seen, self._opstamp = generation.state(), generation.opstamp()
        self._index = register(tantivy.Index.open(str(generation.path)))
        self._index.config_reader("manual")
        self._index.reload()
        self._generation, self._reloaded = generation, time.monotonic()

    def _refresh(self, generation: Generation) -> None:
        state, now = generation.state(), time.monotonic()
        if state == self._seen and now - self._reloaded < _FORCED_RELOAD:
            return
        self._opstamp = generation.opstamp()
        if self._index is not None:
            self._index.reload()
        self._seen, self._reloaded = state, now


def total_of(found: tantivy.SearchResult) -> int:
    """How many documents a counting search matched."""
    return int(found.count)  # type: ignore[attr-defined]  # missing in tantivy's stubs
