"""How usual a text's words are in each language that the package wordfreq has a list of words for.

wordfreq's small lists hold the words that make up a millionth or more of what is written in a language: 1.7 million
words of 42 languages. As dicts they would take 200 MB; here they are three arrays in the order of the words' hashes.
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
"""The mean in a language without a list: that of a text of which some words are known and others are not."""
_UNKNOWN: Final = -6.5
"""Logarithm of the share of a word in no list, in a language of whose words no list could hold any."""
_LEAST_OUTSIDE: Final = 0.02
_TAGS: Final = {"fil": ("tl",), "sh": ("bs", "hr", "sr")}
_SERBIAN: Final = "sh"
_CYRILLIC: Final = ("\u0400", "\u04ff")


class _Lists(NamedTuple):
    """`keys`: hashes of words in rising order, one a word and list; `lists` and `gains` beside it: which list, and how
    much the word's logarithm is above that of an unknown word, `unknown`, of which there is one a list."""

    names: tuple[str, ...]
    keys: npt.NDArray[np.int64]
    lists: npt.NDArray[np.uint8]
    gains: npt.NDArray[np.float32]
    unknown: npt.NDArray[np.float32]

    def means(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """Mean logarithm of the words' shares, one a list."""
        hashes = np.fromiter(map(hash, words), np.int64, len(words))
        total = np.zeros(len(self.names), np.float32)
        bounds = zip(np.searchsorted(self.keys, hashes), np.searchsorted(self.keys, hashes, "right"), strict=True)
        for first, end in bounds:
            total[self.lists[first:end]] += self.gains[first:end]
        means: npt.NDArray[np.float32] = self.unknown + total / np.float32(len(words))
        return means


def words_of(text: str) -> list[str]:
    """The first 60 words, cut and folded as those of the lists are."""
    return simple_tokenize(text)[:MOST_WORDS]


def mean_logs(words: Sequence[str]) -> Mapping[str, float]:
    """The mean decimal logarithm of the share each word has in a language, by the language; `words` are not empty."""
    lists = _load()
    means = dict(zip(lists.names, lists.means(words).tolist(), strict=True))
    found = {tag: mean for name, mean in means.items() for tag in _TAGS.get(name, (name,))}
    if any(_CYRILLIC[0] <= word[0] <= _CYRILLIC[1] for word in words):
        # The list of Serbian and its sisters is in Latin letters; in Cyrillic only Serbian is written.
        latin = [word.translate(SR_LATN_TABLE) for word in words]
        found["sr"] = float(lists.means(latin)[lists.names.index(_SERBIAN)])
    return found


def load() -> None:
    """Load the lists now: 22 MB and half a second or so."""
    _load()


@lru_cache(maxsize=1)
def _load() -> _Lists:
    paths = wordfreq.available_languages("small")
    names = tuple(sorted(paths))
    keys, owners, gains, unknown = [], [], [], []
    for number, name in enumerate(names):
        # Not by get_frequency_list, which keeps every list in memory. A list has words by their minus hundredfold log.
        listed = wordfreq.read_cBpack(paths[name])
        counts = np.array([len(group) for group in listed])
        logs = np.arange(len(listed)) / -100
        # A language of many forms has more of its words outside of its list, so that an unknown one says less there.
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
