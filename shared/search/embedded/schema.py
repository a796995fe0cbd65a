"""Schema, tokenizer and documents of the embedded index, with the fingerprint that generations are stamped with.

A deleted article is replaced by a tombstone: a document with `dead_id` and `rev` only, committed with the deletion, so
that a late older upsert is ignored also after a crash. It has no words, so no search finds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Final

import orjson
import tantivy
import zstandard
from tantivy.tantivy import __version__ as _engine

from shared.identity.languages import language_ranges
from shared.query.tokens import VERSION as STRICT_VERSION
from shared.search.checks import is_vector, normal
from shared.search.filters import LANGUAGE_RANGE
from shared.search.port import IndexDoc, QueryField
from shared.search.strict import spellings_of, strict_runs
from shared.search.vectors import packed

FORMAT: Final = 4
"""Increment when documents are written differently under the same schema: old indexes are then rebuilt."""

TOKENIZER: Final = "broadsheet_v1"
STRICT: Final = "strict"
"""Field of the tokens of strict matching: `shared.query.tokens`, joined by spaces; one value for each text."""
_STRICT_TOKENIZER: Final = f"broadsheet_strict_v{STRICT_VERSION}"
MAX_KEYWORD_BYTES: Final = 1_000
MAX_DATED_AT: Final = 1 << 42  # seconds; leaves 20 bits of an i64 for the tie-break of `sort_key`

# Scripts written without spaces become one token per character; a word is then a run, which proximity rewards.
_UNSPACED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TOKEN: Final = rf"[{_UNSPACED}]|[\w&&[^{_UNSPACED}_]]+"
_LONGEST_TOKEN: Final = 80  # bytes

WORD_FIELDS: Final[dict[QueryField, str]] = {
    "title": "title",
    "dek": "dek",
    "tags": "tag_words",
    "keyphrases": "keyphrases",
    "entities": "entity_words",
    "summary": "summary",
    "body": "body",
    "authors": "author_words",
}
"""Query field -> index field, most significant first: the order of the attribute bonus."""
SPELLINGS: Final = "spellings"
"""Field of the joined spellings of the words of all the others, see `shared.query.spellings`."""

_KEYWORDS: Final = ("tags", "section", "source", "language", "authors", "entities", "story", "duplicate_of", "url")


@cache
def analyzer() -> tantivy.TextAnalyzer:
    """The analyzer of queries, texts and highlights: words of any script, lower case, accents folded."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_TOKEN))
    for step in (tantivy.Filter.remove_long(_LONGEST_TOKEN), tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold()):
        builder = builder.filter(step)
    return builder.build()


@cache
def schema() -> tantivy.Schema:
    """The schema of the index."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("dead_id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("rev", fast=True)
    for name in (*WORD_FIELDS.values(), SPELLINGS):
        builder.add_text_field(name, tokenizer_name=TOKENIZER, index_option="position")
    builder.add_text_field(STRICT, tokenizer_name=_STRICT_TOKENIZER, index_option="position")
    for name in _KEYWORDS:
        builder.add_text_field(name, stored=name == "story", tokenizer_name="raw", fast=True, index_option="basic")
    builder.add_text_field(LANGUAGE_RANGE, tokenizer_name="raw", index_option="basic")
    for name in ("dated_at", "word_count"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_integer_field("sort_key", fast=True)
    builder.add_integer_field("story_key", fast=True)
    builder.add_text_field("signature_terms", tokenizer_name="raw", index_option="basic")
    for name in ("card", "signature", "vector", "texts"):
        builder.add_bytes_field(name, stored=True)
    return builder.build()


def fingerprint() -> dict[str, str]:
    """Fingerprint of a generation: format, fields and tokenizer, engine minor version (its files change with it)."""
    names = (*WORD_FIELDS.values(), SPELLINGS, *_KEYWORDS, LANGUAGE_RANGE)
    shape = "|".join((_TOKEN, str(_LONGEST_TOKEN), TOKENIZER, _STRICT_TOKENIZER, *names))
    return {
        "format": str(FORMAT),
        "schema": hashlib.blake2b(shape.encode(), digest_size=8).hexdigest(),
        "engine": engine_version(),
    }


def engine_version() -> str:
    """For example `tantivy 0.27 index_format v7`."""
    version, _, index_format = _engine.removeprefix("tantivy v").partition(", ")
    return f"tantivy {'.'.join(version.split('.')[:2])} {index_format}"


def register(index: tantivy.Index) -> tantivy.Index:
    """Register the tokenizer on an opened index. Required in every process before its first query."""
    index.register_tokenizer(TOKENIZER, analyzer())
    index.register_tokenizer(_STRICT_TOKENIZER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


def sort_key(doc_id: str, dated_at: int) -> int:
    """A total order by date: seconds, then 20 bits of the id's hash, so that pages never overlap on equal dates."""
    digest = hashlib.blake2b(doc_id.encode(), digest_size=4).digest()
    return (dated_at << 20) | (int.from_bytes(digest, "big") & 0xFFFFF)


