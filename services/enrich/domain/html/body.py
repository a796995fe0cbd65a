"""Extracts the body of an HTML page: which blocks are the article, and which rule removed each other block."""

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
from services.enrich.domain.markup.block_features import feature_rows
from services.enrich.domain.markup.block_model import THRESHOLD, body_probabilities
from services.enrich.domain.markup.blocks import HINTS, HtmlBlock
from services.enrich.domain.markup.candidates import Candidate, EngineText, Evidence, find_candidates, text_key
from services.enrich.domain.markup.completion import complete_body, hidden_blocks, repeated_quotes
from services.enrich.domain.markup.overlays import remove_overlays
from services.enrich.domain.markup.repeats import repeated_texts
from services.enrich.domain.markup.table_rows import join_table_rows
from services.enrich.domain.markup.tree import parse_page, strip_unread
from shared.articles import RemovedSpan

_WORD: Final = re.compile(r"\w+")
MIN_AGREEMENT: Final = 0.6
"""Minimum agreement of model and fast trafilatura. Below it (4 % of pages) full trafilatura is right more often."""
_MANY_LINKS: Final = 0.5
_FAST_OPTIONS: Final = Extractor(output_format="python", fast=True, comments=False)
_FULL_OPTIONS: Final = Extractor(output_format="python", comments=False)


