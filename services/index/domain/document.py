"""Fields of an index document, truncated to limits that every engine accepts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.articles import Article
from shared.query.facts import MAX_AUTHORS, MAX_BODY, MAX_TITLE

FACET_VALUE_BYTES: Final = 468
"""Maximum bytes of a facet value; in Meilisearch longer ones fail the whole batch."""
# Maximum searched body: far above any article, and small enough not to slow the writer.
BODY_CHARACTERS: Final = MAX_BODY
TITLE_CHARACTERS: Final = MAX_TITLE
AUTHORS: Final = MAX_AUTHORS
ENTITIES: Final = 100


def searchable(article: Article) -> Article:
    """The article with every searched field truncated to the limits; unchanged if nothing is too long.

    The card of hits is built from the complete article.
    """
    fitted: dict[str, object] = {
        "title": article.title[:TITLE_CHARACTERS],
        "dek": article.dek[:TITLE_CHARACTERS],
        "paragraphs": _first_paragraphs(article.paragraphs),
        "section": facet_value(article.section) if article.section else None,
        "source": facet_value(article.source) if article.source else None,
        "authors": _facet_values(article.authors)[:AUTHORS],
        "language": facet_value(article.language) or "und",
    }
    changed = {name: value for name, value in fitted.items() if value != getattr(article, name)}
    return article.model_copy(update=changed) if changed else article


def tag_slugs(article: Article) -> tuple[str, ...]:
    """The article's tags as facet values: distinct slugs, in order."""
    return _facet_values(tag.slug for tag in article.tags)


def entity_names(article: Article) -> tuple[str, ...]:
    """Names of the article's people, organisations and places as facet values, most mentioned first."""
    ranked = sorted(article.entities, key=lambda entity: -entity.mentions)
    return _facet_values(entity.name for entity in ranked)[:ENTITIES]


def facet_value(text: str) -> str:
    """The text in at most 468 UTF-8 bytes, truncated between characters and stripped."""
    return text.strip().encode("utf-8", "replace")[:FACET_VALUE_BYTES].decode("utf-8", "ignore").strip()


def _facet_values(values: Iterable[str]) -> tuple[str, ...]:
    cut = (facet_value(value) for value in values)
    return tuple(dict.fromkeys(value for value in cut if value))


def _first_paragraphs(paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    """As many paragraphs as fit into the limit; the last one is truncated."""
    kept: list[str] = []
    room = BODY_CHARACTERS
    for paragraph in paragraphs:
        if room <= 0:
            break
        kept.append(paragraph[:room])
        room -= len(paragraph) + len("\n\n")
    return tuple(kept)
