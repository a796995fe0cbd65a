"""Converts Meilisearch's formatted fields to highlights."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from shared.query.spellings import joined_spans
from shared.search.hits import CLOSE, OPEN
from shared.search.meilisearch.documents import SEPARATOR, UNSPACED
from shared.search.port import Highlight

CROP_WORDS: Final = 35
LONGEST: Final = 280  # characters of an excerpt
# A highlight that ends inside a word; only those need further processing.
_CUT_WORD: Final = re.compile(rf"{CLOSE}{OPEN}*\w")
_INTO_THE_NEXT: Final = re.compile(rf"{CLOSE}\w*{OPEN}")
# Scripts written without spaces: a match there does not end with a word.
_REST_OF_WORD: Final = re.compile(rf"(?<![{UNSPACED}]){CLOSE}(\w+)")
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_WORD: Final = re.compile(r"\w*")
_NOTHING: Final = Highlight()


def highlights(formatted: dict[str, Any], spellings: Collection[str] = ()) -> dict[str, Highlight]:
    """The highlights of a hit: `title`, `dek` and `excerpt`.

    `spellings` are the words of the query: the server does not highlight `Wi-Fi` for `wifi`.
    """
    dek = formatted["dek"]
    found = {
        "title": highlight(formatted["title"]),
        "dek": highlight(dek) if dek else _NOTHING,
        "excerpt": excerpt(formatted),
    }
    return {name: _with_compounds(piece, spellings) for name, piece in found.items()} if spellings else found


def _with_compounds(piece: Highlight, spellings: Collection[str]) -> Highlight:
    text = piece.text
    compounds = list(joined_spans(text, spellings))
    if not compounds:
        return piece
    others = [span for span in piece.spans if not any(span[0] < end and start < span[1] for start, end in compounds)]
    return Highlight.of(text, [*compounds, *others])


def highlight(marked: str) -> Highlight:
    """The server's highlights; a matched prefix highlights the whole word."""
    if SEPARATOR in marked:
        marked = marked.replace(SEPARATOR, "").replace(OPEN + CLOSE, "")
    if CLOSE in marked and _CUT_WORD.search(marked):
        if _INTO_THE_NEXT.search(marked):
            return _whole_words(Highlight(marked))
        marked = _REST_OF_WORD.sub(rf"\1{CLOSE}", marked)
    return Highlight(marked)


def excerpt(formatted: dict[str, Any]) -> Highlight:
    """The cropped summary or body, whichever has more matches; the summary on a tie."""
    summary, body = formatted.get("summary") or "", formatted.get("body") or ""
    if not body or (summary and OPEN not in body):  # the body cannot have more
        return _shortened(highlight(summary))
    if not summary or OPEN not in summary:
        return _shortened(highlight(body))
    found = _shortened(highlight(summary))
    strict_highlights = body.count(OPEN)
    if strict_highlights == 1 or strict_highlights <= (shown := _words(found)):
        return found
    other = _shortened(highlight(body))
    return other if _words(other) > shown else found


def _words(piece: Highlight) -> int:
    return len(set(map(str.casefold, piece.matches)))


def _shortened(piece: Highlight) -> Highlight:
    """Truncate by characters: the server crops by number of words, which is too long for texts without spaces."""
    if len(piece) <= LONGEST or len(text := piece.text) <= LONGEST:
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
            rest = _WORD.match(text, end)
            to = rest.end() if rest else end
        if grown and start < grown[-1][1]:
            grown[-1] = (grown[-1][0], max(to, grown[-1][1]))
        else:
            grown.append((start, to))
    return Highlight.of(text, grown)
