"""Titles: selection among the candidates of an HTML page, and derived titles for pages without one."""

from __future__ import annotations

import html
import re
from collections.abc import Container, Iterator, Sequence
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
_SITE: Final = re.compile(r"\s+[|•·»–—-]\s+|\s*::\s*")


_SOFT_HYPHEN: Final = "\u00ad"


def derived_title(paragraph: str) -> str:
    """First sentence of a paragraph without its full stop, at most 120 characters."""
    found = sentences(paragraph[:2_000])
    return one_line((found[0] if found else paragraph).rstrip(" .。"), _MAX_DERIVED)


def vote(candidates: Sequence[tuple[str, str]], sites: Container[str] = ()) -> str:
    """The candidate with the most votes from (source, text) pairs; ties go to the first. Empty without candidates.

    A source votes for an option equal to its text, with less weight for a prefix, least for a word subset: `Fog | The
    Gazette` also votes for `Fog`. Weights were fitted on the judged pages of three data sets.
    `sites`: names of the site, letters and digits only; a site name is the title only if there is no other option.
    """
    texts = [(source, text) for source, raw in candidates if (text := _plain(raw))]
    said = [(source, words) for source, text in texts if (words := plain_words(text))]
    best, best_votes = "", 0.0
    options = list(dict.fromkeys(option for _, text in texts for option in _options(text, sites)))
    for option in [option for option in options if not _is_site(option, sites)] or options:
        words = plain_words(option)
        votes: dict[str, float] = {}
        for source, full in said if words else ():
            votes[source] = max(votes.get(source, 0.0), _vote(WEIGHTS.get(source, WEIGHTS["title"]), words, full))
        if sum(votes.values()) > best_votes:
            best, best_votes = option, sum(votes.values())
    return best or (texts[0][1] if texts else "")


def _plain(raw: str) -> str:
    return one_line(html.unescape(raw).replace(_SOFT_HYPHEN, ""), MAX_TITLE)


def _is_site(text: str, sites: Container[str]) -> bool:
    return "".join(plain_words(text)) in sites


def _options(text: str, sites: Container[str]) -> Iterator[str]:
    yield text
    breaks = list(_SITE.finditer(text))
    if breaks:
        yield text[: breaks[0].start()]
        yield text[: breaks[-1].start()]
        yield from (text[found.end() :] for found in breaks if _is_site(text[: found.start()], sites))


def _vote(weights: tuple[float, float, float], words: list[str], full: list[str]) -> float:
    exactly, begins, holds = weights
    if words == full:
        return exactly
    if words == full[: len(words)]:
        return begins
    own, other = set(words), set(full)
    return holds * len(own) / len(other) if own <= other else 0.0
