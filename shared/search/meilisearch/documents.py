"""Articles as Meilisearch documents, validated so that no document can fail its batch."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import orjson

from shared.articles import Card
from shared.identity.languages import language_ranges
from shared.search.checks import is_vector, normal
from shared.search.filters import LANGUAGE_RANGE
from shared.search.hits import CLOSE, OPEN
from shared.search.port import IndexDoc
from shared.search.strict import joined, spellings_of, strict_runs
from shared.search.vectors import packed, unpacked

SEPARATOR: Final = "\ue002"
"""Separator between characters of scripts without spaces: each is a word, independent of the server's segmenter."""
UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
SPEC_ID: Final = "_spec"
EMBEDDER: Final = "meaning"
NO_VECTOR: Final = {EMBEDDER: None}
"""Value for documents without a vector: a missing field fails the whole batch or keeps an old vector."""

_BOUNDARY: Final = re.compile(rf"[{UNSPACED}](?=\w)|\w(?=[{UNSPACED}])")

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,511}")
_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9 _.-]*")
_KEY_BYTES: Final = 468  # maximum bytes of a filterable value in Meilisearch
_KEYS_KEPT: Final = 65_536  # cache size; most words of an article occurred in earlier ones
_KEPT_LENGTH: Final = 64  # characters; longer words are not cached, to bound memory
_MAX_REV: Final = 1 << 63
_MAX_DATED_AT: Final = 1 << 42  # seconds; beyond 2**53 numbers are not exact


@dataclass(frozen=True, slots=True)
class Change:
    """One document to send: an article, or the tombstone of one."""

    id: str
    rev: int
    dead: bool
    line: bytes
    """The document as one line of NDJSON, without its end."""


def valid_id(doc_id: str) -> bool:
    """Whether Meilisearch accepts it as a primary key, and it is not a reserved one."""
    return _ID.fullmatch(doc_id) is not None and doc_id != SPEC_ID


def words(text: str) -> str:
    """The text as it is indexed and queried: NFC, without reserved characters, unspaced scripts by character."""
    if text.isascii():
        return text
    for mark in (OPEN, CLOSE, SEPARATOR):
        text = text.replace(mark, "")
    return _BOUNDARY.sub(rf"\g<0>{SEPARATOR}", normal(text))


def key_of(value: str) -> str:
    """The value in a form that Meilisearch compares exactly; it ignores case and accents of plain values.

    Plain lower-case values stay readable; others become `~` and base32, very long ones `~~` and a hash.
    """
    return _kept_key(value) if len(value) <= _KEPT_LENGTH else _made_key(value)


def _made_key(value: str) -> str:
    if _PLAIN.fullmatch(value) and len(value) <= _KEY_BYTES:
        return value
    raw = value.encode()
    coded = "~" + base64.b32encode(raw).decode().lower().rstrip("=")
    return coded if len(coded) <= _KEY_BYTES else "~~" + hashlib.blake2b(raw, digest_size=20).hexdigest()


_kept_key = lru_cache(maxsize=_KEYS_KEPT)(_made_key)


def key_start(start: str) -> str:
    """Common prefix of the keys of values with this prefix; empty if there is none."""
    raw = start.encode()
    whole = len(raw) * 8 // 5  # characters that further bytes do not change
    return "~" + base64.b32encode(raw).decode().lower()[:whole] if whole else ""


def value_of(key: str) -> str | None:
    """The value of a key; None for a hashed one."""
    if not key.startswith("~"):
        return key
    if key.startswith("~~"):
        return None
    coded = key[1:].upper()
    return base64.b32decode(coded + "=" * (-len(coded) % 8)).decode()


def change_of(doc: IndexDoc) -> Change:
    """The article's document. Raises ValueError, TypeError or AttributeError for one that cannot be indexed."""
    _check_numbers(doc.rev, doc.dated_at)
    if doc.vector is not None and not is_vector(doc.vector):
        raise ValueError("the vector is not of the right length, or not finite")
    if not valid_id(doc.id):
        raise ValueError(f"the id {doc.id[:40]!r} is no primary key")
    runs = strict_runs(doc)
    fields: dict[str, Any] = {
        "id": doc.id,
        "kind": "article",
        "rev": doc.rev,
        "title": words(doc.title),
        "dek": words(doc.dek),
        "summary": words(doc.summary),
        "body": words(doc.body),
        "tags": [words(tag) for tag in doc.tags],
        "keyphrases": [words(phrase) for phrase in doc.keyphrases],
        "entities": [words(name) for name in doc.entities],
        "authors": [words(author) for author in doc.authors],
        "spellings": spellings_of(doc),
        "dated_at": doc.dated_at,
        "dated_day": doc.dated_at // 86_400,
        "word_count": doc.word_count,
        "card": doc.card.model_dump_json(),
        "runs": joined(runs),
        "signature": orjson.dumps([[term, float(weight)] for term, weight in doc.signature]).decode(),
    }
    if doc.vector is not None:
        fields["vector"] = base64.b64encode(packed(doc.vector)).decode()
    # Fields without value are omitted: an empty list or null counts as existing in Meilisearch.
    keys = {
        "k_id": _keys((doc.id,)),
        "k_tags": _keys(doc.tags),
        "k_authors": _keys(doc.authors),
        "k_entities": _keys(doc.entities),
        "k_duplicate_of": _keys((doc.duplicate_of,)),
        "k_url": _keys((doc.url,)),
        "k_section": _keys((doc.section,)),
        "k_source": _keys((doc.source,)),
        "k_language": _keys((doc.language,)),
        f"k_{LANGUAGE_RANGE}": _keys(language_ranges(doc.language)),
        "k_words": _keys(chain.from_iterable(runs)),
        "k_terms": _keys(term for term, _ in doc.signature),
    }
    fields |= {name: values for name, values in keys.items() if values}
    if doc.story:  # a single value, not a list: required for collapsing
        fields["k_story"] = key_of(doc.story)
    fields["_vectors"] = {EMBEDDER: None if doc.vector is None else [round(number, 5) for number in doc.vector]}
    return Change(doc.id, doc.rev, dead=False, line=orjson.dumps(fields))


def tombstone_of(doc_id: str, rev: int) -> Change:
    """The tombstone document of a deletion. Raises ValueError for an invalid id."""
    _check_numbers(rev, 0)
    if not valid_id(doc_id):
        raise ValueError(f"the id {doc_id[:40]!r} is no primary key")
    fields = {"id": doc_id, "kind": "gone", "rev": rev, "_vectors": NO_VECTOR}
    return Change(doc_id, rev, dead=True, line=orjson.dumps(fields))


def card_of(document: dict[str, Any]) -> Card:
    """The stored card."""
    return Card.model_validate_json(document["card"])


def signature_of(document: dict[str, Any]) -> list[tuple[str, float]]:
    """The stored signature."""
    return [(term, weight) for term, weight in orjson.loads(document["signature"])]


def vector_of(document: dict[str, Any]) -> tuple[float, ...] | None:
    """The stored vector, in half precision; None if there is none."""
    stored = document.get("vector")
    return unpacked(base64.b64decode(stored)) if stored else None


def _check_numbers(rev: int, dated_at: int) -> None:
    if not 0 <= rev < _MAX_REV:
        raise ValueError(f"rev {rev} is out of range")
    if not abs(dated_at) < _MAX_DATED_AT:
        raise ValueError(f"dated_at {dated_at} is out of range")


def _keys(values: Iterable[str | None]) -> list[str]:
    each_once = dict.fromkeys(filter(None, values))
    return list(dict.fromkeys(map(key_of, each_once)))
