"""Recommended lists: where the list ends, and which teaser belongs to which title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from services.enrich.domain.decoding import one_line
from services.enrich.domain.phrases import fold
from services.enrich.domain.text.line_blocks import Block
from shared.articles import Teaser

_MAX_TITLE_WORDS: Final = 25
_MAX_TEASER_WORDS: Final = 80
_ENDS: Final = re.compile(r"[.!…。！]+[\"'”’»)\]]*$")
_BULLET: Final = re.compile(r"^(?:[-–—•*·»›▪►]|\d{1,2}[.)])\s+")
_URL: Final = re.compile(r"https?://\S+")


def section_length(items: Sequence[Block]) -> int:
    """Number of blocks after the header that belong to the list; the article continues at the next one.

    Article text must stay: prose without a preceding title is the article, and so is prose after a list of titles
    without teasers. Only a clear pattern of titles with teasers includes prose.
    """
    if alternates(items):
        return len(items)
    titles = pairs = 0
    for index, item in enumerate(items):
        if is_headline(item):
            titles += 1
            continue
        if titles == 0 or item.words > _MAX_TEASER_WORDS:
            return index
        last = index + 1 == len(items)
        article_follows = not last and not is_headline(items[index + 1])
        if pairs == 0 and (article_follows or (last and titles > 1)):
            return index
        titles, pairs = 0, pairs + 1
    return len(items)


def teasers(items: Sequence[Block]) -> tuple[Teaser, ...]:
    """The list as title and teaser pairs; a teaser may be missing."""
    paired = alternates(items)
    found: list[Teaser] = []
    open_title = False
    for index, item in enumerate(items):
        text = _BULLET.sub("", item.text)
        if found and _URL.fullmatch(text):
            found[-1] = found[-1].model_copy(update={"url": text[:2000]})
        elif open_title and (index % 2 == 1 if paired else not is_headline(item)):
            found[-1] = found[-1].model_copy(update={"text": one_line(text, 1000)})
            open_title = False
        else:
            found.append(Teaser(title=one_line(text, 300)))
            open_title = True
    return tuple(found)


def is_headline(block: Block) -> bool:
    """Whether a block reads like a headline: short, and without a full stop unless its Words Are Capitalised."""
    if block.words > _MAX_TITLE_WORDS:
        return False
    if not _ENDS.search(block.text):
        return True
    long_words = [word for word in block.text.split() if len(word) > 3]
    capitals = sum(1 for word in long_words if not word[0].islower())
    return len(long_words) > 1 and capitals >= len(long_words) * 0.7


def is_rank(item: Block) -> bool:
    """Whether the line is the number of an item of a list."""
    return fold(item.text) == "0" and len(item.text) <= 4


def alternates(items: Sequence[Block]) -> bool:
    """Whether short and clearly longer blocks alternate throughout, as in a teaser list."""
    if len(items) < 4 or len(items) % 2:
        return False
    titles, texts = items[::2], items[1::2]
    if any(block.words > _MAX_TITLE_WORDS for block in titles):
        return False
    if any(block.words > _MAX_TEASER_WORDS for block in texts):
        return False
    longer = all(text.words >= title.words for title, text in zip(titles, texts, strict=True))
    return longer and sum(block.words for block in texts) >= 1.5 * sum(block.words for block in titles)
