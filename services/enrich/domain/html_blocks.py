"""The text blocks of an HTML page in document order, each with what its place in the page says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]

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
ANCESTORS: Final = (
    "article", "main", "aside", "nav", "footer", "header", "form", "figure", "li", "table", "section", "blockquote",
    "figcaption", "p", "td",
)  # fmt: skip
_BIT: Final = {tag: 1 << number for number, tag in enumerate(ANCESTORS)}
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
"""What the classes and ids of an element can hint at."""
_FORMS: Final = tuple((1 << number, re.compile(form)) for number, form in enumerate(_HINT_FORMS.values()))
_BODY_BIT: Final = 1 << HINTS.index("body")
_PARAGRAPHS: Final = re.compile(r"\n[ \t\r]*\n\s*")


@dataclass(slots=True, eq=False)
class Place:
    """Where a block stands: its block element and what the elements around it hint at."""

    tag: str
    parent: Place | None
    depth: int
    own: int
    """Hints of the element itself, a bit each of `HINTS`."""
    hints: int
    """Hints of the element and everything around it."""
    ancestors: int
    hidden: bool
    words: int = 0
    """Words of all prose directly inside; filled after the page is read."""

    def inside(self, tag: str) -> bool:
        """Whether it is a `tag` element or inside one."""
        return bool(self.ancestors & _BIT[tag])


@dataclass(slots=True, eq=False)
class HtmlBlock:
    """One run of text without a block element's border in it; `linked` of its characters stand in links."""

    text: str
    linked: int
    links: int
    place: Place


@dataclass(slots=True)
class _Walk:
    found: list[HtmlBlock] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    linked: int = 0
    links: int = 0
    in_links: int = 0

    def add(self, text: str | None) -> None:
        if text:
            self.texts.append(text)
            if self.in_links:
                self.linked += len(text.strip())

    def flush(self, place: Place) -> None:
        if not self.texts:
            return
        whole = "".join(self.texts)
        parts = _PARAGRAPHS.split(whole) if "\n\n" in whole or "\n " in whole or "\r" in whole else [whole]
        texts = [text for part in parts if (text := " ".join(part.split()))]
        for text in texts:
            linked = self.linked if len(texts) == 1 else self.linked * len(text) // max(1, len(whole))
            self.found.append(HtmlBlock(text, min(linked, len(text)), self.links, place))
        self.texts, self.linked, self.links = [], 0, 0


def html_blocks(tree: HtmlElement) -> list[HtmlBlock]:
    """At most 5,000 blocks of the page's body. Scripts, styles, buttons and fields of forms are not read."""
    body = tree.find("body") if tree.tag == "html" else tree
    root = tree if body is None else body
    walk = _Walk()
    # An element to enter with the place around it, or to leave (`None` after it) with its own place.
    waiting: list[tuple[Any, Place, bool]] = [(root, _place(root, None), False)]
    while waiting and len(walk.found) < MAX_BLOCKS:
        element, place, leave = waiting.pop()
        if leave:
            _leave(walk, element, place, root)
        else:
            _enter(walk, element, place, root, waiting)
    walk.flush(_place(root, None))
    for block in walk.found:
        around = block.place.parent or block.place
        if block.linked * 3 < len(block.text):
            around.words += block.text.count(" ") + 1
    return walk.found


def _enter(walk: _Walk, element: Any, place: Place, root: Any, waiting: list[tuple[Any, Place, bool]]) -> None:
    tag = element.tag
    if not isinstance(tag, str) or tag in _UNREAD:
        _tail(walk, element, root)
        return
    if tag == "br":
        walk.add("\n")
        _tail(walk, element, root)
        return
    if tag in _BLOCK:
        walk.flush(place)
        place = _place(element, place) if element is not root else place
    elif tag == "a":
        walk.in_links += 1
        walk.links += 1
    walk.add(element.text)
    waiting.append((element, place, True))
    waiting.extend((child, place, False) for child in reversed(element))


def _leave(walk: _Walk, element: Any, place: Place, root: Any) -> None:
    if element.tag in _BLOCK:
        walk.flush(place)
    elif element.tag == "a":
        walk.in_links -= 1
    _tail(walk, element, root)


def _tail(walk: _Walk, element: Any, root: Any) -> None:
    if element is not root:
        walk.add(element.tail)


def _place(element: Any, parent: Place | None) -> Place:
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    own = _hints(names[:_MAX_HINT].lower()) if len(names) > 1 else 0
    if element.get("itemprop") == "articleBody":
        own |= _BODY_BIT
    style = element.get("style")
    hidden = (
        (style is not None and "display:none" in style.replace(" ", ""))
        or element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
    )
    bit = _BIT.get(element.tag, 0)
    if parent is None:
        return Place(element.tag, None, 0, own, own, bit, hidden)
    return Place(
        element.tag, parent, parent.depth + 1, own, parent.hints | own, parent.ancestors | bit, parent.hidden or hidden
    )


@lru_cache(maxsize=8_192)
def _hints(names: str) -> int:
    return sum(bit for bit, form in _FORMS if form.search(names))
