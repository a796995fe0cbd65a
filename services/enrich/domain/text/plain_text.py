"""Reader of scraped plain text: title, dek, body, tags, teasers and boilerplate.

Invariant: every character of the input is in the title, the dek, a paragraph or a removed span.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from services.enrich.domain.reading import Reading
from services.enrich.domain.similar_text import same_text
from services.enrich.domain.terms.vocabulary import SECTIONS
from services.enrich.domain.text import meta_lines, recommended
from services.enrich.domain.text.boilerplate import INLINE_AD, rule_of
from services.enrich.domain.text.line_blocks import Block, blocks
from services.enrich.domain.titles import derived_title
from shared.articles import RemovedSpan, Submission, Teaser
from shared.errors import Permanent

_MAX_TITLE_WORDS: Final = 32
_MAX_TITLE: Final = 300
_MAX_SENTENCE_TITLE_WORDS: Final = 16
_MAX_DEK_WORDS: Final = 45
_MAX_KICKER_WORDS: Final = 3
_FULL_STOP: Final = re.compile(r"[.。][\"'”’»)\]]*$")
_HEADERS: Final = frozenset({"stream-header", "recommended-header"})


def read(text: str, given: Submission) -> Reading:
    """Read a scraped page. The submitted title and dek in `given` help to find those of the page.

    Raises Permanent(rule="no-body") when nothing is left that could be body.
    """
    items, removed = _without_inline_ads(blocks(text, alone=_stands_alone))
    page = _Page(items, given, removed=removed)
    index = 0
    while index < len(page.items):
        index = page.read_block(index)
    return page.finish()


def paragraphs_of(text: str) -> tuple[str, ...]:
    """The paragraphs of a text that is all body: only line breaks are interpreted."""
    return tuple(block.text for block in blocks(text))


def remove_boilerplate(paragraphs: Iterable[str]) -> tuple[tuple[str, ...], tuple[RemovedSpan, ...]]:
    """Paragraphs without boilerplate lines, and the removed spans; used for HTML bodies."""
    kept: list[str] = []
    removed: list[RemovedSpan] = []
    for text in paragraphs:
        rule = rule_of(text)
        if rule is None:
            kept.append(text)
        else:
            removed.append(RemovedSpan(rule=rule, text=text))
    return tuple(kept), tuple(removed)


def _without_inline_ads(items: Sequence[Block]) -> tuple[list[Block], list[RemovedSpan]]:
    kept: list[Block] = []
    removed: list[RemovedSpan] = []
    for item in items:
        tokens = INLINE_AD.findall(item.text)
        text = " ".join(INLINE_AD.sub(" ", item.text).split()) if tokens else item.text
        if not any(map(str.isalnum, text)):
            kept.append(item)  # the line holds nothing else: its own rule removes it
            continue
        removed += [RemovedSpan(rule="ad-token", text=token, line=item.line) for token in tokens]
        kept.append(replace(item, text=text))
    return kept, removed


def _stands_alone(line: str) -> bool:
    return (
        rule_of(line) is not None
        or meta_lines.labels_of(line) is not None
        or meta_lines.is_tag_header(line)
        or meta_lines.byline_of(line) is not None
    )


@dataclass(slots=True)
class _Page:
    items: Sequence[Block]
    given: Submission
    title: str = ""
    dek: str = ""
    untitled: bool = False
    paragraphs: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    section: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    recommended: list[Teaser] = field(default_factory=list)
    removed: list[RemovedSpan] = field(default_factory=list)

    def read_block(self, index: int) -> int:
        """Classify one block (or, under a header, several); returns the index of the next block."""
        item = self.items[index]
        rule = rule_of(item.text)
        if rule in _HEADERS:
            self._remove(rule, item)
            return self._read_recommended(index + 1)
        if rule is not None:
            self._remove(rule, item)
        elif (labels := meta_lines.labels_of(item.text)) is not None:
            self.tags += labels
            self._remove("tags", item)
        elif meta_lines.is_tag_header(item.text) and self._has_labels(index + 1):
            self._remove("tags", item)
            return self._read_labels(index + 1)
        elif not self._read_byline(index):
            self._read_text(index)
        return index + 1

    def finish(self) -> Reading:
        """Build the reading. A page with only a title and a dek has the dek as its body."""
        if not self.paragraphs and self.dek:
            self.paragraphs, self.dek = [self.dek], ""
        if not self.paragraphs:
            raise Permanent("no body is left after reading the page", rule="no-body")
        derived = not self.title
        return Reading(
            title=derived_title(self.paragraphs[0]) if derived else self.title,
            title_derived=derived,
            dek=self.dek,
            paragraphs=tuple(self.paragraphs),
            tags=tuple(self.tags),
            authors=tuple(dict.fromkeys(self.authors)),
            section=self.section,
            published_at=self.published_at or self.updated_at,
            recommended=tuple(self.recommended),
            removed=tuple(self.removed),
            note=f"{len(self.items)} blocks",
        )

    def _remove(self, rule: str, item: Block) -> None:
        self.removed.append(RemovedSpan(rule=rule, text=item.text, line=item.line))

    def _read_text(self, index: int) -> None:
        item = self.items[index]
        if self._is_kicker(index):
            self.section = item.text
            self._remove("kicker", item)
        elif self._is_title(index):
            self.title = item.text
        elif self._is_dek(index):
            self.dek = item.text
        else:
            self.untitled = self.untitled or not self.title
            self.paragraphs.append(item.text)

    def _is_kicker(self, index: int) -> bool:
        text = self.items[index].text
        if self.title or self.section or self.paragraphs or self.items[index].words > _MAX_KICKER_WORDS:
            return False
        known = text.isupper() or text.casefold().strip(" :|") in SECTIONS
        ahead = self._texts_after(index, 2)
        return known and len(ahead) == 2 and ahead[0].words > _MAX_KICKER_WORDS and self._could_be_title(ahead[0])

    def _is_title(self, index: int) -> bool:
        item = self.items[index]
        if self.title or self.untitled:
            return False
        if self.given.title and same_text(self.given.title, item.text):
            return True
        ahead = self._texts_after(index, 2)
        if not ahead or not self._could_be_title(item):
            return False
        # The submitted title differs: a line counts as the page's own title only if it reads like one.
        return not self.given.title or (
            recommended.is_headline(item) and max(text.words for text in ahead) > item.words
        )

    def _could_be_title(self, item: Block) -> bool:
        limit = _MAX_SENTENCE_TITLE_WORDS if _FULL_STOP.search(item.text) else _MAX_TITLE_WORDS
        return item.words <= limit and len(item.text) <= _MAX_TITLE

    def _is_dek(self, index: int) -> bool:
        item = self.items[index]
        if self.dek or self.paragraphs or not (self.title or self.given.title):
            return False
        if self.given.dek and same_text(self.given.dek, item.text):
            return True
        ahead = self._texts_after(index, 1)
        if not self.title or not ahead or item.words > _MAX_DEK_WORDS or ahead[0].words <= item.words:
            return False
        # A line ending in a full stop is a first paragraph unless a byline separates it from the body.
        return not _FULL_STOP.search(item.text) or self._is_byline(index + 1)

    def _is_byline(self, index: int) -> bool:
        return index < len(self.items) and meta_lines.byline_of(self.items[index].text) is not None

    def _read_byline(self, index: int) -> bool:
        item = self.items[index]
        last = not self._texts_after(index, 1)
        if self.paragraphs and not last:
            return False  # between paragraphs it may be a dateline or a caption
        byline = meta_lines.byline_of(item.text)
        if byline is None and self.title and (self._is_date(index + 1) or self._is_date(index - 1)):
            names = meta_lines.names_of(item.text) if 2 <= item.words <= 8 else ()
            byline = meta_lines.Byline(names) if names else None
        if byline is None:
            return False
        self.authors += byline.authors
        if byline.updated:
            self.updated_at = self.updated_at or byline.published_at
        else:
            self.published_at = self.published_at or byline.published_at
        self._remove("byline" if byline.authors else "date", item)
        return True

    def _is_date(self, index: int) -> bool:
        if not 0 <= index < len(self.items):
            return False
        byline = meta_lines.byline_of(self.items[index].text)
        return byline is not None and byline.published_at is not None

    def _has_labels(self, index: int) -> bool:
        return index < len(self.items) and self._is_label(index)

    def _is_label(self, index: int) -> bool:
        item = self.items[index]
        return rule_of(item.text) is None and meta_lines.is_label(item.text) and (not item.gap or item.text[0] == "#")

    def _read_labels(self, index: int) -> int:
        while index < len(self.items) and self._is_label(index):
            self.tags += meta_lines.split_labels(self.items[index].text)
            self._remove("tags", self.items[index])
            index += 1
        return index

    def _texts_after(self, index: int, wanted: int) -> list[Block]:
        """Up to `wanted` following blocks that may be article text, stopping at a header."""
        found: list[Block] = []
        for item in self.items[index + 1 :]:
            rule = rule_of(item.text)
            if rule in _HEADERS or len(found) == wanted:
                break
            if rule is None and not _stands_alone(item.text):
                found.append(item)
        return found

    def _read_recommended(self, start: int) -> int:
        """Read the list under a header; returns the index at which the article continues."""
        end = next((i for i in range(start, len(self.items)) if self._ends_list(i)), len(self.items))
        places = [i for i in range(start, end) if not _stands_alone(self.items[i].text)]
        size = recommended.section_length([self.items[i] for i in places])
        continues = size < len(places)
        if continues and not self.title and not self.paragraphs and size:
            size -= 1  # before the article, the last headline of the list is the article's title
        listed = set(places[:size])
        self.recommended += recommended.teasers([self.items[i] for i in places[:size]])
        stop = places[size] if size < len(places) else end
        for i in range(start, stop):
            self._read_list_item(i, in_list=i in listed)
        return stop

    def _read_list_item(self, index: int, *, in_list: bool) -> None:
        item = self.items[index]
        rule = None if in_list else rule_of(item.text)
        labels = None if in_list or rule else meta_lines.labels_of(item.text)
        if labels is not None:
            self.tags += labels
        # Dates and names between teasers belong to the teasers.
        self._remove(rule or ("tags" if labels is not None else "recommended"), item)

    def _ends_list(self, index: int) -> bool:
        text = self.items[index].text
        return rule_of(text) in _HEADERS or meta_lines.is_tag_header(text)
