"""Reader of scraped plain text and Markdown: title, dek, body, tags, teasers and boilerplate.

Invariant for plain text: every character of the input is in the title, the dek, a paragraph or a removed span.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.enrich.domain import dates
from services.enrich.domain.reading import Reading
from services.enrich.domain.text import markdown, meta_lines
from services.enrich.domain.text.boilerplate import INLINE_AD, plain_rule_of, rule_of
from services.enrich.domain.text.line_blocks import Block, blocks
from services.enrich.domain.text.page_reader import PageReader
from shared.articles import RemovedSpan, Submission


def read(text: str, given: Submission, *, is_markdown: bool = False) -> Reading:
    """Read a scraped page or a Markdown file, which is detected unless declared.


    The submitted title and dek in `given` help to find those of the page. A page without any text but its title has the
    title as its body, too. Raises Permanent(rule="no-body") if there is no text at all.
    """
    if (document := markdown.read(text, declared=is_markdown)) is not None:
        return _read_markdown(document, given)
    items, removed = _without_inline_ads(blocks(text, alone=_stands_alone))
    return PageReader(items, given, removed=removed).read()


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


def _read_markdown(document: markdown.MarkdownDocument, given: Submission) -> Reading:
    """A Markdown file. Its front matter says more than its lines do."""
    items, removed = _without_inline_ads(document.blocks)
    known = given if given.title else given.model_copy(update={"title": document.title or None})
    reading = PageReader(items, known, removed=[*document.removed, *removed]).read()
    fields = document.fields
    published = next((found for name in ("date", "published", "pubdate") for text in fields.get(name, ()) if (found := dates.parse(text))), None)  # fmt: skip  # noqa: E501
    description = next((text for name in ("description", "summary", "excerpt", "subtitle") for text in fields.get(name, ())), "")  # fmt: skip  # noqa: E501
    return replace(
        reading,
        title=reading.title if not reading.title_derived else document.title or reading.title,
        title_derived=reading.title_derived and not document.title,
        dek=reading.dek or description,
        authors=reading.authors or (*fields.get("author", ()), *fields.get("authors", ())),
        tags=(*fields.get("tags", ()), *fields.get("keywords", ()), *reading.tags),
        published_at=published[0] if published else reading.published_at,
        note=f"Markdown: {reading.note}",
    )


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
        plain_rule_of(line) is not None
        or meta_lines.labels_of(line) is not None
        or meta_lines.is_tag_header(line)
        or meta_lines.byline_of(line) is not None
    )
