"""The blocks of a page that may be its body, and what else is known of the page to judge them by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from services.enrich.domain.markup.blocks import HtmlBlock

_DATA: Final = ('{"', '[{"')
_CAPITALS: Final = bytes.maketrans(ascii_uppercase.encode(), ascii_lowercase.encode())
_NO_LETTERS: Final = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) != "\n")
_LETTERS: Final = re.compile(r"[\w\n]+")


def key_of(text: str) -> str:
    """The letters and digits of a text in lower case, by which two renderings of it are compared."""
    return _letters(text).replace("\n", "")


def keys_of(text: str) -> list[str]:
    """The key of each line of a text."""
    return _letters(text).split("\n")


def _letters(text: str) -> str:
    """Letters, digits and line ends, in lower case. By bytes first, as most of a text is ASCII: a fifth of the time."""
    raw = text.encode("utf-8", "surrogatepass").translate(_CAPITALS, _NO_LETTERS)
    if raw.isascii():
        return raw.decode("ascii")
    return "".join(_LETTERS.findall(raw.decode("utf-8", "surrogatepass"))).lower()


@dataclass(frozen=True, slots=True)
class Said:
    """The text an engine made of the page, for asking whether a block is in it."""

    lines: frozenset[str]
    whole: str

    @classmethod
    def of(cls, text: str) -> Said:
        """Prepared for asking."""
        keys = keys_of(text)
        return cls(frozenset(filter(None, keys)), "".join(keys))

    def has(self, key: str) -> bool:
        """Whether it has this key: as a line, or, when it is long, anywhere."""
        return key in self.lines or (len(key) >= 25 and key in self.whole)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a page beside its blocks: two engines' texts and the body in its JSON-LD."""

    main: Said
    wide: Said
    json_body: str


@dataclass(slots=True, eq=False)
class Candidate:
    """A block that may be body, with what the engines say of it."""

    block: HtmlBlock
    key: str
    words: int
    main: bool
    wide: bool

    @property
    def linked(self) -> float:
        return self.block.linked / len(self.block.text)


def _is_data(block: HtmlBlock) -> bool:
    """Whether it is JSON that a script left lying for itself; what a page shows as code stands in `pre`."""
    return block.text.startswith(_DATA) and block.place.tag != "pre"


def candidates(blocks: Sequence[HtmlBlock], evidence: Evidence) -> list[Candidate]:
    """The blocks that an engine takes for body, and all other texts of four words or more that are not mostly links."""
    found: list[Candidate] = []
    in_main, in_wide = evidence.main.has, evidence.wide.has
    if not blocks:
        return found
    for block, key in zip(blocks, keys_of("\n".join([block.text for block in blocks])), strict=True):
        if not key:
            continue
        words = block.text.count(" ") + 1
        main, wide = in_main(key), in_wide(key)
        plain = block.linked * 5 < len(block.text) * 3 and (words >= 4 or len(key) >= 20) and not _is_data(block)
        if main or wide or plain:
            found.append(Candidate(block, key, words, main, wide))
    return found
