"""What the block model knows of each block of a page: its text, its place, its neighbours, and what two engines say."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.enrich.domain.furniture import rule_of
from services.enrich.domain.html_blocks import ANCESTORS, HINTS, HtmlBlock, Place

_KEY: Final = re.compile(r"[\W_]+")
_END: Final = re.compile(r"[.!?…:;。！？][\"'”’»)\]]*$")
_TAGS: Final = ("p", "li", "div", "td", "blockquote", "figcaption", "section", "article", "pre", "dd")
_WINDOW: Final = 5
_OWN: Final = (
    "main", "wide", "words", "linked", "links", "end", "commas", "digits", "capitals", "heading", "hidden", "depth",
    "share", "share_of_largest", "main_share", "main_share_wider", "position", "before", "after", "within", "repeated",
    "title", "rule", "json", "copyright", "at", "pipe", "question", "colon", "bullet", "like_main", "like_words",
)  # fmt: skip
_NEAR: Final = ("main", "wide", "words", "linked", "end")
_AROUND: Final = (("previous", -1), ("next", 1), ("before_previous", -2), ("after_next", 2))
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
)
"""The names of the numbers, in the order of every row."""
_PLACE: Final = {name: number for number, name in enumerate(NAMES)}
_BITS: Final = tuple(1 << number for number in range(len(HINTS)))
_ANCESTOR_BITS: Final = tuple(1 << number for number in range(len(ANCESTORS)))


def key_of(text: str) -> str:
    """The letters and digits of a text in lower case, by which two renderings of it are compared."""
    return _KEY.sub("", text).lower()


@dataclass(frozen=True, slots=True)
class Said:
    """The text an engine made of the page, for asking whether a block is in it."""

    lines: frozenset[str]
    whole: str

    @classmethod
    def of(cls, text: str) -> Said:
        """Prepared for asking."""
        return cls(frozenset(key_of(line) for line in text.split("\n")), key_of(text))

    def has(self, key: str) -> bool:
        """Whether it has this key: as a line, or, when it is long, anywhere."""
        return bool(key) and (key in self.lines or (len(key) >= 25 and key in self.whole))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a page beside its blocks: two engines' texts, its title, and the body in its JSON-LD."""

    main: Said
    wide: Said
    title: str
    json_body: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A block that may be body, with what the engines say of it."""

    block: HtmlBlock
    key: str
    words: int
    main: bool
    wide: bool

    @property
    def linked(self) -> float:
        return self.block.linked / len(self.block.text)


def candidates(blocks: Sequence[HtmlBlock], evidence: Evidence) -> list[Candidate]:
    """The blocks that an engine takes for body, and all others that are not mostly links or shorter than four words."""
    found: list[Candidate] = []
    for block in blocks:
        key = key_of(block.text)
        words = block.text.count(" ") + 1
        main, wide = evidence.main.has(key), evidence.wide.has(key)
        plain = block.linked * 5 < len(block.text) * 3 and (words >= 4 or len(key) >= 20)
        if key and (main or wide or plain):
            found.append(Candidate(block, key, words, main, wide))
    return found


def rows(found: Sequence[Candidate], evidence: Evidence) -> list[list[float]]:
    """One row of numbers per candidate, in the order of `NAMES`."""
    page = _Page.of(found)
    made = [_own(number, item, page, evidence) for number, item in enumerate(found)]
    seen: set[str] = set()
    for row, item in zip(made, found, strict=True):
        row[_PLACE["repeated"]] = float(item.key in seen)
        seen.add(item.key)
    for number, row in enumerate(made):
        _look_around(number, row, made, found)
    return made


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
    def of(cls, found: Sequence[Candidate]) -> _Page:
        kept = [number for number, item in enumerate(found) if item.main and item.words >= 5]
        main_in: dict[Place, int] = {}
        for number in kept:
            place = found[number].block.place.parent
            while place is not None:
                main_in[place] = main_in.get(place, 0) + found[number].words
                place = place.parent
        like: dict[tuple[object, ...], tuple[int, int]] = {}
        for item in found:
            total, in_main = like.get(_kind(item), (0, 0))
            like[_kind(item)] = (total + item.words, in_main + item.words * item.main)
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


def _kind(item: Candidate) -> tuple[object, ...]:
    place = item.block.place
    parent = place.parent
    return (place.tag, place.own, place.depth, parent.tag if parent else "", parent.own if parent else 0)


def _own(number: int, item: Candidate, page: _Page, evidence: Evidence) -> list[float]:
    text, place = item.block.text, item.block.place
    around = place.parent or place
    wider = around.parent or around
    head = text[:200]
    like_total, like_main = page.like[_kind(item)]
    span = max(1, page.last - page.first)
    own = [
        item.main,
        item.wide,
        math.log1p(min(item.words, 100)),
        item.linked,
        min(item.block.links, 5),
        _END.search(text) is not None,
        min(text.count(","), 4),
        sum(map(str.isdigit, head)) / len(head),
        text[:80].isupper(),
        int(place.tag[1]) if len(place.tag) == 2 and place.tag[0] == "h" and place.tag[1].isdigit() else 0,
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
        _is_title(item.key, evidence.title),
        rule_of(text) is not None,
        _in_json(item.key, evidence.json_body),
        "©" in text or "copyright" in text[:60].lower(),
        "@" in text,
        "|" in text,
        text.endswith("?"),
        text.endswith(":"),
        text[0] in "-•*·»›▪►",
        like_main / like_total,
        like_total / page.words,
    ]
    near = place.own | around.own | wider.own
    return [
        *map(float, own),
        *(float(place.tag == tag) for tag in _TAGS),
        *(float(bool(near & bit)) for bit in _BITS),
        *(float(bool(place.hints & bit)) for bit in _BITS),
        *(float(bool(place.ancestors & bit)) for bit in _ANCESTOR_BITS),
    ]


def _is_title(key: str, title: str) -> float:
    if not title or len(key) < 12:
        return 0.0
    return 1.0 if key == title else 0.5 if key in title or title in key else 0.0


def _in_json(key: str, body: str) -> float:
    if not body:
        return 0.0
    return 1.0 if len(key) >= 8 and key in body else -1.0


def _look_around(number: int, row: list[float], made: Sequence[list[float]], found: Sequence[Candidate]) -> None:
    main, linked, words, heading = _PLACE["main"], _PLACE["linked"], _PLACE["words"], _PLACE["heading"]
    near = [_PLACE[name] for name in _NEAR]
    count = len(made)
    for _, step in _AROUND:
        other = made[number + step] if 0 <= number + step < count else None
        row.extend(other[place] if other is not None else -1.0 for place in near)
    above, below = made[max(0, number - _WINDOW) : number], made[number + 1 : number + 1 + _WINDOW]
    size = max(1, len(above) + len(below))
    in_above, in_below = sum(other[main] for other in above), sum(other[main] for other in below)
    parent = found[number].block.place.parent
    row += [
        (in_above + in_below) / size,
        in_above / max(1, len(above)),
        in_below / max(1, len(below)),
        sum(other[linked] for other in (*above, *below)) / size,
        sum(other[words] for other in (*above, *below)) / size,
        float(number > 0 and found[number - 1].block.place.parent is parent),
        float(number + 1 < count and found[number + 1].block.place.parent is parent),
        above[-1][heading] if above else 0.0,
        below[0][heading] if below else 0.0,
    ]
