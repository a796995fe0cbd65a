"""Labels for the block model: how much of each block is in the annotated body of its page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from broadsheet.bench.quality.pages import JudgedPage
from services.enrich.domain.markup.candidates import Candidate, text_key

_TOKEN = re.compile(r"\w+")
_JOINT_KEY = 15
"""Characters of a neighbour's key that must match for a text to follow or precede it in the annotated body."""
_NEAR = 4
_ADJACENCY_WORDS = 50.0
"""Weight of being adjacent to the same neighbour in the annotated body, in words of neighbouring body."""
_FEW = 4
_SOME = 0.2


def labels(page: JudgedPage, found: Sequence[Candidate]) -> np.ndarray:
    """Share of each block that is body, 0 to 1. For pages annotated by snippets: 0, 1, or NaN without a snippet."""
    if page.body is None:
        return _by_snippets(page, [item.block.text for item in found])
    body = _JudgedBody(page.body)
    shares = np.array([body.share(item) for item in found], dtype=float)
    _label_short_headings(body, found, shares)
    return _claim_once(body, found, shares)


def _by_snippets(page: JudgedPage, texts: Sequence[str]) -> np.ndarray:
    wanted, unwanted = ([" ".join(text.split()) for text in many] for many in (page.wanted, page.unwanted))
    return np.array([
        1.0 if any(part in text for part in wanted) else 0.0 if any(part in text for part in unwanted) else np.nan
        for text in texts
    ])  # fmt: skip


class _JudgedBody:
    """An annotated body as word 4-grams, line keys and one key."""

    def __init__(self, text: str) -> None:
        self.shingles = _shingles(text)
        self.lines = Counter(text_key(line) for line in text.split("\n"))
        self.key = text_key(text)

    def share(self, item: Candidate) -> float:
        own = _shingles(item.block.text)
        if not own:
            return float(item.key in self.lines)
        return sum(times for shingle, times in own.items() if shingle in self.shingles) / own.total()


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = _TOKEN.findall(text)
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def _label_short_headings(body: _JudgedBody, found: Sequence[Candidate], shares: np.ndarray) -> None:
    """A heading of up to three words is body where the annotated body has it right before the following block."""
    for number, item in enumerate(found[:-1]):
        after = found[number + 1].key[:_JOINT_KEY]
        if shares[number] >= 0.5 or shares[number + 1] < 0.5 or item.words >= _FEW or len(item.key) < _FEW - 1:
            continue
        before = found[number - 1].key[-_JOINT_KEY:] if number and shares[number - 1] >= 0.5 else ""
        joined = len(before) < _JOINT_KEY or before + item.key in body.key
        shares[number] = float(len(after) == _JOINT_KEY and joined and item.key + after in body.key)


def _claim_once(body: _JudgedBody, found: Sequence[Candidate], shares: np.ndarray) -> np.ndarray:
    """The shares when each 4-gram of the body can be claimed by one block only.

    Pages repeat text: tables of contents, pull quotes, tables for phones, a copy for printing. The copy that
    trafilatura keeps claims first, then the one next to other body blocks.
    """
    made = np.zeros(len(found))
    near = _nearby_body(body, found, shares)
    left, lines = body.shingles.copy(), body.lines.copy()
    for number in sorted(np.flatnonzero(shares >= _SOME).tolist(), key=lambda at: (not found[at].main, -near[at], at)):
        item = found[number]
        own = _shingles(item.block.text)
        if not own:
            made[number] = float(lines[item.key] > 0 or not body.lines[item.key])
            lines[item.key] -= 1
            continue
        claimed = own & left
        made[number] = claimed.total() / own.total()
        if made[number] >= 0.5:
            left -= claimed
    return made


def _nearby_body(body: _JudgedBody, found: Sequence[Candidate], shares: np.ndarray) -> list[float]:
    """Words of body near each block, divided by distance. Texts that occur twice do not count."""
    times = Counter(item.key for item in found)
    worth = [
        0.0 if times[item.key] > 1 else item.words if share >= 0.5 else -item.words / 2
        for item, share in zip(found, shares, strict=True)
    ]
    made: list[float] = []
    for number, item in enumerate(found):
        around = [at for at in range(max(0, number - _NEAR), min(len(found), number + _NEAR + 1)) if at != number]
        nearby = sum(worth[at] / abs(at - number) for at in around)
        follows = number > 0 and found[number - 1].key[-_JOINT_KEY:] + item.key in body.key
        precedes = number + 1 < len(found) and item.key + found[number + 1].key[:_JOINT_KEY] in body.key
        made.append(nearby + _ADJACENCY_WORDS * (follows + precedes))
    return made
