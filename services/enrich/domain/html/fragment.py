"""Reader of HTML fragments, as in feeds (`content:encoded`) and JSON (`html`).

A fragment contains only the article, so all its text is kept in document order. Only what publishing
software adds (sharing blocks, "The post ... appeared first on ...") and captions of pictures are removed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]

from services.enrich.domain.decoding import clean, one_line
from services.enrich.domain.html.body import Body, paragraph_text
from services.enrich.domain.html.producer_lines import (
    is_closing_line,
    is_producer_line,
    remove_producer_elements,
    without_producer_suffix,
)
from services.enrich.domain.markup.blocks import HtmlBlock, Place, html_blocks
from services.enrich.domain.markup.completion import repeated_quotes
from services.enrich.domain.markup.elements import HTML_TAGS
from services.enrich.domain.markup.overlays import remove_overlays
from services.enrich.domain.markup.table_rows import join_table_rows
from services.enrich.domain.markup.tree import parse_body
from services.enrich.domain.similar_text import plain_words
from services.enrich.domain.text.boilerplate import rule_of
from shared.articles import RemovedSpan

_SVG: Final = re.compile(r"<svg\b.{0,20000}?</svg\s*>", re.IGNORECASE | re.DOTALL)
_SVG_START: Final = re.compile(r"<svg\b", re.IGNORECASE)
_PAGE: Final = re.compile(r"<\s*(?:!\s*doctype|html|head|body|frameset|title)\b", re.IGNORECASE)
_SITE_PARTS: Final = (re.compile(r"<nav\b", re.IGNORECASE), re.compile(r"<(?:header|footer|main)\b", re.IGNORECASE))
_TAG: Final = re.compile(rf"</?(?:{'|'.join(sorted(HTML_TAGS))})(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
_ENDS_SENTENCE: Final = re.compile(r"[.!?…:。！？][\"'”’»)\]]*\s*$")
_STARTS_ITEM: Final = re.compile(r"\s*(?:[-–—•*·▪►]\s|\d{1,3}[.)]\s|[(\[]?\d{1,2}:\d\d)")
_PICTURES: Final = ("img", "picture", "video", "iframe", "audio", "svg", "object")
_CONTENT: Final = ("blockquote", "pre", "table", "ul", "ol")
_CAPTION_NAMES: Final = frozenset(["wp-caption-text", "gallery-caption", "image-caption"])
_SITE_RULES: Final = frozenset(["newsletter", "legal", "separator"])
"""Rules that match whole sentences; the others match labels."""
_MAX_ALT: Final = 600
_LINK_SHARE: Final = 0.8
_MIN_TITLE: Final = 4
_ATTRIBUTION_LINKS: Final = 2
_MAX_ATTRIBUTION: Final = 60
"""Characters in addition to the two links."""


def is_fragment(markup: str) -> bool:
    """Whether the markup has neither the elements of a page (`html`, `head`, `body`, `title`) nor those of a site."""
    page = _PAGE.search(markup)
    if page and (not _SVG_START.search(markup, 0, page.start()) or _PAGE.search(_SVG.sub("", markup))):
        return False  # nearly all pages begin with it; a picture may have a title of its own
    return not all(form.search(markup) for form in _SITE_PARTS)


def parse_fragment(text: str) -> tuple[str, HtmlElement]:
    """The markup and its tree, under a `body`. Text without any HTML element keeps its `<`; entities are resolved."""
    markup, tree = parse_body(text if _TAG.search(text) else text.replace("<", "&lt;"))
    remove_overlays(tree)
    remove_producer_elements(tree)
    for caption in _captions(tree):
        caption.set("class", "wp-caption-text")
    _separate_lines(tree)
    return markup, tree


def fragment_body(tree: HtmlElement, given_title: str = "") -> Body:
    """The paragraphs of a fragment; those of captions or alternative texts where there is no other text.

    `given_title`: the submitted title. With one, a fragment that only links to the page or its comments is empty.
    """
    blocks = [block for block in join_table_rows(html_blocks(tree)) if _is_text(block) and not block.place.hidden]
    quotes = repeated_quotes(blocks, range(len(blocks)))
    kept: list[str] = []
    sources: list[HtmlBlock] = []
    removed: list[RemovedSpan] = []
    captions: list[str] = []
    for at, block in enumerate(blocks):
        text = paragraph_text(block)
        body = text if block.code else without_producer_suffix(text, block.links > 0)
        if rule := _rule(block, body, at in quotes):
            removed.append(RemovedSpan(rule=rule, text=text))
            captions += [text] if rule == "caption" else []
        else:
            kept.append(body)
            sources.append(block)
    while kept and (closing := _closing_rule(kept[-1], sources[len(kept) - 1], given_title)):
        if len(kept) == 1 and not (given_title and _is_link(sources[0])):
            break
        removed.append(RemovedSpan(rule=closing, text=kept.pop()))
    return Body(tuple(kept or captions or _alternative_texts(tree)), tuple(removed), f"fragment: {len(blocks)} blocks")


def _is_text(block: HtmlBlock) -> bool:
    return any(map(str.isalnum, block.text))


def _rule(block: HtmlBlock, text: str, is_repeated_quote: bool) -> str:
    if is_repeated_quote:
        return "pull-quote"
    if _is_caption(block.place):
        return "caption"
    if block.code:
        return ""
    if not text or is_producer_line(text, block.links > 0):
        return "producer"
    return "ad-token" if rule_of(text) == "ad-token" else ""


def _is_caption(place: Place | None) -> bool:
    while place is not None:
        if not _CAPTION_NAMES.isdisjoint(place.attributes.get("class", "").split()):
            return True
        place = place.parent
    return False


def _captions(tree: HtmlElement) -> list[Any]:
    """Captions of figures that hold a picture and no text of their own."""
    return [
        caption
        for figure in tree.iter("figure")
        if next(figure.iter(*_PICTURES), None) is not None and next(figure.iter(*_CONTENT), None) is None
        for caption in figure.iter("figcaption")
    ]


def _separate_lines(tree: HtmlElement) -> None:
    """Double each `br` between two sentences or items, so that they become paragraphs."""
    for line_break in list(tree.iter("br")):
        before = line_break.getprevious()
        above = (line_break.getparent().text if before is None else before.tail) or ""
        if before is not None and before.tag != "br" and not above.strip():
            above = before.text_content()
        if _ENDS_SENTENCE.search(above) or _STARTS_ITEM.match(line_break.tail or ""):
            line_break.addprevious(line_break.makeelement("br"))


def _is_link(block: HtmlBlock) -> bool:
    return block.linked > _LINK_SHARE * len(block.text)


def _closing_rule(text: str, block: HtmlBlock, given_title: str) -> str | None:
    if is_closing_line(text, is_link=_is_link(block), has_link=block.links > 0) or _is_attribution(block, given_title):
        return "producer"
    rule = rule_of(text)
    return rule if rule in _SITE_RULES or not _ENDS_SENTENCE.search(text) else None


def _is_attribution(block: HtmlBlock, given_title: str) -> bool:
    """Whether a paragraph is `The post TITLE appeared first on SITE` in any language: links to page and site."""
    if block.links != _ATTRIBUTION_LINKS or len(block.text) - block.linked > _MAX_ATTRIBUTION:
        return False
    title = "".join(plain_words(given_title))  # some scripts write it without spaces to the next word
    return len(title) >= _MIN_TITLE and title in "".join(plain_words(block.text))


def _alternative_texts(tree: HtmlElement) -> Sequence[str]:
    texts = (one_line(image.get("title") or image.get("alt") or "", _MAX_ALT) for image in tree.iter("img"))
    return list(dict.fromkeys(clean(text) for text in texts if text.count(" ") > 1))
