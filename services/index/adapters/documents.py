"""Converts articles to index documents, with the version of their format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from services.index.domain.document import entity_names, searchable, tag_slugs
from shared.articles import Article, card_of
from shared.search.lsa import Signature
from shared.search.port import IndexDoc, IndexSpec
from shared.urls import url_key

SPEC: Final = IndexSpec(name="articles", version="3")
"""Increase the version whenever `index_doc` changes its output; the index is rebuilt at the next start."""

DocumentOf = Callable[[Article], IndexDoc]
"""Builds the index document of an article."""


def with_vectors(vector_of: Callable[[Signature], tuple[float, ...] | None]) -> DocumentOf:
    """`index_doc` with the vector of the article from the current model."""
    return lambda article: replace(index_doc(article), vector=vector_of(article.signature))


def index_doc(article: Article) -> IndexDoc:
    """The document of an article: its searchable fields within the caps, and its whole card."""
    fitted = searchable(article)
    return IndexDoc(
        id=article.id,
        rev=article.rev,
        title=fitted.title,
        dek=fitted.dek,
        summary=fitted.summary,
        body=fitted.body,
        tags=tag_slugs(article),
        section=fitted.section,
        source=fitted.source,
        authors=fitted.authors,
        language=fitted.language,
        dated_at=int(article.dated_at.timestamp()),
        word_count=fitted.word_count,
        keyphrases=tuple(keyphrase.phrase for keyphrase in article.keyphrases),
        signature=article.signature,
        card=card_of(article),
        story=article.story_id,
        duplicate_of=article.duplicate_of.article_id if article.duplicate_of else None,
        entities=entity_names(article),
        url=url_key(article.url) if article.url else None,
    )
