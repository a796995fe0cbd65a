"""Runs of capitalised words that may be names, with their context."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.enrich.domain.names.vocabulary import (
    DEMONYMS,
    FIRST_NAMES,
    NO_NAMES,
    ORGANISATION,
    PARTICLES,
    STATES,
    TITLES,
)

MAX_WORDS: Final = 7
_TOKEN: Final = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:[-’'&][^\W_]+)*|[^\w\s]|\n+")
_POSSESSIVE: Final = re.compile(r"['’]s?$", re.IGNORECASE)
_ENDS: Final = frozenset(".!?…:;\n")
_OPENING: Final = frozenset("\"“«‘'([")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words, the word before it and the one after (lower case, empty at sentence boundaries)."""

    words: tuple[str, ...]
    before: str
    after: str
    opens: bool
    """Whether the first word starts a sentence."""
    title: bool = False
    """Whether a preceding title such as `President` was removed."""

    @property
    def text(self) -> str:
        """The words joined by spaces."""
        return " ".join(self.words)


def spans(paragraph: str, ordinary: frozenset[str]) -> Iterator[Span]:
    """Spans of a paragraph. `ordinary`: words that start no name at the start of a sentence."""
    tokens = [match[0] for match in _TOKEN.finditer(paragraph)]
    place = 0
    while place < len(tokens):
        end = _end_with_demonym(tokens, place)
        if end == place:
            place += 1
            continue
        before = tokens[place - 1] if place else "\n"
        opens = before in _ENDS or (before in _OPENING and (place < 2 or tokens[place - 2] in _ENDS | {","}))
        words = [_POSSESSIVE.sub("", token) for token in tokens[place:end]]
        after = tokens[end].lower() if end < len(tokens) else ""
        if opens and words[0].lower() in ordinary - DEMONYMS:
            before, opens, words = words[0], False, words[1:]
            while words and not words[0][:1].isupper():
                words = words[1:]
        if span := _trimmed(words, before, after, opens):
            yield span
        place = end


def _capital(token: str) -> bool:
    return token[0].isupper() and token.lower() not in NO_NAMES


def _end_with_demonym(tokens: list[str], start: int) -> int:
    """End of a run such as `European Union`: an adjective belongs to an organisation's or a state's name."""
    if start + 1 < len(tokens) and tokens[start].lower() in DEMONYMS and tokens[start][0].isupper():
        end = _end(tokens, start + 1)
        if not (ORGANISATION | STATES).isdisjoint(token.lower() for token in tokens[start + 1 : end]):
            return end
    return _end(tokens, start)


def _end(tokens: list[str], start: int) -> int:
    """End of the run starting at `start`; `start` if there is none."""
    if not _capital(tokens[start]):
        return start
    place = start + 1
    while place < len(tokens) and place - start < MAX_WORDS:
        if _POSSESSIVE.search(tokens[place - 1]) and len(tokens[place - 1]) > 2:
            break
        if _capital(tokens[place]) or (tokens[place] == "May" and tokens[place - 1].lower() in FIRST_NAMES):
            place += 1
        elif (step := _bridge(tokens, place)) and place + step < len(tokens) and _capital(tokens[place + step]):
            place += step + 1
        elif tokens[place] == "." and len(tokens[place - 1]) == 1 and place + 1 < len(tokens):
            tokens[place - 1] += "."  # an initial
            del tokens[place]
        else:
            break
    return place


def _bridge(tokens: list[str], place: int) -> int:
    """Number of lower-case words that may continue a name here: `van der`, `of`, `of the`."""
    word = tokens[place]
    if word in PARTICLES:
        return 2 if place + 1 < len(tokens) and tokens[place + 1] in PARTICLES else 1
    if word in {"of", "for"} and _POSSESSIVE.sub("", tokens[place - 1]).lower() in ORGANISATION | {
        "house",
        "organisation",
    }:
        return 2 if place + 1 < len(tokens) and tokens[place + 1] == "the" else 1
    return 0


def _trimmed(words: list[str], before: str, after: str, opens: bool) -> Span | None:
    title = False
    while words and words[0].lower().rstrip(".") in TITLES and (len(words) > 1 or after != "of"):
        if len(words) == 1:
            return None
        before, title, opens = words[0], True, False
        words = words[1:]
    while words and not words[0][:1].isupper():
        words = words[1:]
    if not words:
        return None
    return Span(tuple(words), before.lower(), after, opens, title)
