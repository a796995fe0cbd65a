"""Ranking: one boolean query that orders hits as Meilisearch does: words, then typos, proximity, attribute, exactness.

Every tier has a constant score, and tiers cannot overlap: all bonuses of a query together are less than the cost of one
typo, and a word scores more than all allowed typos. So one query gives the order of Meilisearch's bucket sort. The
bonus of a word is that of its best field, never the sum over fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

import tantivy

from shared.search.embedded.query_text import ParsedText, Word, typo_budget
from shared.search.embedded.schema import SPELLINGS, WORD_FIELDS, schema
from shared.search.embedded.spelling import SpellingDictionary
from shared.search.errors import InvalidQuery
from shared.search.port import QueryField

_TYPO: Final = 25.0
# Bonuses of a whole query; their sum with the BM25 tie-break (under 1.6) stays below _TYPO.
_PROXIMITY: Final = 12.0
_ATTRIBUTE: Final = 6.0
_EXACT: Final = 2.0
_NEAR_SLOP: Final = 5
_NEAR_SHARE: Final = 0.4
_MAX_SINGLE_TERMS: Final = 12
"""Up to this many terms are single queries; more are one term set, which scans the dictionary."""
_PAIR: Final = 2
_COUNTED_FIELDS: Final = ("title", "body")  # for document frequencies
_PROXIMITY_FIELDS: Final = frozenset({"title", "dek", "summary", "body"})

Strategy = Literal["last", "all"]
_Clause = tuple[tantivy.Occur, tantivy.Query]


def word_fields(names: Sequence[QueryField]) -> tuple[str, ...]:
    """Index fields to search, most significant first; no names means all. Raises InvalidQuery(field="fields")."""
    unknown = [name for name in names if name not in WORD_FIELDS]
    if unknown:
        raise InvalidQuery(f"there is no field {unknown[0]!r} to search in", field="fields")
    if not names:
        return (*WORD_FIELDS.values(), SPELLINGS)
    return tuple(engine for name, engine in WORD_FIELDS.items() if name in names)


class RankedQuery:
    """Builds the query of one parsed text over some fields."""

    def __init__(self, parsed: ParsedText, fields: tuple[str, ...]) -> None:
        self._parsed = parsed
        self._fields = fields
        self._size = max(1, len(parsed.words))
        self._word = 2 * _TYPO * self._size + 2 * _TYPO  # more than every typo of the query together
        self._attribute = {name: _ATTRIBUTE / self._size * (1 - rank / len(fields)) for rank, name in enumerate(fields)}

    @property
    def best(self) -> float:
        """The maximum score."""
        return self._word * (len(self._parsed.words) + len(self._parsed.phrases)) + _TYPO

    def build(
        self,
        searcher: tantivy.Searcher,
        *,
        strategy: Strategy,
        fuzzy: bool,
        narrow: Sequence[tantivy.Query] = (),
        spelling: SpellingDictionary | None = None,
        ranking: bool = True,
    ) -> tantivy.Query:
        """Build the query. `narrow` are additional required clauses, for example a filter.

        `fuzzy` adds typos, compounds as two words, and words without their possessive ending. With the dictionary
        `spelling` a fuzzy query is several times cheaper, with equal results. Without `ranking` it matches the same
        articles, for counting only.
        """
        must: list[tantivy.Query] = [*narrow, *map(self._phrase, self._parsed.phrases)]
        index = _IndexWords(searcher, spelling, self._fields)
        words = [self._alternatives(index, at, fuzzy=fuzzy) for at in range(len(self._parsed.words))]
        if words:
            must.append(_nested(words, tantivy.Occur.Should if strategy == "last" else tantivy.Occur.Must))
        clauses: list[_Clause] = [(tantivy.Occur.Must, query) for query in must]
        clauses += [(tantivy.Occur.MustNot, self._anywhere(tokens)) for tokens in self._parsed.excluded]
        if ranking:
            clauses += [(tantivy.Occur.Should, query) for query in (*self._proximity(), *self._tie_break())]
        return tantivy.Query.boolean_query(clauses)

    def _alternatives(self, index: _IndexWords, at: int, *, fuzzy: bool) -> tantivy.Query:
        """Alternative matches of one word of the query, with their scores."""
        word = self._parsed.words[at]
        typing = self._parsed.prefix and at == len(self._parsed.words) - 1
        exact = {name: self._word + bonus + _EXACT / self._size for name, bonus in self._attribute.items()}
        options: list[tantivy.Query] = []
        for name in self._fields:
            if word.spelling:
                options.append(_constant(_term(name, word.spelling), exact[name]))
            if len(word.tokens) > 1:
                options.append(_constant(_run(name, word.tokens), exact[name]))
            if typing and word.spelling:
                prefix = _automaton(name, word.spelling, 0, prefix=True)
                options.append(_constant(prefix, self._word + self._attribute[name]))
            elif typing and not word.is_run:
                prefix = tantivy.Query.phrase_prefix_query(schema(), name, list(word.tokens))
                options.append(_constant(prefix, self._word + self._attribute[name]))
        for joined in self._joined(at):
            options += [_constant(_term(name, joined), exact[name]) for name in index.fields_of(joined)]
        if fuzzy:
            options += self._lesser(index, word)
            options += self._misspelt(word.spelling, index.spelling, typing=typing)
        return tantivy.Query.disjunction_max_query(options, 0.0)

    def _joined(self, at: int) -> Iterator[str]:
        """The word written together with its neighbours: `you tube` is also `YouTube`."""
        words = self._parsed.words
        for pair in (words[max(0, at - 1) : at + 1], words[at : at + 2]):
            if len(pair) == _PAIR and all(map(_joins, pair)):
                yield "".join(word.spelling for word in pair)

    def _lesser(self, index: _IndexWords, word: Word) -> list[tantivy.Query]:
        """The word as two words, or without its possessive ending; each counts as one typo."""
        score = self._word - _TYPO
        found = [
            _constant(_both(self._anywhere(first), self._anywhere(second)), score) for first, second in word.pieces
        ]
        for tokens in filter(None, (word.base, index.best_halves(word.halves))):
            found += [_constant(_run(name, tokens), score + self._attribute[name]) for name in self._fields]
        return found

    def _misspelt(self, word: str, spelling: SpellingDictionary | None, *, typing: bool) -> list[tantivy.Query]:
        budget = typo_budget(word)
        if not budget:
            return []
        if spelling is None:
            return self._by_automata(word, budget, typing=typing)
        return self._by_spelling(word, budget, spelling, typing=typing)

    def _by_automata(self, word: str, budget: int, *, typing: bool) -> list[tantivy.Query]:
        return [
            _constant(_automaton(name, word, typos, prefix=typing), self._typo_score(name, typos))
            for name in self._fields
            for typos in range(1, budget + 1)
        ]

    def _by_spelling(
        self, word: str, budget: int, spelling: SpellingDictionary, *, typing: bool
    ) -> list[tantivy.Query]:
        held: dict[tuple[str, int], list[str]] = {}
        for found, typos in spelling.near(word, budget, prefix=typing).items():
            for name in spelling.fields(found):
                if name in self._attribute:
                    held.setdefault((name, typos), []).append(found)
        options: list[tantivy.Query] = []
        for (name, typos), terms in held.items():
            score = self._typo_score(name, typos)
            if len(terms) > _MAX_SINGLE_TERMS:
                options.append(_constant(tantivy.Query.term_set_query(schema(), name, terms), score))
            else:
                options += [_constant(_term(name, term), score) for term in terms]
        return options

    def _typo_score(self, name: str, typos: int) -> float:
        return self._word - _TYPO * typos + self._attribute[name]

    def _phrase(self, tokens: tuple[str, ...]) -> tantivy.Query:
        return tantivy.Query.disjunction_max_query(
            [_constant(_run(name, tokens), self._word + self._attribute[name]) for name in self._fields], 0.0
        )

    def _anywhere(self, tokens: tuple[str, ...]) -> tantivy.Query:
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, _run(name, tokens)) for name in self._fields])

    def _proximity(self) -> list[tantivy.Query]:
        """A bonus for words of the query that are adjacent or near each other."""
        pairs = [(*first.tokens[-1:], *second.tokens[:1]) for first, second in pairwise(self._parsed.words)]
        names = [name for name in self._fields if name in _PROXIMITY_FIELDS]
        if not names:
            return []
        found = []
        for at, pair in enumerate(pairs):
            share = _PROXIMITY / len(pairs)
            options = []
            for name in names:
                if self._parsed.prefix and at == len(pairs) - 1:
                    options.append(_constant(tantivy.Query.phrase_prefix_query(schema(), name, list(pair)), share))
                options.append(_constant(_run(name, pair), share))
                options.append(_constant(_run(name, pair, slop=_NEAR_SLOP), share * _NEAR_SHARE))
            found.append(tantivy.Query.disjunction_max_query(options, 0.0))
        return found

    def _tie_break(self) -> list[tantivy.Query]:
        name = "body" if "body" in self._fields else self._fields[0]
        weight = min(0.02, 0.06 / self._size)
        return [
            tantivy.Query.boost_query(_term(name, token), weight)
            for word in self._parsed.words
            for token in word.tokens[:2]
        ]


def _nested(words: list[tantivy.Query], rest: tantivy.Occur) -> tantivy.Query:
    """The first word is required; each further one counts only with those before it.

    Both strategies nest the same way, so that scores are equal and pages are consistent.
    """
    inner = words[-1]
    for word in reversed(words[:-1]):
        inner = tantivy.Query.boolean_query([(tantivy.Occur.Must, word), (rest, inner)])
    return inner


class _IndexWords:
    """Words of the index, from the spelling dictionary or, until it is built, from the engine."""

    def __init__(
        self, searcher: tantivy.Searcher, spelling: SpellingDictionary | None, fields: tuple[str, ...]
    ) -> None:
        self.spelling = spelling
        self._searcher = searcher
        self._fields = fields

    def fields_of(self, word: str) -> list[str]:
        """The searched fields that contain the word."""
        if self.spelling is None:
            return [name for name in self._fields if self._searcher.doc_freq(name, word)]
        held = self.spelling.fields(word) if word in self.spelling else ()
        return [name for name in held if name in self._fields]

    def best_halves(self, splits: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """The split of a word with the most common halves; empty if none has two known words."""
        best: tuple[int, tuple[str, ...]] = (0, ())
        for halves in splits:
            if self.spelling is None or all(half in self.spelling for half in halves):
                best = max(best, (min(map(self._common, halves)), halves))
        return best[1]

    def _common(self, word: str) -> int:
        return max(self._searcher.doc_freq(name, word) for name in _COUNTED_FIELDS)


def _joins(word: Word) -> bool:
    return len(word.tokens) == 1 and not word.is_run and not word.spelling.isdigit()


def _both(first: tantivy.Query, second: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, first), (tantivy.Occur.Must, second)])


def _constant(query: tantivy.Query, score: float) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, score)


def _term(name: str, word: str) -> tantivy.Query:
    return tantivy.Query.term_query(schema(), name, word, "freq")


def _run(name: str, tokens: tuple[str, ...], *, slop: int = 0) -> tantivy.Query:
    if len(tokens) == 1:  # a phrase query of one word panics
        return _term(name, tokens[0])
    return tantivy.Query.phrase_query(schema(), name, list(tokens), slop)


def _automaton(name: str, word: str, typos: int, *, prefix: bool) -> tantivy.Query:
    return tantivy.Query.fuzzy_term_query(schema(), name, word, typos, transposition_cost_one=True, prefix=prefix)
