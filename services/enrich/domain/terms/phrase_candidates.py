"""Keyphrase candidates: runs of up to three words between stop words and punctuation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.enrich.domain.terms.segmentation import MARKS, WORD, is_segmented, segments

MAX_WORDS: Final = 3
_TOKEN: Final = re.compile(rf"{WORD}(?:[-.'’]{WORD})*|[^\w\s{MARKS}]|\n+")
_ELISION: Final = re.compile(r"\b(?:[cdjlmnst]|qu|dell|all|dall|nell|sull|un)['’](?=\w)", re.IGNORECASE)
_ELIDES: Final = frozenset(["fr", "it", "ca", "oc"])
_POSSESSIVE: Final = re.compile(r"['’]s$", re.IGNORECASE)
_SENTENCE_MARKS: Final = frozenset('.!?…:"“«\n')
_MAX_TITLE: Final = 200
_MAX_WORD: Final = 40
_HIRAGANA: Final = re.compile("[\u3040-\u309f]")
"""Japanese verbs, particles and endings have it; names and most nouns have none."""


class _PhraseWord(NamedTuple):
    text: str
    lower: str
    capital: bool
    opens: bool
    """Whether it starts a sentence, where a capital is no evidence of a name."""
    position: int
    of_title: bool
    stop: bool


@dataclass(slots=True)
class PhraseCandidate:
    """A phrase and its occurrences. Positions count words from the start of the text."""

    words: tuple[str, ...]
    stop_inside: bool
    first: int
    last: int = 0
    count: int = 0
    inside: int = 0
    """Occurrences not at the start of a sentence."""
    capital: int = 0
    """Those in which every word is capitalised."""
    opening_capital: bool = False
    of_title: bool = False
    spellings: Counter[str] = field(default_factory=Counter)

    @property
    def capitals(self) -> float:
        """Fraction of occurrences capitalised like a name; 0.5 if all are at the start of a sentence."""
        if self.inside:
            return self.capital / self.inside
        return 0.5 if self.opening_capital else 0.0


def candidates(text: str, primary: str, stops: frozenset[str]) -> tuple[dict[str, PhraseCandidate], int]:
    """All phrases by lower-case text, and the number of words. `primary` is the primary language subtag."""
    found: dict[str, PhraseCandidate] = {}
    total = 0
    # Words that were cut out of a run are not joined again: their phrase would have spaces that the text has not.
    most = 1 if is_segmented(primary) else MAX_WORDS
    for run in _runs(text, primary, stops):
        total = run[-1].position + 1
        for start in range(len(run)):
            for end in range(start + 1, min(start + most, len(run)) + 1):
                if not _may_extend(run[end - 1], first=end == start + 1):
                    break
                if not run[end - 1].stop:
                    _add_occurrence(found, run[start:end])
    return found, total


def _may_extend(word: _PhraseWord, *, first: bool) -> bool:
    return not word.lower.replace(".", "").isdigit() and not (first and word.stop)


def _add_occurrence(found: dict[str, PhraseCandidate], words: list[_PhraseWord]) -> None:
    key = " ".join(word.lower for word in words)
    one = found.get(key)
    if one is None:
        names = tuple(word.lower for word in words if not word.stop)
        one = found[key] = PhraseCandidate(names, len(names) < len(words), words[0].position)
    one.count += 1
    one.last = words[0].position
    one.of_title = one.of_title or words[0].of_title
    one.spellings[" ".join(word.text for word in words)] += 1
    capital = all(word.capital for word in words if not word.stop)
    if words[0].opens:
        one.opening_capital = one.opening_capital or capital
    else:
        one.inside += 1
        one.capital += capital


def _runs(text: str, primary: str, stops: frozenset[str]) -> Iterator[list[_PhraseWord]]:
    """Runs of words without punctuation, line end or possessive between them."""
    title = text.find("\n", 0, _MAX_TITLE)
    if is_segmented(primary):
        text = segments(text, primary)
    if primary in _ELIDES:
        text = _ELISION.sub(lambda match: " " * len(match[0]), text)
    run: list[_PhraseWord] = []
    opens = True
    position = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if not token[0].isalnum():
            opens = opens or token[0] in _SENTENCE_MARKS
            if run:
                yield run
                run = []
            continue
        base = _POSSESSIVE.sub("", token)
        lower = base.lower()
        is_ending = primary == "ja" and _HIRAGANA.search(lower) is not None
        stop = is_ending or lower in stops or not 2 <= len(lower) <= _MAX_WORD
        run.append(_PhraseWord(base, lower, token[0].isupper(), opens, position, match.start() < title, stop))
        position += 1
        opens = False
        if len(base) < len(token):
            yield run
            run = []
    if run:
        yield run
