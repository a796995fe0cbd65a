"""Lexer of the query grammar: text -> pieces with positions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

MAX_LENGTH: Final = 1_000
"""Maximum characters of a query, as written and in canonical form."""
MAX_VALUE: Final = 200
FIELDS: Final = ("tag", "section", "source", "lang", "story", "since", "until", "date")

Kind = Literal["(", ")", "-", "AND", "OR", "word", "phrase", "field"]

_QUOTES: Final = str.maketrans("“”„", '"""')
_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r'[^\s()"]+')
_NAMED: Final = re.compile(r"(?P<name>[A-Za-z_]+):(?P<rest>.*)", re.DOTALL)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_OPERATORS: Final[dict[str, Kind]] = {"AND": "AND", "OR": "OR", "NOT": "-"}


class QuerySyntaxError(ValueError):
    """A syntax error with its position: `position` counts characters from 0."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"{reason} (at character {position + 1})")
        self.position = position
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Piece:
    """One lexical piece. `text` is a word as written, a phrase without quotes, or the value of the field `name`."""

    kind: Kind
    at: int
    text: str = ""
    name: str = ""


def pieces(text: str, *, lenient: bool = False) -> Iterator[Piece]:
    """The pieces of the text in order. Raises QuerySyntaxError.

    `lenient` never raises: an unclosed quote is dropped, and an unknown field or one without a valid value is a word.
    """
    if lenient:
        return _Scanner(text.translate(_QUOTES), lenient=True).run()
    if len(text) > MAX_LENGTH:
        raise QuerySyntaxError(MAX_LENGTH, f"the query is longer than {MAX_LENGTH} characters")
    for at, char in enumerate(text):
        if unicodedata.category(char) in {"Cc", "Cs"} and char not in "\t\n\r":
            raise QuerySyntaxError(at, "control characters and lone surrogates are not allowed")
    return _Scanner(text.translate(_QUOTES)).run()


class _Scanner:
    def __init__(self, text: str, *, lenient: bool = False) -> None:
        self._text = text
        self._at = 0
        self._lenient = lenient

    def run(self) -> Iterator[Piece]:
        while True:
            self._skip_space()
            if self._at >= len(self._text):
                return
            try:
                yield self._next()
            except QuerySyntaxError:
                if not self._lenient:
                    raise
                self._at += 1  # an unclosed quote

    def _skip_space(self) -> None:
        if space := _SPACE.match(self._text, self._at):
            self._at = space.end()

    def _next(self) -> Piece:
        at, char = self._at, self._text[self._at]
        match char:
            case "(" | ")":
                self._at += 1
                return Piece("(" if char == "(" else ")", at)
            case '"':
                return Piece("phrase", at, self._phrase(at))
            case "-" if self._negates(at):
                self._at += 1
                return Piece("-", at)
            case _:
                return self._word(at)

    def _negates(self, at: int) -> bool:
        following = self._text[at + 1 : at + 2]
        return bool(following) and not following.isspace() and following != ")"

    def _phrase(self, at: int) -> str:
        end = self._text.find('"', at + 1)
        if end < 0:
            raise QuerySyntaxError(at, "the quote is not closed")
        self._at = end + 1
        return self._text[at + 1 : end]

    def _word(self, at: int) -> Piece:
        found = _WORD.match(self._text, at)
        word = found[0] if found else ""
        self._at = at + len(word)
        if operator := _OPERATORS.get(word):
            return Piece(operator, at)
        named = _NAMED.fullmatch(word)
        if not named:
            return Piece("word", at, word)
        try:
            return self._field(at, named["name"], named["rest"])
        except QuerySyntaxError:
            if not self._lenient:
                raise
            return Piece("word", at, word)

    def _field(self, at: int, name: str, rest: str) -> Piece:
        known, quoted = name.lower() in FIELDS, not rest and self._text.startswith('"', self._at)
        if not known:
            if rest or quoted:
                hint = f"there is no field {name[:20]}; known are {', '.join(FIELDS)}; quote text that holds a colon"
                raise QuerySyntaxError(at, hint)
            return Piece("word", at, f"{name}:")
        if quoted:
            rest = self._quoted_value()
        elif "," in rest or "|" in rest:
            raise QuerySyntaxError(at, "one value for one field: use OR, or quote a value that holds a comma or bar")
        if not rest.strip():
            raise QuerySyntaxError(at, f"{name.lower()}: needs a value")
        if len(rest) > MAX_VALUE:
            raise QuerySyntaxError(at, f"a value is longer than {MAX_VALUE} characters")
        return Piece("field", at, rest.strip(), name.lower())

    def _quoted_value(self) -> str:
        found = _QUOTED.match(self._text, self._at)
        if not found:
            raise QuerySyntaxError(self._at, "the quote is not closed")
        self._at = found.end()
        return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
