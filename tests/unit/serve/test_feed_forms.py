"""Whatever characters come: every form of a feed parses strictly and holds the same words."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.serve.domain.feed import Feed, FeedTombstone, entry_of, language_of, last_change, one_line, plain_url
from services.serve.domain.feed_json import json_feed
from services.serve.domain.feed_xml import atom, rss
from services.serve.domain.sitemaps import news_sitemap, sitemap
from services.serve.domain.validators import http_date, is_unmodified
from shared.articles import Image, Tag
from tests.support.builders import NOON, make_card
from tests.support.feed_rules import assert_by_schema, assert_json_feed

BASE = "https://news.example"
NS = {"a": "http://www.w3.org/2005/Atom"}


def feed_of(text: str, url: str = "https://gazette.example/a") -> Feed:
    card = make_card(title=text, dek=text, summary=text, authors=(text,), tags=(Tag(slug="x", label=text),), url=url)
    card = card.model_copy(update={"correction": text, "image": Image(url=url, caption=text), "source": text})
    entry = entry_of(card, BASE)
    gone = FeedTombstone(f"{BASE}/articles/x", NOON, one_line(text))
    words = one_line(text) or "x"
    return Feed(BASE, words, words, BASE, f"{BASE}/f", words, last_change((entry,), (gone,)), (entry,), (gone,))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
@example("<img src=x onerror=alert(1)>")
@example("R&D and &lt;b&gt;")
def test_any_text_makes_valid_feeds_with_one_title(text: str) -> None:
    feed = feed_of(text)
    (entry,) = feed.entries
    xml = assert_by_schema(atom(feed), "atom")
    assert xml.findtext("a:entry/a:title", namespaces=NS) == entry.title
    channel = assert_by_schema(rss(feed), "rss")[0]
    titles = ((channel.findtext("title"), feed.title), (channel.findtext("item/title"), entry.title))
    for title, plain in titles:  # readers of RSS take titles as HTML
        assert unescape(title or "") == plain
        assert not re.search(r"<[a-z/!?]", title or "", re.IGNORECASE)
    assert assert_json_feed(json_feed(feed))["items"][0]["title"] == entry.title
    assert_by_schema(sitemap([BASE], feed.entries), "sitemap")
    assert_by_schema(news_sitemap(feed.entries, site="Bay", language="en"), "sitemap")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40).map(lambda tail: f"https://gazette.example/{tail}"))
@example("https://gazette.example/[%zz|^`{}]?a[]=#b#c")
def test_any_url_is_left_out_or_fit_for_a_feed(url: str) -> None:
    feed = feed_of("A ferry", url)
    assert_by_schema(atom(feed), "atom")
    assert_by_schema(rss(feed), "rss")


def test_what_no_browser_may_follow_is_no_link() -> None:
    for bad in (
        None,
        "",
        "javascript:alert(1)",
        "/relative",
        "https://user:secret@gazette.example/",
        "ftp://x/",
        "https://",
    ):
        assert plain_url(bad) is None, bad
    assert plain_url("https://gazette.example/ü?<>") == "https://gazette.example/%C3%BC?%3C%3E"


def test_bounds_of_an_entry() -> None:
    entry = entry_of(make_card(title="x" * 9_000, summary="y" * 90_000, authors=("z" * 999,) * 99), BASE)
    assert (len(entry.title), len(entry.summary), len(entry.authors), len(entry.authors[0])) == (300, 1_500, 20, 120)
    assert entry.title.endswith("…")
    assert [language_of(one) for one in ("und", "en", "pt-BR", "x y", "")] == [None, "en", "pt-BR", None, None]


def test_dates_of_http() -> None:
    assert http_date(NOON) == "Sat, 14 Mar 2026 12:00:00 GMT"
    assert is_unmodified(http_date(NOON), NOON + timedelta(milliseconds=900))
    assert not is_unmodified(http_date(NOON - timedelta(seconds=1)), NOON)
    for bad in (None, "", "yesterday", "14 Mar 2026 12:00:00", "9" * 100, "Sat, 99 Mar 2026 12:00:00 GMT"):
        assert not is_unmodified(bad, NOON), bad
