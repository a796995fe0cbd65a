"""Block features from the rest of the page: page totals, blocks of the same kind, the heading above, phrases."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np

from services.enrich.domain.markup.blocks import Place
from services.enrich.domain.markup.candidates import Candidate

CONTEXT_NAMES: Final = (
    "page_main", "page_main_share", "page_wide_share", "page_agreement", "page_blocks",
    "blocks_since_heading", "heading_above_level", "heading_above_boilerplate", "boilerplate_words", "pointer",
    "addresses_reader", "capitals",
    "length", "again", "in_pre", "in_details", "same_kind", "same_kind_words", "same_kind_linked", "blocks_until_end",
    "article", "articles", "first_headings",
)  # fmt: skip
"""Feature names, in the column order of `context_features`."""
_HEAD: Final = 400
_POINTER: Final = re.compile(
    r"\W*(?:read|see|related|also|more|watch|listen|click|next|previous|photo|image|source|credit|tags?|filed|topics?|"
    r"categor|share|posted|published|updated|by|about|lesen|mehr|foto|bild|les|lire|leia|lea|www|https?)\b",
    re.IGNORECASE,
)
_BOILERPLATE_STEMS: Final = (
    "subscri", "newsletter", "cookie", "comment", "kommentar", "sign up", "sign in", "log in", "email", "e-mail",
    "copyright", "©", "all rights", "podcast", "advertis", "affiliate", "commission", "privacy", "datenschutz",
    "disclaim", "follow us", "donat", "republish", "sponsor", "whatsapp", "facebook", "twitter", "instagram", "abonn",
    "suscr", "inscrev", "contribut", "terms of", "register", "download", "contact",
)  # fmt: skip
_EDITOR, _NOTE = "editor", "s note"
""""Editor's note" with any character for the apostrophe: counted as one more stem."""
_ADDRESS_WORDS: Final = frozenset(
    form for word in ("you", "your", "us", "our", "we", "my", "i") for form in (word, word.title(), word.upper())
)
_ADDRESS_WORDS_BYTES: Final = frozenset(word.encode() for word in _ADDRESS_WORDS)
_WORD: Final = re.compile(r"\w+")
_PUNCTUATION: Final = "’“”‘–—…"
"""The most common punctuation outside ASCII; often all of a text that is not ASCII."""
_WORDS_ONLY: Final = bytes(code if chr(code).isalnum() or chr(code) == "_" else 32 for code in range(128)) + bytes(128)
_CAPITALS_ONLY: Final = bytes(65 if 65 <= code <= 90 else 32 * (code == 32) for code in range(256))
_LEVELS: Final = {f"h{level}": level for level in range(1, 7)}
_MIN_COPY_KEY: Final = 15
_MAX_DISTANCE: Final = 30
_NO_HEADING: Final = 40
_MAX_COUNT: Final = 8


def block_kinds(found: Sequence[Candidate]) -> Any:
    """One kind number per candidate: blocks with equal tag, class hints and depth come from one template slot."""
    numbers: dict[tuple[object, ...], int] = {}
    return np.array([numbers.setdefault(_kind(item.block.place), len(numbers)) for item in found], dtype=np.intp)


def _kind(place: Place) -> tuple[object, ...]:
    parent = place.parent
    return (place.tag, place.own, place.depth, parent.tag if parent else "", parent.own if parent else 0)


def heading_level(place: Place) -> int:
    """1 to 6 for h1 to h6, else 0."""
    return _LEVELS.get(place.tag, 0)


def context_features(found: Sequence[Candidate], kinds: Any) -> Any:
    """One row per candidate, columns as in `CONTEXT_NAMES`. `kinds` is the result of `block_kinds`."""
    levels = [heading_level(item.block.place) for item in found]
    phrases = list(_phrases([item.block.text for item in found]))
    copied = _duplicated_keys([item.key for item in found])
    articles: dict[Place, int] = {}
    made = np.empty((len(found), len(CONTEXT_NAMES)))
    made[:, :5] = _page(found)
    made[:, 5:8] = _heading_above(levels, phrases)
    made[:, 8:13] = phrases
    made[:, 13:16] = [(item.key in copied, *map(item.block.place.inside, ("pre", "details"))) for item in found]
    made[:, 16:19] = _same_kind(found, kinds)
    made[:, 19] = np.minimum(np.arange(len(found))[::-1], _MAX_DISTANCE)
    made[:, 20] = [min(_article(item.block.place, articles), _MAX_COUNT) for item in found]
    made[:, 21] = min(len(articles), _MAX_COUNT)
    made[:, 22] = np.minimum(np.cumsum(np.equal(levels, 1)), _MAX_COUNT)
    return made


def _page(found: Sequence[Candidate]) -> tuple[float, ...]:
    words = max(1, sum(item.words for item in found))
    main = sum(item.words for item in found if item.main)
    wide = sum(item.words for item in found if item.wide)
    both = sum(item.words for item in found if item.main and item.wide)
    return (math.log1p(main), main / words, wide / words, 2 * both / ((main + wide) or 1), math.log1p(len(found)))


def _heading_above(levels: Sequence[int], phrases: Sequence[tuple[float, ...]]) -> list[tuple[float, float, float]]:
    """Distance to the nearest heading above, its level, and whether its text looks like boilerplate."""
    made: list[tuple[float, float, float]] = []
    heading: tuple[int, int, float] | None = None
    for number, level in enumerate(levels):
        made.append((_NO_HEADING, 0, 0) if heading is None else (min(number - heading[0], _MAX_DISTANCE), *heading[1:]))
        if level:
            heading = (number, level, float(phrases[number][0] > 0 or phrases[number][1] > 0))
    return made


def _same_kind(found: Sequence[Candidate], kinds: Any) -> Any:
    """Number of blocks of the same kind, their mean word count, and the linked share of their text."""
    words = np.array([item.words for item in found], dtype=np.float64)
    many = np.bincount(kinds)
    total = np.bincount(kinds, words)
    linked = np.bincount(kinds, words * [item.linked for item in found])
    return np.stack((np.minimum(many, _MAX_DISTANCE), total / many, linked / total), axis=1)[kinds]


def _duplicated_keys(keys: Sequence[str]) -> set[str]:
    """Keys that occur twice or inside another key. Only longer keys can contain a key, so only those are searched."""
    times = Counter(key for key in keys if len(key) >= _MIN_COPY_KEY)
    longest_first = sorted(times, key=len, reverse=True)
    whole = "\n".join(longest_first)
    found: set[str] = set()
    place = 0
    for key in longest_first:
        if times[key] > 1 or whole.find(key, 0, place) >= 0:
            found.add(key)
        place += len(key) + 1
    return found


def _phrases(texts: Sequence[str]) -> Iterator[tuple[float, ...]]:
    """Boilerplate stems, whether the text starts as a pointer, shares of address words and of capitals, length."""
    heads = [text[:_HEAD] for text in texts]
    plain = "\n".join(heads)
    for sign in _PUNCTUATION:
        plain = plain.replace(sign, "'")
    boilerplate = _boilerplate_counts(plain.lower())
    for number, (text, head, simple) in enumerate(zip(texts, heads, plain.split("\n"), strict=True)):
        pointer = _POINTER.match(head) is not None
        yield (min(3, boilerplate[number]), pointer, *_shares(simple), math.log1p(len(text)))


def _boilerplate_counts(text: str) -> Counter[int]:
    """Boilerplate stems per line of a lower-case text. One search over the whole text is cheaper than one per line."""
    hits = [
        (at, number, at + len(stem)) for number, stem in enumerate(_BOILERPLATE_STEMS) for at in _positions(text, stem)
    ]
    notes = [(at - len(_EDITOR) - 1, at) for at in _positions(text, _NOTE) if at > len(_EDITOR)]
    hits += [
        (begins, len(_BOILERPLATE_STEMS), at + len(_NOTE))
        for begins, at in notes
        if text.startswith(_EDITOR, begins) and text[at - 1] != "\n"
    ]
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    found: Counter[int] = Counter()
    read = 0
    for at, _, end in sorted(hits):
        if at >= read:  # else it overlaps the previous hit
            found[bisect_right(starts, at) - 1] += 1
            read = end
    return found


def _positions(text: str, stem: str) -> Iterator[int]:
    at = text.find(stem)
    while at >= 0:
        yield at
        at = text.find(stem, at + 1)


def _shares(head: str) -> tuple[float, float]:
    """Shares of words that address the reader and of capitalised words. ASCII is counted by bytes: faster."""
    if head.isascii():
        raw = head.encode("ascii")
        count = raw.count(b" ") + 1 - raw.endswith(b" ")
        address = sum(map(_ADDRESS_WORDS_BYTES.__contains__, raw.translate(_WORDS_ONLY).split()))
        return address / count, (raw.translate(_CAPITALS_ONLY).count(b" A") + raw[:1].isupper()) / count
    words = head.split()
    capitals = sum(word[0].isupper() for word in words)
    return sum(map(_ADDRESS_WORDS.__contains__, _WORD.findall(head))) / len(words), capitals / len(words)


def _article(place: Place, articles: dict[Place, int]) -> int:
    """Number of the outermost `article` element around the block; -1 without one."""
    return -1 if place.article is None else articles.setdefault(place.article, len(articles))
