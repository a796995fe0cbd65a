"""Names of HTML elements: which tags are markup in a text that may hold `<` as a character."""

from __future__ import annotations

from typing import Final

HTML_TAGS: Final = frozenset([
    "a", "abbr", "address", "article", "aside", "audio", "b", "big", "blockquote", "br", "center", "cite", "code", "dd",
    "del", "details", "div", "dl", "dt", "em", "embed", "figcaption", "figure", "font", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "i", "iframe", "img", "ins", "kbd", "li", "link", "main", "mark", "meta",
    "nav", "object", "ol", "p", "picture", "pre", "q", "s", "samp", "script", "section", "small", "source", "span",
    "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "tfoot", "th", "thead", "time",
    "tr", "tt", "u", "ul", "var", "video", "wbr",
])  # fmt: skip
INLINE_TAGS: Final = frozenset([
    "a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark", "q", "s", "samp",
    "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
])  # fmt: skip
"""Those that end no line."""
