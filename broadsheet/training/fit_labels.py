"""Which blocks of a judged page are its body: what `fit_blocks.py` teaches the block model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from broadsheet.bench.quality.pages import JudgedPage
from services.enrich.domain.markup.candidates import Candidate, key_of

_TOKEN = re.compile(r"\w+")
_JOINT = 15
"""Letters of a neighbour by which a text is told to follow or precede it in the judged body."""
_NEAR = 4
_FOLLOWS = 50.0
"""What following a neighbour in the judged body counts, in words of body beside it."""
_FEW = 4
_SOME = 0.2


def labels(page: JudgedPage, found: Sequence[Candidate]) -> np.ndarray:
    """How much of each block is body, 0 to 1; of pages judged by snippets 0, 1, or NaN where none is in it."""
    if page.body is None:
        return _by_snippets(page, [item.block.text for item in found])
    body = _JudgedBody(page.body)
    shares = np.array([body.share(item) for item in found], dtype=float)
    _short_ones(body, found, shares)
    return _claimed(body, found, shares)


def _by_snippets(page: JudgedPage, texts: Sequence[str]) -> np.ndarray:
    wanted, unwanted = ([" ".join(text.split()) for text in many] for many in (page.wanted, page.unwanted))
    return np.array([
        1.0 if any(part in text for part in wanted) else 0.0 if any(part in text for part in unwanted) else np.nan
        for text in texts
    ])  # fmt: skip


class _JudgedBody:
    """A judged body as shingles of four words, as the keys of its lines, and as one key."""

    def __init__(self, text: str) -> None:
        self.shingles = _shingles(text)
        self.lines = Counter(key_of(line) for line in text.split("\n"))
        self.key = key_of(text)

    def share(self, item: Candidate) -> float:
        own = _shingles(item.block.text)
        if not own:
            return float(item.key in self.lines)
        return sum(times for shingle, times in own.items() if shingle in self.shingles) / own.total()


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = _TOKEN.findall(text)
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def _short_ones(body: _JudgedBody, found: Sequence[Candidate], shares: np.ndarray) -> None:
    """A heading of up to three words is body where the judged body has it right before the block behind it."""
    for number, item in enumerate(found[:-1]):
        after = found[number + 1].key[:_JOINT]
        if shares[number] >= 0.5 or shares[number + 1] < 0.5 or item.words >= _FEW or len(item.key) < _FEW - 1:
            continue
        before = found[number - 1].key[-_JOINT:] if number and shares[number - 1] >= 0.5 else ""
        joined = len(before) < _JOINT or before + item.key in body.key
        shares[number] = float(len(after) == _JOINT and joined and item.key + after in body.key)


def _claimed(body: _JudgedBody, found: Sequence[Candidate], shares: np.ndarray) -> np.ndarray:
    """The shares when each shingle of the body is claimed once.

    A page has many texts twice: tables of contents, quotes set apart, tables for phones, the whole article for
    printing. The copy that trafilatura keeps claims first, then the one in the company of other body.
    """
    made = np.zeros(len(found))
    near = _company(body, found, shares)
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


def _company(body: _JudgedBody, found: Sequence[Candidate], shares: np.ndarray) -> list[float]:
    """How much body stands around each block, in words by distance; texts that the page has twice do not count."""
    times = Counter(item.key for item in found)
    worth = [
        0.0 if times[item.key] > 1 else item.words if share >= 0.5 else -item.words / 2
        for item, share in zip(found, shares, strict=True)
    ]
    made: list[float] = []
    for number, item in enumerate(found):
        around = [at for at in range(max(0, number - _NEAR), min(len(found), number + _NEAR + 1)) if at != number]
        company = sum(worth[at] / abs(at - number) for at in around)
        follows = number > 0 and found[number - 1].key[-_JOINT:] + item.key in body.key
        precedes = number + 1 < len(found) and item.key + found[number + 1].key[:_JOINT] in body.key
        made.append(company + _FOLLOWS * (follows + precedes))
    return made
