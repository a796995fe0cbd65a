"""From text with sentinels to text and character spans."""

from __future__ import annotations

import re
from typing import Any, Final

from shared.search.meilisearch.documents import POST, PRE, SEPARATOR, UNSPACED
from shared.search.port import Highlight

CROP_WORDS: Final = 35
LONGEST: Final = 280  # characters of an excerpt
_REST_OF_WORD: Final = re.compile(r"\w*")
# Written without spaces: a match there does not end with a word.
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")


def highlight(marked: str) -> Highlight:
    """The text without sentinels, and its matches; a prefix that matched marks the whole word, as readers see it."""
    if SEPARATOR in marked:
        marked = marked.replace(SEPARATOR, "")
    before, *marks = marked.split(PRE)
    if not marks:
        return Highlight(marked, ())
    text = [before]
    spans: list[tuple[int, int]] = []
    at = len(before)
    for mark in marks:
        inside, _, after = mark.partition(POST)
        if inside:
            spans.append((at, at + len(inside)))
        at += len(inside) + len(after)
        text += (inside, after)
    return _whole_words("".join(text), spans)


def excerpt(formatted: dict[str, Any]) -> Highlight:
    """The cropped summary or body, whichever shows more of the query; the summary of equals."""
    pieces = [_shortened(highlight(formatted.get(name) or "")) for name in ("summary", "body")]
    return max(pieces, key=lambda piece: (_words(piece), bool(piece.text)))


def _words(piece: Highlight) -> int:
    return len({piece.text[start:end].casefold() for start, end in piece.spans})


def _shortened(piece: Highlight) -> Highlight:
    """Words are cropped by number; long ones, and texts without spaces, are cut by characters as well."""
    if len(piece.text) <= LONGEST:
        return piece
    first = piece.spans[0][0] if piece.spans else 0
    start = max(0, min(first - LONGEST // 4, len(piece.text) - LONGEST))
    end = start + LONGEST
    spans = tuple((at - start, to - start) for at, to in piece.spans if start <= at and to <= end)
    return Highlight(piece.text[start:end], spans)


def _whole_words(text: str, spans: list[tuple[int, int]]) -> Highlight:
    grown: list[tuple[int, int]] = []
    for start, end in spans:
        to = end
        if end < len(text) and (text[end].isalnum() or text[end] == "_") and not _UNSPACED.match(text, end - 1):
            rest = _REST_OF_WORD.match(text, end)
            to = rest.end() if rest else end
        if grown and start < grown[-1][1]:
            grown[-1] = (grown[-1][0], max(to, grown[-1][1]))
        else:
            grown.append((start, to))
    return Highlight(text, tuple(grown))
