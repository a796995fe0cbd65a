"""Text blocks of an HTML page in document order, each with its place in the element tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lxml.etree import iterwalk  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from services.enrich.domain.markup.preformatted import code_lines, is_number_column, names_gutter, prose_paragraphs

MAX_BLOCKS: Final = 5_000
_MAX_HINT: Final = 160
_UNREAD: Final = frozenset([
    "script", "style", "noscript", "svg", "template", "iframe", "head", "object", "embed", "canvas", "video", "audio",
    "map", "select", "option", "button", "input", "textarea", "math", "dialog", "frameset",
])  # fmt: skip
_BLOCK: Final = frozenset([
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "label",
    "legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul",
])  # fmt: skip
_IS_BLOCK, _IS_LINK, _IS_BREAK, _IS_UNREAD = 1, 2, 3, 4
_KINDS: Final = {
    **dict.fromkeys(_BLOCK, _IS_BLOCK), "a": _IS_LINK, "br": _IS_BREAK, **dict.fromkeys(_UNREAD, _IS_UNREAD),
}  # fmt: skip
"""How an element is read. Every other element is inline."""
ANCESTORS: Final = (
    "article", "main", "aside", "nav", "footer", "header", "form", "figure", "li", "table", "section", "blockquote",
    "figcaption", "p", "td",
)  # fmt: skip
_BIT: Final = {tag: 1 << number for number, tag in enumerate((*ANCESTORS, "pre", "details"))}
_BIT["summary"] = _BIT["details"]
_IN_PRE: Final = _BIT["pre"]
_HINT_FORMS: Final = {
    "related": r"relat|recommend|more-?(?:stor|news|from|on|article)|read-?(?:more|next|also)|also-?(?:read|like)|"
    r"trending|popular|most-?read|teaser|card|carousel|outbrain|taboola|zergnet|promo|up-?next|"
    r"next-?(?:article|post)|suggest|similar|weitere",
    "comment": r"comment|disqus|repl(?:y|ies)|respond|kommentar|discussion",
    "social": r"shar(?:e|ing)|social|follow|tweet|facebook|twitter|whatsapp|bookmark|toolbar|tools",
    "newsletter": r"newsletter|subscri|sign-?up|paywall|piano|regwall|donat|membership|login|opt-?in|mailing|cta\b|"
    r"banner",
    "chrome": r"(?:^|[-_ ])(?:nav|menu|header|footer|foot|masthead|rail|widget|toc|pagination|pager|skip|search|topbar|"
    r"bottom|consent|gdpr|modal|popup|overlay|tooltip|crumb)(?:$|[-_ s])|breadcrumb|side-?bar|cookie|footer|navbar|"
    r"navigation",
    "meta": r"byline|author|bio\b|meta|timestamp|date\b|dateline|tags?\b|taglist|categor|kicker|credit|copyright|"
    r"source|topics?|keywords|published|reading-?time|contributor|profile|avatar",
    "picture": r"caption|image|photo|gallery|media|picture|thumb|slideshow|video|player|audio|legend",
    "advert": r"(?:^|[-_ ])(?:ads?|adv|adslot|dfp|gpt|mpu|sponsor\w*)(?:$|[-_ ])|advert",
    "hidden": r"(?:^|[-_ ])(?:hidden|hide|sr-only|visually-?hidden|screen-?reader\S*|d-none|print-?only)(?:$|[-_ ])",
    "box": r"infobox|info-?box|factbox|pull-?quote|inset|inline-?(?:link|promo)|embed|module|box\b|disclaimer|"
    r"correction|footnote|reference|notes?\b",
    "body": r"(?:article|story|post|entry|news|page|blog|content|main|text|rich)[-_]*"
    r"(?:body|content|text|copy|main|inner|entry|detail|paragraph)s?|articlebody|storybody|rich-?text|wysiwyg|prose|"
    r"paragraph",
    "content": r"article|story|post\b|entry|content|main|text",
}
HINTS: Final = tuple(_HINT_FORMS)
"""Roles that class names and ids of an element suggest."""
_FORMS: Final = tuple((1 << number, re.compile(form)) for number, form in enumerate(_HINT_FORMS.values()))
_BODY_BIT: Final = 1 << HINTS.index("body")
_BREAK: Final = "\x1d"
"""Placeholder of `<br>` while a block is read: a line break in the source is only white space."""
_BREAKS: Final = re.compile(rf"{_BREAK}[ \t\r\n]*{_BREAK}[\s{_BREAK}]*")
_BREAKS_OR_BLANK_LINES: Final = re.compile(rf"[\n{_BREAK}][ \t\r]*[\n{_BREAK}][\s{_BREAK}]*")
_ONE_PARAGRAPH: Final = frozenset(["p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "dd", "dt", "figcaption"])
"""A blank line in the source of these is white space; elsewhere it separates paragraphs of pasted plain text."""


@dataclass(slots=True, eq=False)
class Place:
    """The block element of a block, with its ancestors and the hints in their class names.

    Hints are computed on first use: most places of a page contain no candidate.
    """

    tag: str
    parent: Place | None
    depth: int
    attributes: dict[str, str]
    ancestors: int
    hidden: bool
    article: Place | None
    """The outermost `article` element: itself or an ancestor."""
    words: int = 0
    """Words of unlinked text in direct child blocks; set after the walk."""
    own_cache: int = -1
    hints_cache: int = -1

    @property
    def own(self) -> int:
        """Hints of the element itself, one bit per entry of `HINTS`."""
        if self.own_cache < 0:
            attributes = self.attributes
            names = f"{attributes.get('class', '')} {attributes.get('id', '')}"[:_MAX_HINT].lower()
            self.own_cache = hints_of(names) if attributes else 0
            self.own_cache |= _BODY_BIT if attributes.get("itemprop") == "articleBody" else 0
        return self.own_cache

    @property
    def hints(self) -> int:
        """Hints of the element and all its ancestors."""
        unread: list[Place] = []
        place: Place | None = self
        while place is not None and place.hints_cache < 0:
            unread.append(place)
            place = place.parent
        hints = place.hints_cache if place is not None else 0
        for inner in reversed(unread):
            hints |= inner.own
            inner.hints_cache = hints
        return hints

    def inside(self, tag: str) -> bool:
        """Whether it is or is inside a `tag`: one of `ANCESTORS`, `pre`, or `details` (with its summary)."""
        return bool(self.ancestors & _BIT[tag])


@dataclass(slots=True, eq=False)
class HtmlBlock:
    """A run of text without a block boundary. `linked` of its characters are in links."""

    text: str
    linked: int
    links: int
    place: Place
    code: str = ""
    """The text of a `pre` block with its line breaks and indentation, else empty."""


def _blocks_of(whole: str, linked: int, links: int, place: Place) -> list[HtmlBlock]:
    """The blocks in the text between two block boundaries. `linked` of its characters are in links."""
    if place.ancestors & _IN_PRE:
        return _preformatted(whole, linked, links, place)
    if place.tag == "td" and _is_gutter(whole, place):
        return []
    if _BREAK not in whole and ("\n" not in whole or place.tag in _ONE_PARAGRAPH):
        text = " ".join(whole.split())
        return [HtmlBlock(text, min(linked, len(text)), links, place)]
    texts = (_BREAKS if place.tag in _ONE_PARAGRAPH else _BREAKS_OR_BLANK_LINES).split(whole)
    found: list[HtmlBlock] = []
    for part in texts:
        if text := " ".join(part.split()):
            own = linked if len(texts) == 1 else linked * len(text) // len(whole)
            found.append(HtmlBlock(text, min(own, len(text)), links, place))
    return found


def _preformatted(whole: str, linked: int, links: int, place: Place) -> list[HtmlBlock]:
    if _is_gutter(whole, place):
        return []
    code = code_lines(whole)
    if prose := prose_paragraphs(code) if place.tag == "pre" else []:
        return [HtmlBlock(text, 0, links, place) for text in prose]
    text = " ".join(code.split())
    return [HtmlBlock(text, min(linked, len(text)), links, place, code)]


def _is_gutter(text: str, place: Place) -> bool:
    """Whether it is the line numbers of code, in a cell of their own or a `pre` of their own."""
    if not text.strip()[-1:].isdecimal():
        return False
    in_column = place.inside("pre") and place.inside("table") and is_number_column(text)
    named = any(names_gutter(around.attributes.get("class")) for around in (place, place.parent) if around is not None)
    return in_column or (named and text.replace("\n", " ").replace(" ", "").isdecimal())


def html_blocks(tree: HtmlElement) -> list[HtmlBlock]:  # noqa: C901, PLR0912 (one loop nearly without calls: it runs for every element)
    """At most 5,000 blocks of the body. Scripts, styles, buttons and form fields are skipped."""
    body = tree.find("body") if tree.tag == "html" else tree
    root = tree if body is None else body
    place = _place(root, None)
    found: list[HtmlBlock] = []
    texts: list[str] = [root.text] if root.text else []
    linked = links = in_links = 0
    open_kinds: list[int] = []
    walk = iterwalk(root, events=("start", "end"))
    next(walk)  # the root begins
    for event, element in walk:
        starts = event == "start"
        if starts:
            kind = _KINDS.get(element.tag, 0)
            if not kind and place.ancestors & _IN_PRE and _is_line_number(element):
                kind = _IS_UNREAD
            open_kinds.append(kind)
        elif not open_kinds or len(found) >= MAX_BLOCKS:
            break
        else:
            kind = open_kinds.pop()
        if kind == _IS_BLOCK:
            if texts:
                whole = "".join(texts)
                if not whole.isspace():
                    found += _blocks_of(whole, linked, links, place)
                texts, linked, links = [], 0, 0
            place = _place(element, place) if starts else place.parent or place
        elif kind == _IS_LINK:
            in_links += 1 if starts else -1
            links += starts
        elif starts and kind:
            if kind == _IS_UNREAD:
                walk.skip_subtree()
                continue
            texts.append("\n" if place.ancestors & _IN_PRE else _BREAK)
        if text := element.text if starts else element.tail:
            texts.append(text)
            if in_links:
                linked += len(text.strip())
    if (whole := "".join(texts)) and not whole.isspace():
        found += _blocks_of(whole, linked, links, place)
    for block in found:
        around = block.place.parent or block.place
        if block.linked * 3 < len(block.text):
            around.words += block.text.count(" ") + 1
    return found


def _is_line_number(element: Any) -> bool:
    return names_gutter(element.get("class")) and (element.text or "").strip().isdecimal()


def _place(element: Any, parent: Place | None) -> Place:
    tag, attributes = element.tag, dict(element.items())
    if parent is None:
        place = Place(tag, None, 0, attributes, _BIT.get(tag, 0), _is_hidden(attributes), None)
    else:
        place = Place(
            tag, parent, parent.depth + 1, attributes, parent.ancestors | _BIT.get(tag, 0),
            parent.hidden or (bool(attributes) and _is_hidden(attributes)), parent.article,
        )  # fmt: skip
    if tag == "article" and place.article is None:
        place.article = place
    return place


def _is_hidden(attributes: dict[str, str]) -> bool:
    style = attributes.get("style")
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or (style is not None and "display:none" in style.replace(" ", ""))
    )


@lru_cache(maxsize=8_192)
def hints_of(names: str) -> int:
    """Hint bits of lower-case class names and ids separated by blanks."""
    found = 0
    for name in names.split(" "):
        found |= _hint(name)
    return found


@lru_cache(maxsize=16_384)
def _hint(name: str) -> int:
    # Cached per name: pages share names, but rarely combinations of names. No pattern spans a blank.
    return sum(bit for bit, form in _FORMS if form.search(name))
