"""Features of each block for the block model: text, position, neighbours, and the output of two extraction engines."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from services.enrich.domain.markup.block_context import CONTEXT_NAMES, block_kinds, context_features, heading_level
from services.enrich.domain.markup.blocks import ANCESTORS, HINTS, Place
from services.enrich.domain.markup.candidates import Candidate, Evidence

_ENDS: Final = frozenset(".!?…:;。！？")
_CLOSERS: Final = "\"'”’»)]"
_TAGS: Final = ("p", "li", "div", "td", "tr", "blockquote", "figcaption", "pre")
_WINDOW: Final = 5
_HEAD: Final = 200
_OWN: Final = (
    "main", "wide", "words", "linked", "links", "end", "commas", "digits", "heading", "hidden", "depth",
    "share", "share_of_largest", "main_share", "main_share_wider", "position", "before", "after", "within", "repeated",
    "json", "at", "pipe", "same_kind_main_share", "same_kind_page_share",
)  # fmt: skip
_NEAR: Final = ("main", "wide", "words", "linked", "end")
_AROUND: Final = (("previous", -1), ("next", 1), ("after_next", 2))
_SUMS: Final = ("main_near", "main_above", "main_below", "linked_near", "words_near", "same_parent_before",
                "same_parent_after", "heading_before", "heading_after")  # fmt: skip
NAMES: Final = (
    *_OWN,
    *(f"tag_{tag}" for tag in _TAGS),
    *(f"near_{name}" for name in HINTS),
    *(f"any_{name}" for name in HINTS),
    *(f"in_{tag}" for tag in ANCESTORS),
    *(f"{where}_{name}" for where, _ in _AROUND for name in _NEAR),
    *_SUMS,
    *CONTEXT_NAMES,
)
"""Feature names, in column order."""
_PLACE: Final = {name: number for number, name in enumerate(NAMES)}
_LOG_WORDS: Final = tuple(math.log1p(words) for words in range(101))
_DIGITS: Final = b"0123456789"
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_TAG: Final = {tag: number for number, tag in enumerate(_TAGS)}
_IS_TAG: Final = np.eye(len(_TAGS) + 1, len(_TAGS))
_ANCESTOR_MASK: Final = (1 << len(ANCESTORS)) - 1
_BITS: Final = 1 << np.arange(2 * len(HINTS) + len(ANCESTORS), dtype=np.int64)
"""Bits of nearby hints, then hints of all ancestors, then ancestor tags."""


def feature_rows(found: Sequence[Candidate], evidence: Evidence) -> Any:
    """One row per candidate, columns as in `NAMES`."""
    if not found:
        return np.zeros((0, len(NAMES)))
    kinds = block_kinds(found)
    page = _Page.of(found)
    own = np.hstack((_own(found, page, evidence), _same_kind_shares(found, kinds, page)))
    return np.hstack((own, _place_features(found), _neighbour_features(own, found), context_features(found, kinds)))


@dataclass(frozen=True, slots=True)
class _Page:
    count: int
    first: int
    last: int
    words: int
    largest: int
    main_words: int
    main_in: dict[Place, int]

    @classmethod
    def of(cls, found: Sequence[Candidate]) -> _Page:
        kept = [number for number, item in enumerate(found) if item.main and item.words >= 5]
        inside: dict[Place | None, int] = {}
        for number in kept:
            around = found[number].block.place.parent
            inside[around] = inside.get(around, 0) + found[number].words
        main_in: dict[Place, int] = {}
        for nearest, words in inside.items():
            place = nearest
            while place is not None:
                main_in[place] = main_in.get(place, 0) + words
                place = place.parent
        parents = [item.block.place.parent or item.block.place for item in found]
        return cls(
            count=len(found),
            first=kept[0] if kept else 0,
            last=kept[-1] if kept else len(found) - 1,
            words=max(1, sum(item.words for item in found)),
            largest=max((place.words for place in parents), default=1) or 1,
            main_words=max(1, sum(found[number].words for number in kept)),
            main_in=main_in,
        )

    def shares(self, around: Place) -> tuple[float, ...]:
        """An element's share of the page's words and of the largest element's words, and its share of the main text."""
        main, wider = (self.main_in.get(place, 0) / self.main_words for place in (around, around.parent or around))
        return (around.words / self.words, around.words / self.largest, main, wider)

    def positions(self) -> Any:
        """Per block: relative position on the page, and distance before, after and within the main text."""
        number = np.arange(self.count)
        within = (number - self.first) / max(1, self.last - self.first)
        before, after = (np.clip(far, 0, 20) for far in (self.first - number, number - self.last))
        return np.stack((number / self.count, before, after, np.clip(within, 0.0, 1.0)), axis=1)


