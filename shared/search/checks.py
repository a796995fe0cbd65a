"""Validation shared by the engines: texts, pages, names and filter values. Pure functions."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Final, get_args

from shared.identity.languages import language_range
from shared.query import Query
from shared.search.errors import InvalidQuery
from shared.search.filters import FilterField, Range
from shared.search.port import VECTOR_LENGTH, FacetField, Mode, QueryField, SearchQuery, SimilarBy, SimilarQuery
from shared.text_cleaning import remove_invisible

MAX_LENGTH: Final = 512
"""Maximum characters of a query text; the rest is ignored."""
MAX_PHRASES: Final = 8
MAX_EXCLUSIONS: Final = 20
MAX_DEPTH: Final = 1_000  # maximum hits reachable by paging
MAX_FILTER_DEPTH: Final = 32
MAX_FILTER_NODES: Final = 1_000
MAX_SIMILAR: Final = 50
MAX_SUGGESTIONS: Final = 20

QUERY_ITEM: Final = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
NUMBERS: Final = frozenset({"dated_at", "word_count"})
FILTER_FIELDS: Final = frozenset(get_args(FilterField))
_FACETS: Final = frozenset(get_args(FacetField))
_MODES: Final = frozenset(get_args(Mode))
_WORD_FIELDS: Final = frozenset(get_args(QueryField))


def normal(text: str) -> str:
    """NFC without invisible characters: the form in which texts are indexed, queried and highlighted."""
    return unicodedata.normalize("NFC", remove_invisible(text))


def has_surrogate(text: str) -> bool:
    """Whether the text holds a lone surrogate, which no engine can store."""
    return _SURROGATE.search(text) is not None


def clean_query(text: str) -> str:
    """The text in NFC, without invisible characters, controls as spaces, truncated between words to MAX_LENGTH.

    Raises InvalidQuery when it is not valid Unicode.
    """
    if not (text.isascii() and text.isprintable()):
        if has_surrogate(text):
            raise InvalidQuery("the query is not valid Unicode: it holds a lone surrogate")
        text = normal(_CONTROL.sub(" ", text))
    if len(text) > MAX_LENGTH:
        text = text[: text.rfind(" ", 1, MAX_LENGTH + 1) if " " in text[1 : MAX_LENGTH + 1] else MAX_LENGTH]
    return text


def check_page(query: SearchQuery) -> None:
    """Raises InvalidQuery that names `page`, `mode`, `strategy`, `collapse`, `semantic_ratio` or `vector`."""
    if query.offset < 0 or query.limit < 0 or query.offset + query.limit > MAX_DEPTH:
        raise InvalidQuery(f"offset + limit must be between 0 and {MAX_DEPTH}", field="page")
    if query.mode not in _MODES:
        raise InvalidQuery(f"there is no order {query.mode!r}", field="mode")
    if query.strategy not in ("last", "all"):
        raise InvalidQuery(f"there is no strategy {query.strategy!r}", field="strategy")
    if query.collapse not in (None, "story"):
        raise InvalidQuery(f"results cannot be collapsed by {query.collapse!r}", field="collapse")
    _check_meaning(query)


def _check_meaning(query: SearchQuery) -> None:
    if not 0 <= query.semantic_ratio <= 1:
        raise InvalidQuery("the share of meaning must be between 0 and 1", field="semantic_ratio")
    if not query.semantic_ratio:
        return
    if query.mode != "relevance" or not query.text.strip():
        raise InvalidQuery("meaning ranks words by relevance only", field="semantic_ratio")
    if query.vector is None or not is_vector(query.vector):
        raise InvalidQuery(f"a vector has {VECTOR_LENGTH} finite numbers", field="vector")


def is_vector(values: Sequence[float]) -> bool:
    """Whether these numbers are a valid vector."""
    return len(values) == VECTOR_LENGTH and all(map(math.isfinite, values))


def check_similar(query: SimilarQuery) -> None:
    """Raises InvalidQuery that names `limit`, `collapse` or `by`."""
    check_limit(query.limit, least=0, most=MAX_SIMILAR)
    if query.collapse not in (None, "story"):
        raise InvalidQuery(f"neighbours cannot be collapsed by {query.collapse!r}", field="collapse")
    if query.by not in get_args(SimilarBy):
        raise InvalidQuery(f"there is no likeness by {query.by!r}", field="by")


def check_strict(query: SearchQuery) -> Query:
    """The parsed query of a strict search. Raises InvalidQuery if it is combined with options of other searches."""
    if query.query is None or query.text:
        raise InvalidQuery("a search is either text or a parsed query")
    if query.fields:
        raise InvalidQuery("not allowed in a strict or boolean search, which searches all fields", field="fields")
    if query.mode == "fresh":
        raise InvalidQuery("a strict or boolean search is ordered by newest, oldest or relevance", field="mode")
    return query.query


def check_limit(limit: int, *, least: int, most: int) -> None:
    """Raises InvalidQuery(field="limit") outside of the bounds."""
    if not least <= limit <= most:
        raise InvalidQuery(f"limit must be between {least} and {most}", field="limit")


def facet_names(names: Sequence[FacetField]) -> tuple[FacetField, ...]:
    """The names, without repeats. Raises InvalidQuery(field="facets")."""
    for name in names:
        if name not in _FACETS:
            raise InvalidQuery(f"there is no facet {name!r}", field="facets")
    return tuple(dict.fromkeys(names))


def check_fields(names: Sequence[QueryField]) -> None:
    """Raises InvalidQuery(field="fields") for a field that cannot be searched in."""
    for name in names:
        if name not in _WORD_FIELDS:
            raise InvalidQuery(f"there is no field {name!r} to search in", field="fields")


def check_filter_field(name: str) -> None:
    """Raises InvalidQuery(field="filter") for a field that cannot be filtered by."""
    if name not in FILTER_FIELDS:
        raise InvalidQuery(f"there is no filter field {name!r}", field="filter")


def check_filter_value(name: str, value: str | int) -> None:
    """Raises InvalidQuery(field="filter") for a value of the wrong kind."""
    if name in NUMBERS:
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidQuery(f"{name} is a number, not {value!r}", field="filter")
        return
    if not isinstance(value, str):
        raise InvalidQuery(f"{name} is text, not {value!r}", field="filter")
    if has_surrogate(value):
        raise InvalidQuery(f"the value for {name} is not valid Unicode", field="filter")


def filter_value(name: FilterField, value: str | int) -> str | int:
    """The value in the compared form of an index. Raises InvalidQuery(field="filter") for a value of the wrong kind."""
    check_filter_value(name, value)
    if name != "language":
        return value
    try:
        return language_range(str(value))
    except ValueError as error:
        raise InvalidQuery(f"language: {error}", field="filter") from error


def check_range(condition: Range) -> None:
    """Raises InvalidQuery(field="filter") for a field or bound that is no number."""
    if condition.field not in NUMBERS:
        raise InvalidQuery(f"{condition.field!r} is not a number", field="filter")
    bounds: list[object] = [bound for bound in (condition.gte, condition.lt) if bound is not None]
    if any(not isinstance(bound, int) or isinstance(bound, bool) for bound in bounds):
        raise InvalidQuery(f"the bounds of {condition.field} are whole numbers", field="filter")


def check_filter_size(depth: int, nodes: int) -> None:
    """Raises InvalidQuery(field="filter") for one that is nested too deeply or too long."""
    if depth > MAX_FILTER_DEPTH or nodes > MAX_FILTER_NODES:
        raise InvalidQuery("the filter is nested too deeply or too long", field="filter")
