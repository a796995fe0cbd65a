"""Mean word frequency of a text in each language that wordfreq has a list for.

wordfreq's small lists hold all words with a relative frequency of 1e-6 or more: 1.7 million words of 42 languages. As
dicts they take 200 MB; here they are three arrays sorted by word hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import wordfreq
from wordfreq.tokens import simple_tokenize
from wordfreq.transliterate import SR_LATN_TABLE

MOST_WORDS: Final = 60
UNLISTED: Final = -5.5
"""Mean log frequency assumed for a language without a list."""
_UNKNOWN: Final = -6.5
"""Log frequency of an unlisted word before correction by the coverage of the list."""
_LEAST_OUTSIDE: Final = 0.02
_TAGS: Final = {"fil": ("tl",), "sh": ("bs", "hr", "sr")}
_SERBIAN: Final = "sh"
_CYRILLIC: Final = ("\u0400", "\u04ff")


class _Lists(NamedTuple):
    """`keys`: ascending word hashes, one per word and list. `lists`, `gains`: parallel arrays with the list number and
    the word's log frequency above that of an unlisted word (`unknown`, one per list)."""

    names: tuple[str, ...]
    keys: npt.NDArray[np.int64]
    lists: npt.NDArray[np.uint8]
    gains: npt.NDArray[np.float32]
    unknown: npt.NDArray[np.float32]

    def means(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """Mean log frequency of the words, one value per list."""
        hashes = np.fromiter(map(hash, words), np.int64, len(words))
        total = np.zeros(len(self.names), np.float32)
        bounds = zip(np.searchsorted(self.keys, hashes), np.searchsorted(self.keys, hashes, "right"), strict=True)
        for first, end in bounds:
            total[self.lists[first:end]] += self.gains[first:end]
        means: npt.NDArray[np.float32] = self.unknown + total / np.float32(len(words))
        return means


def words_of(text: str) -> list[str]:
    """The first 60 words, tokenized and folded as the lists are."""
    return simple_tokenize(text)[:MOST_WORDS]


def mean_logs(words: Sequence[str]) -> Mapping[str, float]:
    """Mean log10 frequency of non-empty `words` by language tag."""
    lists = _load()
    means = dict(zip(lists.names, lists.means(words).tolist(), strict=True))
    found = {tag: mean for name, mean in means.items() for tag in _TAGS.get(name, (name,))}
    if any(_CYRILLIC[0] <= word[0] <= _CYRILLIC[1] for word in words):
        # The shared Serbo-Croatian list is in Latin letters; of these languages only Serbian uses Cyrillic.
        latin = [word.translate(SR_LATN_TABLE) for word in words]
        found["sr"] = float(lists.means(latin)[lists.names.index(_SERBIAN)])
    return found


def load() -> None:
    """Load the lists eagerly: 22 MB, about half a second."""
    _load()


@lru_cache(maxsize=1)
def _load() -> _Lists:
    paths = wordfreq.available_languages("small")
    names = tuple(sorted(paths))
    keys, owners, gains, unknown = [], [], [], []
    for number, name in enumerate(names):
        # get_frequency_list would keep every list in memory. Entry n of a list has the words of log10 frequency -n/100.
        listed = wordfreq.read_cBpack(paths[name])
        counts = np.array([len(group) for group in listed])
        logs = np.arange(len(listed)) / -100
        # An inflected language has more words outside its list, so an unlisted word is weaker evidence there.
        outside = max(_LEAST_OUTSIDE, 1 - float(counts @ 10.0**logs))
        unknown.append(_UNKNOWN + np.log10(outside))
        keys.append(np.fromiter((hash(word) for group in listed for word in group), np.int64, counts.sum()))
        owners.append(np.full(counts.sum(), number, np.uint8))
        gains.append((np.repeat(logs, counts) - unknown[-1]).astype(np.float32))
    every = np.concatenate(keys)
    order = np.argsort(every, kind="stable")
    return _Lists(
        names, every[order], np.concatenate(owners)[order], np.concatenate(gains)[order], np.array(unknown, np.float32)
    )
