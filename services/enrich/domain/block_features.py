"""What the block model knows of each block of a page: its text, its place, its neighbours, and what two engines say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np

from services.enrich.domain.block_company import COMPANY, company, heading_level, kind_of
from services.enrich.domain.candidates import Candidate, Evidence
from services.enrich.domain.html_blocks import ANCESTORS, HINTS, Place

_ENDS: Final = frozenset(".!?…:;。！？")
_CLOSERS: Final = "\"'”’»)]"
_TAGS: Final = ("p", "li", "div", "td", "tr", "blockquote", "figcaption", "pre")
_WINDOW: Final = 5
_OWN: Final = (
    "main", "wide", "words", "linked", "links", "end", "commas", "digits", "heading", "hidden", "depth",
    "share", "share_of_largest", "main_share", "main_share_wider", "position", "before", "after", "within", "repeated",
    "json", "at", "pipe", "like_main", "like_words",
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
    *COMPANY,
)
"""The names of the numbers, in the order of every row."""
_PLACE: Final = {name: number for number, name in enumerate(NAMES)}
_BITS: Final = tuple(1 << number for number in range(len(HINTS)))
_ANCESTOR_BITS: Final = tuple(1 << number for number in range(len(ANCESTORS)))


def rows(found: Sequence[Candidate], evidence: Evidence) -> Any:
    """An array of one row of numbers per candidate, in the order of `NAMES`."""
    if not found:
        return np.zeros((0, len(NAMES)))
    kinds = [kind_of(item) for item in found]
    page = _Page.of(found, kinds)
    made = [
        _own(number, item, page, page.like[kind], evidence)
        for number, (item, kind) in enumerate(zip(found, kinds, strict=True))
    ]
    seen: set[str] = set()
    for row, item in zip(made, found, strict=True):
        row[_PLACE["repeated"]] = float(item.key in seen)
        seen.add(item.key)
    own = np.array(made, dtype=np.float64)
    return np.hstack((own, _around(own, found), np.array(company(found, kinds), dtype=np.float64)))


@dataclass(frozen=True, slots=True)
class _Page:
    count: int
    first: int
    last: int
    words: int
    largest: int
    main_words: int
    main_in: dict[Place, int]
    like: dict[tuple[object, ...], tuple[int, int]]

    @classmethod
    def of(cls, found: Sequence[Candidate], kinds: Sequence[tuple[object, ...]]) -> _Page:
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
        like: dict[tuple[object, ...], tuple[int, int]] = {}
        for item, kind in zip(found, kinds, strict=True):
            total, in_main = like.get(kind, (0, 0))
            like[kind] = (total + item.words, in_main + item.words * item.main)
        parents = [item.block.place.parent or item.block.place for item in found]
        return cls(
            count=max(1, len(found)),
            first=kept[0] if kept else 0,
            last=kept[-1] if kept else len(found) - 1,
            words=max(1, sum(item.words for item in found)),
            largest=max((place.words for place in parents), default=1) or 1,
            main_words=max(1, sum(found[number].words for number in kept)),
            main_in=main_in,
            like=like,
        )


def _own(number: int, item: Candidate, page: _Page, like: tuple[int, int], evidence: Evidence) -> list[float]:
    text, place = item.block.text, item.block.place
    around = place.parent or place
    wider = around.parent or around
    head = text[:200]
    like_total, like_main = like
    span = max(1, page.last - page.first)
    own = [
        item.main,
        item.wide,
        math.log1p(min(item.words, 100)),
        item.linked,
        min(item.block.links, 5),
        text.rstrip(_CLOSERS)[-1:] in _ENDS,
        min(text.count(","), 4),
        _digits(head) / len(head),
        heading_level(place),
        place.hidden,
        place.depth,
        around.words / page.words,
        around.words / page.largest,
        page.main_in.get(around, 0) / page.main_words,
        page.main_in.get(wider, 0) / page.main_words,
        number / page.count,
        min(20, max(0, page.first - number)),
        min(20, max(0, number - page.last)),
        min(1.0, max(0.0, (number - page.first) / span)),
        0.0,
        _in_json(item.key, evidence.json_body),
        "@" in text,
        "|" in text,
        like_main / like_total,
        like_total / page.words,
    ]
    near = place.own | around.own | wider.own
    return [*own, *_of_place(place.tag, near, place.hints, place.ancestors)]


@lru_cache(maxsize=4_096)
def _of_place(tag: str, near: int, hints: int, ancestors: int) -> tuple[float, ...]:
    return (
        *(float(tag == name) for name in _TAGS),
        *(float(bool(near & bit)) for bit in _BITS),
        *(float(bool(hints & bit)) for bit in _BITS),
        *(float(bool(ancestors & bit)) for bit in _ANCESTOR_BITS),
    )


def _digits(text: str) -> int:
    return sum(map(text.count, "0123456789")) if text.isascii() else sum(map(str.isdigit, text))


def _in_json(key: str, body: str) -> float:
    if not body:
        return 0.0
    return 1.0 if len(key) >= 8 and key in body else -1.0


def _around(own: Any, found: Sequence[Candidate]) -> Any:
    """What the neighbours of each candidate are like: columns of `_AROUND` and of `_SUMS`."""
    near = own[:, [_PLACE[name] for name in _NEAR]]
    summed = own[:, [_PLACE[name] for name in ("main", "linked", "words")]]
    above = sum(_shifted(summed, step, 0.0) for step in range(-_WINDOW, 0))
    below = sum(_shifted(summed, step, 0.0) for step in range(1, _WINDOW + 1))
    places = np.arange(len(found))
    many_above, many_below = np.minimum(places, _WINDOW), np.minimum(places[::-1], _WINDOW)
    size = np.maximum(1, many_above + many_below)
    both = (above + below) / size[:, None]
    parents = [item.block.place.parent for item in found]
    same = np.array([0.0, *(float(one is other) for one, other in pairwise(parents)), 0.0])
    headings = own[:, [_PLACE["heading"]]]
    return np.hstack((
        *(_shifted(near, step, -1.0) for _, step in _AROUND),
        both[:, [0]],
        (above[:, 0] / np.maximum(1, many_above))[:, None],
        (below[:, 0] / np.maximum(1, many_below))[:, None],
        both[:, 1:],
        same[:-1, None],
        same[1:, None],
        _shifted(headings, -1, 0.0),
        _shifted(headings, 1, 0.0),
    ))  # fmt: skip


def _shifted(columns: Any, step: int, edge: float) -> Any:
    """In each row what stands `step` rows further down; `edge` where nothing does."""
    moved = np.full_like(columns, edge)
    if step < 0:
        moved[-step:] = columns[:step]
    else:
        moved[: max(0, len(columns) - step)] = columns[step:]
    return moved
