"""The reader of scraped pages as plain text: what is title, dek, body, tag, teaser, and what is furniture.

Nothing disappears: every character of the page is in the title, the dek, a paragraph or a cut.
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
from shared.articles import Cut, Submission, Teaser
from shared.errors import Permanent

_MAX_TITLE_WORDS: Final = 32
_MAX_TITLE: Final = 300
_MAX_SENTENCE_TITLE_WORDS: Final = 16
_MAX_DEK_WORDS: Final = 45
_MAX_KICKER_WORDS: Final = 3
_FULL_STOP: Final = re.compile(r"[.。][\"'”’»)\]]*$")
_HEADERS: Final = frozenset({"stream-header", "recommended-header"})


def read(text: str, given: Submission) -> Reading:
    """Read a scraped page. `given` is what the producer said: its title and dek tell ours from the body.

    Raises Permanent(rule="no-body") when nothing is left that could be body.
    """
    items, cuts = _without_inline_ads(blocks(text, alone=_stands_alone))
    page = _Page(items, given, cuts=cuts)
    index = 0
    while index < len(page.items):
        index = page.take(index)
    return page.finish()


def paragraphs_of(text: str) -> tuple[str, ...]:
    """The paragraphs of a text that is body and nothing else: only its line breaks are judged."""
    return tuple(block.text for block in blocks(text))


def cut_furniture(paragraphs: Iterable[str]) -> tuple[tuple[str, ...], tuple[Cut, ...]]:
    """The paragraphs without those that are furniture, and what was cut; for bodies out of HTML."""
    kept: list[str] = []
    cuts: list[Cut] = []
    for text in paragraphs:
        rule = rule_of(text)
        if rule is None:
            kept.append(text)
        else:
            cuts.append(Cut(rule=rule, text=text))
    return tuple(kept), tuple(cuts)


def _without_inline_ads(items: Sequence[Block]) -> tuple[list[Block], list[Cut]]:
    kept: list[Block] = []
    cuts: list[Cut] = []
    for item in items:
        tokens = INLINE_AD.findall(item.text)
        text = " ".join(INLINE_AD.sub(" ", item.text).split()) if tokens else item.text
        if not any(map(str.isalnum, text)):
            kept.append(item)  # nothing else stands on the line: a rule of its own judges it
            continue
        cuts += [Cut(rule="ad-token", text=token, line=item.line) for token in tokens]
        kept.append(replace(item, text=text))
    return kept, cuts


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
    cuts: list[Cut] = field(default_factory=list)

    def take(self, index: int) -> int:
        """Decide about one block (or, under a header, several); returns the index of the next."""
        item = self.items[index]
        rule = rule_of(item.text)
        if rule in _HEADERS:
            self._cut(rule, item)
            return self._take_recommended(index + 1)
        if rule is not None:
            self._cut(rule, item)
        elif (labels := meta_lines.labels_of(item.text)) is not None:
            self.tags += labels
            self._cut("tags", item)
        elif meta_lines.is_tag_header(item.text) and self._has_labels(index + 1):
            self._cut("tags", item)
            return self._take_labels(index + 1)
        elif not self._take_byline(index):
            self._take_text(index)
        return index + 1

    def finish(self) -> Reading:
        """The reading; a page of a title and a dek only has the dek as its body."""
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
            cuts=tuple(self.cuts),
            note=f"{len(self.items)} blocks",
        )

    def _cut(self, rule: str, item: Block) -> None:
        self.cuts.append(Cut(rule=rule, text=item.text, line=item.line))

    def _take_text(self, index: int) -> None:
        item = self.items[index]
        if self._is_kicker(index):
            self.section = item.text
            self._cut("kicker", item)
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
        # The producer's title differs: a line is a title of the page's own only when it reads like one.
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
        # A first paragraph ends with a full stop; so does a dek only where a byline parts it from the body.
        return not _FULL_STOP.search(item.text) or self._is_byline(index + 1)

    def _is_byline(self, index: int) -> bool:
        return index < len(self.items) and meta_lines.byline_of(self.items[index].text) is not None

    def _take_byline(self, index: int) -> bool:
        item = self.items[index]
        last = not self._texts_after(index, 1)
        if self.paragraphs and not last:
            return False  # between paragraphs it may be a dateline or a caption: it stays
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
        self._cut("byline" if byline.authors else "date", item)
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

    def _take_labels(self, index: int) -> int:
        while index < len(self.items) and self._is_label(index):
            self.tags += meta_lines.split_labels(self.items[index].text)
            self._cut("tags", self.items[index])
            index += 1
        return index

    def _texts_after(self, index: int, wanted: int) -> list[Block]:
        """The next blocks that can be text of the article, up to a header or `wanted` of them."""
        found: list[Block] = []
        for item in self.items[index + 1 :]:
            rule = rule_of(item.text)
            if rule in _HEADERS or len(found) == wanted:
                break
            if rule is None and not _stands_alone(item.text):
                found.append(item)
        return found

    def _take_recommended(self, start: int) -> int:
        """Take the list under a header; returns where the article goes on."""
        end = next((i for i in range(start, len(self.items)) if self._ends_list(i)), len(self.items))
        places = [i for i in range(start, end) if not _stands_alone(self.items[i].text)]
        size = recommended.section_length([self.items[i] for i in places])
        goes_on = size < len(places)
        if goes_on and not self.title and not self.paragraphs and size:
            size -= 1  # before the article, the last headline of the list is the article's own
        listed = set(places[:size])
        self.recommended += recommended.teasers([self.items[i] for i in places[:size]])
        stop = places[size] if size < len(places) else end
        for i in range(start, stop):
            self._take_listed(i, in_list=i in listed)
        return stop

    def _take_listed(self, index: int, *, in_list: bool) -> None:
        item = self.items[index]
        rule = None if in_list else rule_of(item.text)
        labels = None if in_list or rule else meta_lines.labels_of(item.text)
        if labels is not None:
            self.tags += labels
        # Dates and names between the teasers are theirs, not the article's.
        self._cut(rule or ("tags" if labels is not None else "recommended"), item)

    def _ends_list(self, index: int) -> bool:
        text = self.items[index].text
        return rule_of(text) in _HEADERS or meta_lines.is_tag_header(text)
