"""Percolator: finds the saved searches that match an article, through an inverted index of required terms.

Each query is indexed under its anchors: the rarest word of a conjunction, one term of each alternative. An article is
verified only against queries with an anchor that it contains. Queries without a required term (only exclusions and
dates) are verified against every article; the caller must bound their number, see `is_broad`. Equal queries are stored
and verified once. Not thread-safe.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from shared.query.ast import All, Dated, Either, Field, Node, Not, Query, Text, conjunction
from shared.query.facts import Facts
from shared.query.matching import judge
from shared.query.term_filter import TermFilter

_MARK: Final = "\x1f"  # occurs in no token, so field terms and words never collide
_MOST_TERMS: Final = 300_000
# Assumed shares of articles with a value, until terms are counted.
_FIELD_SHARES: Final = {"tag": 0.01, "section": 0.1, "source": 0.05, "lang": 0.5, "story": 0.001}


class TermCounts:
    """Document frequencies of terms. Call `learn` with some hundred recent articles before queries are added."""

    def __init__(self) -> None:
        self._articles = 0
        self._counts: dict[str, int] = {}

    def learn(self, facts: Facts) -> None:
        """Count one article's terms; above 300,000 terms the rarest are dropped."""
        self._articles += 1
        for term in (*facts.words, *_fields_of(facts)) if isinstance(facts.words, frozenset) else ():
            self._counts[term] = self._counts.get(term, 0) + 1
        if len(self._counts) > _MOST_TERMS:
            self._counts = {term: count for term, count in self._counts.items() if count > 1}

    def share(self, term: str) -> float:
        """The estimated share of articles that contain the term, in (0, 1]."""
        count = self._counts.get(term, 0)
        if count:
            return count / self._articles
        if term.startswith(_MARK):
            return _FIELD_SHARES[term[1:].partition(":")[0]] / (1 + self._articles / 100)
        return 0.5 / (len(term) + self._articles)


class _IndexedQuery:
    """One distinct query: its subscribers and its alternatives, each indexed under its own anchors."""

    __slots__ = ("digest", "keys", "parts")

    def __init__(self, query: Query, digest: bytes, counts: TermCounts) -> None:
        self.digest = digest
        self.keys: tuple[str, ...] = ()
        branches = query.root.nodes if isinstance(query.root, Either) else (query.root,)
        self.parts = tuple(_Alternative(branch, self, counts) for branch in branches)


class _Alternative:
    """One alternative: `required` terms, `phrases` (as in `Facts.runs`) and `rest` must all match.

    A single anchor is not in `required`, since the lookup has already checked it.
    """

    __slots__ = ("anchors", "entry", "phrases", "required", "rest")

    def __init__(self, node: Node, entry: _IndexedQuery, counts: TermCounts) -> None:
        pieces = node.nodes if isinstance(node, All) else (node,)
        rest = [_bare(piece) for piece in pieces if not isinstance(piece, Text | Field)]
        self.entry = entry
        self.anchors = tuple(sorted(_anchors(node, counts) or ()))
        known = self.anchors if len(self.anchors) == 1 else ()
        needed = dict.fromkeys(term for piece in pieces for term in _terms_in(piece))
        self.required = tuple(term for term in needed if term not in known)
        texts = (piece for piece in pieces if isinstance(piece, Text) and len(piece.tokens) > 1)
        self.phrases = tuple(f" {' '.join(piece.tokens)} " for piece in texts)
        self.rest = conjunction(rest) if rest else None

    def holds(self, facts: Facts, terms: Terms) -> bool:
        """Whether it matches an article that contains one of its anchors. Also for parts without anchors."""
        if self.required and not terms.issuperset(self.required):
            return False
        for phrase in self.phrases:
            if phrase not in facts.runs and not (facts.is_erased and facts.holds(phrase.split())):
                return False
        return self.rest is None or judge(self.rest, facts) is True

    def may_hold(self, facts: Facts, terms: Terms) -> bool:
        """Whether it may match a removed article."""
        known = (*self.required, *(self.anchors if len(self.anchors) == 1 else ()))
        fields = (term for term in known if term.startswith(_MARK) and not term.startswith(f"{_MARK}story:"))
        return terms.issuperset(fields) and (self.rest is None or judge(self.rest, facts) is not False)


