"""Spelling dictionary: words of the index within a few typos of a word of a query.

The engine's own fuzzy query runs an automaton over the dictionary of each field in each segment: 90 % of the time of a
search on 50,000 articles. Here, one table of all words with their fields is searched once for all fields; the results
are ordinary terms, which are cheap to look up.

A table belongs to one commit. Until the table of a newer commit is built, automata are used, with equal results.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import structlog
import tantivy
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from shared.observability import log_events
from shared.search.embedded.schema import SPELLINGS, WORD_FIELDS

COLUMNS: Final = 12  # first characters of a word that filters use
_PREFIX_LENGTHS: Final = (4, 6, COLUMNS)
_COMPARE_ALL_BELOW: Final = 1_500  # words compared without a further filter
_MAX_WORDS: Final = 2_000_000  # words of about 150 bytes; a larger index uses automata only
_BUILD_INLINE_BELOW: Final = 64  # articles; below it the table is built while the search waits
_PAUSE_FACTOR: Final = 20.0  # minimum interval between builds, as a multiple of the build time: under 5 % of a core
_REMEMBERED: Final = 5_000  # results
_FIELDS: Final = (*WORD_FIELDS.values(), SPELLINGS)

Near = dict[str, int]
"""Word of the index -> typos, at least one."""
_log = structlog.get_logger(__name__)


class SpellingDictionary:
    """The words of one commit. Immutable apart from a cache; shared by threads."""

    def __init__(self, words_of: Iterable[tuple[str, Iterable[str]]]) -> None:
        """`words_of`: each field of the index and its words."""
        holders: dict[str, int] = {}
        for at, (_, words) in enumerate(words_of):
            for word in words:
                holders[word] = holders.get(word, 0) | 1 << at
        self._holders = holders
        self._words = sorted(holders, key=len)
        lengths = np.fromiter(map(len, self._words), np.int64, len(self._words))
        self._starts = np.searchsorted(lengths, np.arange(int(lengths.max(initial=0)) + 2))
        self._columns = _columns(self._words)
        self._prefix_letters = {size: _letters(self._columns[:size]) for size in _PREFIX_LENGTHS}
        self._known: dict[tuple[str, int, bool], Near] = {}

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, word: str) -> bool:
        return word in self._holders

    def fields(self, word: str) -> tuple[str, ...]:
        """The fields that contain this word of the index."""
        held = self._holders[word]
        return tuple(name for at, name in enumerate(_FIELDS) if held >> at & 1)

    def near(self, word: str, budget: int, *, prefix: bool) -> Near:
        """Words within `budget` typos (a transposition counts one), without the word itself.

        With `prefix` a prefix of the found word is within the budget; words that start with `word` are excluded.
        """
        key = (word, budget, prefix)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known = {}
            found = self._known[key] = self._search(word, budget, prefix=prefix)
        return found

    def _search(self, word: str, budget: int, *, prefix: bool) -> Near:
        likely = self._likely(word, budget, prefix=prefix)
        if prefix or likely.size > _COMPARE_ALL_BELOW:
            likely = likely[_prefix_distances(self._columns[:, likely], word[: COLUMNS - budget], budget) <= budget]
        words = [self._words[at] for at in likely.tolist()]
        if not words:
            return {}
        sizes = range(max(1, len(word) - budget), len(word) + budget + 1) if prefix else (None,)
        typos = np.min([_distances(word, [found[:size] for found in words], budget) for size in sizes], axis=0)
        return {words[at]: int(typos[at]) for at in np.flatnonzero((typos > 0) & (typos <= budget)).tolist()}

    def _likely(self, word: str, budget: int, *, prefix: bool) -> NDArray[np.intp]:
        """Positions of candidate words, filtered by letters; no word within the budget is excluded.

        The first k letters of each word are, except one per typo, among the first k + budget of the other.
        """
        first = self._start(len(word) - budget)
        end = len(self._words) if prefix else self._start(len(word) + budget + 1)
        likely: NDArray[np.intp] | None = None
        for size, letters in self._prefix_letters.items():
            seen = letters[first:end] if likely is None else letters[likely]
            fits = np.bitwise_count(_mask(word[: size - budget]) & ~seen) <= budget
            if not prefix or size <= len(word) - budget:
                fits &= np.bitwise_count(seen & ~_mask(word[: size + budget])) <= budget
            likely = np.flatnonzero(fits) + first if likely is None else likely[fits]
        return likely if likely is not None else np.empty(0, np.intp)

    def _start(self, length: int) -> int:
        return int(self._starts[length]) if length < self._starts.size else len(self._words)


class SpellingDictionaries:
    """Cache of the newest table. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._epoch = ""
        self._made: SpellingDictionary | None = None
        self._making = False
        self._not_before = 0.0

    def of(self, searcher: tantivy.Searcher, epoch: str) -> SpellingDictionary | None:
        """The table of this state of the index; None if it is not built yet, which starts the build."""
        with self._guard:
            if epoch == self._epoch:
                return self._made
            small = searcher.num_docs <= _BUILD_INLINE_BELOW
            if not small:
                if self._making or time.monotonic() < self._not_before:
                    return None
                self._making = True
        if small:
            return self._keep(epoch, _read(searcher))
        threading.Thread(target=self._make, args=(searcher, epoch), name="search-spelling", daemon=True).start()
        return None

    def _make(self, searcher: tantivy.Searcher, epoch: str) -> None:
        began = time.monotonic()
        try:
            self._keep(epoch, _read(searcher))
        except (ValueError, OSError) as error:  # the files of that commit were deleted: the next search retries
            _log.info(log_events.SPELLING_DICTIONARY_UNREADABLE, reason=str(error)[:300])
        finally:
            with self._guard:
                self._making = False
                self._not_before = time.monotonic() + _PAUSE_FACTOR * (time.monotonic() - began)

    def _keep(self, epoch: str, made: SpellingDictionary | None) -> SpellingDictionary | None:
        with self._guard:
            self._epoch, self._made = epoch, made
        return made


