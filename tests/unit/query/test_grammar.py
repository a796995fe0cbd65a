from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.query import Query, QuerySyntaxError, parse
from shared.query.grammar import MAX_DEPTH, MAX_TERMS
from shared.query.lexer import MAX_LENGTH
from tests.support.builders import NOON
from tests.support.queries import queries


def canonical(text: str) -> str:
    return str(parse(text, now=NOON))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('Storm "Sea Wall" -tender', 'storm "sea wall" -tender'),
        ("“sea wall”", '"sea wall"'),
        ("a b OR c", "a b OR c"),
        ("(a b) OR (c)", "a b OR c"),
        ("a (b OR c) d", "a (b OR c) d"),
        ("a AND b", "a b"),
        ("NOT a -(b OR c)", "-a -(b OR c)"),
        ("--a", "a"),
        ("a (b (c d))", "a b c d"),
        ("a or b", "a or b"),
        ("tag:#WorldNews", "tag:world-news"),
        ('TAG:"World News"', "tag:world-news"),
        ('section:"Arts, Books"', 'section:"Arts, Books"'),
        (r'source:"say \"hi\""', r'source:"say \"hi\""'),
        ("lang:pt-BR story:s1", "lang:pt-BR story:s1"),
        ("since:2026-01-01", "since:2026-01-01T00:00:00Z"),
        ("until:2026-01-01", "until:2026-01-01T23:59:59Z"),
        ("date:2026-01-01", "date:2026-01-01T00:00:00Z..2026-01-01T23:59:59Z"),
        ("date:2026-01-01..2026-02-01", "date:2026-01-01T00:00:00Z..2026-02-01T23:59:59Z"),
        ("date:2026-01-01..", "since:2026-01-01T00:00:00Z"),
        ("date:..2026-01-01T08:00:00+02:00", "until:2026-01-01T06:00:00Z"),
        ("since:2d", "since:2026-03-12T12:00:00Z"),
        ("Live: storm - flood (AAPL) 12:30", 'live storm flood aapl "12 30"'),
        ("-& a", "a"),
        ('" OR tenant != "x', '"or tenant" x'),
        ("don't 東京", '"don t" "東 京"'),
    ],
)
def test_canonical_form(text: str, wanted: str) -> None:
    assert canonical(text) == wanted
    assert canonical(wanted) == wanted


@pytest.mark.parametrize(
    ("text", "position", "part"),
    [
        ("", 0, "no word"),
        ('"" & -', 0, "no word"),
        ("OR", 0, "not OR"),
        ("a OR", 4, "missing at the end"),
        ("a OR OR b", 5, "not OR"),
        ("a OR )", 5, "not )"),
        ("(a", 0, "not closed"),
        ("a b)", 3, "not opened"),
        ("()", 1, "not )"),
        ('a "b c', 2, "quote is not closed"),
        ('a tag:"b', 6, "quote is not closed"),
        ("lang = en OR tenant:x", 13, "no field tenant"),
        ("https://example.org/x", 0, "no field https"),
        ("a tag:", 2, "needs a value"),
        ("tag:a,b", 0, "use OR"),
        ("lang:en_GB!", 0, "language"),
        ("since:yesterday", 0, "expected a date"),
        ("since:2026-02-30", 0, "since"),
        ("date:2026-02-01..2026-01-01", 0, "ends before"),
        ("date:..", 0, "one side"),
        ("a\x00b", 1, "control"),
        ("ab\ud800", 2, "surrogate"),
        ("a " * MAX_LENGTH, MAX_LENGTH, "longer than"),
        ("a " * (MAX_TERMS + 1), 2 * MAX_TERMS, "more than"),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), MAX_DEPTH, "inside each other"),
        ("story:" + "x" * 201, 0, "200 characters"),
        ("tag:#", 0, "empty"),
        ('"' + "a " * 33 + '"', 0, "32 words"),
    ],
)
def test_errors_name_the_place(text: str, position: int, part: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text, now=NOON)
    assert caught.value.position == position
    assert part in caught.value.reason


@given(queries)
def test_the_canonical_form_parses_to_the_same_tree(query: Query) -> None:
    assert parse(str(query), now=datetime(2030, 1, 1, tzinfo=UTC)) == query


_PIECES = [
    "(",
    ")",
    "-",
    '"',
    " ",
    " ",
    "OR",
    "AND",
    "NOT",
    "tag:",
    "date:",
    "..",
    "7d",
    "a",
    "b",
    "東",
    "ß",
    "\\",
    ",",
    ":",
]


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)))
def test_any_text_is_a_query_or_a_syntax_error(text: str) -> None:
    try:
        query = parse(text, now=NOON)
    except QuerySyntaxError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017 - the other outcome is fine too
    else:
        assert parse(str(query), now=NOON) == query