class Percolator:
    """Saved searches by key, for example a subscription id."""

    def __init__(self, counts: TermCounts | None = None) -> None:
        self._counts = counts or TermCounts()
        self._entries: dict[bytes, _IndexedQuery] = {}
        self._by_key: dict[str, _IndexedQuery] = {}
        self._anchored: dict[str, list[_Alternative]] = {}
        self._broad: list[_Alternative] = []

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    @property
    def distinct(self) -> int:
        """Number of distinct queries."""
        return len(self._entries)

    def put(self, key: str, query: Query) -> None:
        """Add or replace the query of this key."""
        digest = hashlib.blake2b(str(query).encode(), digest_size=16).digest()
        old = self._by_key.get(key)
        if old is not None:
            if old.digest == digest:
                return
            self.remove(key)
        entry = self._entries.get(digest) or self._enter(_IndexedQuery(query, digest, self._counts))
        entry.keys = (*entry.keys, key)
        self._by_key[key] = entry

    def remove(self, key: str) -> bool:
        """Remove the key; False if it is unknown."""
        entry = self._by_key.pop(key, None)
        if entry is None:
            return False
        entry.keys = tuple(other for other in entry.keys if other != key)
        if not entry.keys:
            self._leave(entry)
        return True

    def match(self, facts: Facts) -> list[str]:
        """The keys of matching queries, unordered; see `shared.query.matching.matches`."""
        terms = _terms_of(facts)
        if facts.partial:
            everything = (part for entry in self._entries.values() for part in entry.parts)
            found = [part.entry for part in everything if part.may_hold(facts, terms)]
        else:
            found = [part.entry for part in self._candidates(terms) if part.holds(facts, terms)]
        return [key for entry in dict.fromkeys(found) for key in entry.keys]

    def candidates(self, facts: Facts) -> int:
        """Number of queries that `match` would verify for an article that is not removed."""
        return sum(1 for _ in self._candidates(_terms_of(facts)))

    def _candidates(self, terms: Terms) -> Iterator[_Alternative]:
        anchors = self._anchored.keys()
        common = anchors & terms if isinstance(terms, set) else [term for term in anchors if term in terms]
        held = (self._anchored[term] for term in common)
        return chain(self._broad, chain.from_iterable(held))

    def _enter(self, entry: _IndexedQuery) -> _IndexedQuery:
        self._entries[entry.digest] = entry
        for part in entry.parts:
            for anchor in part.anchors:
                self._anchored.setdefault(anchor, []).append(part)
            if not part.anchors:
                self._broad.append(part)
        return entry

    def _leave(self, entry: _IndexedQuery) -> None:
        del self._entries[entry.digest]
        for part in entry.parts:
            for anchor in part.anchors:
                held = self._anchored[anchor]
                held.remove(part)
                if not held:
                    del self._anchored[anchor]
            if not part.anchors:
                self._broad.remove(part)


def is_broad(query: Query) -> bool:
    """Whether the query has no required term and must be verified against every article."""
    return _anchors(query.root, TermCounts()) is None


def _anchors(node: Node, counts: TermCounts) -> frozenset[str] | None:
    """Terms such that every match contains at least one of them; None if there are none."""
    match node:
        case Text(tokens):
            return frozenset([sys.intern(min(tokens, key=counts.share))])
        case Field():
            return frozenset([_field_term(node)])
        case All(nodes):
            options = [found for inner in nodes if (found := _anchors(inner, counts))]
            return min(options, key=lambda option: _cost(option, counts), default=None)
        case Either(nodes):
            branches = [_anchors(inner, counts) for inner in nodes]
            known = [branch for branch in branches if branch]
            return frozenset().union(*known) if len(known) == len(branches) else None
        case Not() | Dated():
            return None


def _cost(terms: Iterable[str], counts: TermCounts) -> float:
    return sum(map(counts.share, terms))


def _terms_in(node: Node) -> tuple[str, ...]:
    """Terms that the node itself requires."""
    match node:
        case Text(tokens):
            return tuple(map(sys.intern, tokens))
        case Field():
            return (_field_term(node),)
        case _:
            return ()


def _bare(node: Node) -> Node:
    """The node reduced to what matching needs, with interned strings."""
    match node:
        case Text(tokens):
            return Text(tuple(map(sys.intern, tokens)))
        case Not(inner):
            return Not(_bare(inner))
        case All(nodes):
            return All(tuple(map(_bare, nodes)))
        case Either(nodes):
            return Either(tuple(map(_bare, nodes)))
        case _:
            return node


def _field_term(field: Field) -> str:
    return sys.intern(f"{_MARK}{field.name}:{field.value}")


class _ErasedTerms:
    """The terms of an erased article: its words in a `TermFilter`, its fields as a set."""

    def __init__(self, words: TermFilter, fields: set[str]) -> None:
        self._words = words
        self._fields = fields

    def __contains__(self, term: str) -> bool:
        return term in (self._fields if term.startswith(_MARK) else self._words)

    def issuperset(self, terms: Iterable[str]) -> bool:
        return all(term in self for term in terms)


Terms = set[str] | _ErasedTerms


def _terms_of(facts: Facts) -> Terms:
    if isinstance(facts.words, TermFilter):
        return _ErasedTerms(facts.words, _fields_of(facts))
    terms = _fields_of(facts)
    terms.update(facts.words)
    return terms


def _fields_of(facts: Facts) -> set[str]:
    terms: set[str] = set()
    terms.update(f"{_MARK}tag:{tag}" for tag in facts.tags)
    terms.update(f"{_MARK}lang:{language}" for language in facts.languages)
    for name, value in (("section", facts.section), ("source", facts.source), ("story", facts.story)):
        if value is not None:
            terms.add(f"{_MARK}{name}:{value}")
    return terms
