"""Articles as Meilisearch documents, checked so that no document can fail the batch that it is sent in."""

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
"""Stands between the characters of scripts without spaces, so that each is a word, whatever the server can segment."""
UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
SPEC_ID: Final = "_spec"
EMBEDDER: Final = "meaning"
NO_VECTOR: Final = {EMBEDDER: None}
"""Required in documents without a vector: a missing field fails the whole batch, and an old vector would stay."""

_BOUNDARY: Final = re.compile(rf"[{UNSPACED}](?=\w)|\w(?=[{UNSPACED}])")

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,511}")
_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9 _.-]*")
_KEY_BYTES: Final = 468  # what Meilisearch stores of a value that it filters by
_KEYS_KEPT: Final = 65_536  # words of a language recur: of 400 in an article nearly all were in one before
_KEPT_LENGTH: Final = 64  # characters: no word of a language is longer, and what is kept must not grow with what comes
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
    """Whether Meilisearch takes it as a primary key, and it is not one of ours."""
    return _ID.fullmatch(doc_id) is not None and doc_id != SPEC_ID


def words(text: str) -> str:
    """The text as it is indexed and queried: NFC, without reserved characters, unspaced scripts by character."""
    if text.isascii():
        return text
    for mark in (OPEN, CLOSE, SEPARATOR):
        text = text.replace(mark, "")
    return _BOUNDARY.sub(rf"\g<0>{SEPARATOR}", normal(text))


def key_of(value: str) -> str:
    """The value in a form that Meilisearch compares exactly: by itself it ignores case and accents.

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
    """What the keys of the other values with this beginning begin with; empty when that says nothing."""
    raw = start.encode()
    whole = len(raw) * 8 // 5  # characters that no further byte changes
    return "~" + base64.b32encode(raw).decode().lower()[:whole] if whole else ""


def value_of(key: str) -> str | None:
    """The value of a key; None for one that was too long to be kept."""
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
    # A field without a value is left out: to Meilisearch an empty list or null exists.
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
    if doc.story:  # alone, not in a list: only so is it what hits are collapsed by
        fields["k_story"] = key_of(doc.story)
    fields["_vectors"] = {EMBEDDER: None if doc.vector is None else [round(number, 5) for number in doc.vector]}
    return Change(doc.id, doc.rev, dead=False, line=orjson.dumps(fields))


def tombstone_of(doc_id: str, rev: int) -> Change:
    """The tombstone document of a deletion. Raises ValueError for an id that no article can have."""
    _check_numbers(rev, 0)
    if not valid_id(doc_id):
        raise ValueError(f"the id {doc_id[:40]!r} is no primary key")
    fields = {"id": doc_id, "kind": "gone", "rev": rev, "_vectors": NO_VECTOR}
    return Change(doc_id, rev, dead=True, line=orjson.dumps(fields))


def card_of(document: dict[str, Any]) -> Card:
    """The card as it was written."""
    return Card.model_validate_json(document["card"])


def signature_of(document: dict[str, Any]) -> list[tuple[str, float]]:
    """The signature as it was written."""
    return [(term, weight) for term, weight in orjson.loads(document["signature"])]


def vector_of(document: dict[str, Any]) -> tuple[float, ...] | None:
    """The vector as it was written, in half precision; None for a document without one."""
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
