"""Highlights matched characters. tantivy's snippets do not support typos and prefixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import chain, pairwise
from typing import Final

import tantivy
from rapidfuzz.distance import DamerauLevenshtein

from shared.query.spellings import joined_spans
from shared.search.checks import normal
from shared.search.embedded.query_text import ParsedText, typo_budget
from shared.search.embedded.schema import analyzer
from shared.search.embedded.spelling import SpellingDictionary
from shared.search.port import Highlight

WINDOW: Final = 240  # characters of an excerpt
SCANNED: Final = 60_000  # maximum characters of a body that are searched for matches
_LEAD_IN: Final = 40  # characters of context before the first match
_ELLIPSIS: Final = "…"


class Highlighter:
    """Marks the matches of one query in many texts; caches the decision per token."""

    def __init__(self, parsed: ParsedText, *, fuzzy: bool, spelling: SpellingDictionary | None = None) -> None:
        """`spelling`: the dictionary of the searched index, which saves comparing tokens with words."""
        self._parsed = parsed
        self._fuzzy = fuzzy
        self._spellings = [word.spelling for word in parsed.words]
        self._joinable = frozenset(filter(None, self._spellings))
        self._joined = {a + b: a for a, b in pairwise(self._spellings) if a and b}
        self._side_by_side = [word.tokens for word in parsed.words if len(word.tokens) > 1]
        if fuzzy:
            lesser = ((word.base, *chain.from_iterable(word.pieces), *word.halves) for word in parsed.words)
            self._side_by_side += [tokens for tokens in chain.from_iterable(lesser) if tokens]
        self._near: list[Collection[str]] | None = None
        if fuzzy and spelling is not None:
            self._near = [
                spelling.near(word, typo_budget(word), prefix=self._is_typed(at)) if typo_budget(word) else ()
                for at, word in enumerate(self._spellings)
            ]
        self._known: dict[str, str | None] = {}

    def whole(self, text: str) -> Highlight:
        """The whole text, with its matches."""
        text = normal(text)
        return Highlight.of(text, _merged([(start, end) for start, end, _ in self._matches(text)]))

    def excerpt(self, summary: str, body: str) -> Highlight:
        """The window of summary or body with most parts of the query; the start of the summary if there is none."""
        best: tuple[int, str, int] | None = None
        for text in (normal(summary), normal(body)[:SCANNED]):
            found = _densest(self._matches(text))
            if found is not None and (best is None or found[0] > best[0]):
                best = (found[0], text, found[1])
        text, first = (best[1], best[2]) if best else (normal(summary or body), 0)
        return self._cropped(text, first)

    def _cropped(self, text: str, first: int) -> Highlight:
        start = _word_start(text, max(0, first - _LEAD_IN))
        end = _word_end(text, min(len(text), start + WINDOW), after=first)
        piece = text[start:end]
        before, after = _ELLIPSIS * (start > 0), _ELLIPSIS * (end < len(text))
        spans = [(at + len(before), to + len(before)) for at, to, _ in self._matches(piece)]
        return Highlight.of(before + piece + after, _merged(spans))

    def _matches(self, text: str) -> list[tuple[int, int, str]]:
        """(start, end, part of the query) in order of start."""
        tokens = analyzer().pre_tokenize(text).tokens
        found = []
        for token in tokens:
            part = self._part(token.text)
            if part is not None:
                found.append((token.char_offset_from, token.char_offset_to, part))
        found += [(start, end, text[start:end]) for start, end in joined_spans(text, self._joinable)]
        for phrase in (*self._parsed.phrases, *self._side_by_side):
            found.extend(_phrase_matches(tokens, phrase))
        return sorted(found)

    def _part(self, token: str) -> str | None:
        if token not in self._known:
            self._known[token] = self._decide(token)
        return self._known[token]

    def _decide(self, token: str) -> str | None:
        if token in self._joined:
            return self._joined[token]
        for at, word in enumerate(self._spellings):
            if not word:
                continue
            typing = self._is_typed(at)
            if token == word or (typing and token.startswith(word)):
                return word
            if self._near is not None:
                if token in self._near[at]:
                    return word
            elif self._fuzzy and _within(word, token, typo_budget(word), prefix=typing):
                return word
        return None

    def _is_typed(self, at: int) -> bool:
        return self._parsed.prefix and at == len(self._parsed.words) - 1


def _within(word: str, token: str, budget: int, *, prefix: bool) -> bool:
    if not budget:
        return False
    starts = range(max(1, len(word) - budget), min(len(token), len(word) + budget) + 1) if prefix else (len(token),)
    return any(
        abs(length - len(word)) <= budget
        and DamerauLevenshtein.distance(word, token[:length], score_cutoff=budget) <= budget
        for length in starts
    )


def _phrase_matches(tokens: list[tantivy.Token], phrase: tuple[str, ...]) -> list[tuple[int, int, str]]:
    texts = [token.text for token in tokens]
    size = len(phrase)
    return [
        (tokens[at].char_offset_from, tokens[at + size - 1].char_offset_to or 0, " ".join(phrase))
        for at in range(len(texts) - size + 1)
        if tuple(texts[at : at + size]) == phrase
    ]


def _densest(matches: list[tuple[int, int, str]]) -> tuple[int, int] | None:
    """(number of distinct parts, start) of the window with most parts of the query; the earliest on a tie."""
    inside: Counter[str] = Counter()
    best: tuple[int, int] | None = None
    left = 0
    for _, end, part in matches:
        inside[part] += 1
        while end - matches[left][0] > WINDOW - _LEAD_IN and matches[left][0] < end:
            gone = matches[left][2]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            left += 1
            if left >= len(matches):
                return best
        if best is None or len(inside) > best[0]:
            best = (len(inside), matches[left][0])
    return best


def _word_start(text: str, at: int) -> int:
    if at == 0:
        return 0
    space = text.find(" ", at, at + _LEAD_IN)
    return at if space < 0 else space + 1


def _word_end(text: str, at: int, *, after: int) -> int:
    if at >= len(text):
        return len(text)
    space = text.rfind(" ", after + 1, at)
    return at if space < 0 else space


def _merged(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """In order, not overlapping, never empty."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return tuple(merged)
