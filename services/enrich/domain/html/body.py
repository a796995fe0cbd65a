"""The body of an HTML page: which of its blocks are the article, and by which rule each of the others goes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree
from trafilatura import bare_extraction, baseline
from trafilatura.settings import Extractor

from services.enrich.domain.decoding import clean
from services.enrich.domain.html.metadata import Metadata
from services.enrich.domain.markup.block_features import rows
from services.enrich.domain.markup.block_model import THRESHOLD, likelihoods
from services.enrich.domain.markup.blocks import HINTS, HtmlBlock
from services.enrich.domain.markup.candidates import Candidate, Evidence, Said, candidates, key_of
from services.enrich.domain.markup.repeats import repeats
from services.enrich.domain.markup.table_rows import with_rows_joined
from services.enrich.domain.markup.tree import parsed, slim
from shared.articles import RemovedSpan

_WORD: Final = re.compile(r"\w+")
MIN_AGREEMENT: Final = 0.6
"""Of model and trafilatura: with less, on one page of twenty-five, trafilatura taking its time is right more often."""
_MANY_LINKS: Final = 0.5
_FAST: Final = Extractor(output_format="python", fast=True, comments=False)
_CAREFUL: Final = Extractor(output_format="python", comments=False)


@dataclass(frozen=True, slots=True)
class Body:
    """The paragraphs, what was cut, and in a few words how they were found."""

    paragraphs: tuple[str, ...]
    removed: tuple[RemovedSpan, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The candidates of a page with their numbers, and trafilatura's own text."""

    found: list[Candidate]
    numbers: Any
    """An array: see `block_features.rows`."""
    main: str


def body_of(tree: HtmlElement, blocks: Sequence[HtmlBlock], markup: str, metadata: Metadata) -> Body:
    """Find the body among the tree's blocks. The tree is of no use to anybody else afterwards: it is made small."""
    page = judge(tree, blocks, markup, metadata)
    chances = likelihoods(page.numbers)
    likely = [number for number, chance in enumerate(chances) if chance >= THRESHOLD]
    again = repeats([page.found[at].key for at in likely], [page.found[at].words for at in likely])
    copied = {likely[number] for number in again}
    kept = [page.found[at] for at in likely if at not in copied]
    if not agreed([item.block.text for item in kept], page.main):
        return _as_trafilatura_says(markup)
    removed = tuple(
        RemovedSpan(rule="copy" if number in copied else _rule(item), text=item.block.text)
        for number, (item, chance) in enumerate(zip(page.found, chances, strict=True))
        if number in copied or (chance < THRESHOLD and (item.main or item.wide))
    )
    note = f"block model: {len(kept)} of {len(page.found)} blocks"
    return Body(tuple(clean(item.block.text) for item in kept), removed, note)


def judge(tree: HtmlElement, blocks: Sequence[HtmlBlock], markup: str, metadata: Metadata) -> Judged:
    """The blocks of a page that may be body, with the numbers by which the model judges them; the tree is slim then."""
    blocks = with_rows_joined(blocks)
    document: Any = bare_extraction(slim(tree), options=_FAST)
    main = clean(document.text or "") if document is not None else ""
    wide = extract_plain_text(
        HTMLTree.parse(markup), main_content=True, comments=False, alt_texts=False, links=False, form_fields=False,
        list_bullets=False,
    )  # fmt: skip
    evidence = Evidence(Said.of(main), Said.of(wide), key_of(metadata.body))
    found = candidates(blocks, evidence)
    return Judged(found, rows(found, evidence), main)


def agreed(kept: list[str], main: str) -> bool:
    """Whether what the model keeps and what trafilatura says, with its copies or without, are alike enough."""
    if _agree(kept, main):
        return True
    lines = main.split("\n")
    singly = once(lines)
    return len(singly) < len(lines) and _agree(kept, "\n".join(singly))


def once(lines: list[str]) -> list[str]:
    """The lines without passages that are there again."""
    again = repeats([key_of(line) for line in lines], [line.count(" ") + 1 for line in lines])
    return [line for number, line in enumerate(lines) if number not in again]


def _agree(kept: list[str], main: str) -> bool:
    """Whether the agreement is enough. Most often whole lines tell, and the dear runs of words need not be made."""
    ours, theirs = Counter(kept), Counter(main.split("\n"))
    words = {line: len(_WORD.findall(line)) for line in ours | theirs}
    shared = sum(max(0, words[line] - 3) * min(times, theirs[line]) for line, times in ours.items())
    most = sum(words[line] * times for said in (ours, theirs) for line, times in said.items())
    return 2 * shared >= MIN_AGREEMENT * max(1, most) or agreement("\n".join(kept), main) >= MIN_AGREEMENT


def agreement(left: str, right: str) -> float:
    """The share of runs of four words that two texts have in common (F1); 0 when either has fewer."""
    a, b = _runs(left), _runs(right)
    return 2 * sum((a & b).values()) / ((a.total() + b.total()) or 1)


def _runs(text: str) -> Counter[tuple[str, str, str, str]]:
    words = _WORD.findall(text)
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def carefully(tree: HtmlElement) -> str:
    """What trafilatura makes of a whole tree when it takes its time; empty when it finds nothing."""
    document: Any = bare_extraction(tree, options=_CAREFUL)
    return clean(document.text or "") if document is not None else ""


def _as_trafilatura_says(markup: str) -> Body:
    _, tree = parsed(markup)  # the one before is slim, and its engines look at more
    if text := carefully(tree):
        return Body(tuple(once(lines_of(text))), note="trafilatura, because the engines disagree")
    _, text, _ = baseline(tree)
    return Body(tuple(lines_of(clean(text or ""))), note="trafilatura baseline")


def lines_of(text: str) -> list[str]:
    """The lines of an engine's text, without the dashes of its lists."""
    return [line for raw in text.split("\n") if (line := raw.strip().removeprefix("- "))]


def _rule(item: Candidate) -> str:
    """Why a block went: what the names around it say, else its links, else only that it is unlike a body."""
    place = item.block.place
    near = place.own | (place.parent.own if place.parent else 0)
    for number, name in enumerate(HINTS):
        if near >> number & 1 and name not in {"body", "content"}:
            return f"place-{name}"
    if item.linked > _MANY_LINKS:
        return "link-list"
    return "hidden" if place.hidden else "unlike-body"
