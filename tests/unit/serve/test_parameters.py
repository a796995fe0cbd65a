"""What the API accepts, and by which name it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.serve.domain import terms
from services.serve.domain.markup import highlight_all, marked, web_url
from services.serve.domain.parameters import BadParameter
from services.serve.domain.search_parameters import SEARCH, STREAM, parse_search_request
from services.serve.domain.search_request import page_count
from services.serve.domain.validators import etag, is_current
from services.serve.routes.search_json import highlight_html
from shared import instants
from shared.identity.tags import tag_slug
from shared.search.hits import CLOSE, OPEN
from shared.search.port import Highlight

IDENT = "a" * 26


def test_defaults_depend_on_the_words() -> None:
    empty = parse_search_request([])
    assert (empty.order, empty.highlights, empty.page, empty.page_size) == ("newest", False, 1, 10)
    worded = parse_search_request([("q", "  sea   wall ")])
    assert (worded.words, worded.order, worded.highlights) == ("sea wall", "relevance", True)
    assert parse_search_request([("q", "x"), ("order-by", "oldest"), ("show-highlights", "false")]).order == "oldest"


def test_aliases_mean_the_same() -> None:
    ours = [("source", "a"), ("lang", "en"), ("from-date", "2026-01-01"), ("order-by", "newest"), ("page-size", "5")]
    theirs = [("sources", "a"), ("language", "en"), ("from", "2026-01-01"), ("sortBy", "publishedAt"), ("limit", "5")]
    assert parse_search_request(ours) == parse_search_request(theirs)


@pytest.mark.parametrize(
    "theirs",
    [
        {"domains": "a", "category": "sport", "from": "2026-01-01", "to": "2026-02-01", "pageSize": "5"},  # NewsAPI
        {"source": "a", "section": "sport", "start_date": "2026-01-01", "end_date": "2026-02-01", "page_size": "5"},
    ],
)
def test_other_news_apis_names_are_taken(theirs: dict[str, str]) -> None:
    ours = {"source": "a", "section": "sport", "from-date": "2026-01-01", "to-date": "2026-02-01", "page-size": "5"}
    assert parse_search_request(theirs.items()) == parse_search_request(ours.items())
    assert parse_search_request([("q", "x"), ("sort", "oldest")]).order == "oldest"


@pytest.mark.parametrize(
    ("pairs", "name"),
    [
        ([("qq", "x")], "qq"),
        ([("q", "x\0"), ("match", "strict")], "q"),
        ([("match", "strict"), ("q", "x" * 1001)], "q"),
        ([("url", "no address")], "url"),
        ([("url", "")], "url"),
        ([("q", "a"), ("q", "b")], "q"),
        ([("page-size", "5"), ("limit", "5")], "limit"),
        ([("page-size", "0")], "page-size"),
        ([("page-size", "201")], "page-size"),
        ([("limit", "-1")], "limit"),
        ([("limit", "1" + "0" * 20)], "limit"),
        ([("page", "1000000000")], "page"),
        ([("page", "6"), ("page-size", "200")], "page"),
        ([("page", "١")], "page"),
        ([("lang", "en OR 1=1")], "lang"),
        ([("order-by", "secret")], "order-by"),
        ([("show-facets", "__proto__")], "show-facets"),
        ([("show-highlights", "<script>")], "show-highlights"),
        ([("query-fields", "*")], "query-fields"),
        ([("ids", "1,2")], "ids"),
        ([("ids", ",".join([IDENT] * 101))], "ids"),
        ([("tag", ",".join(["x"] * 10_000))], "tag"),
        ([("tag", "|".join(["x"] * 10_000))], "tag"),
        ([("tag", "a,,b")], "tag"),
        ([("tag", "-")], "tag"),
        ([("section", "x" * 500)], "section"),
        ([("source", "a\nb")], "source"),
        ([("from-date", "yesterday")], "from-date"),
        ([("from-date", "2026-02-30")], "from-date"),
        ([("from-date", "0000-01-01")], "from-date"),
        ([("to-date", "2026-01-01T00:00:00+25:00")], "to-date"),
        ([("from-date", "2026-02-01"), ("to-date", "2026-01-01")], "to-date"),
    ],
)
def test_a_bad_parameter_is_named(pairs: list[tuple[str, str]], name: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_search_request(pairs)
    assert caught.value.name == name


def test_a_stream_takes_fewer_parameters() -> None:
    with pytest.raises(BadParameter):
        parse_search_request([("q", "x")], STREAM)


def test_every_example_in_the_documentation_works() -> None:
    for row in SEARCH:
        words = [] if row.name == "q" else [("q", "harbour")]  # some parameters only mean something beside words
        parse_search_request([*words, (row.name, row.example)])


def test_dates_are_inclusive() -> None:
    request = parse_search_request([("from-date", "2026-01-31"), ("to-date", "2026-01-31")])
    assert request.since is not None
    assert request.until is not None
    assert request.until - request.since == 86_400
    assert instants.last_moment("9999-12-31") > 0
    assert instants.milliseconds("1700000000000") == 1_700_000_000_000
    assert instants.milliseconds("1960-01-01") == 0
    assert instants.milliseconds("2026-03-14T13:00:00+01:00") == instants.milliseconds("2026-03-14T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("a,b", {"a", "b"}, True),
        ("a,b", {"a"}, False),
        ("a|b", {"b"}, True),
        ("a,-b", {"a", "b"}, False),
        ("a,-b", {"a"}, True),
        ("-b", set(), True),
        ("a,b|c,-d", {"a", "c"}, True),
        ("a,b|c,-d", {"a", "c", "d"}, False),
    ],
)
def test_expressions(text: str, values: set[str], holds: bool) -> None:
    assert terms.parse(text).matches(values) is holds


def test_a_choice_is_any_of_the_wanted_and_none_of_the_others() -> None:
    choice = terms.parse_choice("a,b|c,-d,-e")
    assert choice.matches({"c"})
    assert not choice.matches({"d"})
    assert not choice.matches(set())
    assert terms.parse_choice("-d,-e").matches({"a"})
    assert not terms.parse_choice("-d,-e").matches({"e"})


@pytest.mark.parametrize("text", ["#WorldNews", "World News", "world-news", " WORLD  NEWS"])
def test_spellings_of_a_tag(text: str) -> None:
    assert tag_slug(text) == "world-news"


@pytest.mark.parametrize(
    ("text", "spans", "html"),
    [
        ("<b>sea</b> wall", [(3, 6)], "&lt;b&gt;<mark>sea</mark>&lt;/b&gt; wall"),
        ("a & b", [(0, 1), (4, 5)], "<mark>a</mark> &amp; <mark>b</mark>"),
        ('"x" <img src=x onerror=alert(1)>', [(0, 99)], "&quot;x&quot; &lt;img src=x onerror=alert(1)&gt;"),
        ("abc", [(1, 2), (0, 3), (-5, 1)], "<mark>abc</mark>"),
        ("<mark>", [], "&lt;mark&gt;"),
        ("a\ue000b\ue001 c", [(0, 4)], "<mark>ab</mark> c"),
    ],
)
def test_marks_never_cost_an_escape(text: str, spans: list[tuple[int, int]], html: str) -> None:
    assert highlight_html(Highlight.of(text, spans)) == html


@given(st.lists(st.text(alphabet="a<&\"'\ue000\ue001\x00 é", max_size=8), max_size=6))
def test_marking_many_is_marking_each(texts: list[str]) -> None:
    assert highlight_all(texts, OPEN, CLOSE) == [marked(text, OPEN, CLOSE) for text in texts]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "http://",
        "http://user@evil.example/",
        "http://[::1",
        None,
        "",
    ],
)
def test_links_that_no_reader_may_follow(url: str | None) -> None:
    assert web_url(url) is None


def test_links_that_readers_may_follow() -> None:
    assert web_url("https://gazette.example/a?b=c") == "https://gazette.example/a?b=c"


def test_validators() -> None:
    tag = etag("/v1/search", "q=x", "5")
    assert tag == etag("/v1/search", "q=x", "5") != etag("/v1/search", "q=x", "6")
    assert etag("a", "bc") != etag("ab", "c")
    assert is_current(f'"other", {tag}', tag)
    assert is_current("*", tag)
    assert not is_current(None, tag)
    assert not is_current('W/"other"', tag)


def test_pages_end_where_paging_does() -> None:
    assert [page_count(total, 10) for total in (0, 1, 10, 11, 5000)] == [0, 1, 1, 2, 100]
