"""Whether a page shows a name to its readers, or only says it to machines.

A content management system names the account that posted a page, and an old template its first webmaster; neither is
the author of what stands there when no reader is told so. Only whole pages are judged by that: an article that was cut
out of its page has lost its byline, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lxml.etree import XPath  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]

_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_MAX_NAMES: Final = 10
_LINKS_OF_A_PAGE: Final = 20
"""What a page has at least, with its menus and its footer."""
_WHOLE: Final = XPath("count((//a[@href])[position() <= $number]) = $number")
_SHOWS: Final = XPath(
    "boolean((/html/body | /html/head/title)//text()[contains(., $word)]"
    "[not(parent::script or parent::style or parent::noscript or parent::template)])"
)


def shown(names: Sequence[str], tree: HtmlElement, cards: Sequence[str]) -> bool:
    """Whether the page's text or its cards have the longest word of any of these names; true for part of a page.

    One word is enough, because a name may stand in several elements. Only the first ten names are looked for.
    """
    if not _WHOLE(tree, number=_LINKS_OF_A_PAGE):
        return True
    words = [max(_WORD.findall(name), key=len, default="") for name in names[:_MAX_NAMES]]
    return any(word and (any(word in card for card in cards) or _in_text(tree, word)) for word in words)


def _in_text(tree: HtmlElement, word: str) -> bool:
    return any(_SHOWS(tree, word=form) for form in dict.fromkeys((word, word.title(), word.upper())))
