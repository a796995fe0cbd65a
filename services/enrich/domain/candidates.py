"""The blocks of a page that may be its body, and what else is known of the page to judge them by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.enrich.domain.html_blocks import HtmlBlock

_DATA: Final = ('{"', '[{"')


def key_of(text: str) -> str:
    """The letters and digits of a text in lower case, by which two renderings of it are compared."""
    return "".join(filter(str.isalnum, text)).lower()


@dataclass(frozen=True, slots=True)
class Said:
    """The text an engine made of the page, for asking whether a block is in it."""

    lines: frozenset[str]
    whole: str

    @classmethod
    def of(cls, text: str) -> Said:
        """Prepared for asking."""
        keys = [key_of(line) for line in text.split("\n")]
        return cls(frozenset(keys), "".join(keys))

    def has(self, key: str) -> bool:
        """Whether it has this key: as a line, or, when it is long, anywhere."""
        return bool(key) and (key in self.lines or (len(key) >= 25 and key in self.whole))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a page beside its blocks: two engines' texts and the body in its JSON-LD."""

    main: Said
    wide: Said
    json_body: str


@dataclass(frozen=True, slots=True)
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
    for block in blocks:
        key = key_of(block.text)
        words = block.text.count(" ") + 1
        main, wide = evidence.main.has(key), evidence.wide.has(key)
        plain = block.linked * 5 < len(block.text) * 3 and (words >= 4 or len(key) >= 20) and not _is_data(block)
        if key and (main or wide or plain):
            found.append(Candidate(block, key, words, main, wide))
    return found
