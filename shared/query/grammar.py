"""Parser of the query grammar. Adjacent items are a conjunction, `OR` binds less tightly, `-` negates the next item.

    query  = items { "OR" items }
    items  = item { ["AND"] item }
    item   = { "-" | "NOT" } ( word | "phrase" | field:value | "(" query ")" )

Items without a letter or digit, such as a single dash, are ignored, so that a pasted headline is a valid query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from shared.identity.languages import language_range
from shared.identity.tags import tag_slug
from shared.instants import first_moment, last_moment
from shared.query.ast import Dated, Field, FieldName, Node, Query, Text, conjunction, disjunction, negation
from shared.query.lexer import MAX_LENGTH, Piece, QuerySyntaxError, pieces
from shared.query.tokens import tokens

MAX_TERMS: Final = 64
MAX_DEPTH: Final = 16
MAX_PHRASE: Final = 32  # tokens

_AGO: Final = re.compile(r"(\d{1,4})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COMPARED_FORMS: Final[dict[str, Callable[[str], str]]] = {"tag": tag_slug, "lang": language_range}


def parse(text: str, *, now: datetime, lenient: bool = False) -> Query:
    """Parse a text; relative dates such as `since:7d` count from `now` (aware). Raises QuerySyntaxError.

    `lenient` accepts unbalanced quotes and parentheses, operators without operands and unknown fields. It raises only
    for a text without words, or one that is too long.
    """
    query = Query(_Parser(text, now, lenient=lenient).run())
    if len(str(query)) > MAX_LENGTH:
        raise QuerySyntaxError(0, f"the query in full is longer than {MAX_LENGTH} characters")
    return query


class _Parser:
    def __init__(self, text: str, now: datetime, *, lenient: bool) -> None:
        self._now = now.astimezone(UTC)
        self._pieces = _with_tokens(pieces(text, lenient=lenient))
        if lenient:
            self._pieces = _balanced(_with_tokens(map(self._field_or_word, self._pieces)))
        self._lenient = lenient
        self._at = 0
        self._end = len(text)
        self._depth = 0
        self._terms = 0

    def run(self) -> Node:
        if not self._pieces:
            raise QuerySyntaxError(0, "the query holds no word")
        root = self._query()
        if piece := self._peek():
            raise QuerySyntaxError(piece.at, "this parenthesis was not opened")
        return root

    def _peek(self) -> Piece | None:
        return self._pieces[self._at] if self._at < len(self._pieces) else None

    def _query(self) -> Node:
        found = [self._items()]
        while (piece := self._peek()) and piece.kind == "OR":
            self._at += 1
            found.append(self._items())
        return disjunction(found)

    def _items(self) -> Node:
        found = [self._item()]
        while (piece := self._peek()) and piece.kind not in ("OR", ")"):
            if piece.kind == "AND":
                self._at += 1
            found.append(self._item())
        return conjunction(found)

    def _item(self) -> Node:
        negated = False
        while (piece := self._peek()) and piece.kind == "-":
            negated = not negated
            self._at += 1
        if piece is None:
            raise QuerySyntaxError(self._end, "something is missing at the end")
        self._at += 1
        node = self._group(piece) if piece.kind == "(" else self._leaf(piece)
        return negation(node) if negated else node

    def _group(self, opened: Piece) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QuerySyntaxError(opened.at, f"more than {MAX_DEPTH} parentheses inside each other")
        node = self._query()
        if self._peek() is None:
            raise QuerySyntaxError(opened.at, "this parenthesis is not closed")
        self._at += 1
        self._depth -= 1
        return node

    def _leaf(self, piece: Piece) -> Node:
        if piece.kind not in ("word", "phrase", "field"):
            raise QuerySyntaxError(piece.at, f"expected a word here, not {piece.kind}")
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QuerySyntaxError(piece.at, f"more than {MAX_TERMS} words, phrases and fields")
        if piece.kind == "field":
            return self._field(piece)
        found = tuple(tokens(piece.text))
        if len(found) > MAX_PHRASE:
            if not self._lenient:
                raise QuerySyntaxError(piece.at, f"a phrase is longer than {MAX_PHRASE} words")
            found = found[:MAX_PHRASE]
        return Text(found, raw=f'"{piece.text}"' if piece.kind == "phrase" else piece.text)

    def _field_or_word(self, piece: Piece) -> Piece:
        """A field with an invalid value is a word."""
        if piece.kind == "field":
            try:
                self._field(piece)
            except QuerySyntaxError:
                return Piece("word", piece.at, f"{piece.name}:{piece.text}")
        return piece

    def _field(self, piece: Piece) -> Node:
        try:
            if piece.name in ("since", "until", "date"):
                return self._dated(piece.name, piece.text)
            return Field(cast("FieldName", piece.name), _value(piece.name, piece.text))
        except (ValueError, OverflowError) as error:
            raise QuerySyntaxError(piece.at, f"{piece.name}: {error}") from error

    def _dated(self, name: str, text: str) -> Dated:
        if name == "since":
            return Dated(gte=self._first(text))
        if name == "until":
            return Dated(lt=self._last(text))
        begin, dots, end = text.partition("..")
        if not dots:
            begin = end = text
        if not (begin or end):
            raise ValueError("needs a date on one side of the dots")
        found = Dated(self._first(begin) if begin else None, self._last(end) if end else None)
        if found.gte is not None and found.lt is not None and found.gte >= found.lt:
            raise ValueError("ends before it begins")
        return found

    def _first(self, text: str) -> int:
        return self._ago(text) or first_moment(text)

    def _last(self, text: str) -> int:
        ago = self._ago(text)
        return ago + 1 if ago else last_moment(text)

    def _ago(self, text: str) -> int | None:
        """Unix seconds of `7d`, `36h`, `90m` or `2w` ago; None for other texts."""
        found = _AGO.fullmatch(text)
        if not found:
            return None
        return int((self._now - timedelta(**{_UNITS[found[2]]: int(found[1])})).timestamp())


def _with_tokens(found: Iterable[Piece]) -> list[Piece]:
    """The pieces without those that have no token, and without negations before them."""
    kept: list[Piece] = []
    for piece in found:
        if piece.kind not in ("word", "phrase") or tokens(piece.text):
            kept.append(piece)
            continue
        while kept and kept[-1].kind == "-":
            kept.pop()
    return kept


def _balanced(found: Iterable[Piece]) -> list[Piece]:
    """The pieces with every parenthesis closed, no empty group, and no operator without an operand."""
    kept: list[Piece] = []
    for piece in _closed(found):
        if piece.kind == ")":
            _drop_last(kept, _OPERATORS)
            if kept[-1].kind == "(":
                kept.pop()
                _drop_last(kept, frozenset("-"))
                continue
        elif piece.kind in ("AND", "OR") and (not kept or kept[-1].kind in _NO_OPERAND):
            continue
        kept.append(piece)
    _drop_last(kept, _OPERATORS)
    return kept


_OPERATORS: Final = frozenset({"-", "AND", "OR"})
_NO_OPERAND: Final = _OPERATORS | {"("}


def _closed(found: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces up to the term limit, without unmatched or too deeply nested parentheses."""
    terms = opened = 0
    for piece in found:
        if (piece.kind == ")" and not opened) or (piece.kind == "(" and opened == MAX_DEPTH):
            continue
        terms += piece.kind in ("word", "phrase", "field")
        if terms > MAX_TERMS:
            break
        opened += (piece.kind == "(") - (piece.kind == ")")
        yield piece
    yield from [Piece(")", 0)] * opened


def _drop_last(kept: list[Piece], kinds: frozenset[str]) -> None:
    """Remove the pieces of these kinds at the end."""
    while kept and kept[-1].kind in kinds:
        kept.pop()


def _value(name: str, text: str) -> str:
    value = _COMPARED_FORMS.get(name, str)(text)
    if not value:
        raise ValueError("the value is empty")
    return value
