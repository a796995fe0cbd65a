"""What the model knows of a block by the company it keeps: its page, its kin, the heading above it, its phrases."""

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

COMPANY: Final = (
    "page_main", "page_main_share", "page_wide_share", "page_agreement", "page_blocks",
    "headed_ago", "headed_level", "headed_as_furniture", "furniture_words", "pointer", "addresses_reader", "capitals",
    "length", "again", "in_pre", "in_details", "kin", "kin_words", "kin_linked", "until_end",
    "article", "articles", "first_headings",
)  # fmt: skip
"""The names of the numbers, in the order of `company`."""
_HEAD: Final = 400
_POINTER: Final = re.compile(
    r"\W*(?:read|see|related|also|more|watch|listen|click|next|previous|photo|image|source|credit|tags?|filed|topics?|"
    r"categor|share|posted|published|updated|by|about|lesen|mehr|foto|bild|les|lire|leia|lea|www|https?)\b",
    re.IGNORECASE,
)
_FURNITURE: Final = (
    "subscri", "newsletter", "cookie", "comment", "kommentar", "sign up", "sign in", "log in", "email", "e-mail",
    "copyright", "©", "all rights", "podcast", "advertis", "affiliate", "commission", "privacy", "datenschutz",
    "disclaim", "follow us", "donat", "republish", "sponsor", "whatsapp", "facebook", "twitter", "instagram", "abonn",
    "suscr", "inscrev", "contribut", "terms of", "register", "download", "contact",
)  # fmt: skip
_EDITOR, _NOTE = "editor", "s note"
"""With any apostrophe between them, or what an encoding made of it, the last of the words of furniture."""
_READER: Final = frozenset(
    form for word in ("you", "your", "us", "our", "we", "my", "i") for form in (word, word.title(), word.upper())
)
_READER_BYTES: Final = frozenset(word.encode() for word in _READER)
_WORD: Final = re.compile(r"\w+")
_MARKS: Final = "’“”‘–—…"
"""Signs that are neither letters nor blanks, and often all of a text that is not ASCII."""
_WORDS_ONLY: Final = bytes(code if chr(code).isalnum() or chr(code) == "_" else 32 for code in range(128)) + bytes(128)
_CAPITALS_ONLY: Final = bytes(65 if 65 <= code <= 90 else 32 * (code == 32) for code in range(256))
_LEVELS: Final = {f"h{level}": level for level in range(1, 7)}
_LEAST_COPY: Final = 15
_FAR: Final = 30
_NO_HEADING: Final = 40
_MANY: Final = 8


def kinds_of(found: Sequence[Candidate]) -> Any:
    """An array of one number per candidate: blocks that a page's template made alike have the same."""
    numbers: dict[tuple[object, ...], int] = {}
    return np.array([numbers.setdefault(_kind(item.block.place), len(numbers)) for item in found], dtype=np.intp)


def _kind(place: Place) -> tuple[object, ...]:
    parent = place.parent
    return (place.tag, place.own, place.depth, parent.tag if parent else "", parent.own if parent else 0)


def heading_level(place: Place) -> int:
    """1 to 6 for h1 to h6, else 0."""
    return _LEVELS.get(place.tag, 0)


def company(found: Sequence[Candidate], kinds: Any) -> Any:
    """An array of one row of numbers per candidate, in the order of `COMPANY`; `kinds` is what `kinds_of` says."""
    levels = [heading_level(item.block.place) for item in found]
    phrases = list(_phrases([item.block.text for item in found]))
    copied = _copied([item.key for item in found])
    articles: dict[Place, int] = {}
    made = np.empty((len(found), len(COMPANY)))
    made[:, :5] = _page(found)
    made[:, 5:8] = _headed(levels, phrases)
    made[:, 8:13] = phrases
    made[:, 13:16] = [(item.key in copied, *map(item.block.place.inside, ("pre", "details"))) for item in found]
    made[:, 16:19] = _kin(found, kinds)
    made[:, 19] = np.minimum(np.arange(len(found))[::-1], _FAR)
    made[:, 20] = [min(_article(item.block.place, articles), _MANY) for item in found]
    made[:, 21] = min(len(articles), _MANY)
    made[:, 22] = np.minimum(np.cumsum(np.equal(levels, 1)), _MANY)
    return made


