"""What the lines beside a line say of it: dates, roles and by-words make a name an author."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.enrich.domain.language import detection
from services.enrich.domain.text import byline_names, headline, meta_lines
from services.enrich.domain.text.boilerplate import plain_rule_of
from services.enrich.domain.text.line_blocks import Block
from shared.identity.languages import UNKNOWN

HEADERS: Final = frozenset({"stream-header", "recommended-header", "read-also-header"})
_MAX_NAMES_WORDS: Final = 8
_MAX_PLACE_WORDS: Final = 2
_MAX_BETWEEN: Final = 6
_MAX_UNCASED_NAME: Final = 25
_AMBIGUOUS_DATE: Final = re.compile(r"(?<!\d)\d{1,2}[/-]\d{1,2}[/-]\d{4}(?!\d)")
_SAMPLE: Final = 1_200
_HAN: Final = re.compile(r"[\u4e00-\u9fff\uac00-\ud7a3]{2,5}")


@dataclass(slots=True)
class PageContext:
    """The blocks of a page, and whether its dates are read with the day first (None: not decided)."""

    items: Sequence[Block]
    day_first: bool | None = field(init=False)

    def __post_init__(self) -> None:
        self.day_first = _day_first([item.text for item in self.items])

    def rule_at(self, index: int) -> str | None:
        """The rule of a line; none for a heading with sentences below it, such as `Next` of a Markdown file."""
        rule, item = plain_rule_of(self.items[index].text), self.items[index]
        is_heading = rule == "navigation" and item.is_heading and 0 < index < len(self.items) - 1
        return None if is_heading and headline.is_prose(self.items[index + 1]) else rule

    def previous(self, index: int) -> int:
        """The nearest block above that no rule removes."""
        return next((i for i in range(index - 1, -1, -1) if plain_rule_of(self.items[i].text) is None), -1)

    def following(self, index: int) -> int:
        """The nearest block below that no rule removes."""
        return next((i for i in range(index + 1, len(self.items)) if plain_rule_of(self.items[i].text) is None), -1)

    def is_meta_at(self, index: int) -> bool:
        """Whether a block holds authors, dates or a role."""
        if not 0 <= index < len(self.items):
            return False
        text = self.items[index].text
        return (
            meta_lines.byline_of(text, self.day_first) is not None
            or meta_lines.is_by_alone(text)
            or byline_names.is_role(text)
            or meta_lines.is_contact(text)
            or self.is_name_line(index)
        )

    def is_byline_at(self, index: int) -> bool:
        """Whether a block names an author or the instant of publication."""
        byline = meta_lines.byline_of(self.items[index].text, self.day_first)
        return (byline is not None and bool(byline.authors or byline.published_at)) or self.is_name_line(index)

    def is_name_line(self, index: int) -> bool:
        """Whether a block is a name with a date, a role or a by-word beside it."""
        item = self.items[index]
        names = byline_names.names_of(item.text) if item.words <= _MAX_NAMES_WORDS else ()
        if not names or (headline.is_section(names[0]) and not names[0].isupper()):
            return False
        is_cased = any(map(str.isupper, item.text))
        if not all(len(name.split()) > 1 for name in names) if is_cased else not all(map(_is_uncased_name, names)):
            return False
        following = self.following(index)
        places = [self.previous(index), following]
        if following >= 0 and self.items[following].words <= _MAX_PLACE_WORDS:
            places.append(self.following(following))  # a name, its place, the date
        beside = [self.items[i].text for i in places if i >= 0]
        bylines = [meta_lines.byline_of(text, self.day_first) for text in beside]
        if any(one is not None and one.is_date for one in bylines):
            return True
        return is_cased and any(map(_is_beside_name, beside))

    def is_by_word(self, index: int) -> bool:
        """Whether a block is only `By`, with a name below it."""
        following = self.following(index) if index >= 0 else -1
        alone = index >= 0 and meta_lines.is_by_alone(self.items[index].text)
        return alone and following == index + 1 and bool(byline_names.names_of(self.items[following].text))

    def texts_after(self, index: int, wanted: int) -> list[Block]:
        """Up to `wanted` following blocks that may be article text, stopping at a header."""
        found: list[Block] = []
        for item in self.items[index + 1 :]:
            rule = plain_rule_of(item.text)
            if rule in HEADERS or len(found) == wanted:
                break
            if rule is None and not self.is_meta(item.text):
                found.append(item)
        return found

    def is_removable(self, index: int) -> bool:
        text = self.items[index].text
        return plain_rule_of(text) is not None or self.is_meta(text)

    def ends_list(self, index: int) -> bool:
        text = self.items[index].text
        return plain_rule_of(text) in HEADERS or meta_lines.is_tag_header(text)

    def has_byline_below(self, index: int) -> bool:
        """Whether a byline or date stands below a line, with nothing but short lines between them."""
        if self.is_meta_at(self.following(index)):
            return True
        below = range(index + 1, min(len(self.items), index + 1 + _MAX_BETWEEN))
        end = next((i for i in below if headline.is_prose(self.items[i])), below.stop)
        return end < len(self.items) and any(self.is_byline_at(i) for i in below if i < end)

    def is_among_buttons(self, index: int) -> bool:
        """Whether a line stands beside one that a rule removes."""
        beside = (self.items[i].text for i in (index - 1, index + 1) if 0 <= i < len(self.items))
        return any(plain_rule_of(text) is not None for text in beside)

    def is_after_buttons(self, index: int, start: int) -> bool:
        """Whether a paragraph follows share buttons below a list: the article goes on."""
        item = self.items[index]
        is_paragraph = index > start + 1 and item.gap and headline.is_prose(item)
        return is_paragraph and plain_rule_of(self.items[index - 1].text) == "share"

    def is_meta(self, text: str) -> bool:
        return (
            meta_lines.labels_of(text) is not None
            or meta_lines.is_tag_header(text)
            or meta_lines.is_contact(text)
            or meta_lines.byline_of(text, self.day_first) is not None
        )


def _is_uncased_name(name: str) -> bool:
    """Whether a text in a script without capitals may be a name: a few characters, or two to four words."""
    if _HAN.fullmatch(name):
        return True
    return 2 <= len(name.split()) <= 4 and len(name) <= _MAX_UNCASED_NAME


def _is_beside_name(text: str) -> bool:
    return byline_names.is_role(text) or meta_lines.is_by_alone(text) or meta_lines.is_contact(text)


def _day_first(texts: Sequence[str]) -> bool | None:
    """How `05/11/2026` is read on this page: the day first unless it is English, where it is not decided."""
    if not any(_AMBIGUOUS_DATE.search(text) for text in texts if len(text) <= _SAMPLE):
        return None
    language = detection.detect("\n".join(sorted(texts, key=len, reverse=True))[:_SAMPLE]).tag
    return None if language in {"en", UNKNOWN} else True
