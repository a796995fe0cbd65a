"""AST of a query. Nodes are frozen and hashable; `str` gives the canonical form, which parses to an equal tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

FieldName = Literal["tag", "section", "source", "lang", "story"]

_BARE: Final = re.compile(r'[^\s()",|\\]+')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens that must be adjacent in one text: a word or a phrase."""

    tokens: tuple[str, ...]
    raw: str = field(default="", compare=False)
    """The source text, quotes included; used by typo-tolerant search."""

    def __str__(self) -> str:
        return self.tokens[0] if len(self.tokens) == 1 else f'"{" ".join(self.tokens)}"'


@dataclass(frozen=True, slots=True)
class Field:
    """The article has this field value, in its stored form."""

    name: FieldName
    value: str

    def __str__(self) -> str:
        if _BARE.fullmatch(self.value):
            return f"{self.name}:{self.value}"
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}:"{quoted}"'


@dataclass(frozen=True, slots=True)
class Dated:
    """`gte <= dated_at < lt` in Unix seconds; None means unbounded; at most one is None."""

    gte: int | None = None
    lt: int | None = None

    def __str__(self) -> str:
        until = "" if self.lt is None else _written(self.lt - 1)
        if self.gte is None:
            return f"until:{until}"
        return f"date:{_written(self.gte)}..{until}" if until else f"since:{_written(self.gte)}"


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    node: Node

    def __str__(self) -> str:
        return f"-({self.node})" if isinstance(self.node, All | Either) else f"-{self.node}"


@dataclass(frozen=True, slots=True)
class All:
    """Conjunction of at least two nodes, none of them an `All`."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({node})" if isinstance(node, Either) else str(node) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Either:
    """Disjunction of at least two nodes, none of them an `Either`."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.nodes))


Leaf = Text | Field | Dated
Node = Text | Field | Dated | Not | All | Either


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. Equal queries have equal trees; `str(query)` is canonical."""

    root: Node

    def __str__(self) -> str:
        return str(self.root)

    def leaves(self) -> Iterator[Leaf]:
        """Every word, phrase, field and date, in order."""
        return _leaves(self.root)


def conjunction(nodes: list[Node]) -> Node:
    """Conjunction of at least one node, flattened."""
    flat = [inner for node in nodes for inner in (node.nodes if isinstance(node, All) else (node,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def disjunction(nodes: list[Node]) -> Node:
    """Disjunction of at least one node, flattened."""
    flat = [inner for node in nodes for inner in (node.nodes if isinstance(node, Either) else (node,))]
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


def negation(node: Node) -> Node:
    """Negation of the node; a double negation is removed."""
    return node.node if isinstance(node, Not) else Not(node)


def _leaves(node: Node) -> Iterator[Leaf]:
    match node:
        case Not(inner):
            yield from _leaves(inner)
        case All(nodes) | Either(nodes):
            for inner in nodes:
                yield from _leaves(inner)
        case _:
            yield node


def _written(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
