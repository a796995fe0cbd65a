"""Titles: selection among the candidates of an HTML page, and derived titles for pages without one."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import permutations
from typing import Final

from services.enrich.domain.decoding import one_line
from services.enrich.domain.similar_text import plain_words
from services.enrich.domain.terms.summary import sentences

MAX_TITLE: Final = 500
_MAX_DERIVED: Final = 120
WEIGHTS: Final = {
    "h1": (1.3, 0.2, 0.7),
    "og": (1.0, 0.6, 1.1),
    "json-ld": (0.9, 0.9, 0.3),
    "twitter": (0.4, 0.7, 0.1),
    "title": (0.1, 0.6, 0.3),
}
"""Weights per source for an exact match, a prefix match and a word subset."""
_SITE: Final = re.compile(
    r"\s+([|•·»«–—-])\s+|\s*::\s*|\s*[｜│]\s*|"
    r"(?<=[\u3041-\u9fff\uac00-\ud7a3？！])\s*(_)\s*(?=[\u3041-\u9fff\uac00-\ud7a3])"
)
_DASHES: Final = frozenset("–—-_")
"""Headlines hold dashes of their own; the other separators stand before a site or section only."""
_SITE_WORDS: Final = re.compile(
    r"\b(?:news|times|post|tribune|gazette|herald|journal|magazine|daily|weekly|zeitung|nachrichten|blog|online|tv)\b|"
    r"\.[a-z]{2,6}$",
    re.IGNORECASE,
)
_CLOSE: Final = re.compile(r"\s*[:：_｜|]\s*|(?<=[\u3040-\u9fff])[-–—](?=\S)|\s+/\s+")
"""Separators that headlines hold too, cut only where one part is exactly the site."""
_MAX_SITE_WORDS: Final = 6
_MAX_SECTION_WORDS: Final = 3
_PART, _PART_UNSPACED = 8, 3
"""Letters in a row that two texts share: parts of compounds, words of scripts without spaces."""
_SHORT_WORD: Final = 3
_MIN_HEADLINE: Final = 16
"""Letters of a headline at least, where a heading of a few words shares nothing with it."""
_MIN_SITE: Final = 4
"""Minimum letters of a site name for matching longer forms of it."""


_TWICE: Final = re.compile(r"(.{12,}?)(?:\s+[|•·»–—-]\s+|\s+)\1")
_SOFT_HYPHEN: Final = "\u00ad"


def derived_title(paragraph: str) -> str:
    """First sentence of a paragraph without its full stop, at most 120 characters."""
    found = sentences(paragraph[:2_000])
    return one_line((found[0] if found else paragraph).rstrip(" .。"), _MAX_DERIVED)


def vote(candidates: Sequence[tuple[str, str]], sites: Collection[str] = (), sections: Collection[str] = ()) -> str:
    """The candidate with the most votes from (source, text) pairs; ties go to the first. Empty without candidates.

    A source votes for an option equal to its text, with less weight for a prefix, least for a word subset: `Fog | The
    Gazette` also votes for `Fog`. Weights were fitted on the judged pages of three data sets.
    `sites`: names of the site, letters and digits only; a site name is the title only if there is no other option, and
    so is the name of one of `sections`. At a dash a text is cut only where the other part is such a name.
    """
    texts = [(source, text) for source, raw in candidates if (text := _plain(raw))]
    sections = [name for name in sections if len(name.split()) <= _MAX_SECTION_WORDS]
    texts = _without_labels(texts, sections, sites)
    sites = {*sites, *(_flat(text) for text in _trailing_headings(candidates, texts))}
    labels = {*sites, *map(_flat, sections)}
    wholes = {tuple(plain_words(text)) for _, text in texts}
    said = [(source, words) for source, text in texts if (words := plain_words(text))]
    best, best_votes = "", 0.0
    options = list(dict.fromkeys(option for _, text in texts for option in _options(text, sites, labels, wholes)))
    for option in [option for option in options if not _is_site(option, sites)] or options:
        words = plain_words(option)
        votes: dict[str, float] = {}
        for source, full in said if words else ():
            votes[source] = max(votes.get(source, 0.0), _vote(WEIGHTS.get(source, WEIGHTS["title"]), words, full))
        if sum(votes.values()) > best_votes:
            best, best_votes = option, sum(votes.values())
    return best or (texts[0][1] if texts else "")


def _plain(raw: str) -> str:
    """One line without invisible hyphens and the link sign of a heading; a text that stands there twice once."""
    text = one_line(html.unescape(raw).replace(_SOFT_HYPHEN, ""), MAX_TITLE)
    text = text.rstrip("¶").rstrip() or text
    twice = _TWICE.fullmatch(text)
    return twice[1] if twice else text


def _flat(text: str) -> str:
    return "".join(plain_words(text))


def _is_site(text: str, sites: Collection[str]) -> bool:
    return _flat(text) in sites


def _without_labels(
    texts: list[tuple[str, str]], sections: Collection[str], sites: Collection[str]
) -> list[tuple[str, str]]:
    """The candidates without headings that are a section, or that share nothing with any other source.

    The latter only while the others agree, or the heading is as short as a label and another source has a headline.
    """
    others = [text for source, text in texts if source != "h1"]
    said = [plain_words(text) for text in others]
    agreed = any(one[: len(other)] == other for one, other in permutations(said, 2))
    headline = any(_flat(text) not in sites and len(_flat(text)) >= _MIN_HEADLINE for text in others)
    named = set(map(_flat, sections))

    def is_label(text: str) -> bool:
        alone = agreed or (headline and len(text.split()) <= _MAX_SECTION_WORDS)
        return _flat(text) in named or (alone and not any(_shares(text, other) for other in others))

    return [(source, text) for source, text in texts if source != "h1" or not is_label(text)] or texts


def _telling(text: str) -> set[str]:
    """The words without the short ones, such as articles, unless it has no others."""
    words = set(plain_words(text))
    return {word for word in words if len(word) > _SHORT_WORD or word.isdigit() or not word.isascii()} or words


def _shares(text: str, other: str) -> bool:
    """Whether two texts have a word or a longer part of one in common; of scripts without spaces three characters."""
    if not _telling(text).isdisjoint(_telling(other)):
        return True
    flat, whole = _flat(text), _flat(other)
    size = _PART if flat.isascii() else _PART_UNSPACED
    return any(flat[start : start + size] in whole for start in range(len(flat) - size + 1))


def _trailing_headings(candidates: Sequence[tuple[str, str]], texts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Short headings that follow a separator in another candidate: they name the site or the section."""
    others = [text for source, text in texts if source != "h1"]
    parts = {_flat(part) for text in others for part in _parts(text)[1:]} - set(map(_flat, others))
    headings = (raw for source, raw in candidates if source == "h1" and len(raw.split()) <= _MAX_SECTION_WORDS)
    yield from (raw for raw in headings if _flat(_plain(raw)) in parts)