def story_key(name: str, *, own: bool) -> int:
    """Key for collapsing hits: 63 bits of a hash of the story, or of the article without story."""
    digest = hashlib.blake2b(name.encode(), digest_size=8, person=b"article" if own else b"story").digest()
    return int.from_bytes(digest, "big") >> 1


def document_of(doc: IndexDoc) -> tantivy.Document:
    """The engine's document. Raises ValueError or TypeError for an invalid one."""
    _check(doc)
    # A surrogate cannot be encoded: it raises here, before the writer is touched.
    texts = zstandard.ZstdCompressor(level=1).compress(orjson.dumps([normal(doc.summary), normal(doc.body)]))
    return tantivy.Document.from_dict(
        {
            "id": doc.id,
            "kind": "article",
            "rev": doc.rev,
            "title": normal(doc.title),
            "dek": normal(doc.dek),
            "tag_words": [normal(tag) for tag in doc.tags],
            "keyphrases": [normal(phrase) for phrase in doc.keyphrases],
            "summary": normal(doc.summary),
            "body": normal(doc.body),
            "entity_words": [normal(name) for name in doc.entities],
            "author_words": [normal(author) for author in doc.authors],
            SPELLINGS: [normal(spelling) for spelling in spellings_of(doc)],
            STRICT: [" ".join(run) for run in strict_runs(doc)],
            "tags": list(dict.fromkeys(doc.tags)),
            "section": _optional(doc.section),
            "source": _optional(doc.source),
            "language": _optional(doc.language),
            LANGUAGE_RANGE: list(language_ranges(doc.language)) if doc.language else [],
            "authors": list(dict.fromkeys(doc.authors)),
            "entities": list(dict.fromkeys(doc.entities)),
            "story": _optional(doc.story),
            "duplicate_of": _optional(doc.duplicate_of),
            "url": _optional(doc.url),
            "dated_at": doc.dated_at,
            "word_count": doc.word_count,
            "sort_key": sort_key(doc.id, doc.dated_at),
            "story_key": story_key(doc.story or doc.id, own=doc.story is None),
            "signature_terms": list(dict.fromkeys(term for term, _ in doc.signature)),
            "card": doc.card.model_dump_json().encode(),
            "signature": orjson.dumps([[term, float(weight)] for term, weight in doc.signature]),
            "vector": [] if doc.vector is None else packed(doc.vector),
            "texts": texts,
        },
        schema(),
    )


def tombstone_of(doc_id: str, rev: int) -> tantivy.Document:
    """The tombstone document of a deletion."""
    return tantivy.Document.from_dict({"dead_id": doc_id, "rev": rev}, schema())


def texts_of(stored: bytes) -> tuple[str, str]:
    """(summary, body) as they were indexed."""
    summary, body = orjson.loads(zstandard.ZstdDecompressor().decompress(stored))
    return summary, body


def _optional(value: str | None) -> list[str]:
    return [value] if value else []


def _check(doc: IndexDoc) -> None:
    if not 0 <= doc.rev < 1 << 63:
        raise ValueError(f"rev {doc.rev} is out of range")
    if not abs(doc.dated_at) < MAX_DATED_AT:
        raise ValueError(f"dated_at {doc.dated_at} is out of range")
    if not doc.id:
        raise ValueError("id is empty")
    if doc.vector is not None and not is_vector(doc.vector):
        raise ValueError("the vector is not of the right length, or not finite")
    for value in _keyword_values(doc):
        if len(value.encode()) > MAX_KEYWORD_BYTES:
            raise ValueError(f"a keyword value is longer than {MAX_KEYWORD_BYTES} bytes: {value[:40]!r}...")


def _keyword_values(doc: IndexDoc) -> Iterable[str]:
    yield from (doc.id, doc.language, *doc.tags, *doc.authors, *doc.entities)
    yield from (value for value in (doc.section, doc.source, doc.story, doc.duplicate_of, doc.url) if value is not None)
    yield from (term for term, _ in doc.signature)
