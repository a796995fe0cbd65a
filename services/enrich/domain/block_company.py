"""What the model knows of a block by the company it keeps: its page, its kin, the heading above it, its phrases."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from services.enrich.domain.candidates import Candidate
from services.enrich.domain.html_blocks import Place

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
_EDITORS_NOTE: Final = "editor.s note"
"""Any apostrophe, or what an encoding made of it: the one phrase that is a pattern."""
_FURNITURE_STEMS: Final = (*_FURNITURE, _EDITORS_NOTE.rpartition(".")[2])
"""One of these is in every text of furniture. Looking for them first is ten times as fast: most texts have none."""
_FURNITURE_WORDS: Final = re.compile("|".join([*map(re.escape, _FURNITURE), _EDITORS_NOTE]), re.IGNORECASE)
_READER: Final = frozenset(
    form for word in ("you", "your", "us", "our", "we", "my", "i") for form in (word, word.title(), word.upper())
)
_WORD: Final = re.compile(r"\w+")
_first: Final = itemgetter(0)
_FAR: Final = 30
_NO_HEADING: Final = 40
_MANY: Final = 8


def kind_of(item: Candidate) -> tuple[object, ...]:
    """What blocks that a page's template made alike have in common."""
    place = item.block.place
    parent = place.parent
    return (place.tag, place.own, place.depth, parent.tag if parent else "", parent.own if parent else 0)


def heading_level(place: Place) -> int:
    """1 to 6 for h1 to h6, else 0."""
    tag = place.tag
    return int(tag[1]) if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit() else 0


def company(found: Sequence[Candidate], kinds: Sequence[tuple[object, ...]]) -> list[list[float]]:
    """One row of numbers per candidate, in the order of `COMPANY`; `kinds` are what `kind_of` says of each."""
    page = _page(found)
    kin = _kin(found, kinds)
    # Looking for all stems in the whole page first leaves a few of them to look for in each block.
    said = "\n".join(item.block.text[:_HEAD] for item in found).lower()
    stems = [stem for stem in _FURNITURE_STEMS if stem in said]
    everything = "\n".join(item.key for item in found)
    articles: dict[Place, int] = {}
    around = [_around(item.block.place, articles) for item in found]
    made: list[list[float]] = []
    heading: tuple[int, int, float] | None = None
    firsts = 0
    for number, item in enumerate(found):
        level = heading_level(item.block.place)
        firsts += level == 1
        in_pre, in_details, article = around[number]
        number_of_kin, words, linked = kin[kinds[number]]
        phrases = _phrases(item.block.text, stems)
        made.append([
            *page,
            *((_NO_HEADING, 0, 0.0) if heading is None else (min(number - heading[0], _FAR), *heading[1:])),
            *phrases,
            len(item.key) >= 15 and everything.count(item.key) > 1,
            in_pre,
            in_details,
            min(number_of_kin, _FAR),
            words / number_of_kin,
            linked / words,
            min(len(found) - 1 - number, _FAR),
            min(article, _MANY),
            min(len(articles), _MANY),
            min(firsts, _MANY),
        ])  # fmt: skip
        if level:
            heading = (number, level, float(phrases[0] > 0 or phrases[1] > 0))
    return made


def _page(found: Sequence[Candidate]) -> tuple[float, ...]:
    words = max(1, sum(item.words for item in found))
    main = sum(item.words for item in found if item.main)
    wide = sum(item.words for item in found if item.wide)
    both = sum(item.words for item in found if item.main and item.wide)
    return (math.log1p(main), main / words, wide / words, 2 * both / ((main + wide) or 1), math.log1p(len(found)))


def _kin(
    found: Sequence[Candidate], kinds: Sequence[tuple[object, ...]]
) -> dict[tuple[object, ...], tuple[int, int, float]]:
    """Per kind: how many, their words, their words in links."""
    made: dict[tuple[object, ...], tuple[int, int, float]] = {}
    for item, kind in zip(found, kinds, strict=True):
        count, words, linked = made.get(kind, (0, 0, 0.0))
        made[kind] = (count + 1, words + item.words, linked + item.linked * item.words)
    return made


def _phrases(text: str, stems: Sequence[str]) -> tuple[float, ...]:
    """Words of furniture, whether it points elsewhere, shares of words to the reader and of capitals, length."""
    head = text[:_HEAD]
    lowered = head.lower()
    words = head.split()
    furniture = any(stem in lowered for stem in stems)
    return (
        min(3, len(_FURNITURE_WORDS.findall(head))) if furniture else 0,
        float(_POINTER.match(head) is not None),
        sum(map(_READER.__contains__, _WORD.findall(head))) / len(words),
        sum(map(str.isupper, map(_first, words))) / len(words),
        math.log1p(len(text)),
    )


def _around(place: Place, articles: dict[Place, int]) -> tuple[float, float, int]:
    """Whether it is in preformatted text, whether it unfolds, and the number of the outermost article element."""
    pre = details = 0.0
    article = None
    current: Place | None = place
    while current is not None:
        if current.tag == "pre":
            pre = 1.0
        elif current.tag in {"details", "summary"}:
            details = 1.0
        elif current.tag == "article":
            article = current
        current = current.parent
    return (pre, details, -1 if article is None else articles.setdefault(article, len(articles)))
