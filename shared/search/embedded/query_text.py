"""Read the text of a query: words, `"phrases"`, `-not`. Hostile text gives InvalidQuery or no words, nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shared.search.checks import QUERY_ITEM, check_counts, clean_query
from shared.search.embedded.schema import analyzer

MAX_WORDS: Final = 10

_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A query text in tokens. With `blank` there was no text; with no part at all the text held no word."""

    words: tuple[str, ...] = ()
    prefix: bool = False
    """The last word is still being typed."""
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    blank: bool = False

    @property
    def matches_nothing(self) -> bool:
        """There was text, but no word in it."""
        return not (self.blank or self.words or self.phrases or self.excluded)

    @property
    def browsing(self) -> bool:
        """Nothing to rank by: everything (less the exclusions), newest first."""
        return not (self.words or self.phrases)

    @property
    def loosens(self) -> bool:
        """Whether a typo could make some word match more."""
        return any(map(typo_budget, self.words))


def typo_budget(word: str) -> int:
    """Typos forgiven: none below 5 characters or with a digit, one below 9, else two."""
    if len(word) < 5 or _DIGIT.search(word):
        return 0
    return 1 if len(word) < 9 else 2


def parse(text: str) -> ParsedText:
    """Tokens of a query text. Raises InvalidQuery for text that is too long or not valid Unicode.

    Words after the tenth are ignored, as Meilisearch does: a pasted headline still finds its article.
    """
    clean = clean_query(text)
    if not clean.strip():
        return ParsedText(blank=True)
    words: list[str] = []
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []
    typing = False
    for item in QUERY_ITEM.finditer(clean):
        tokens = tuple(analyzer().analyze(item["word"] or item["phrase"] or ""))
        typing = False
        if not tokens:
            continue
        if item["minus"]:
            excluded.append(tokens)
        elif item["word"]:
            words.extend(tokens)
            typing = _ends_in_word(item["word"]) and item.end() == len(clean)
        else:
            phrases.append(tokens)
    check_counts(len(phrases), len(excluded))
    return ParsedText(
        words=tuple(words[:MAX_WORDS]),
        prefix=typing and len(words) <= MAX_WORDS,
        phrases=tuple(phrases),
        excluded=tuple(excluded),
    )


def _ends_in_word(word: str) -> bool:
    tokens = analyzer().pre_tokenize(word).tokens
    return bool(tokens) and tokens[-1].char_offset_to == len(word)
