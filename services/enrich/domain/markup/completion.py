"""Completes the set of body blocks by page structure: adds blocks between body blocks, removes repeated quotes.

The block model classifies blocks individually; short items, rows or lines between paragraphs have too few features.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from services.enrich.domain.markup.blocks import HINTS, HtmlBlock, Place
from services.enrich.domain.markup.candidates import text_key
from services.enrich.domain.markup.footnotes import footnotes
from services.enrich.domain.markup.quotes import add_quotes

_LISTS: Final = frozenset(["ul", "ol", "dl", "table", "pre"])
_DATA: Final = frozenset(["table", "pre"])
"""Lists that belong to the text above them also at its end: teasers and share buttons are no data and no code."""
_FLOW: Final = frozenset([
    "p", "li", "ul", "ol", "dl", "dd", "dt", "table", "tbody", "thead", "tfoot", "tr", "td", "th", "caption",
    "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6",
])  # fmt: skip
"""Elements of running text. Any other block element is a container."""
_BOILERPLATE_TAGS: Final = frozenset(["nav", "aside", "footer", "form", "figcaption", "header", "fieldset", "label"])
_BOILERPLATE_HINTS: Final = sum(
    1 << HINTS.index(name)
    for name in (
        "related", "comment", "social", "newsletter", "chrome", "advert", "hidden", "meta", "picture", "box",
    )
)  # fmt: skip
_QUOTE_NAMES: Final = re.compile(
    r"pull-?_?(?:out)?-?_?quote|quote-?_?(?:box|pull)|call-?_?out|blockquote|\bquote", re.IGNORECASE
)
_QUOTE_TAGS: Final = frozenset(["aside", "blockquote", "figure"])
_POINTER: Final = re.compile(
    r"\W*(?:read|see|related|also|more|watch|listen|click|next|previous|photo|image|source|credit|tags?|filed|share|"
    r"posted|published|updated|lesen|mehr|foto|bild|les|lire|leia|lea|leggi|czytaj|zobacz|explore)\b",
    re.IGNORECASE,
)
_MIN_PROBABILITY: Final = 0.3
"""Of a block that the model rejects by itself and that stands among body blocks."""
_MIN_CODE_PROBABILITY: Final = 0.2
_LONG_CODE: Final = 100
"""Words of a listing from which a lower probability counts: a short one between paragraphs is always body."""
_MAX_HIDDEN: Final = 0.3
_MAX_NAMES: Final = 200
_LIST_SHARE: Final = 0.5
_MAX_LINKED: Final = 0.5
_MIN_QUOTE_KEY: Final = 15
_MAX_NAME_WORDS: Final = 3
"""Mean words of linked items that are names; headlines of other articles are longer."""
_COLONS: Final = (":", "：")


def complete_body(
    blocks: Sequence[HtmlBlock], probabilities: Sequence[float | None], kept: Collection[int]
) -> list[int]:
    """Indices of `kept` and of the blocks that belong with them, in document order.

    `probabilities`: from the block model; None for blocks that it did not classify. Added are the rest of a list or
    table when half its words are kept, lists between kept blocks or after a kept line that ends with a colon, and short
    text between kept blocks of the same container that no class name marks as boilerplate.
    """
    if not kept:
        return []
    lists = _lists(blocks)
    found = set(kept)
    for members in lists.values():
        _complete_list(blocks, probabilities, members, found)
    _fill_gaps(blocks, probabilities, found)
    _add_lists_of_text(blocks, probabilities, lists, found)
    _open_details(blocks, found)
    add_quotes(blocks, found)
    found.update(footnotes(blocks))
    return sorted(found)


def repeated_quotes(blocks: Sequence[HtmlBlock], kept: Sequence[int]) -> set[int]:
    """Of the kept blocks, those of pull quotes: their text is also in a paragraph outside the quote."""
    quotes: dict[Place, list[int]] = {}
    quote_of: dict[Place, Place | None] = {}
    for at in kept:
        place = blocks[at].place
        if place not in quote_of:
            quote_of[place] = _quote(place)
        if (quote := quote_of[place]) is not None:
            quotes.setdefault(quote, []).append(at)
    if not quotes:
        return set()
    inside = {at for members in quotes.values() for at in members}
    whole = "\n".join(text_key(blocks[at].text) for at in kept if at not in inside)
    found: set[int] = set()
    for members in quotes.values():
        longest = max((text_key(blocks[at].text) for at in members), key=len)
        if len(longest) >= _MIN_QUOTE_KEY and longest in whole:
            found.update(members)  # with the attribution
    return found


def hidden_blocks(blocks: Sequence[HtmlBlock], kept: Sequence[int]) -> set[int]:
    """Of the kept blocks, those that no reader sees; none where they are much of the text: a script shows it.

    `aria-hidden` hides a text from screen readers only; publishers set it on paragraphs behind a fold.
    """
    hidden = {at for at in kept if blocks[at].place.hidden and _is_invisible(blocks[at].place)}
    words = sum(_words(blocks[at]) for at in hidden)
    return hidden if words <= _MAX_HIDDEN * sum(_words(blocks[at]) for at in kept) else set()


def _is_invisible(place: Place) -> bool:
    return any(
        "hidden" in around.attributes or "display:none" in around.attributes.get("style", "").replace(" ", "")
        for around in _ancestors(place)
    )


def _quote(place: Place | None) -> Place | None:
    """The innermost quote around a block; where it stands in a figure, that, with its caption."""
    while place is not None:
        if place.tag in _QUOTE_TAGS or _names_quote(place.attributes.get("class", "")):
            return next((around for around in _ancestors(place) if around.tag == "figure"), place)
        place = place.parent
    return None


@lru_cache(maxsize=8_192)
def _names_quote(class_names: str) -> bool:
    return _QUOTE_NAMES.search(class_names[:_MAX_NAMES]) is not None


def _ancestors(place: Place | None, end: Place | None = None) -> Iterator[Place]:
    """The place and its ancestors below `end`, innermost first."""
    while place is not None and place is not end:
        yield place
        place = place.parent


def _container(place: Place) -> Place:
    return next((around for around in _ancestors(place) if around.tag not in _FLOW), place)


def _list(place: Place) -> Place | None:
    """The outermost list, data table or `pre` around a block within its container."""
    found = None
    for around in _ancestors(place):
        if around.tag in _LISTS:
            found = around
        elif around.tag not in _FLOW:
            break
    return found


def _lists(blocks: Sequence[HtmlBlock]) -> dict[Place, list[int]]:
    """The blocks of each list; tables count when most of their blocks are joined rows, that is, when they hold data."""
    found: dict[Place, list[int]] = {}
    for at, block in enumerate(blocks):
        if (around := _list(block.place)) is not None:
            found.setdefault(around, []).append(at)
    return {
        place: members
        for place, members in found.items()
        if place.tag != "table" or 2 * sum(blocks[at].place.tag == "tr" for at in members) > len(members)
    }


def _is_boilerplate(place: Place, container: Place) -> bool:
    return place.hidden or any(
        around.tag in _BOILERPLATE_TAGS or around.own & _BOILERPLATE_HINTS for around in _ancestors(place, container)
    )


def _words(block: HtmlBlock) -> int:
    return block.text.count(" ") + 1


def _complete_list(
    blocks: Sequence[HtmlBlock], probabilities: Sequence[float | None], members: Sequence[int], found: set[int]
) -> None:
    total = sum(_words(blocks[at]) for at in members)
    if sum(_words(blocks[at]) for at in members if at in found) >= _LIST_SHARE * total:
        found.update(at for at in members if not blocks[at].place.hidden and _is_item(blocks[at], probabilities[at]))


def _is_item(block: HtmlBlock, probability: float | None) -> bool:
    return block.linked <= _MAX_LINKED * len(block.text) or probability is not None


def _fill_gaps(blocks: Sequence[HtmlBlock], probabilities: Sequence[float | None], found: set[int]) -> None:
    kept = sorted(found)
    for before, after in pairwise(kept):
        if after - before == 1:
            continue
        containers = {_container(blocks[before].place), _container(blocks[after].place)}
        for at in range(before + 1, after):
            block = blocks[at]
            container = _container(block.place)
            if container in containers:
                is_body = _is_text(block, probabilities[at], container)
            else:
                is_code = bool(block.code) and not _is_unlikely_code(block, probabilities[at])
                is_body = is_code and any(_is_inside(block.place, outer) for outer in containers)
            if is_body:
                found.add(at)


def _is_inside(place: Place, container: Place) -> bool:
    return container in _ancestors(place) and not _is_boilerplate(place, container)


def _is_text(block: HtmlBlock, probability: float | None, container: Place) -> bool:
    """Whether a block among body blocks is text of the article: not marked as boilerplate, no link to elsewhere."""
    place = block.place
    if place.tag not in _FLOW or _is_boilerplate(place, container):
        return False
    if block.code:
        return not _is_unlikely_code(block, probability)
    if probability is not None and probability < _MIN_PROBABILITY:
        return False
    if block.linked > _MAX_LINKED * len(block.text):
        return place.tag != "p" and probability is not None
    is_sentence = block.text[-1:] in ".!?。"
    return is_sentence or not _POINTER.match(block.text)


def _is_unlikely_code(block: HtmlBlock, probability: float | None) -> bool:
    is_long = bool(block.code) and _words(block) >= _LONG_CODE
    return is_long and probability is not None and probability < _MIN_CODE_PROBABILITY


def _add_lists_of_text(
    blocks: Sequence[HtmlBlock], probabilities: Sequence[float | None], lists: dict[Place, list[int]], found: set[int]
) -> None:
    """Add lists between two body blocks, and after a body block that ends with a colon, unless mostly links."""
    for place, members in lists.items():
        before, after = members[0] - 1, members[-1] + 1
        if members[0] in found and blocks[members[0]].text.endswith(_COLONS):
            before = members[0]  # the line that introduces the list stands in it
        if before not in found:
            continue
        is_introduced = blocks[before].text.endswith(_COLONS)
        if after not in found and not is_introduced and place.tag not in _DATA:
            continue
        container = _container(place)
        linked = sum(blocks[at].linked for at in members)
        is_prose = linked <= _MAX_LINKED * sum(len(blocks[at].text) for at in members) or (
            is_introduced
            and after in found
            and not _POINTER.match(blocks[before].text)
            and sum(_words(blocks[at]) for at in members) <= _MAX_NAME_WORDS * len(members)
        )
        same_container = container is _container(blocks[before].place)
        is_excluded = any(
            _is_boilerplate(blocks[at].place, container) or _is_unlikely_code(blocks[at], probabilities[at])
            for at in members
        )
        if is_prose and same_container and not is_excluded:
            found.update(members)


def _open_details(blocks: Sequence[HtmlBlock], found: set[int]) -> None:
    """Add what a kept `summary` opens: the answer to a question, the content of a section that is folded."""
    opened = {
        details
        for at in found
        for around in _ancestors(blocks[at].place)
        if around.tag == "summary" and (details := around.parent) is not None and details.tag == "details"
    }
    if not opened:
        return
    for at, block in enumerate(blocks):
        details = next((around for around in _ancestors(block.place) if around in opened), None)
        if details is not None and not _is_boilerplate(block.place, details) and not _is_linked(block):
            found.add(at)


def _is_linked(block: HtmlBlock) -> bool:
    return block.linked > _MAX_LINKED * len(block.text)
