"""From what Meilisearch marked and cropped to highlights."""

from __future__ import annotations

import re
from typing import Any, Final

from shared.search.hits import CLOSE, OPEN
from shared.search.meilisearch.documents import SEPARATOR, UNSPACED
from shared.search.port import Highlight

CROP_WORDS: Final = 35
LONGEST: Final = 280  # characters of an excerpt
# A mark that ends inside a word: few do, and only they need a closer look.
_CUT_WORD: Final = re.compile(rf"{CLOSE}{OPEN}*\w")
_REST_OF_WORD: Final = re.compile(r"\w*")
# Written without spaces: a match there does not end with a word.
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")


def highlight(marked: str) -> Highlight:
    """What the server marked; a prefix that matched marks the whole word, as readers see it."""
    if SEPARATOR in marked:
        marked = marked.replace(SEPARATOR, "").replace(OPEN + CLOSE, "")
    found = Highlight(marked)
    return _whole_words(found) if _CUT_WORD.search(marked) else found


def excerpt(formatted: dict[str, Any]) -> Highlight:
    """The cropped summary or body, whichever shows more of the query; the summary of equals."""
    summary = _shortened(highlight(formatted.get("summary") or ""))
    marked = formatted.get("body") or ""
    shown = _words(summary)
    if summary.marked and marked.count(OPEN) <= shown:  # it cannot show more
        return summary
    body = _shortened(highlight(marked))
    return body if not summary.marked or _words(body) > shown else summary


def _words(piece: Highlight) -> int:
    return len(set(map(str.casefold, piece.matches)))


def _shortened(piece: Highlight) -> Highlight:
    """Words are cropped by number; long ones, and texts without spaces, are cut by characters as well."""
    if len(piece.marked) <= LONGEST or len(text := piece.text) <= LONGEST:
        return piece
    spans = piece.spans
    first = spans[0][0] if spans else 0
    start = max(0, min(first - LONGEST // 4, len(text) - LONGEST))
    end = start + LONGEST
    return Highlight.of(text[start:end], [(at - start, to - start) for at, to in spans if start <= at and to <= end])


def _whole_words(piece: Highlight) -> Highlight:
    text = piece.text
    grown: list[tuple[int, int]] = []
    for start, end in piece.spans:
        to = end
        if end < len(text) and (text[end].isalnum() or text[end] == "_") and not _UNSPACED.match(text, end - 1):
            rest = _REST_OF_WORD.match(text, end)
            to = rest.end() if rest else end
        if grown and start < grown[-1][1]:
            grown[-1] = (grown[-1][0], max(to, grown[-1][1]))
        else:
            grown.append((start, to))
    return Highlight.of(text, grown)
