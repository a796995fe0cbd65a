"""Feeds that deviate from their format: what is repaired, and what a feed says for all of its items."""

from __future__ import annotations

from html import escape
from typing import Any

import orjson
import pytest

from services.ingest.domain.feeds.items import article_of, candidates
from services.ingest.domain.feeds.reading import read_feed
from tests.support.feed_items import SENTENCE, articles, atom, rss

JUNK = [
    "<br />\n<b>Warning</b>: mysql_connect() in /var/www/db.php on line 3<br />\n",
    "Notice: Undefined index: page in feed.php\n",
    "\n\n \ufeff<script>var tracked = 1 < 2;</script>\n",
]


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("declaration", ["", "<?xml version='1.0' encoding='utf-8'?>\n"])
def test_what_a_server_wrote_before_the_feed_is_skipped(junk: str, declaration: str) -> None:
    (article,) = articles((junk + declaration).encode() + rss(f"<description>{SENTENCE}</description>"))
    assert (article["title"], article["text"]) == ("A headline", SENTENCE)


@pytest.mark.parametrize("cut", ["</description>", "</description></item>", ""])
def test_a_cdata_section_without_an_end_costs_no_other_item(cut: str) -> None:
    whole = "<item><guid>2</guid><title>Second</title><description><![CDATA[All of it.]]></description></item>"
    broken = f"<item><guid>1</guid><title>First</title><description><![CDATA[{SENTENCE}"
    items = whole + broken + cut if cut != "</description></item>" else broken + cut + whole
    found = {article["title"]: article.get("text") for article in articles(f"<rss><channel>{items}".encode())}
    assert found == {"First": SENTENCE, "Second": "All of it."}


@pytest.mark.parametrize(
    ("content", "name", "text"),
    [
        ("<content>&lt;p&gt;One &amp;amp; two.&lt;/p&gt;</content>", "html", "<p>One &amp; two.</p>"),
        ("<summary>&lt;div class='x'&gt;One.&lt;/div&gt;</summary>", "html", "<div class='x'>One.</div>"),
        ("<content type='text'>&lt;p&gt;One.&lt;/p&gt;</content>", "text", "<p>One.</p>"),
        ("<content>&lt;p&gt; opens a paragraph</content>", "text", "<p> opens a paragraph"),
    ],
)
def test_atom_text_without_a_type_is_markup_if_it_is_wrapped_in_a_block(content: str, name: str, text: str) -> None:
    (article,) = articles(atom(f"<title>A</title>{content}"))
    assert article[name] == text


@pytest.mark.parametrize(
    "data",
    [
        '{"items": [{"id": "1", "title": "One", "content_text": "Two", "tags": ["a"],},],}',
        '{"items": [{"id": "1", "title": "One",\n "content_text": "Two", "tags": "a, a"}]}\n<!-- cached -->',
        '{"items": [{"id": "1", "title": "One", "content_text": "\tTwo\n", "tags": [{"name": "a"}]}]}',
    ],
)
def test_a_json_feed_that_is_nearly_json_is_read(data: str) -> None:
    (article,) = articles(data.encode())
    assert (article["title"], article["text"], article["tags"]) == ("One", "Two", ["a"])


@pytest.mark.parametrize("date", [1795162500, 1795162500000, "1795162500", 1795162500.0])
def test_unix_time_is_a_date(date: Any) -> None:
    (article,) = articles(orjson.dumps({"items": [{"id": "1", "title": "One", "date_published": date}]}))
    assert article["published_at"] == "2026-11-20T08:15:00+00:00"


def test_authors_of_the_feed_are_those_of_items_without_authors() -> None:
    item = {"id": "1", "content_text": "One"}
    feed: dict[str, Any] = {"title": "The Gazette", "authors": [{"name": "Ann Lee"}], "items": [item]}
    assert articles(orjson.dumps(feed))[0]["authors"] == ["Ann Lee"]
    item["authors"] = [{"name": "Ben Roa"}]  # type: ignore[assignment]
    assert articles(orjson.dumps(feed))[0]["authors"] == ["Ben Roa"]
    named = (
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><author><name>{}</name></author><entry><id>1</id>"
    )
    for name, authors in (("Ann Lee", ["Ann Lee"]), ("T", None)):
        data = f"{named.format(name)}<title>A</title></entry></feed>"
        assert articles(data.encode())[0].get("authors") == authors
    channel = (
        "<rss><channel><title>T</title><managingEditor>Ann Lee</managingEditor><item><guid>1</guid><title>A</title>"
    )
    assert "authors" not in articles(f"{channel}</item></channel></rss>".encode())[0]


def test_a_language_with_an_underscore_is_a_language() -> None:
    document = read_feed(
        rss(f"<description>{SENTENCE}</description>").replace(b"<item>", b"<language>de_CH</language><item>")
    )
    (one,) = candidates(document, {}).items
    assert orjson.loads(article_of("gazette", one, document.language))["language"] == "de-CH"


@pytest.mark.parametrize("text", ["Use the <canvas> and <video> tags", "All about <div> in CSS", "A <b> too many"])
def test_elements_that_a_text_only_names_are_text(text: str) -> None:
    (article,) = articles(rss(f"<description>{escape(text)}</description>"))
    assert article["text"] == text


