"""Query parameters of `/v1/search` and `/v1/streams/{slug}`: Guardian names and aliases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from services.serve.domain import terms
from services.serve.domain.parameters import (
    BadParameter,
    Parameter,
    boolean,
    integer,
    matching,
    one_of,
    parse,
    share,
    some_of,
    text,
    typed_text,
)
from services.serve.domain.query_interpretation import interpret_query
from services.serve.domain.search_request import PAGE_SIZE, REACH, SearchRequest
from shared import instants
from shared.clock import now
from shared.identity.languages import language_range
from shared.identity.tags import tag_slug
from shared.ids import ARTICLE_ID
from shared.urls import url_key

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _url(value: str) -> str:
    key = url_key(value)
    if key is None:
        raise ValueError("expected a URL such as https://example.com/2026/ferry")
    return key


def _foreign_key(value: str) -> None:
    if value.strip().startswith("bsk_"):
        raise ValueError("a key is never sent in a URL; send it as Authorization: Bearer or X-Api-Key")


def _plain(value: str) -> str:
    value = value.strip()
    if _CONTROL.search(value):
        raise ValueError("a value holds control characters")
    return value


def _tag(value: str) -> str:
    return tag_slug(_plain(value))


TAG: Final = Parameter(
    "tag",
    'Tags by slug or label: comma = AND, | = OR, a leading - = NOT; "in quotes" where a label holds one of these.',
    lambda value: terms.parse(value, normal=_tag),
    "world-news,-sport",
)
SECTION: Final = Parameter(
    "section",
    "Sections, with the same operators as tag.",
    lambda value: terms.parse(value, normal=_plain),
    "politics",
    aliases=("category",),
    is_list=True,
)
SOURCE: Final = Parameter(
    "source",
    "Sources: comma and | = OR, a leading - = NOT.",
    lambda value: terms.parse_choice(value, normal=_plain),
    "harbour-gazette",
    aliases=("sources", "domains"),
    is_list=True,
)
LANGUAGE: Final = Parameter(
    "lang",
    "Languages (BCP 47): comma and | = OR, a leading - = NOT; pt finds pt-BR, too (RFC 4647).",
    lambda value: terms.parse_choice(value, normal=language_range),
    "en",
    aliases=("language",),
    is_list=True,
)
PAGE: Final = Parameter(
    "page",
    "Page number, from 1. Only the first 1,000 results can be paged to.",
    integer(1, 10**9),
    "1",
    schema={"type": "integer", "minimum": 1, "default": 1},
)
SIZE: Final = Parameter(
    "page-size",
    "Results per page.",
    integer(1, 200),
    "10",
    aliases=("pageSize", "page_size", "limit"),
    schema={"type": "integer", "minimum": 1, "maximum": 200, "default": PAGE_SIZE},
)
ORDER: Final = Parameter(
    "order-by",
    "Default: relevance when q is given, else newest. fresh: relevance, newer articles boosted; latest: newest.",
    one_of(
        "newest",
        "oldest",
        "relevance",
        "fresh",
        synonyms={"publishedAt": "newest", "latest": "newest", "relevancy": "relevance"},
    ),
    "newest",
    aliases=("sortBy", "sort"),
    schema={"type": "string", "enum": ["newest", "oldest", "relevance", "fresh"]},
)
DUPLICATES: Final = Parameter(
    "duplicates",
    "Near-copies of other articles: skip them (the default; all with ids), show only them, or all.",
    one_of("skip", "only", "all"),
    "all",
    schema={"type": "string", "enum": ["skip", "only", "all"], "default": "skip"},
)
COLLAPSE: Final = Parameter(
    "collapse",
    "story: only the best result of each story. Totals and facets still count every article.",
    one_of("story"),
    "story",
    schema={"type": "string", "enum": ["story"]},
)
MEANING: Final = Parameter(
    "semantic-ratio",
    "Weight of vector similarity, 0 (the default) to 1. Only with q, by relevance, and if the engine supports it.",
    share,
    "0.3",
    schema={"type": "number", "minimum": 0, "maximum": 1, "default": 0},
)
FROM: Final = Parameter(
    "from-date", "From this date or time on.", instants.first_moment, "2026-01-01", ("from", "start_date")
)
TO: Final = Parameter(
    "to-date", "Up to and with this date or time.", instants.last_moment, "2026-12-31", ("to", "end_date")
)

SEARCH: Final = (
    Parameter(
        "q",
        'Words, "phrases", -not, OR, parentheses, tag: section: source: lang: story: since: until: date:. Plain words'
        " are typo-tolerant; with OR or parentheses words match exactly.",
        str,
        '"sea wall" repair -tender lang:en',
    ),
    Parameter(
        "match",
        "strict: exact words, no typos, no prefixes, as in saved searches.",
        one_of("forgiving", "strict"),
        "strict",
        schema={"type": "string", "enum": ["forgiving", "strict"], "default": "forgiving"},
    ),
    Parameter(
        "query-fields",
        "Search only these fields.",
        some_of("title", "dek", "summary", "body", "tags", "keyphrases", "entities", "authors"),
        "title,dek",
        aliases=("searchIn",),
        is_list=True,
    ),
    TAG,
    SECTION,
    SOURCE,
    LANGUAGE,
    FROM,
    TO,
    ORDER,
    DUPLICATES,
    COLLAPSE,
    MEANING,
    PAGE,
    SIZE,
    Parameter(
        "show-facets",
        "Count the results by these fields.",
        some_of("tags", "section", "source", "language", "entities"),
        "tags",
    ),
    Parameter(
        "show-highlights",
        "Titles and excerpts with <mark> around matches, as safe HTML. Default: true when q is given.",
        boolean,
        "true",
        schema={"type": "boolean"},
    ),
    Parameter(
        "url",
        "Only the article with this URL, in any spelling: http or https, www., tracking parameters.",
        _url,
        "https://example.com/2026/ferry",
    ),
    Parameter(
        "ids",
        "Only these articles, comma-separated, at most 100.",
        matching(ARTICLE_ID, "article ids of 26 letters and digits", at_most=100),
        "aaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
)
FOREIGN_KEY: Final = Parameter(
    "api-key",
    "Ignored: reading needs no key. Clients of the Guardian and of NewsAPI send one with every request.",
    _foreign_key,
    "test",
    aliases=("apiKey",),
)
STREAM: Final = (SECTION, SOURCE, LANGUAGE, FROM, TO, DUPLICATES, COLLAPSE, PAGE, SIZE)
_NAMES: Final = {
    "q": "words",
    "match": "strict",
    "query-fields": "fields",
    "tag": "tags",
    "section": "sections",
    "source": "sources",
    "lang": "languages",
    "from-date": "since",
    "to-date": "until",
    "order-by": "order",
    "page": "page",
    "page-size": "page_size",
    "show-facets": "facets",
    "show-highlights": "highlights",
    "ids": "ids",
    "url": "url",
    "duplicates": "duplicates",
    "collapse": "collapse",
    "semantic-ratio": "meaning",
}


def parse_search_request(
    pairs: Iterable[tuple[str, str]], table: tuple[Parameter, ...] = SEARCH, *, lenient: bool = False
) -> SearchRequest:
    """The search that these query parameters describe; `lenient` as in `parse`. Raises BadParameter."""
    given = parse(pairs, table, lenient=lenient)
    has_words = bool(given.get("q"))
    values: dict[str, object] = {"order": "relevance" if has_words else "newest", "highlights": has_words}
    if "ids" in given or "url" in given:  # an explicitly requested article is returned even if it is a copy
        values["duplicates"] = "all"
    values |= {_NAMES[name]: value for name, value in given.items() if name in _NAMES}
    values["strict"] = values.get("strict") == "strict"
    if has_words:
        values["words"] = _query_text(str(given["q"]), strict=bool(values["strict"]))
    values["interpretation"] = interpret_query(str(values.get("words", "")), strict=bool(values["strict"]), now=now())
    request = SearchRequest(**values)  # type: ignore[arg-type]  # each row's reader gives its field's type
    if request.interpretation.query is not None:
        _check_strict(request)
    if request.meaning and (request.interpretation.query is not None or not has_words or request.order != "relevance"):
        raise BadParameter("semantic-ratio", "needs plain words in q, ordered by relevance")
    if request.offset + request.page_size > REACH:
        raise BadParameter("page", f"page x page-size must not exceed {REACH}; narrow the search instead")
    if request.since is not None and request.until is not None and request.since >= request.until:
        raise BadParameter("to-date", "is before from-date")
    return request


def _query_text(value: str, *, strict: bool) -> str:
    try:
        return text(value) if strict else typed_text(value)
    except ValueError as error:
        raise BadParameter("q", str(error)) from error


def _check_strict(request: SearchRequest) -> None:
    if request.fields:
        raise BadParameter(
            "query-fields", "not allowed in a strict search, or one with OR or parentheses: they search all fields"
        )
    if request.order == "fresh":
        raise BadParameter("order-by", "fresh is not allowed in a strict search, or one with OR or parentheses")
