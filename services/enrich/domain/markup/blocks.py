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
_IS_BLOCK, _IS_LINK, _IS_BREAK, _IS_UNREAD = 1, 2, 3, 4
_KINDS: Final = {
    **dict.fromkeys(_BLOCK, _IS_BLOCK), "a": _IS_LINK, "br": _IS_BREAK, **dict.fromkeys(_UNREAD, _IS_UNREAD),
}  # fmt: skip
"""How an element is read; any other is part of the text around it."""
ANCESTORS: Final = (
    "article", "main", "aside", "nav", "footer", "header", "form", "figure", "li", "table", "section", "blockquote",
    "figcaption", "p", "td",
)  # fmt: skip
_BIT: Final = {tag: 1 << number for number, tag in enumerate((*ANCESTORS, "pre", "details"))}
_BIT["summary"] = _BIT["details"]
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
    """Where a block stands: its block element and what the elements around it hint at.

    Hints are read when they are asked for: most places of a page hold nothing that may be body.
    """

    tag: str
    parent: Place | None
    depth: int
    said: dict[str, str]
    """The attributes of the element."""
    ancestors: int
    hidden: bool
    article: Place | None
    """The outermost article element that it is or stands in."""
    words: int = 0
    """Words of all prose directly inside; filled after the page is read."""
    own_known: int = -1
    hints_known: int = -1

    @property
    def own(self) -> int:
        """Hints of the element itself, a bit each of `HINTS`."""
        if self.own_known < 0:
            said = self.said
            self.own_known = (
                hints_of(f"{said.get('class', '')} {said.get('id', '')}"[:_MAX_HINT].lower()) if said else 0
            )
            self.own_known |= _BODY_BIT if said.get("itemprop") == "articleBody" else 0
        return self.own_known

    @property
    def hints(self) -> int:
        """Hints of the element and everything around it."""
        unread: list[Place] = []
        place: Place | None = self
        while place is not None and place.hints_known < 0:
            unread.append(place)
            place = place.parent
        hints = place.hints_known if place is not None else 0
        for inner in reversed(unread):
            hints |= inner.own
            inner.hints_known = hints
        return hints

    def inside(self, tag: str) -> bool:
        """Whether it is a `tag` element or inside one: one of `ANCESTORS`, `pre`, or `details` with its summary."""
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
    root: Any
    found: list[HtmlBlock] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    linked: int = 0
    links: int = 0
    in_links: int = 0

    def enter(self, element: Any, kind: int, place: Place) -> Place:
        """Returns the place of what is inside."""
        if kind == _IS_BLOCK:
            self.flush(place)
            if element is not self.root:
                place = _place(element, place)
        elif kind == _IS_LINK:
            self.in_links += 1
            self.links += 1
        elif kind == _IS_BREAK:
            self.add("\n")
        if text := element.text:
            self.add(text)
        return place

    def leave(self, kind: int, place: Place) -> None:
        if kind == _IS_BLOCK:
            self.flush(place)
        elif kind == _IS_LINK:
            self.in_links -= 1

    def add(self, text: str) -> None:
        self.texts.append(text)
        if self.in_links:
            self.linked += len(text.strip())

    def flush(self, place: Place) -> None:
        if not self.texts:
            return
        whole = "".join(self.texts)
        if not whole.isspace():
            self._keep(whole, place)
        self.texts, self.linked, self.links = [], 0, 0

    def _keep(self, whole: str, place: Place) -> None:
        if "\n\n" not in whole and "\n " not in whole and "\r" not in whole:
            text = " ".join(whole.split())
            self.found.append(HtmlBlock(text, min(self.linked, len(text)), self.links, place))
            return
        parts = _PARAGRAPHS.split(whole)
        texts = [text for part in parts if (text := " ".join(part.split()))]
        for text in texts:
            linked = self.linked if len(texts) == 1 else self.linked * len(text) // len(whole)
            self.found.append(HtmlBlock(text, min(linked, len(text)), self.links, place))


def html_blocks(tree: HtmlElement) -> list[HtmlBlock]:
    """At most 5,000 blocks of the page's body. Scripts, styles, buttons and fields of forms are not read."""
    body = tree.find("body") if tree.tag == "html" else tree
    root = tree if body is None else body
    outermost = _place(root, None)
    walk = _Walk(root)
    # An element to enter with the place around it, or to leave with its own place.
    waiting: list[tuple[Any, Place, bool]] = [(root, outermost, False)]
    while waiting and len(walk.found) < MAX_BLOCKS:
        element, place, leaving = waiting.pop()
        kind = _KINDS.get(element.tag, 0)
        if not leaving and kind != _IS_UNREAD:
            place = walk.enter(element, kind, place)
            leaving = not len(element)
            if not leaving:
                waiting.append((element, place, True))
                waiting.extend([(child, place, False) for child in element.iterchildren(reversed=True)])
                continue
        if leaving:
            walk.leave(kind, place)
        if element is not root and (tail := element.tail):
            walk.add(tail)
    walk.flush(outermost)
    for block in walk.found:
        around = block.place.parent or block.place
        if block.linked * 3 < len(block.text):
            around.words += block.text.count(" ") + 1
    return walk.found


def _place(element: Any, parent: Place | None) -> Place:
    said = dict(element.items())
    hidden = bool(said) and (
        "hidden" in said
        or said.get("aria-hidden") == "true"
        or "display:none" in said.get("style", "").replace(" ", "")
    )
    bit = _BIT.get(element.tag, 0)
    if parent is None:
        place = Place(element.tag, None, 0, said, bit, hidden, None)
    else:
        hidden = hidden or parent.hidden
        place = Place(element.tag, parent, parent.depth + 1, said, parent.ancestors | bit, hidden, parent.article)
    if place.article is None and place.tag == "article":
        place.article = place
    return place


@lru_cache(maxsize=8_192)
def hints_of(names: str) -> int:
    """What class names and ids, in lower case and with blanks between, hint at: a bit each of `HINTS`."""
    found = 0
    for name in names.split(" "):
        found |= _hint(name)
    return found


@lru_cache(maxsize=16_384)
def _hint(name: str) -> int:
    # By single names: pages share these, while their combinations are new on every page. No form goes beyond a blank.
    return sum(bit for bit, form in _FORMS if form.search(name))