@pytest.mark.parametrize("text", ["One <b>two</b>", "One<br>two", "<p>One", "One <img src='a.png'>"])
def test_elements_that_are_used_are_markup(text: str) -> None:
    (article,) = articles(rss(f"<description>{escape(text)}</description>"))
    assert "html" in article


def test_a_cdata_section_that_was_escaped_once_more_is_its_text() -> None:
    (article,) = articles(rss("<description>&lt;![CDATA[&lt;p&gt;One.&lt;/p&gt;]]&gt;</description>"))
    assert article["html"] == "<p>One.</p>"


def test_the_title_of_a_picture_is_not_that_of_the_item() -> None:
    image = (
        "<image><title>A bridge</title><url>https://gazette.example/a.jpg</url><link>https://x.example/</link></image>"
    )
    (article,) = articles(rss(f"<description>{SENTENCE}</description>", more=image))
    assert (article["title"], article["url"]) == ("A headline", "https://gazette.example/1")


def test_a_subtitle_of_itunes_is_the_text_where_there_is_no_other() -> None:
    itunes = "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"
    (article,) = articles(rss(f"<itunes:subtitle {itunes}>{SENTENCE}</itunes:subtitle>"))
    assert article["text"] == SENTENCE


@pytest.mark.parametrize(
    "broken",
    [
        "<guid isPermaLink=false>1</guid>",
        "<media:thumbnail url=https://x.example/a.jpg width=9 />",
        "<enclosure url=a.mp3/>",
    ],
)
def test_attributes_without_quotes_cost_no_text(broken: str) -> None:
    (article,) = articles(rss("", more=f"{broken}<description>{SENTENCE}</description>"))
    assert SENTENCE in article.get("html", article.get("text"))


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("www.gazette.example/1", "https://www.gazette.example/1"),
        ("https://gazette.example/\n   1", "https://gazette.example/1"),
        ("&lt;![CDATA[https://gazette.example/1]]&gt;", "https://gazette.example/1"),
        ("https://gazette.example/1?a=1&amp;amp;b=2", "https://gazette.example/1?a=1&b=2"),
    ],
)
def test_links_as_generators_write_them(link: str, address: str) -> None:
    feed = rss(f"<description>{SENTENCE}</description>").replace(b"https://gazette.example/1", link.encode())
    assert articles(feed)[0]["url"] == address


@pytest.mark.parametrize("category", ["Uncategorized", "Без рубрики", "Non classé", "未分类", "\u200f"])
def test_what_stands_for_no_category_is_no_tag(category: str) -> None:
    (article,) = articles(rss("", more=f"<category>{category}</category><category>\u200fCanal\u200e</category>"))
    assert article["tags"] == ["Canal"]


def test_comments_are_no_part_of_a_title() -> None:
    assert articles(rss("", title="A &lt;!-- note --&gt; headline"))[0]["title"] == "A headline"
    assert articles(rss("", title="Read &lt;!-- first"))[0]["title"] == "Read <!-- first"


@pytest.mark.parametrize(
    "written", ["&#55357;&#56832;", "&#xD83D;&#xDE00;", "&amp;#55357;&amp;#56832;", "&#xd83d;&#xde00;"]
)
def test_a_character_written_as_its_two_units_of_utf_16_is_that_character(written: str) -> None:
    text = f"<description>{SENTENCE} {written}</description>"
    (article,) = articles(rss(text, title=f"Ferries {written} are back"))
    assert article["title"] == "Ferries 😀 are back"
    assert "😀" in (article.get("text") or article.get("html"))


@pytest.mark.parametrize("written", ["&#55357;", "&#56832;&#55357;", "&#xDE00; and &#xD83D;"])
def test_half_a_character_is_replaced_and_costs_nothing_else(written: str) -> None:
    (article,) = articles(rss(f"<description>{SENTENCE}</description>", title=f"Ferries {written} are back"))
    assert article["title"].startswith("Ferries \ufffd")
    assert article["title"].endswith(" are back")


@pytest.mark.parametrize(
    "name",
    [
        "feedburner:origLink xmlns:feedburner='http://rssnamespace.org/feedburner/ext/1.0'",
        "pheedo:origLink xmlns:pheedo='http://www.pheedo.com/namespace/pheedo'",
    ],
)
def test_the_page_behind_a_counting_link_is_the_address(name: str) -> None:
    element = f"<{name}>https://gazette.example/ferries</{name.split(maxsplit=1)[0]}>"
    (article,) = articles(rss(f"<description>{SENTENCE}</description>", more=element))
    assert article["url"] == "https://gazette.example/ferries"


@pytest.mark.parametrize("between", [" - ", " – ", " | "])
def test_the_name_of_the_source_leaves_the_title_of_an_aggregator(between: str) -> None:
    source = "<source url='https://herald.example'>The Herald</source>"
    (article,) = articles(rss("", title=f"Ferries - at last - are back{between}The Herald", more=source))
    assert article["title"] == "Ferries - at last - are back"


@pytest.mark.parametrize("title", ["Why we bought The Herald", "The Herald", "Ferries are back - says the Herald"])
def test_a_title_that_only_names_the_source_stays(title: str) -> None:
    source = "<source url='https://herald.example'>The Herald</source>"
    assert articles(rss("", title=title, more=source))[0]["title"] == title
