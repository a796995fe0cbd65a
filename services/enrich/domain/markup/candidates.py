"""Candidate body blocks, and the page-level evidence they are scored against."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from services.enrich.domain.markup.blocks import HtmlBlock

_JSON_STARTS: Final = ('{"', '[{"')
_CAPITALS: Final = bytes.maketrans(ascii_uppercase.encode(), ascii_lowercase.encode())
_NO_LETTERS: Final = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) != "\n")
_LETTERS: Final = re.compile(r"[\w\n]+")


def text_key(text: str) -> str:
    """Lower-case letters and digits of a text: equal for two renderings of the same text."""
    return _letters(text).replace("\n", "")


def text_keys(text: str) -> list[str]:
    """`text_key` of each line."""
    return _letters(text).split("\n")


def _letters(text: str) -> str:
    """Lower-case letters, digits and line ends. Translating bytes first is five times faster."""
    raw = text.encode("utf-8", "surrogatepass").translate(_CAPITALS, _NO_LETTERS)
    if raw.isascii():
        return raw.decode("ascii")
    return "".join(_LETTERS.findall(raw.decode("utf-8", "surrogatepass"))).lower()


@dataclass(frozen=True, slots=True)
class EngineText:
    """Text that an extraction engine returned for the page, indexed for membership tests."""

    lines: frozenset[str]
    whole: str

    @classmethod
    def of(cls, text: str) -> EngineText:
        """Index a text."""
        keys = text_keys(text)
        return cls(frozenset(filter(None, keys)), "".join(keys))

    def contains(self, key: str) -> bool:
        """Whether a line has this key; keys of 25 characters and more also match inside lines."""
        return key in self.lines or (len(key) >= 25 and key in self.whole)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Page-level evidence: the text of two extraction engines, and the key of the JSON-LD `articleBody`."""

    main: EngineText
    wide: EngineText
    json_body: str


@dataclass(slots=True, eq=False)
class Candidate:
    """A block that may be body, and whether each engine kept it."""

    block: HtmlBlock
    at: int
    """Index of the block on the page."""
    key: str
    words: int
    main: bool
    wide: bool

    @property
    def linked(self) -> float:
        """Linked characters / characters."""
        return self.block.linked / len(self.block.text)


def _is_embedded_json(block: HtmlBlock) -> bool:
    """Whether it is JSON left in the page by a script. Code shown to readers is in `pre`."""
    return block.text.startswith(_JSON_STARTS) and block.place.tag != "pre"


def find_candidates(blocks: Sequence[HtmlBlock], evidence: Evidence) -> list[Candidate]:
    """Blocks that an engine kept, and all other blocks of four words or more that are not mostly links."""
    found: list[Candidate] = []
    in_main, in_wide = evidence.main.contains, evidence.wide.contains
    if not blocks:
        return found
    keys = text_keys("\n".join([block.text for block in blocks]))
    for at, (block, key) in enumerate(zip(blocks, keys, strict=True)):
        if not key:
            continue
        words = block.text.count(" ") + 1
        main, wide = in_main(key), in_wide(key)
        plain = (
            block.linked * 5 < len(block.text) * 3 and (words >= 4 or len(key) >= 20) and not _is_embedded_json(block)
        )
        if main or wide or plain:
            found.append(Candidate(block, at, key, words, main, wide))
    return found