@dataclass(frozen=True, slots=True)
class Body:
    """The paragraphs, the removed spans, and a short note on how the body was found."""

    paragraphs: tuple[str, ...]
    removed: tuple[RemovedSpan, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class PageCandidates:
    """The candidate blocks of a page, their features, and the text that trafilatura extracted."""

    blocks: Sequence[HtmlBlock]
    candidates: list[Candidate]
    features: Any
    """An array: see `block_features.feature_rows`."""
    main_text: str


def extract_body(tree: HtmlElement, blocks: Sequence[HtmlBlock], markup: str, metadata: Metadata) -> Body:
    """Extract the body from the tree's blocks. Modifies the tree: it is unusable for other readers afterwards."""
    page = page_candidates(tree, blocks, markup, metadata)
    probabilities = body_probabilities(page.features)
    kept, rules = body_blocks(page, probabilities)
    if not engines_agree([page.blocks[at].text for at in kept], page.main_text):
        return _trafilatura_body(markup)
    chosen = set(kept)
    removed = tuple(
        RemovedSpan(rule=rules.get(item.at) or _removal_rule(item), text=item.block.text)
        for item in page.candidates
        if item.at not in chosen and (item.at in rules or item.main or item.wide)
    )
    note = f"block model: {len(kept)} of {len(page.candidates)} blocks"
    return Body(tuple(paragraph_text(page.blocks[at]) for at in kept), removed, note)


def body_blocks(
    page: PageCandidates, probabilities: Sequence[float], threshold: float = THRESHOLD
) -> tuple[list[int], dict[int, str]]:
    """Indices of the page's body blocks, and the rule for each likely block that repeats other text."""
    known: list[float | None] = [None] * len(page.blocks)
    for item, probability in zip(page.candidates, probabilities, strict=True):
        known[item.at] = probability
    likely = [
        item.at for item, probability in zip(page.candidates, probabilities, strict=True) if probability >= threshold
    ]
    kept = complete_body(page.blocks, known, likely)
    rules = dict.fromkeys(repeated_quotes(page.blocks, kept), "pull-quote")
    rules |= dict.fromkeys(hidden_blocks(page.blocks, kept), "hidden")
    kept = [at for at in kept if at not in rules]
    texts = [page.blocks[at].text for at in kept]
    copies = repeated_texts([text_key(text) for text in texts], [text.count(" ") + 1 for text in texts])
    rules |= {kept[number]: "copy" for number in copies}
    return [at for at in kept if at not in rules], rules


def paragraph_text(block: HtmlBlock) -> str:
    """The clean text of a block; code keeps its line breaks and indentation."""
    return "\n".join(map(_clean_code_line, block.code.split("\n"))) if block.code else clean(block.text)


def _clean_code_line(line: str) -> str:
    """A line of code without invisible characters, with its indentation."""
    indent = line[: len(line) - len(line.lstrip())].replace("\t", "    ")
    return indent + line.lstrip() if line.isprintable() else indent + clean(line.lstrip())


def page_candidates(tree: HtmlElement, blocks: Sequence[HtmlBlock], markup: str, metadata: Metadata) -> PageCandidates:
    """Find candidate blocks and compute their features. Strips the tree."""
    blocks = join_table_rows(blocks)
    document: Any = bare_extraction(strip_unread(tree), options=_FAST_OPTIONS)
    main = clean(document.text or "") if document is not None else ""
    wide = extract_plain_text(
        HTMLTree.parse(markup), main_content=True, comments=False, alt_texts=False, links=False, form_fields=False,
        list_bullets=False,
    )  # fmt: skip
    evidence = Evidence(EngineText.of(main), EngineText.of(wide), text_key(metadata.body))
    found = find_candidates(blocks, evidence)
    return PageCandidates(blocks, found, feature_rows(found, evidence), main)


def engines_agree(kept: list[str], main: str) -> bool:
    """Whether the model's blocks and trafilatura's text, with or without repeated passages, agree enough."""
    if _texts_agree(kept, main):
        return True
    lines = main.split("\n")
    unique = without_repeats(lines)
    return len(unique) < len(lines) and _texts_agree(kept, "\n".join(unique))


def without_repeats(lines: list[str]) -> list[str]:
    """The lines without repeated passages."""
    repeats = repeated_texts([text_key(line) for line in lines], [line.count(" ") + 1 for line in lines])
    return [line for number, line in enumerate(lines) if number not in repeats]


def _texts_agree(kept: list[str], main: str) -> bool:
    """Whether two texts agree enough. Equal lines usually decide; only otherwise are word n-grams computed."""
    ours, theirs = Counter(kept), Counter(main.split("\n"))
    words = {line: len(_WORD.findall(line)) for line in ours | theirs}
    shared = sum(max(0, words[line] - 3) * min(times, theirs[line]) for line, times in ours.items())
    most = sum(words[line] * times for text in (ours, theirs) for line, times in text.items())
    return 2 * shared >= MIN_AGREEMENT * max(1, most) or agreement("\n".join(kept), main) >= MIN_AGREEMENT


def agreement(left: str, right: str) -> float:
    """F1 of the word 4-grams of two texts; 0 when either has fewer than four words."""
    a, b = _ngrams(left), _ngrams(right)
    return 2 * sum((a & b).values()) / ((a.total() + b.total()) or 1)


def _ngrams(text: str) -> Counter[tuple[str, str, str, str]]:
    words = _WORD.findall(text)
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def extract_with_trafilatura(tree: HtmlElement) -> str:
    """Text of full (not fast) trafilatura on an unstripped tree; empty when it finds nothing."""
    document: Any = bare_extraction(tree, options=_FULL_OPTIONS)
    return clean(document.text or "") if document is not None else ""


def _trafilatura_body(markup: str) -> Body:
    _, tree = parse_page(markup)  # the first tree is stripped, and full extraction needs more of it
    remove_overlays(tree)
    if text := extract_with_trafilatura(tree):
        return Body(tuple(without_repeats(split_lines(text))), note="trafilatura, because the engines disagree")
    _, text, _ = baseline(tree)
    return Body(tuple(split_lines(clean(text or ""))), note="trafilatura baseline")


def split_lines(text: str) -> list[str]:
    """Non-empty lines of an engine's text, without list dashes."""
    return [line for raw in text.split("\n") if (line := raw.strip().removeprefix("- "))]


def _removal_rule(item: Candidate) -> str:
    """Rule name of a removed block: a class name hint, else its links, else `unlike-body`."""
    place = item.block.place
    near = place.own | (place.parent.own if place.parent else 0)
    for number, name in enumerate(HINTS):
        if near >> number & 1 and name not in {"body", "content"}:
            return f"place-{name}"
    if item.linked > _MANY_LINKS:
        return "link-list"
    return "hidden" if place.hidden else "unlike-body"
