"""Lines below an article that are about its author or desk: biographies, requests for tips, agency credits.

Only the last paragraphs of a body are judged: between paragraphs the same words may be the story.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from services.enrich.domain.authors.honorifics import without_honorifics
from services.enrich.domain.phrases import alternatives
from services.enrich.domain.text.byline_names import is_role
from services.enrich.domain.text.headers import is_recommended_header
from shared.articles import RemovedSpan

_MAX_LINE: Final = 420
_MAX_LINES: Final = 8
_MAX_CARD: Final = 5
"""Lines of a card: header, name, role, followers, biography."""
_WRITTEN_BY: Final = re.compile(
    r"^(?:written by|words by|story by|"
    r"geschrieben von|verfasst von|écrit par|escrito por|scritto da|geschreven door)\s+",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    r"(?:about|meet) the (?:authors?|writers?)|über (?:den autor|die autor(?:in|innen|en))|zu(?:m autor|r autorin)|"
    r"à propos de l[’'](?:auteure?|autrice)|sobre (?:el autor|la autora|os? autore?s?|a autora)|sull[’']autor(?:e|ice)|"
    r"over de auteurs?|об авторе|o autor(?:ze|ce)|著者について|关于作者|關於作者",
    re.IGNORECASE,
)
_BIOGRAPHY: Final = re.compile(rf"(?:\S+\s+){{0,9}}?(?:{alternatives('is_author')})(?:\b|(?=[\s,.]))", re.IGNORECASE)
"""What follows the author's name."""
_OPENING: Final = re.compile(
    r"^[\W_]*(?:(?:about|über|à propos de|sobre|door)\s+(?:the author|the writer)?\W*)?", re.IGNORECASE
)
_TIP: Final = re.compile(rf"[\W_]*(?:{alternatives('tip')})", re.IGNORECASE)
_CONTACT: Final = re.compile(
    rf"[\W_]*(?:{alternatives('follow_author')})\s(?=.{{0,160}}(?:@\w|\S@\S|twitter|\bx\b|facebook|instagram|bluesky|"
    r"mastodon|linkedin|signal|threads|e-?mail))",
    re.IGNORECASE,
)
_CREDITS: Final = re.compile(
    r"\(\s*(?:(?:additional |further )?(?:reporting|writing|editing|compiled|production|graphics?|rédigé|édité|"
    r"redacción|edición|escrito|editado|reportagem|reporte|bearbeitet|geschrieben|berichtet)\s(?:by|von|par|por|de)\s.{2,380}|"
    r"\(.{0,200}@.{0,200}\))\)",
    re.IGNORECASE,
)
_SHARE_LINE: Final = re.compile(r"share or comment on this article\b.{0,160}", re.IGNORECASE)
_MAX_HEADLINE: Final = 200
_SENTENCE: Final = (".", "。", "।", "…", ":", ";")
_PRINT: Final = re.compile(
    r"(?:a version of this (?:article|story) (?:appears?|appeared|was published)|our standards|"
    r"this (?:article|story) (?:appeared|appears) in the print edition|"
    r"dieser (?:artikel|text|beitrag) (?:erschien|ist erschienen) in)\b.{0,300}",
    re.IGNORECASE,
)


def without_closing_lines(
    paragraphs: Sequence[str], authors: Sequence[str]
) -> tuple[tuple[str, ...], tuple[RemovedSpan, ...]]:
    """The paragraphs without lines about the author at their end, and these lines. At least one paragraph stays."""
    end = len(paragraphs)
    while end > max(1, len(paragraphs) - _MAX_LINES) and is_closing_line(paragraphs[end - 1], authors):
        end -= 1
    end = min(end, _card_start(paragraphs[:end], authors))
    removed = tuple(RemovedSpan(rule="author-note", text=text) for text in paragraphs[end:])
    return tuple(paragraphs[:end]), removed


def _card_start(paragraphs: Sequence[str], authors: Sequence[str]) -> int:
    """Where a card about the author begins: `About the author`, or a line of the author's name, and a biography."""
    for at in range(max(2, len(paragraphs) - _MAX_CARD), len(paragraphs)):
        below = paragraphs[at + 1 :]
        if _opens_card(paragraphs[at], below, authors) and all(len(line) <= _MAX_LINE for line in below):
            return at
    return len(paragraphs)


def _opens_card(text: str, below: Sequence[str], authors: Sequence[str]) -> bool:
    if _ABOUT.fullmatch(text.strip(" :.–—-")):
        return True
    bare = _WRITTEN_BY.sub("", text)
    if (name := without_honorifics(bare)) not in authors:
        return False
    # A name alone may head an answer in an interview: the lines below must be about that person.
    first = name.split(maxsplit=1)[0]
    return bare != text or not below or is_role(below[0]) or any(first in line for line in below)


def without_closing_list(paragraphs: Sequence[str]) -> tuple[list[str], tuple[RemovedSpan, ...]]:
    """The paragraphs without a list of other articles at their end: a header such as `Most watched`, headlines only.

    A sentence below the header shows that the article goes on.
    """
    start = len(paragraphs)
    while start > 1 and len(paragraphs[start - 1]) <= _MAX_HEADLINE and not paragraphs[start - 1].endswith(_SENTENCE):
        start -= 1
    headers = (at for at in range(start, len(paragraphs) - 1) if _opens_list(paragraphs[at]))
    end = next(headers, len(paragraphs))
    return list(paragraphs[:end]), tuple(RemovedSpan(rule="recommended", text=text) for text in paragraphs[end:])


def _opens_list(text: str) -> bool:
    return is_recommended_header(text) or _SHARE_LINE.fullmatch(text) is not None


def is_closing_line(text: str, authors: Sequence[str]) -> bool:
    """Whether a line at the end of an article is about its author or desk."""
    if len(text) > _MAX_LINE:
        return False
    if any(form.match(text) for form in (_TIP, _CONTACT)) or any(form.fullmatch(text) for form in (_CREDITS, _PRINT)):
        return True
    rest = without_honorifics(_OPENING.sub("", text))
    name = next((one for one in authors if rest.startswith(one)), None)
    return name is not None and _BIOGRAPHY.match(rest[len(name) :].lstrip(" ,–—-")) is not None
