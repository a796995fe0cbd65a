"""Extractive summary: sentences selected by position and term frequency."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.enrich.domain.terms.segmentation import UNSPACED
from services.enrich.domain.terms.vocabulary import ABBREVIATIONS, MAY_END, STARTERS
from services.enrich.domain.terms.words import count, stop_words, tokens

MAX_WORDS: Final = 60
_MAX_SENTENCES: Final = 80
_MAX_CHARACTERS: Final = 600
_MIN_WORDS: Final = 5
_PARAGRAPH_SAMPLE: Final = 4_000

# A sentence may end after a full stop of any script (and closing quotes) before a space, or after 。！？ anywhere.
_END: Final = re.compile(r"[.!?…।॥؟۔።။]+[\"'”’»)\]]*(?=\s+)|[。！？]+[」』”]?")


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    paragraph: int
    words: int
    score: float


def sentences(paragraph: str) -> list[str]:
    """Sentences of a paragraph. Abbreviations, initials, decimals and dates such as `3. May` do not end a sentence."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(paragraph):
        if _ends(paragraph, start, match):
            found.append(paragraph[start : match.end()].strip())
            start = match.end()
    found.append(paragraph[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    mark = match[0]
    rest = text[match.end() : match.end() + 40].lstrip()
    if mark[0] in "。！？":
        return True
    if rest[:1].islower():
        return False  # `?” she asked`, `approx. five`, `a... pause`
    if mark[0] != ".":
        return True
    head = text[max(start, match.start() - 24) : match.start()]
    before = head.split()[-1].lstrip("(\"'“‘[").lower() if head.split() else ""
    following = rest.split(maxsplit=1)[0].strip("\"'“‘").lower() if rest else ""
    return _word_ends(before, following)


def _word_ends(before: str, following: str) -> bool:
    if before in MAY_END:
        return following in STARTERS
    if before in ABBREVIATIONS or (len(before) == 1 and before.isalpha() and before != "i"):
        return False
    # `12. Mai`, `3. Liga`: a small number before a full stop is an ordinal unless a common sentence starter follows.
    return not (before.isdigit() and len(before) <= 2 and following not in STARTERS)


def summarise(title: str, paragraphs: Sequence[str], language: str) -> str:
    """Up to three sentences, at most 60 words in total, in text order; a truncated lead if all are longer."""
    candidates = _scored(title, paragraphs, language)
    chosen: list[int] = []
    room = MAX_WORDS
    for index in sorted(range(len(candidates)), key=lambda i: -candidates[i].score):
        if candidates[index].words <= room and len(candidates[index].text) <= _MAX_CHARACTERS:
            chosen.append(index)
            room -= candidates[index].words
        if len(chosen) == 3 or room < _MIN_WORDS:
            break
    if chosen:
        return " ".join(candidates[index].text for index in sorted(chosen))
    return _shortened(candidates[0].text) if candidates else ""


def _scored(title: str, paragraphs: Sequence[str], language: str) -> list[_Sentence]:
    texts = [
        (number, text)
        for number, paragraph in enumerate(paragraphs[:_MAX_SENTENCES])
        for text in sentences(paragraph[:_PARAGRAPH_SAMPLE])
    ][:_MAX_SENTENCES]
    stops = stop_words(language)
    terms = [[term for term in tokens(text, language) if term not in stops] for _, text in texts]
    counts = Counter(term for row in terms for term in row)
    peak = max(counts.values(), default=1)
    of_title = set(tokens(title, language)) - stops
    return [
        _Sentence(text, number, max(1, _size(text, language)), _score(index, number, row, counts, peak, of_title))
        for index, ((number, text), row) in enumerate(zip(texts, terms, strict=True))
    ]


def _score(index: int, paragraph: int, row: list[str], counts: Counter[str], peak: int, of_title: set[str]) -> float:
    if len(row) < 2:
        return 0.0
    frequency = sum(counts[term] for term in row) / (peak * len(row))
    overlap = len(of_title.intersection(row)) / (len(of_title) or 1)
    # News states the main point first: position outweighs term frequency.
    position = 1.0 / (1 + paragraph) + (1.0 if index == 0 else 0.0)
    return position + frequency + 0.5 * overlap


def _size(text: str, language: str) -> int:
    # Spaces are counted as before where there are some: a summary is not cut shorter by a dash.
    return count(text, language) if UNSPACED.search(text) else len(text.split())


def _shortened(sentence: str) -> str:
    words = sentence.split()[:MAX_WORDS]
    return " ".join(words)[:_MAX_CHARACTERS].rstrip(" ,;:") + "…"
