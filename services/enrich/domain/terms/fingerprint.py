"""Fingerprint of a text: a MinHash sample of word triples for copies, weighted terms and days for stories.

Deterministic across machines. The index service compares fingerprints.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.enrich.domain.terms.segmentation import WORD
from services.enrich.domain.terms.words import stop_words
from shared.fingerprints import Fingerprint, FingerprintTerm, TermKind
from shared.stems import stem

SHINGLE: Final = 3
SAMPLE: Final = 256
"""Maximum number of word triples kept."""
TERMS: Final = 160
LEAD: Final = 70
"""Number of words that count as the lead."""
_DECAY: Final = 150  # words after which the weight of a mention halves
_NAMED: Final = 1.5  # factor for a capitalised mention
_TITLE: Final = 1.5  # weight of a mention in the title; 1.0 at the start of the body
_MAX_CHARACTERS: Final = 60_000
_MAX_DAYS: Final = 8

_WORD: Final = re.compile(rf"{WORD}(?:['’]{WORD})*")
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{2,}")
_OWNER: Final = re.compile(r"['’]s$")
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"”’]?\s+(?=[\"“‘]?[^\W\d_])")
_REPORTING: Final = frozenset({"said", "say", "says", "told", "mr", "mrs", "ms"})

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH: Final = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_DATES: Final = (
    re.compile(
        rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:\s*,?\s+(?P<year>(?:19|20)\d\d)\b)?", re.IGNORECASE
    ),
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH}(?:\s*,?\s+(?P<year>(?:19|20)\d\d)\b)?", re.IGNORECASE
    ),
    re.compile(r"\b(?P<year>20\d\d)\s?[-/.]\s?(?P<number>\d\d?)\s?[-/.]\s?(?P<day>\d\d?)\b"),
)
_DATELINE: Final = 350  # characters in which a full date counts as the date of writing
_DATED: Final = 4_000  # characters searched for days


class _FingerprintWord(NamedTuple):
    """A word and its position; `term` is empty for a stop word."""

    term: str
    kind: TermKind
    place: int
    title: bool


def fingerprint(title: str, paragraphs: Sequence[str], language: str) -> Fingerprint:
    """Fingerprint of a text; empty lists if it has no words."""
    texts = _bounded(title, paragraphs)
    sample, count = shingles(texts)
    words = list(_words(texts, bool(title), stop_words(language) | _REPORTING))
    dates, days = _days("\n".join(texts)[:_DATED])
    return Fingerprint(
        shingles=b"".join(value.to_bytes(4, "big") for value in sample).hex(),
        shingle_count=count,
        terms=_terms(words),
        written_on=dates,
        days=days,
    )


def shingles(texts: Sequence[str]) -> tuple[list[int], int]:
    """(The smallest 256 hashes of the distinct word triples, ascending; how many distinct ones there are)."""
    words = [part for text in texts for word in _WORD.findall(text.lower()) for part in _parts(_OWNER.sub("", word))]
    triples = {" ".join(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))} if words else set()
    hashes = sorted({_hash(triple) for triple in triples})
    return hashes[:SAMPLE], len(hashes)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).digest(), "big")


def _bounded(title: str, paragraphs: Sequence[str]) -> list[str]:
    texts, room = [], _MAX_CHARACTERS
    for text in (title, *paragraphs):
        if room <= 0:
            break
        if text:
            texts.append(text[:room])
            room -= len(text)
    return texts


def _parts(word: str) -> list[str]:
    """The word itself; character bigrams in scripts without spaces."""
    if not _UNSPACED.fullmatch(word):
        return [word]
    return [word[at : at + 2] for at in range(len(word) - 1)]


def _words(texts: Sequence[str], titled: bool, stops: frozenset[str]) -> Iterator[_FingerprintWord]:
    """All words in order, with an empty one after each text so that no pair spans two texts."""
    place = 0
    for number, text in enumerate(texts):
        in_title = titled and number == 0
        for sentence in _SENTENCE.split(text):
            for index, found in enumerate(_WORD.findall(sentence)):
                for word in _parts(_OWNER.sub("", found)):
                    place += 1
                    yield _FingerprintWord(*_term(word, index, stops), place, in_title)
        yield _FingerprintWord("", TermKind.WORD, place, in_title)


def _term(word: str, index: int, stops: frozenset[str]) -> tuple[str, TermKind]:
    lower = word.lower()
    if not 2 <= len(lower) <= 60 or lower in stops:
        return "", TermKind.WORD
    if lower[0].isdigit():
        return lower, TermKind.NUMBER
    return stem(lower), TermKind.NAME if index and word[0].isupper() else TermKind.WORD


def _weight(word: _FingerprintWord) -> float:
    return _TITLE if word.title else 1.0 / (1.0 + word.place / _DECAY)


def _terms(words: Sequence[_FingerprintWord]) -> tuple[FingerprintTerm, ...]:
    """Terms by descending weight. A term is a name if it is capitalised anywhere inside a sentence."""
    weights: dict[str, float] = defaultdict(float)
    leads: dict[str, int] = defaultdict(int)
    kinds: dict[str, TermKind] = {}
    for word in words:
        if not word.term:
            continue
        weights[word.term] += _weight(word) * (_NAMED if word.kind is TermKind.NAME else 1.0)
        kinds[word.term] = max(word.kind, kinds.get(word.term, TermKind.WORD))
        leads[word.term] += word.place <= LEAD
    heaviest = sorted(weights, key=lambda term: (-weights[term], term))[:TERMS]
    return tuple(FingerprintTerm(term, round(weights[term], 2), leads[term], kinds[term]) for term in heaviest)


def _days(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(Proleptic ordinals of full dates near the top; all days mentioned, as month * 100 + day)."""
    dates: set[int] = set()
    days: set[int] = set()
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            month = int(parts["number"]) if parts.get("number") else _MONTHS[parts["month"].lower()]
            day = int(parts["day"])
            try:
                full = date(
                    int(parts["year"] or 2000), month, day
                )  # default 2000, a leap year, so that 29 February is valid
            except ValueError:
                continue
            days.add(month * 100 + day)
            if parts["year"] and match.start() < _DATELINE:
                dates.add(full.toordinal())
    return tuple(sorted(dates)[:_MAX_DAYS]), tuple(sorted(days)[: 2 * _MAX_DAYS])
