from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.serve.domain.parameters import BadParameter
from services.serve.domain.query_interpretation import _has_grammar, _inner, interpret_query
from services.serve.domain.search_parameters import search_request
from shared.query import QuerySyntaxError, parse
from shared.query.ast import All, Text
from tests.support.builders import NOON


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


@pytest.mark.parametrize("text", ["a OR", "foo:bar", "tag:", "lang:x!", "(a OR b", "since:never", "NOT"])
def test_a_slip_of_the_grammar_names_its_place(text: str) -> None:
    if text == "tag:":  # nothing follows: a word with a colon
        assert interpret_query(text, strict=False, now=NOON).words == text
        return
    with pytest.raises(BadParameter, match=r"at character \d+") as caught:
        interpret_query(text, strict=False, now=NOON)
    assert caught.value.name == "q"


@given(
    st.lists(st.sampled_from(['"', "-", "--", ":", "tag", "or", "OR", "é-b", "<X>", " ", "$5", "“", "since:", "a.b"]))
)
def test_what_is_passed_over_as_plain_would_have_been_read_as_words(parts: list[str]) -> None:
    text = "".join(parts)
    if _has_grammar(text):
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
        search_request(pairs)
    assert caught.value.name == name
