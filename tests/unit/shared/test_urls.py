"""Which URLs lead to one page: every rule by name, and the neighbours that must stay apart."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.urls import canonical, page_key, parse_url

CUT = [
    ("https://example.org/a?utm_source=x&id=7&fbclid=y&gclid=z", "https://example.org/a?id=7", "tracking-parameter"),
    ("https://example.org/a?UTM_Medium=x", "https://example.org/a", "tracking-parameter"),
    ("https://example.org/a#comments", "https://example.org/a", "fragment"),
    ("https://example.org/a;jsessionid=0A1B?x=1", "https://example.org/a?x=1", "session-id"),
    ("https://example.org/a?PHPSESSID=0a1b", "https://example.org/a", "session-id"),
    ("https://example.org/(S(lit3py55t21z5v55vlm25s55))/a.aspx", "https://example.org/a.aspx", "session-id"),
    ("https://example.org/(lit3py55t21z5v55vlm25s55)/a.aspx", "https://example.org/a.aspx", "session-id"),
    ("https://example.org/a?sid=0123456789abcdef0123456789abcdef&b=1", "https://example.org/a?b=1", "session-id"),
    ("https://example.org/a?ASPSESSIONIDABCDEFGH=ABCDEFGHIJKLMNOPQRSTUVWX", "https://example.org/a", "session-id"),
    ("https://www.google.com/amp/s/example.org/a-1", "https://example.org/a-1", "amp-cache"),
    ("https://example-org.cdn.ampproject.org/c/s/example.org/a-1", "https://example.org/a-1", "amp-cache"),
    ("https://example.org/news/a-1/amp/", "https://example.org/news/a-1", "amp-path"),
    ("https://example.org/news/a-1.amp.html", "https://example.org/news/a-1.html", "amp-path"),
    ("https://example.org/news/a-1.amp", "https://example.org/news/a-1", "amp-path"),
    ("https://example.org/amp/news/a-1", "https://example.org/news/a-1", "amp-path"),
    ("https://example.org/a?amp=1&id=2", "https://example.org/a?id=2", "amp-parameter"),
    ("https://example.org/a?outputType=amp", "https://example.org/a", "amp-parameter"),
    ("https://m.example.org/a", "https://example.org/a", "device-host"),
    ("https://mobile.example.org/a", "https://example.org/a", "device-host"),
    ("https://amp.example.co.uk/a", "https://example.co.uk/a", "device-host"),
    ("https://de.m.example.org/a", "https://de.example.org/a", "device-host"),
]
KEPT = [
    *("https://example.org/a?id=7&page=2", "https://example.org/a?ref=about", "https://example.org/#!/a/b"),
    *("https://example.org/a?sid=17", "https://example.org/wiki/Boat_(S(1))/a", "https://example.org/(new)/a.aspx"),
    *("https://example.org/amp", "https://example.org/guitars/lamp", "https://m.co.uk/a", "https://m.org/a"),
    *("https://example.org/a?gclidx=1", "https://example.org/a?outputType=xml", "https://www.example.org/a"),
    *("https://example.org/amplifier/a-1", "https://www.google.com/amp/about", "https://mm.example.org/a"),
]
SAME = [
    ("http://example.org/a", "https://www.example.org/a/"),
    ("HTTP://Example.ORG", "https://example.org/"),
    ("https://example.org:443/a", "https://example.org/a"),
    ("https://example.org./a", "https://example.org/a"),
    ("https://www2.example.org/a", "https://example.org/a"),
    ("https://example.org/a?b=2&a=1", "https://example.org/a?a=1&b=2"),
    ("https://example.org/a?&x&", "https://example.org/a?x="),
    ("https://example.org/%c3%a9", "https://example.org/é"),
    ("https://example.org/%7Ea%2Db", "https://example.org/~a-b"),
    ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("https://example.org/b/../a/./", "https://example.org/a"),
    ("https://example.org//a", "https://example.org/a"),
    ("  https://example.org/a\n", "example.org/a"),
    ("http://0x7f.1/", "http://127.0.0.1/"),
]
APART = [
    ("https://example.org/a", "https://example.org/b"),
    ("https://example.org/a", "https://example.org/A"),
    ("https://example.org/a?id=1", "https://example.org/a?id=2"),
    ("https://example.org/a", "https://example.org:8443/a"),
    ("https://example.org/a", "https://news.example.org/a"),
    ("https://example.org/a%2Fb", "https://example.org/a/b"),
    ("https://example.org/a?x=1%262", "https://example.org/a?x=1&2"),
    ("https://www.org/a", "https://org/a"),
    ("https://example.org/a?page=1", "https://example.org/a"),
]


@pytest.mark.parametrize(("url", "plain", "rule"), CUT)
def test_what_does_not_choose_the_page_is_cut_by_a_named_rule(url: str, plain: str, rule: str) -> None:
    assert canonical(url).url == plain
    assert rule in canonical(url).rules
    assert page_key(url) == page_key(plain)


@pytest.mark.parametrize("url", KEPT)
def test_what_may_choose_the_page_stays(url: str) -> None:
    assert canonical(url).url == url
    assert canonical(url).rules == ()


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_page(one: str, other: str) -> None:
    assert page_key(one) == page_key(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_pages(one: str, other: str) -> None:
    assert page_key(one) != page_key(other)


@pytest.mark.parametrize(
    "text",
    ["", "http://", "http://.../a/b", "https://exa mple.org/a", "http://[::1/a", "https://e.org:99999/", "a" * 9000],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        page_key(text)


def test_relative_links_are_read_as_browsers_do() -> None:
    assert parse_url("../b?c#d", "https://example.org/x/y/z").href == "https://example.org/x/b?c#d"
    assert parse_url("\\\\evil.example\\x", "https://example.org/").host == "evil.example"


@example("?2&=")
@given(st.text(alphabet=st.sampled_from("ab/%2fFeE?&=;#.:@m-\\ é"), max_size=40))
def test_a_key_is_its_own_key(rest: str) -> None:
    try:
        key = page_key(f"https://www.example.org/{rest}")
    except ValueError:
        return
    assert page_key(key) == key