def _read(searcher: tantivy.Searcher) -> SpellingDictionary | None:
    """None if there are too many words."""
    words_of = [(name, [word for word, _ in searcher.terms_with_prefix(name, "")]) for name in _FIELDS]
    return SpellingDictionary(words_of) if sum(len(words) for _, words in words_of) < _MAX_WORDS else None


def _columns(words: Sequence[str]) -> NDArray[np.uint8]:
    """The first characters of the words, one word a column: the low byte of each, 0 behind the end."""
    padded = "".join([word[:COLUMNS].ljust(COLUMNS, "\0") for word in words])
    codes = np.frombuffer(padded.encode("utf-32-le"), np.uint32).astype(np.uint8)
    return np.ascontiguousarray(codes.reshape(len(words), COLUMNS).T)


def _letters(columns: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Which letters each word has among these characters, as a set of 32 bits."""
    found = np.zeros(columns.shape[1], np.uint32)
    for column in columns:
        found |= np.where(column > 0, np.uint32(1) << (column & 31).astype(np.uint32), np.uint32(0))
    return found


def _mask(text: str) -> np.uint32:
    found = 0
    for char in text:
        code = ord(char) & 0xFF
        found |= (1 << (code & 31)) if code else 0
    return np.uint32(found)


def _prefix_distances(columns: NDArray[np.uint8], word: str, budget: int) -> NDArray[np.uint8]:
    """Edit distance between `word` and the nearest prefix of each word; exact up to the budget, larger beyond.

    Vectorised over all words, computed near the diagonal only. Characters are compared by their low byte, so the result
    may be too small, never too large.
    """
    count = columns.shape[1]
    codes = [ord(char) & 0xFF for char in word]
    before: dict[int, NDArray[np.uint8]] = {}
    above = {at: np.full(count, at, np.uint8) for at in range(min(budget, COLUMNS) + 1)}
    for row, code in enumerate(codes, 1):
        here: dict[int, NDArray[np.uint8]] = {}
        for at in range(max(0, row - budget), min(COLUMNS, row + budget) + 1):
            if not at:
                here[0] = np.full(count, row, np.uint8)
                continue
            least = above[at - 1] + (columns[at - 1] != code)
            for other in (above.get(at), here.get(at - 1)):
                if other is not None:
                    np.minimum(least, other + np.uint8(1), out=least)
            if row > 1 and at > 1:
                swapped = (columns[at - 2] == code) & (columns[at - 1] == codes[row - 2])
                np.minimum(least, np.where(swapped, before[at - 2] + np.uint8(1), np.uint8(255)), out=least)
            here[at] = least
        before, above = above, here
    return np.min(list(above.values()), axis=0) if above else np.zeros(count, np.uint8)


def _distances(word: str, words: list[str], budget: int) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = cdist([word], words, scorer=OSA.distance, score_cutoff=budget, dtype=np.uint8)[0]
    return found
