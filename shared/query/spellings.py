"""Joined spellings of words that are written in several parts.

`Wi-Fi` is also `wifi`, `O'Neill's` is `oneills` and `oneill`, `U.S.` is `us`, `COVID-19` is `covid19`, `AT&T` is `att`
and `1,250` is `1250`. Engines index the joined spellings of a text in addition to its words and apply the same rules to
queries, so that both spellings find the same articles. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from shared.query.tokens import MARKS, MAX_TOKEN, UNSPACED, tokens

MAX_PARTS: Final = 4
"""A longer chain, for example a slug, is treated as adjacent words."""

_APOSTROPHES: Final = "'’ʼ＇"
_PART: Final = rf"(?:(?![{UNSPACED}])[^\W_]|[{MARKS}])+"
_JOINER: Final = rf"\.?[-‐‑–&＆{_APOSTROPHES}]|\."
_NUMBER: Final = re.compile(
    rf"(?<![\w.,])\d{{1,3}}(?P<mark>[,.\u00a0\u202f{_APOSTROPHES}])\d{{3}}(?:(?P=mark)\d{{3}})*(?!\w|[.,]\d)"
)
_PARTS: Final = re.compile(rf"({_JOINER})")
_CHAIN: Final = re.compile(rf"{_PART}(?:(?:{_JOINER}){_PART})+")
_HAS_JOINER: Final = re.compile(rf"[^\W_][-‐‑–&＆.,\u00a0\u202f{_APOSTROPHES}]+[^\W_]")
_KATAKANA: Final = "\u30a1-\u30fa\u30fc\u31f0-\u31ff\uff66-\uff9f"
_HAN_OR_KANA: Final = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_LEAST_HAN: Final = 2
_LEAST_OTHER: Final = 5
"""Minimum characters of a word in Thai, Lao, Khmer or Myanmar script, vowel signs included."""
_MOST_PIECES: Final = 8
_WORD: Final = re.compile(
    rf"(?P<number>{_NUMBER.pattern})|(?P<chain>{_CHAIN.pattern})|{_PART}"
    rf"|(?P<run>[{_KATAKANA}]{{2,}}|(?:(?![{_KATAKANA}]{{2}})[{UNSPACED}][{MARKS}]*)+)"
)
# Elided French and Italian articles and pronouns (l', d') are separate words.
_ELIDED: Final = frozenset(("l", "d", "j", "n", "s", "c", "m", "t", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu"))
_ELIDED_ITALIAN: Final = frozenset(("un", "all", "coll", "dall", "dell", "nell", "quell", "quest", "sant", "sull"))


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """One word of a query text."""

    text: str
    joined: str | None = None
    """The joined parts, folded like `tokens`; None if there is one part or the parts are not joined."""
    base: str | None = None
    """Without the possessive `'s`, as written."""
    is_run: bool = False
    """Written in a script without spaces; may be several words."""

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """The ways to split a run into two words, at most eight. They rank lower."""
        if not self.is_run:
            return []
        least = _LEAST_HAN if _HAN_OR_KANA.match(self.text) else _LEAST_OTHER
        ends = range(least, len(self.text) - least + 1)[:_MOST_PIECES]
        return [(self.text[:end], self.text[end:]) for end in ends]


def written_words(text: str) -> Iterator[WrittenWord]:
    """The words of a query text, in order. Text without spaces is one word."""
    for found in _WORD.finditer(text):
        if found["number"]:
            yield WrittenWord(found[0], joined=_digits(found[0]))
        elif found["chain"]:
            yield from _of_chain(found[0])
        else:
            yield WrittenWord(found[0], is_run=found["run"] is not None)


def spellings_in(text: str) -> frozenset[str]:
    """The words of a query text in the form that joined spellings of documents are compared with."""
    joined = (word.joined or "".join(tokens(word.text)) for word in written_words(text) if not word.is_run)
    return frozenset(filter(None, joined))


def joined_spans(text: str, spellings: Collection[str]) -> Iterator[tuple[int, int]]:
    """Character positions `(start, end)` of multi-part words in the text that are joined in one of the spellings."""
    if not spellings or not _HAS_JOINER.search(text):
        return
    for number in _NUMBER.finditer(text):
        if _digits(number[0]) in spellings:
            yield number.span()
    for chain in _CHAIN.finditer(text):
        if any(spelling in spellings for spelling in _spellings(chain[0])):
            yield chain.span()


def joined_spellings(texts: Iterable[str]) -> list[str]:
    """The distinct joined spellings of all words in the texts, which are indexed in addition to the words."""
    found: dict[str, None] = {}
    for text in texts:
        for number in _NUMBER.finditer(text):
            found[_digits(number[0])] = None
        for word in text.split():
            if _HAS_JOINER.search(word):
                for chain in _CHAIN.finditer(word):
                    found.update(dict.fromkeys(_spellings(chain[0])))
    return list(found)


def _of_chain(chain: str) -> Iterator[WrittenWord]:
    first, joiner, rest = _PARTS.split(chain, 1)
    if joiner in _APOSTROPHES and first.casefold() in _ELIDED | _ELIDED_ITALIAN and len(rest) > 1:
        yield WrittenWord(first)
        yield from written_words(rest)
        return
    parts = _parts(chain)
    if len(parts) > MAX_PARTS:
        for part in parts:
            yield WrittenWord(part)
        return
    base = _without_possessive(chain)
    yield WrittenWord(chain, joined=None if _is_numeric(parts) else _joined(parts), base=base)


def _spellings(chain: str) -> Iterator[str]:
    parts = _parts(chain)
    if len(parts) > MAX_PARTS or _is_numeric(parts):
        return
    # `COVID-19-related` holds `COVID-19`.
    wholes = [parts, *([parts[at : at + 2] for at in range(len(parts) - 1)] if len(parts) > 2 else ())]
    wholes += [[part] for part in _abbreviations(chain)]
    if (base := _without_possessive(chain)) and len(shorter := _parts(base)) > 1:
        wholes.append(shorter)
    for whole in wholes:
        if joined := _joined(whole):
            yield joined


def _parts(chain: str) -> list[str]:
    """The parts of a chain; initials with full stops are one part: `U.S.-based` is `US` and `based`."""
    pieces = _PARTS.split(chain)
    parts = [pieces[0]]
    initials = _is_initial(pieces[0])
    for joiner, part in zip(pieces[1::2], pieces[2::2], strict=True):
        if joiner == "." and initials and _is_initial(part):
            parts[-1] += part
        else:
            parts.append(part)
            initials = _is_initial(part)
    return parts


def _abbreviations(chain: str) -> list[str]:
    """The parts that are written with full stops: `US` of `U.S.-based`."""
    return [part for part in _parts(chain) if len(part) > 1 and part not in chain]


def _is_initial(part: str) -> bool:
    return len(part) == 1 and part.isalpha()


def _is_numeric(parts: list[str]) -> bool:
    """Dates and decimals: `2026-11-18` is not the number 20261118."""
    return all(part.isdigit() for part in parts)


def _joined(parts: list[str]) -> str | None:
    found = tokens("".join(parts))
    return found[0] if len(found) == 1 and 1 < len(found[0]) < MAX_TOKEN else None


def _without_possessive(chain: str) -> str | None:
    return chain[:-2].rstrip(".") if len(chain) > 3 and chain[-1] in "sS" and chain[-2] in _APOSTROPHES else None


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))