def _parts(text: str) -> list[str]:
    places = [0, *(place for found in _SITE.finditer(text) for place in found.span()), len(text)]
    return [text[start:end] for start, end in zip(places[::2], places[1::2], strict=True)]


def _options(
    text: str, sites: Collection[str], labels: Collection[str], wholes: Collection[tuple[str, ...]]
) -> Iterator[str]:
    breaks = list(_SITE.finditer(text))
    first = next(
        (found for found in (*breaks[:1], *_CLOSE.finditer(text)) if _is_site(text[: found.start()], sites)), None
    )
    rest = text[first.end() :] if first else ""
    yield rest or text
    for found in dict.fromkeys((*breaks[:1], *breaks)):
        head, tail = text[: found.start()], text[found.end() :]
        is_free = (found[1] or found[2]) not in _DASHES
        if is_free or tuple(plain_words(head)) in wholes or _are_labels(tail, labels, sites, found[2]):
            yield head
    yield from (text[found.end() :] for found in breaks if _is_site(text[: found.start()], sites))
    for found in _CLOSE.finditer(text):
        head, tail = text[: found.start()], text[found.end() :]
        if head and _is_site(tail, sites):
            yield head


def _are_labels(tail: str, labels: Collection[str], sites: Collection[str], chinese: str | None = None) -> bool:
    """Whether each part of what stands behind a separator names the site or a section.

    Chinese sites write `headline_section_site`: there the last part is enough.
    """
    if chinese:
        return _is_label(_parts(tail)[-1], labels)
    return all(_is_label(part, labels) or (not sites and _SITE_WORDS.search(part)) for part in _parts(tail))


def _is_label(part: str, labels: Collection[str]) -> bool:
    flat = _flat(part)
    if flat in labels:
        return True
    if len(flat) < _MIN_SITE or len(part.split()) > _MAX_SITE_WORDS:
        return False
    return any(
        flat in label or (label in flat and 2 * len(label) > len(flat)) for label in labels if len(label) >= _MIN_SITE
    )


def _vote(weights: tuple[float, float, float], words: list[str], full: list[str]) -> float:
    exactly, begins, holds = weights
    if words == full:
        return exactly
    if words == full[: len(words)]:
        return begins
    own, other = set(words), set(full)
    return holds * len(own) / len(other) if own <= other else 0.0
