"""Generates realistic saved searches from the words of real articles."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.articles import Article, Tag, card_of
from shared.ids import article_id
from shared.query.tokens import tokens
from shared.search.port import IndexDoc

_NOON: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
_GERMAN: Final = frozenset({"gnad10k_test"})
# Out of 100 saved searches: names and rare words alone, two or three words, phrases, alternatives, words in a section,
# a section alone, and one of each with an exclusion.
_SHAPES: Final = (("one", 15), ("two", 25), ("three", 12), ("phrase", 18), ("either", 12), ("within", 10), ("both", 8))


def articles_of(texts: Sequence[dict[str, Any]]) -> list[Article]:
    """Submissions as clean articles: the corpus is the source, its topic the tag and section."""
    return [_article(number, text) for number, text in enumerate(texts)]


def document_of(article: Article) -> IndexDoc:
    """The document of an article, for an engine."""
    return IndexDoc(
        id=article.id,
        rev=article.rev,
        title=article.title,
        dek=article.dek,
        summary=article.summary,
        body=article.body,
        tags=tuple(tag.slug for tag in article.tags),
        section=article.section,
        source=article.source,
        authors=article.authors,
        language=article.language,
        dated_at=int(article.dated_at.timestamp()),
        word_count=article.word_count,
        keyphrases=(),
        signature=(),
        card=card_of(article),
    )


def saved_searches(articles: Sequence[Article], count: int, *, seed: int = 7) -> Iterator[str]:
    """`count` queries in the grammar; the same for the same articles and seed."""
    return _Desk(articles, random.Random(seed)).queries(count)


class _Desk:
    def __init__(self, articles: Sequence[Article], rng: random.Random) -> None:
        self._articles = articles
        self._rng = rng
        self._runs = [tokens(f"{article.title} {article.body[:3_000]}") for article in articles]
        counts = Counter(word for run in self._runs for word in set(run))
        common = len(articles) * 0.02
        # Saved searches rarely use words of more than 2 % of articles; every tenth word here does.
        self._rare = {word for word, count in counts.items() if len(word) > 3 and word.isalpha() and count <= common}

    def queries(self, count: int) -> Iterator[str]:
        names, weights = zip(*_SHAPES, strict=True)
        for shape in self._rng.choices(names, weights, k=count):
            yield self._query(shape)

    def _query(self, shape: str) -> str:
        at = self._rng.randrange(len(self._articles))
        article, run = self._articles[at], self._runs[at]
        one, two, three = (self._word(run) for _ in range(3))
        where = self._rng.choice([f'section:"{article.section}"', f"lang:{article.language}"])
        shapes = {
            "one": one,
            "two": f"{one} {two}",
            "three": f"{one} {two} {three}",
            "phrase": self._phrase(run),
            "either": f"{one} OR {two} OR {self._phrase(run)}",
            "within": f"{one} {where}" if self._rng.random() < 0.7 else f"{one} {two} {where} -{three}",
            "both": f"({one} OR {two}) {three} -{self._word(self._rng.choice(self._runs))}",
        }
        return shapes[shape]

    def _word(self, run: list[str]) -> str:
        for _ in range(50):
            word = self._rng.choice(run) if run else "news"
            if word in self._rare or (len(word) > 3 and self._rng.random() < 0.02):
                return word
        return run[0] if run else "news"

    def _phrase(self, run: list[str]) -> str:
        if len(run) < 2:
            return "news"
        at = self._rng.randrange(len(run) - 1)
        return f'"{run[at]} {run[at + 1]}"'


def _article(number: int, text: dict[str, Any]) -> Article:
    section = str(text["section"])[:100]
    slug = "-".join(tokens(section)) or "news"
    dated = _NOON - timedelta(minutes=number)
    return Article(
        id=article_id("external", text["source"], text["external_id"]),
        rev=1,
        slug="text",
        title=text["title"],
        paragraphs=tuple(part for part in text["text"].split("\n\n") if part.strip()),
        tags=(Tag(slug=slug, label=section),),
        section=section.replace('"', ""),
        source=text["source"],
        language="de" if text["source"] in _GERMAN else "en",
        published_at=dated,
        received_at=_NOON,
        first_received_at=dated,
    )
