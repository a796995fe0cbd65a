from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.serve.domain.parameters import BadParameter
from services.serve.domain.query_interpretation import _inner, _is_headline, _may_have_structure, interpret_query
from services.serve.domain.search_parameters import parse_search_request
from shared.query import QuerySyntaxError, parse
from shared.query.ast import All, Text
from tests.support.builders import NOON

PIECES = ('"', "-", "--", ":", "tag", "or", "OR", "é-b", "<X>", " ", "$5", "“", "since:", "a.b", "(", ")", " NOT ")


@pytest.mark.parametrize(
    ("text", "words", "filters"),
    [
        ("ferri reopning", "ferri reopning", ""),
        ("Mayor (left", "Mayor (left", ""),
        ('"sea wa', '"sea wa', ""),
        ("Apple (AAPL) rises - live", "Apple (AAPL) rises - live", ""),
        ("word " * 100, "word " * 100, ""),
        ("&&&", "&&&", ""),
        ("sea-wall -tender, isn't it?", "sea-wall -tender, isn't it?", ""),
        ("...", "...", ""),
        ("tag:#WorldNews stor", "stor", "tag:world-news"),
        ('lang:en "sea wall" -"old town" -tag:sport', '"sea wall" -"old town"', "lang:en -tag:sport"),
        ("ferry AND NOT tunnel", "ferry -tunnel", ""),
        ("since:2026-01-01", "", "since:2026-01-01T00:00:00Z"),
    ],
)
def test_plain_words_stay_forgiving(text: str, words: str, filters: str) -> None:
    found = interpret_query(text, strict=False, now=NOON)
    assert (found.words, found.query, " ".join(map(str, found.filters))) == (words, None, filters)


@pytest.mark.parametrize(
    ("text", "query"),
    [("a OR b", "a OR b"), ("a (tag:x OR tag:y)", "a (tag:x OR tag:y)"), ("-(a b) c", "-(a b) c")],
)
def test_structure_is_matched_to_the_letter(text: str, query: str) -> None:
    found = interpret_query(text, strict=False, now=NOON)
    assert (found.words, str(found.query), found.filters) == ("", query, ())


@pytest.mark.parametrize(
    ("text", "words", "query", "filters"),
    [
        ("a OR", "a", None, ""),
        ("OR", "OR", None, ""),
        ("NOT", "NOT", None, ""),
        ("foo:bar", "foo:bar", None, ""),
        ("Brexit: what happens", "Brexit: what happens", None, ""),
        ("tag:", "tag:", None, ""),
        ("lang:x! ferry", "lang:x! ferry", None, ""),
        ("(a OR b", "", "a OR b", ""),
        ("a OR b) c", "", "a OR b c", ""),
        ("since:never ferry tag:sport", "since:never ferry", None, "tag:sport"),
        ('ferry "old town', 'ferry "old town', None, ""),
        ('tag:sport "old town', "old town", None, "tag:sport"),
        ("AT&T", "AT&T", None, ""),
        ("http://", "http://", None, ""),
        ("Mixed case headline OR not", "", "mixed case headline OR not", ""),
        ("FED NOT EXPECTED TO ACT", "FED NOT EXPECTED TO ACT", None, ""),
        ("BUY OR SELL? BANKS AND BROKERS SPLIT", "BUY OR SELL? BANKS AND BROKERS SPLIT", None, ""),
        ("JWT <JWT> NOT APPROACHED (GROUP)", "JWT <JWT> NOT APPROACHED (GROUP)", None, ""),
        ("NASA OR ESA", "", "nasa OR esa", ""),
        ("PORT FEES WILL NOT CUT DEFICIT -MAYOR", "PORT FEES WILL NOT CUT DEFICIT MAYOR", None, ""),
        ("PORT FEES RISE AGAIN -SOURCES", "PORT FEES RISE AGAIN SOURCES", None, ""),
        ("NASA -ESA", "NASA -ESA", None, ""),
        ("x " * 70 + "OR y", "x " * 70 + "OR y", None, ""),
    ],
)
def test_what_was_typed_is_never_refused(text: str, words: str, query: str | None, filters: str) -> None:
    found = interpret_query(text, strict=False, now=NOON)
    if text.startswith("x x"):  # 64 terms are the most of a query
        assert found.query is None
        return
    read = (found.words, found.query and str(found.query), " ".join(map(str, found.filters)))
    assert read == (words, query, filters)


@pytest.mark.parametrize(
    ("text", "url", "words"),
    [
        (
            "https://www.example.com/2026/ferry-line-reopens?utm_source=x",
            "https://example.com/2026/ferry-line-reopens",
            "ferry line reopens",
        ),
        ("example.com/a/ferry-line.html#top", "https://example.com/a/ferry-line.html", "ferry line html"),
        ("<http://example.com/>", "https://example.com/", "example com"),
        ("www.example.com", "https://example.com/", "example com"),
    ],
)
def test_an_address_is_no_words(text: str, url: str, words: str) -> None:
    found = interpret_query(text, strict=False, now=NOON)
    assert (found.url, found.words) == (url, words)
    bare = text.strip("<>")
    among = interpret_query(f"{bare} is down", strict=False, now=NOON)
    assert (among.url, among.words) == ((url, "is down") if "://" in text else (None, f"{bare} is down"))


@pytest.mark.parametrize(
    "text", ["a OR", "foo:bar", "lang:x!", "(a OR b", "since:never", "NOT", '"open', "&", "x" * 1_001]
)
def test_strict_names_the_place_of_a_mistake(text: str) -> None:
    with pytest.raises(BadParameter, match=r"at character \d+") as caught:
        interpret_query(text, strict=True, now=NOON)
    assert caught.value.name == "q"


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read(text: str) -> None:
    interpret_query(text, strict=False, now=NOON)


@given(st.lists(st.sampled_from(PIECES)))
def test_what_is_passed_over_as_plain_would_have_been_read_as_words(parts: list[str]) -> None:
    text = "".join(parts)
    if _may_have_structure(text) or _is_headline(text):
        return
    try:
        root = parse(text, now=NOON).root
    except QuerySyntaxError:
        return  # without any sign of the grammar: words
    assert all(_inner(part, Text) for part in (root.nodes if isinstance(root, All) else (root,)))


def test_strict_takes_no_plain_text() -> None:
    assert str(interpret_query("ferry line", strict=True, now=NOON).query) == "ferry line"
    for text in ("&", '"open'):
        with pytest.raises(BadParameter):
            interpret_query(text, strict=True, now=NOON)


@pytest.mark.parametrize(
    ("pairs", "name"),
    [
        ([("q", "a OR b"), ("query-fields", "title")], "query-fields"),
        ([("q", "a"), ("match", "strict"), ("order-by", "fresh")], "order-by"),
        ([("match", "strict"), ("q", "-")], "q"),
        ([("match", "loose")], "match"),
    ],
)
def test_what_does_not_go_together_is_refused(pairs: list[tuple[str, str]], name: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_search_request(pairs)
    assert caught.value.name == name