def _own(found: Sequence[Candidate], page: _Page, evidence: Evidence) -> Any:
    """The columns of `_OWN` except the last two."""
    shares: dict[Place, tuple[float, ...]] = {}
    seen: set[str] = set()
    made: list[tuple[float, ...]] = []
    for item in found:
        block = item.block
        text, place = block.text, block.place
        around = place.parent or place
        if around not in shares:
            shares[around] = page.shares(around)
        made.append((
            item.main,
            item.wide,
            _LOG_WORDS[min(item.words, 100)],
            item.linked,
            min(block.links, 5),
            text.rstrip(_CLOSERS)[-1:] in _ENDS,
            min(text.count(","), 4),
            _digit_share(text[:_HEAD]),
            heading_level(place),
            place.hidden,
            place.depth,
            *shares[around],
            item.key in seen,
            _json_match(item.key, evidence.json_body),
            "@" in text,
            "|" in text,
        ))  # fmt: skip
        seen.add(item.key)
    own = np.array(made, dtype=np.float64)
    at = _PLACE["position"]
    return np.hstack((own[:, :at], page.positions(), own[:, at:]))


def _same_kind_shares(found: Sequence[Candidate], kinds: Any, page: _Page) -> Any:
    """Of all words in blocks of the same kind: the share in the main text, and the share of the page."""
    words = np.array([item.words for item in found], dtype=np.float64)
    total = np.bincount(kinds, words)
    in_main = np.bincount(kinds, words * [item.main for item in found])
    return np.stack((in_main / total, total / page.words), axis=1)[kinds]


def _place_features(found: Sequence[Candidate]) -> Any:
    """One-hot tag, and one column per hint and ancestor bit."""
    tags = [_TAG.get(item.block.place.tag, len(_TAGS)) for item in found]
    bits = np.array([_context_bits(item.block.place) for item in found], dtype=np.int64)
    return np.hstack((_IS_TAG[tags], bits[:, None] & _BITS != 0))


def _context_bits(place: Place) -> int:
    around = place.parent or place
    near = place.own | around.own | (around.parent or around).own
    far = place.hints | (place.ancestors & _ANCESTOR_MASK) << len(HINTS)
    return near | far << len(HINTS)


def _digit_share(head: str) -> float:
    """Digits / characters."""
    raw = head.encode("utf-8", "replace")
    count = len(raw) - len(raw.translate(None, _DIGITS))
    if not head.isascii():
        count += sum(map(str.isdigit, "".join(_BEYOND_ASCII.findall(head))))
    return count / len(head)


def _json_match(key: str, body: str) -> float:
    if not body:
        return 0.0
    return 1.0 if len(key) >= 8 and key in body else -1.0


def _neighbour_features(own: Any, found: Sequence[Candidate]) -> Any:
    """Features of each candidate's neighbours: the columns of `_AROUND` and of `_SUMS`."""
    count = len(found)
    near = _padded(own[:, [_PLACE[name] for name in _NEAR]], 2, -1.0)
    summed = _padded(own[:, [_PLACE[name] for name in ("main", "linked", "words")]], _WINDOW, 0.0)
    above = sum(summed[_WINDOW + step :][:count] for step in range(-_WINDOW, 0))
    below = sum(summed[_WINDOW + step :][:count] for step in range(1, _WINDOW + 1))
    places = np.arange(count)
    many_above, many_below = np.minimum(places, _WINDOW), np.minimum(places[::-1], _WINDOW)
    size = np.maximum(1, many_above + many_below)
    both = (above + below) / size[:, None]
    parents = [item.block.place.parent for item in found]
    same = np.array([0.0, *map(operator.is_, parents, parents[1:]), 0.0])
    headings = _padded(own[:, [_PLACE["heading"]]], 1, 0.0)
    return np.hstack((
        *(near[2 + step :][:count] for _, step in _AROUND),
        both[:, [0]],
        (above[:, 0] / np.maximum(1, many_above))[:, None],
        (below[:, 0] / np.maximum(1, many_below))[:, None],
        both[:, 1:],
        same[:-1, None],
        same[1:, None],
        headings[:count],
        headings[2:],
    ))  # fmt: skip


def _padded(columns: Any, edge: int, value: float) -> Any:
    """The columns with `edge` rows of `value` before and after."""
    made = np.full((len(columns) + 2 * edge, columns.shape[1]), value)
    made[edge : edge + len(columns)] = columns
    return made