def _page(found: Sequence[Candidate]) -> tuple[float, ...]:
    words = max(1, sum(item.words for item in found))
    main = sum(item.words for item in found if item.main)
    wide = sum(item.words for item in found if item.wide)
    both = sum(item.words for item in found if item.main and item.wide)
    return (math.log1p(main), main / words, wide / words, 2 * both / ((main + wide) or 1), math.log1p(len(found)))


def _headed(levels: Sequence[int], phrases: Sequence[tuple[float, ...]]) -> list[tuple[float, float, float]]:
    """How far the heading above is, its level, and whether it reads like furniture."""
    made: list[tuple[float, float, float]] = []
    heading: tuple[int, int, float] | None = None
    for number, level in enumerate(levels):
        made.append((_NO_HEADING, 0, 0) if heading is None else (min(number - heading[0], _FAR), *heading[1:]))
        if level:
            heading = (number, level, float(phrases[number][0] > 0 or phrases[number][1] > 0))
    return made


def _kin(found: Sequence[Candidate], kinds: Any) -> Any:
    """How many there are of its kind, their words each, and the share of these in links."""
    words = np.array([item.words for item in found], dtype=np.float64)
    many = np.bincount(kinds)
    said = np.bincount(kinds, words)
    linked = np.bincount(kinds, words * [item.linked for item in found])
    return np.stack((np.minimum(many, _FAR), said / many, linked / said), axis=1)[kinds]


def _copied(keys: Sequence[str]) -> set[str]:
    """The keys that are there twice or inside another; only a longer one can hold a key, so these are searched."""
    times = Counter(key for key in keys if len(key) >= _LEAST_COPY)
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
    """Words of furniture, whether it points elsewhere, shares of words to the reader and of capitals, length."""
    heads = [text[:_HEAD] for text in texts]
    plain = "\n".join(heads)
    for mark in _MARKS:
        plain = plain.replace(mark, "'")
    furniture = _furniture(plain.lower())
    for number, (text, head, simple) in enumerate(zip(texts, heads, plain.split("\n"), strict=True)):
        pointer = _POINTER.match(head) is not None
        yield (min(3, furniture[number]), pointer, *_shares(simple), math.log1p(len(text)))


def _furniture(said: str) -> Counter[int]:
    """How many words of furniture each line of a text in lower case has; searching the whole text at once is cheap."""
    hits = [(at, number, at + len(stem)) for number, stem in enumerate(_FURNITURE) for at in _places(said, stem)]
    notes = [(at - len(_EDITOR) - 1, at) for at in _places(said, _NOTE) if at > len(_EDITOR)]
    hits += [
        (begins, len(_FURNITURE), at + len(_NOTE))
        for begins, at in notes
        if said.startswith(_EDITOR, begins) and said[at - 1] != "\n"
    ]
    starts = list(accumulate((len(line) + 1 for line in said.split("\n")), initial=0))
    found: Counter[int] = Counter()
    read = 0
    for at, _, end in sorted(hits):
        if at >= read:  # else it overlaps with the one before
            found[bisect_right(starts, at) - 1] += 1
            read = end
    return found


def _places(said: str, stem: str) -> Iterator[int]:
    at = said.find(stem)
    while at >= 0:
        yield at
        at = said.find(stem, at + 1)


def _shares(head: str) -> tuple[float, float]:
    """The shares of words that address the reader, and of words with a capital; by bytes where these are letters."""
    if head.isascii():
        raw = head.encode("ascii")
        count = raw.count(b" ") + 1 - raw.endswith(b" ")
        reader = sum(map(_READER_BYTES.__contains__, raw.translate(_WORDS_ONLY).split()))
        return reader / count, (raw.translate(_CAPITALS_ONLY).count(b" A") + raw[:1].isupper()) / count
    words = head.split()
    capitals = sum(word[0].isupper() for word in words)
    return sum(map(_READER.__contains__, _WORD.findall(head))) / len(words), capitals / len(words)


def _article(place: Place, articles: dict[Place, int]) -> int:
    """The number of the outermost article element around it, -1 without any."""
    return -1 if place.article is None else articles.setdefault(place.article, len(articles))
