"""Headers of streams and recommended lists in many wordings, including misspellings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from services.enrich.domain.phrases import exact, fold, open_ended

_MAX_WORDS: Final = 8
_MAX_CHARACTERS: Final = 60
_MIN_FUZZY: Final = 9
"""Shorter headers must match exactly: one edit turns `related` into another word."""

_RECOMMENDED: Final = (
    "recommended", "recommended for you", "recommended articles", "recommended stories", "recommended reading",
    "recommended posts", "recommended news", "recommendations", "we recommend", "related", "related articles",
    "related stories", "related posts", "related news", "related content", "related coverage", "related reading",
    "related topics and stories", "you may also like", "you might also like", "you may like", "you might like",
    "you may also be interested in", "you might be interested in", "you may be interested in", "you will also like",
    "you'll also like", "read next", "up next", "what to read next", "more stories", "more news", "more articles",
    "more to read", "more to explore", "more like this", "trending", "trending now", "trending stories", "most read",
    "most popular", "most viewed", "popular now", "popular stories", "popular articles", "editors' picks",
    "editor's picks", "editor's choice", "top stories", "latest news", "latest stories", "latest articles",
    "latest posts", "other stories", "other news", "also on this site", "further reading", "suggested for you",
    "suggested reading", "suggested articles", "suggested stories", "next articles", "keep reading", "don't miss",
    "around the web", "from around the web", "from our partners", "similar articles", "similar stories",
    "in case you missed it", "explore more", "discover more",
)  # fmt: skip
_STREAM: Final = (
    "more from this stream", "more from the stream", "more from our stream", "more in this stream", "from this stream",
    "latest from this stream", "more from this topic", "more on this topic", "more from this section",
    "more in this section", "more from this series", "more in this series", "more from this category",
    "more from this author", "more from this channel", "more by this author", "more from this site", "in this stream",
)  # fmt: skip
_OF_SECTION: Final = re.compile(r"\s+(?:in|im|em|en|dans|su|w|we|в|di|de|del|der|aus|op|for|today)\s+(?:\S+\s?){1,3}")
_MORE_FROM: Final = re.compile(r"more (?:from (?:the )?(?:\w[\w'&.-]*\s?){1,4}|(?:in|by) (?:\w[\w'&.-]*\s?){1,2})")


def is_recommended_header(line: str) -> bool:
    """Whether the line is a header such as `Recommended for you`, also misspelt as `Recomended`."""
    return _is_any(line, _RECOMMENDED) or _is_phrase(line, "most_read")


def is_read_also_header(line: str) -> bool:
    """Whether the line announces links to other articles inside a text, such as `Read also:` or `LEIA TAMBÉM`."""
    if len(line) > _MAX_CHARACTERS or (folded := fold(line)) not in exact("read_also"):
        return False
    is_button = folded in exact("read_more_button") and not line.rstrip().endswith((":", "："))
    return not is_button and not _is_any(line, _RECOMMENDED)


def _is_phrase(line: str, meaning: str) -> bool:
    """Whether the line is a phrase of a table, or one followed by a section: `Most popular in Business`."""
    if len(line) > _MAX_CHARACTERS or line.rstrip().endswith((".", "?", "!", "。")):
        return False
    folded = fold(line)
    if folded in exact(meaning) or open_ended(meaning).fullmatch(folded):
        return True
    match = _OF_SECTION.search(folded)
    return match is not None and match.end() == len(folded) and folded[: match.start()] in exact(meaning)


def is_stream_header(line: str) -> bool:
    """Whether the line is a header such as `More from this stream` or `More from The Example Gazette`."""
    text = _plain(line)
    if not text:
        return False
    # Headlines can start with "More from" too; headers have at most four more words.
    return _MORE_FROM.fullmatch(text) is not None or _is_any(line, _STREAM)


def _plain(line: str) -> str:
    if len(line) > _MAX_CHARACTERS or line.rstrip().endswith((".", "?", "!")) or len(line.split()) > _MAX_WORDS:
        return ""
    text = " ".join(line.casefold().replace("’", "'").split())
    return text.strip(" :-–—*=_~•·|[]()<>#»«…")


def _is_any(line: str, phrases: Sequence[str]) -> bool:
    text = _plain(line)
    if not text:
        return False
    return text in phrases or any(_is_misspelt(text, phrase) for phrase in _fuzzy_index(phrases).get(_key(text), ()))


@lru_cache(maxsize=2)
def _fuzzy_index(phrases: Sequence[str]) -> dict[tuple[str, int], list[str]]:
    """Phrases long enough for fuzzy matching, grouped by `_key`."""
    index: dict[tuple[str, int], list[str]] = {}
    for phrase in phrases:
        if len(phrase) >= _MIN_FUZZY:
            index.setdefault(_key(phrase), []).append(phrase)
    return index


def _key(text: str) -> tuple[str, int]:
    return text[0], text.count(" ")


def _is_misspelt(text: str, phrase: str) -> bool:
    allowed = 1 if len(phrase) < 11 else 2
    # One edit changes the set of letters by at most two; this check is cheaper than the edit distance.
    may_match = abs(len(text) - len(phrase)) <= allowed and len(set(text) ^ set(phrase)) <= 2 * allowed
    return may_match and distance(text, phrase) <= allowed


def distance(left: str, right: str) -> int:
    """Edit distance of two short texts; a transposition counts as one edit (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, char in enumerate(left, start=1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and char == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
