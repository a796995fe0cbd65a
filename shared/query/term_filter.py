"""Bloom filter of the words of one article, for matching queries after the text was erased.

No false negatives, about 0.05 % false positives per word. Word order is not stored: a phrase matches if all of its
words are present. Scripts that give one token per character (Chinese, Japanese, Thai) also add
each pair of adjacent characters, so that their words, which the tokenizer treats as phrases, stay selective.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from shared.query.tokens import is_unspaced

_BITS_PER_TERM: Final = 16
_HASHES: Final = 11


@dataclass(frozen=True, slots=True)
class TermFilter:
    """An immutable filter; `encode` and `decode` convert it to and from text."""

    data: bytes

    @classmethod
    def of(cls, runs: Iterable[Sequence[str]]) -> TermFilter:
        """The filter of these token runs."""
        terms = {term for run in runs for term in _terms(run)}
        bits = bytearray(max(8, -(-len(terms) * _BITS_PER_TERM // 8)))
        for term in terms:
            for bit in _positions(term, len(bits) * 8):
                bits[bit >> 3] |= 1 << (bit & 7)
        return cls(bytes(bits))

    def __contains__(self, term: str) -> bool:
        return all(self.data[bit >> 3] >> (bit & 7) & 1 for bit in _positions(term, len(self.data) * 8))

    def holds(self, tokens: Sequence[str]) -> bool:
        """Whether the article may contain these adjacent tokens; False is definite."""
        return all(term in self for term in _terms(tokens))

    def encode(self) -> str:
        """The filter as base64."""
        return base64.b64encode(self.data).decode()

    @classmethod
    def decode(cls, text: str) -> TermFilter:
        """The filter of `encode`. Raises ValueError."""
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError("the term filter is not base64") from error
        if not data:
            raise ValueError("the term filter is empty")
        return cls(data)


def _terms(run: Sequence[str]) -> Iterator[str]:
    yield from run
    for one, other in pairwise(run):
        if is_unspaced(one) and is_unspaced(other):
            yield f"{one} {other}"


def _positions(term: str, size: int) -> Iterator[int]:
    digest = blake2b(term.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    first, step = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big") | 1
    return ((first + number * step) % size for number in range(_HASHES))
