"""The settings of an index. A hash of those that need a rebuild is stored with the documents."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson

from shared.search.filters import LANGUAGE_RANGE
from shared.search.meilisearch.documents import EMBEDDER, SEPARATOR, SPEC_ID
from shared.search.port import VECTOR_LENGTH, IndexSpec, QueryField

FORMAT: Final = 4
"""Increment when documents are written differently under the same settings: old indexes are then rebuilt."""
PINNED: Final = "1.50.0"
"""The supported server version. A test compares docker-compose.yml with it; servers must have the same first two
numbers, because results may differ. A database does not open under another patch version."""

WORD_FIELDS: Final[tuple[QueryField, ...]] = (
    "title",
    "dek",
    "tags",
    "keyphrases",
    "entities",
    "summary",
    "body",
    "authors",
)
SPELLINGS: Final = "spellings"
"""The joined spellings of words of all other fields, see `shared.query.spellings`."""
FACET_VALUES: Final = 100
_EVERY_HIT: Final = 10_000_000  # limits totals too; paging depth is checked by us


def _filterable(names: list[str], *, search: bool = False, compare: bool = False) -> dict[str, Any]:
    features = {"facetSearch": search, "filter": {"equality": True, "comparison": compare}}
    return {"attributePatterns": names, "features": features}


COSTLY: Final[dict[str, Any]] = {
    "searchableAttributes": [*WORD_FIELDS, SPELLINGS],
    "filterableAttributes": [
        _filterable(["k_tags"], search=True),
        _filterable(["kind", "k_id", "k_section", "k_source", "k_language", "k_authors", "k_terms"]),
        _filterable(["k_entities", "k_story", "k_duplicate_of", "k_url", "k_words", f"k_{LANGUAGE_RANGE}"]),
        _filterable(["dated_at", "word_count"], compare=True),
    ],
    "sortableAttributes": ["dated_at"],
    "rankingRules": [
        "sort", "words", "typo", "proximity", "attributeRank", "exactness", "dated_day:desc", "wordPosition",
        "dated_at:desc",
    ],
    "separatorTokens": [SEPARATOR],
    "proximityPrecision": "byWord",
    "embedders": {EMBEDDER: {"source": "userProvided", "dimensions": VECTOR_LENGTH}},
    "typoTolerance": {
        "enabled": True,
        "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9},
        "disableOnAttributes": [],
        "disableOnNumbers": True,
    },
}  # fmt: skip
"""Settings that require a rebuild."""

CHEAP: Final[dict[str, Any]] = {
    "faceting": {"maxValuesPerFacet": FACET_VALUES, "sortFacetValuesBy": {"*": "count"}},
    "pagination": {"maxTotalHits": _EVERY_HIT},
    "searchCutoffMs": 1_000,
}
"""Settings that are patched in place."""


def marker(spec: IndexSpec) -> dict[str, Any]:
    """The document that records the format of an index; it is inside the index, so a swap moves it along."""
    digest = hashlib.blake2b(orjson.dumps(COSTLY, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    return {"id": SPEC_ID, "kind": "spec", "rev": 0, "version": spec.version, "format": FORMAT, "settings": digest}


def covers(actual: Any, expected: Any) -> bool:
    """Whether the server's settings have every expected value; others are ignored."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(covers(actual.get(name), value) for name, value in expected.items())
    return bool(actual == expected)
