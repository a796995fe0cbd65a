"""Takes off what copying adds to the words of a search: character references, mail subjects, operators of other
search engines, a URL.
"""

from __future__ import annotations

import html
import re
from typing import Final

_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_SUBJECT: Final = re.compile(r"(?:(?:re|fwd?|aw|wg|tr|rv|sv|vs|antw)\s*:\s+)+(?=\S)", re.IGNORECASE)
"""`Re: ` and `Fwd: ` of mail programs, also in German, French, Spanish, Swedish, Danish and Dutch."""
_WRAPPER: Final = re.compile(r"(?:view-source|feed|mailto):(?=\S)", re.IGNORECASE)
_OPERATOR: Final = re.compile(r"(?<=[^\W_])\*+(?!\S)|(?<=[^\W\d_])[~^][0-9.]*(?!\S)")
"""What other search engines put after a word: `wild*`, `fuzzy~2`, `boosted^3`. `10^3` is a number."""
_URL: Final = re.compile(r"""https?://[^\s<>"]+""", re.IGNORECASE)
_AFTER_URL: Final = ".,;:!?'’”»*"
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


def as_typed(text: str) -> str:
    """The text as a person would have typed it. Text that was typed is not changed."""
    if "&" in text and _REFERENCE.search(text):
        text = " ".join(_REFERENCE.sub(lambda found: html.unescape(found[0]), text).split())
    text = _SUBJECT.sub("", text, count=1) if _SUBJECT.match(text) else text
    text = _WRAPPER.sub("", text, count=1) if _WRAPPER.match(text) else text
    return _OPERATOR.sub("", text) if "*" in text or "~" in text or "^" in text else text


def split_url(text: str) -> tuple[str, str] | None:
    """(the text around it, the URL) of a text that holds exactly one; None otherwise."""
    if "://" not in text:
        return None
    found = list(_URL.finditer(text))
    if len(found) != 1:
        return None
    url = found[0][0]
    while url and (url[-1] in _AFTER_URL or (url[-1] in _PAIRS and url.count(url[-1]) > url.count(_PAIRS[url[-1]]))):
        url = url[:-1]
    return " ".join(f"{text[: found[0].start()]} {text[found[0].end() :]}".split()), url
