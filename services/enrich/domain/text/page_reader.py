"""Classifies the blocks of a scraped page one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.enrich.domain.reading import Reading
from services.enrich.domain.similar_text import same_text
from services.enrich.domain.text import byline_names, headline, meta_lines, recommended
from services.enrich.domain.text.boilerplate import is_caption, plain_rule_of
from services.enrich.domain.text.closing_lines import without_closing_lines
from services.enrich.domain.text.headline import Headline, HeadlineLine
from services.enrich.domain.text.line_blocks import Block
from services.enrich.domain.text.page_context import HEADERS, PageContext
from services.enrich.domain.titles import derived_title
from shared.articles import RemovedSpan, Submission, Teaser
from shared.errors import Permanent

_MAX_SENTENCE_TITLE_WORDS: Final = 16
_MAX_DEK_WORDS: Final = 45
_MAX_DETAIL_WORDS: Final = 4
_MAX_FOOTER_WORDS: Final = 6
_COUNT: Final = re.compile(r"\+?\d{1,3}(?:[.,]?\d{3})?")
"""Shares or comments, in a line of their own."""
_FOOTER: Final = frozenset({"legal", "comments", "newsletter", "recommended-header", "stream-header"})


@dataclass(slots=True)
class PageReader:
    """The fields found so far. `given`: what was submitted with the page."""

    items: Sequence[Block]
    given: Submission
    title: str = ""
    dek: str = ""
    paragraphs: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    section: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    recommended: list[Teaser] = field(default_factory=list)
    removed: list[RemovedSpan] = field(default_factory=list)
    _is_untitled: bool = False
    _is_in_footer: bool = False
    _body_end: int = -1
    _context: PageContext = field(init=False)
    _headline: Headline | None = None

    def read(self) -> Reading:
        """Classify all blocks. Raises Permanent(rule="no-body") if there is no text."""
        self._context = PageContext(self.items)
        lines = [HeadlineLine(item, plain_rule_of(item.text), self._context.is_meta(item.text)) for item in self.items]
        self._body_end = max(
            (i for i, line in enumerate(lines) if headline.is_text(line) and headline.is_prose(line.block)), default=-1
        )
        self._headline = self._locate(lines)
        index = 0
        while index < len(self.items):
            index = self._read_block(index)
        return self._finish()

    def _locate(self, lines: Sequence[HeadlineLine]) -> Headline | None:
        end = headline.prose_start(lines)
        # A name beside a date is the author, if there is another line that can be the headline.
        near = {i for i in range(end) if headline.is_text(lines[i]) and self._context.is_name_line(i)}
        others = [i for i in range(end) if headline.is_text(lines[i]) and i not in near]
        marked = [line._replace(is_meta=True) if i in near and others else line for i, line in enumerate(lines)]
        return headline.locate(marked, end, lambda text: bool(self.given.title and same_text(self.given.title, text)))

    def _read_block(self, index: int) -> int:
        """Classify one block (or, under a header, several); returns the index of the next block."""
        item = self.items[index]
        rule = self._context.rule_at(index)
        if rule in HEADERS and not self._is_above_headline(index):
            self._remove(rule, item)
            self._is_in_footer = self._is_in_footer or (rule in _FOOTER and index > self._body_end)
            return self._read_links(index + 1) if rule == "read-also-header" else self._read_recommended(index + 1)
        if rule is not None:
            self._remove(rule, item)
            self._is_in_footer = self._is_in_footer or (rule in _FOOTER and index > self._body_end)
        elif (labels := meta_lines.labels_of(item.text)) is not None:
            self.tags += labels
            self._remove("tags", item)
        elif meta_lines.is_tag_header(item.text) and self._has_labels(index + 1):
            self._remove("tags", item)
            return self._read_labels(index + 1)
        elif not self._read_located(index) and not self._read_byline(index):
            self._read_text(index)
        return index + 1

    def _is_above_headline(self, index: int) -> bool:
        return self._headline is not None and index < self._headline.place

    def _read_located(self, index: int) -> bool:
        """Read the headline, its section and the lines above both."""
        item, located = self.items[index], self._headline
        if located is None:
            return False
        if index == located.place:
            self.title = item.text
        elif index == located.section:
            self.section = item.text
            self._remove("kicker", item)
        elif index in located.chrome:
            self._remove("navigation", item)
        else:
            return False
        return True

    def _finish(self) -> Reading:
        """Build the reading. A page with only a title and a dek has the dek as its body, else the title."""
        authors = tuple(dict.fromkeys(self.authors))
        kept, notes = without_closing_lines(self.paragraphs, authors)
        self.paragraphs, self.removed = list(kept), [*self.removed, *notes]
        title = self.title or self.given.title or ""
        if not self.paragraphs and self.dek:
            self.paragraphs, self.dek = [self.dek], ""
        is_stub = not self.paragraphs and bool(title)
        if is_stub:
            self.paragraphs = [title]
        if not self.paragraphs:
            raise Permanent("no body is left after reading the page", rule="no-body")
        return Reading(
            title=self.title or derived_title(self.paragraphs[0]),
            title_derived=is_stub or not self.title,
            dek=self.dek,
            paragraphs=tuple(self.paragraphs),
            tags=tuple(self.tags),
            authors=authors,
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
        if self._is_title(index):
            self.title = item.text
        elif _COUNT.fullmatch(item.text) and (not self.paragraphs or self._context.is_among_buttons(index)):
            self._remove("count", item)
        elif is_caption(item.text):
            self._remove("caption", item)
        elif self._is_dek(index):
            self.dek = item.text
        elif self._is_in_footer and item.words <= _MAX_FOOTER_WORDS and not item.ends_sentence:
            self._remove("navigation", item)
        elif self._is_detail(index):
            self._remove("byline", item)
        else:
            self._is_untitled = self._is_untitled or not self.title
            self.paragraphs.append(item.text)

    def _is_title(self, index: int) -> bool:
        item = self.items[index]
        if self.title or self._is_untitled or self._headline is not None:
            return False
        if self.given.title and same_text(self.given.title, item.text):
            return True
        ahead = self._context.texts_after(index, 2)
        if not ahead or not self._could_be_title(item):
            return False
        # The submitted title differs: a line counts as the page's own title only if it reads like one.
        return not self.given.title or (
            recommended.is_headline(item) and max(text.words for text in ahead) > item.words
        )

    def _could_be_title(self, item: Block) -> bool:
        limit = _MAX_SENTENCE_TITLE_WORDS if item.ends_sentence else headline.MAX_WORDS
        return item.words <= limit and len(item.text) <= headline.MAX_CHARACTERS

    def _is_dek(self, index: int) -> bool:
        item = self.items[index]
        if self.dek or self.paragraphs or not (self.title or self.given.title):
            return False
        if self.given.dek and same_text(self.given.dek, item.text):
            return True
        ahead = self._context.texts_after(index, 1)
        if not self.title or not ahead or item.words > _MAX_DEK_WORDS or self._is_detail(index):
            return False
        # A line ending in a full stop is a first paragraph unless a byline separates it from the body.
        has_byline = self._context.has_byline_below(index)
        return has_byline or (not item.ends_sentence and ahead[0].words > item.words)

    def _is_detail(self, index: int) -> bool:
        """Whether a short line belongs to the byline or the date beside it: a role, a place, the site."""
        item = self.items[index]
        if self.paragraphs or not self.title or item.ends_sentence or item.words > _MAX_DETAIL_WORDS:
            return False
        return byline_names.is_role(item.text) or (
            self._context.is_meta_at(self._context.previous(index)) and item.words <= _MAX_DETAIL_WORDS - 1
        )

    def _read_byline(self, index: int) -> bool:
        item = self.items[index]
        byline = meta_lines.byline_of(item.text, self._context.day_first)
        if self.paragraphs and index <= self._body_end and not _is_labelled_date(byline):
            return False  # between paragraphs it may be a dateline or a caption
        if byline is None:
            byline = self._byline_by_neighbours(index)
        if byline is None:
            return False
        self.authors += byline.authors
        self.published_at = self.published_at or byline.published_at
        self.updated_at = self.updated_at or byline.updated_at
        self._remove("date" if byline.is_date else "byline", item)
        return True

    def _byline_by_neighbours(self, index: int) -> meta_lines.Byline | None:
        """A line that only the lines beside it make part of a byline: a name, a by-word, an address."""
        text = self.items[index].text
        if meta_lines.is_contact(text) or self._is_by_word(index):
            return meta_lines.Byline()
        is_author = self.title and not self.paragraphs and self._context.is_name_line(index)
        return meta_lines.Byline(byline_names.names_of(text)) if is_author or self._is_by_word(index - 1) else None

    def _is_by_word(self, index: int) -> bool:
        return not self.paragraphs and self._context.is_by_word(index)

    def _has_labels(self, index: int) -> bool:
        return index < len(self.items) and self._is_label(index)

    def _is_label(self, index: int) -> bool:
        item = self.items[index]
        return (
            plain_rule_of(item.text) is None
            and meta_lines.is_label(item.text)
            and (not item.gap or item.text[0] == "#")
        )

    def _read_labels(self, index: int) -> int:
        while index < len(self.items) and self._is_label(index):
            self.tags += meta_lines.split_labels(self.items[index].text)
            self._remove("tags", self.items[index])
            index += 1
        return index

    def _read_links(self, start: int) -> int:
        """Read the titles below `Read also:`; returns the index at which the article continues. Never takes prose."""
        end = next((i for i in range(start, len(self.items)) if self._context.ends_list(i)), len(self.items))
        places = [i for i in range(start, end) if not self._context.is_removable(i)]
        if recommended.alternates([self.items[i] for i in places]):
            return self._read_recommended(start)
        stop = start
        while stop < end and (stop == start or not self.items[stop].gap) and self._is_link(stop):
            stop += 1
        self.recommended += recommended.teasers(list(self.items[start:stop]))
        for i in range(start, stop):
            self._remove("recommended", self.items[i])
        return stop

    def _is_link(self, index: int) -> bool:
        item = self.items[index]
        return not self._context.is_removable(index) and recommended.is_headline(item) and not item.ends_sentence

    def _read_recommended(self, start: int) -> int:
        """Read the list under a header; returns the index at which the article continues."""
        end = next(
            (
                i
                for i in range(start, len(self.items))
                if self._context.ends_list(i) or self._context.is_after_buttons(i, start)
            ),
            len(self.items),
        )
        ranked = [i for i in range(start, end) if not self._context.is_removable(i)]
        places = [i for i in ranked if not recommended.is_rank(self.items[i])]
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
        rule = None if in_list else plain_rule_of(item.text)
        labels = None if in_list or rule else meta_lines.labels_of(item.text)
        if labels is not None:
            self.tags += labels
        # Dates and names between teasers belong to the teasers.
        self._remove(rule or ("tags" if labels is not None else "recommended"), item)


def _is_labelled_date(byline: meta_lines.Byline | None) -> bool:
    """Whether a line inside the body is a date of change, a relative or a reading time, and not a heading of a day."""
    return byline is not None and byline.is_date and (byline.updated_at is not None or byline.published_at is None)
