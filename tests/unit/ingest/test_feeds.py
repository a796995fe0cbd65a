"""Feeds into one model: RSS, RDF, Atom, JSON Feed, sitemaps, and the text they are read from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from services.ingest.domain.feeds.model import MAX_FEED_BYTES, MAX_ITEMS, Enclosure, FeedDocument, Person
from services.ingest.domain.feeds.reading import read_feed
from shared.errors import Permanent

URL = "https://gazette.example/feeds/all.xml"
DAY = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)

RSS = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>The Gazette</title><link>https://gazette.example/</link><description>All news</description>
<language>en-gb</language><ttl>15</ttl><managingEditor>desk@gazette.example (The Desk)</managingEditor>
<atom:link rel="self" href="https://gazette.example/feeds/all.xml"/><atom:link rel="hub" href="https://hub.example/"/>
<item><guid isPermaLink="false">g-1</guid><title>Ferry &amp; harbour</title><link>/news/ferry</link>
<pubDate>Mon, 02 Mar 2026 08:30:00 +0100</pubDate><dc:creator>Ann Lee</dc:creator><category>Harbour</category>
<description>Short.</description><content:encoded><![CDATA[<p>Long <b>text</b>.</p>]]></content:encoded>
<enclosure url="https://gazette.example/a.mp3" length="12" type="audio/mpeg"/>
<media:content url="https://gazette.example/a.jpg" medium="image"/></item>
<item><guid>https://gazette.example/news/2</guid><title>Second</title></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title type="xhtml"><div
 xmlns="http://www.w3.org/1999/xhtml"><p>Blatt</p></div></title><id>urn:feed</id>
<entry><id>urn:1</id><title>Eins</title><link rel="alternate" href="https://blatt.example/1"/>
<link rel="enclosure" href="https://blatt.example/1.jpg" type="image/jpeg"/><summary>Kurz</summary>
<content type="html">&lt;p&gt;Lang&lt;/p&gt;</content><author><name>Eva</name></author>
<updated>2026-03-02T07:30:00Z</updated></entry></feed>"""

JSON = orjson.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "The Gazette",
        "feed_url": URL,
        "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
        "items": [
            {
                "id": 7,
                "url": "/news/7",
                "title": "Seven",
                "content_html": "<p>Body</p>",
                "authors": [{"name": "Ann Lee"}],
                "tags": ["harbour", 3, "harbour"],
                "date_published": "2026-03-02T08:30:00+01:00",
            },
            {"id": None, "url": 5, "title": ["x"], "tags": 5, "date_published": "yesterday"},
            "no object",
        ],
    }
)


def test_rss_with_the_extensions_that_news_feeds_use() -> None:
    feed = read_feed(RSS, url=URL)
    assert (feed.format, feed.title, feed.language, feed.ttl_seconds) == ("rss", "The Gazette", "en-gb", 900)
    assert (feed.hubs, feed.self_url, feed.authors) == (
        ("https://hub.example/",),
        URL,
        (Person("The Desk", "desk@gazette.example"),),
    )
    first, second = feed.items
    assert (first.guid, first.title, first.link) == ("g-1", "Ferry & harbour", "https://gazette.example/news/ferry")
    assert (first.summary, first.content, first.published) == ("Short.", "<p>Long <b>text</b>.</p>", DAY)
    assert (first.authors, first.categories, first.image) == (
        (Person("Ann Lee"),),
        ("Harbour",),
        "https://gazette.example/a.jpg",
    )
    assert first.enclosures == (Enclosure("https://gazette.example/a.mp3", "audio/mpeg", "12"),)
    assert (second.link, second.guid, second.date) == ("", "https://gazette.example/news/2", None)


def test_atom_with_xhtml_and_a_date_of_change_only() -> None:
    feed = read_feed(ATOM, url=URL)
    assert (feed.format, feed.title, feed.language) == ("atom", "<p>Blatt</p>", "de")
    (entry,) = feed.items
    assert (entry.summary, entry.content, entry.published, entry.updated, entry.date) == (
        "Kurz",
        "<p>Lang</p>",
        None,
        DAY,
        DAY,
    )
    assert (entry.image, entry.language) == ("https://blatt.example/1.jpg", "de")


def test_json_feed_whose_types_are_wrong_here_and_there() -> None:
    feed = read_feed(JSON, url=URL)
    first, second = feed.items
    assert (first.guid, first.link, first.categories, first.published) == (
        "7",
        "https://gazette.example/news/7",
        ("harbour",),
        DAY,
    )
    assert (second.guid, second.title, second.categories, second.date) == ("", "", (), None)
    assert feed.hubs == ("https://hub.example/",)


def test_rdf_names_its_items_by_their_subject() -> None:
    rdf = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
    <channel rdf:about="https://e.example/"><title>T</title></channel>
    <item rdf:about="https://e.example/1"><title>One</title><link>https://e.example/1?x</link></item></rdf:RDF>"""
    (item,) = read_feed(rdf).items
    assert (item.guid, item.about, item.link) == ("", "https://e.example/1", "https://e.example/1?x")


SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://e.example/old</loc><lastmod>2026-03-01</lastmod></url>
<url><loc>https://e.example/new</loc><news:news><news:publication><news:name>E</news:name><news:language>en</news:language>
</news:publication><news:publication_date>2026-03-02T08:30:00+01:00</news:publication_date>
<news:title>New &amp; good</news:title><news:keywords>a, b, a</news:keywords></news:news></url>
<url><loc>not a url</loc></url></urlset>"""


def test_news_sitemap_has_the_newest_first() -> None:
    sitemap = read_feed(SITEMAP)
    assert sitemap.format == "news-sitemap"
    new, old = sitemap.items
    assert (new.link, new.title, new.published, new.language, new.categories) == (
        "https://e.example/new",
        "New & good",
        DAY,
        "en",
        ("a", "b"),
    )
    assert (old.link, old.updated, old.title) == ("https://e.example/old", datetime(2026, 3, 1, tzinfo=UTC), "")


def test_a_sitemap_index_lists_sitemaps() -> None:
    index = read_feed(b"<sitemapindex><sitemap><loc>https://e.example/a.xml.gz</loc></sitemap></sitemapindex>")
    assert (index.format, index.items[0].link) == ("sitemap-index", "https://e.example/a.xml.gz")


def test_what_follows_the_last_item_that_is_read_is_said_to_be_missing() -> None:
    items = b"".join(b"<item><title>%d</title></item>" % number for number in range(MAX_ITEMS + 5))
    feed = read_feed(b"<rss version='2.0'><channel><title>T</title>" + items + b"</channel></rss>")
    assert (len(feed.items), feed.truncated, feed.items[-1].title) == (MAX_ITEMS, True, str(MAX_ITEMS - 1))


def test_bytes_that_name_a_file_are_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(RSS)
    with pytest.raises(Permanent) as refused:
        read_feed(str(secret).encode())
    assert refused.value.rule == "feed-not-a-feed"


DOCTYPE = "<!DOCTYPE rss [<!ENTITY a 'b'>]>"
REFUSED = {
    "feed-doctype": [
        f"<?xml version='1.0'?>{DOCTYPE}<rss/>".encode(),
        f"<!-- a -->\n{DOCTYPE}<rss/>".encode(),
        DOCTYPE.encode("utf-16"),
        f"<rss><![CDATA[never closed {DOCTYPE}</rss>".encode(),
        f"<rss><!-- never closed {DOCTYPE}</rss>".encode(),
        f"<rss><![CDATA[x]]>{DOCTYPE}</rss>".encode(),
        b"<rss><!\n doctype x></rss>",
    ],
    "feed-html": [b"<!DOCTYPE html><html>404</html>", b"\n<html><body>Please log in</body></html>"],
    "feed-too-large": [b" " * (MAX_FEED_BYTES + 1)],
    "feed-not-a-feed": [
        b"",
        b"hello",
        b"<note/>",
        b"{}",
        b"[1]",
        b"{",
        b'{"items": 5}',
        b"\x00\x01\x02",
        b"+ADw-rss/+AD4-",
    ],
}


@pytest.mark.parametrize(("rule", "data"), [(rule, data) for rule, all_ in REFUSED.items() for data in all_])
def test_what_is_refused_has_a_rule(rule: str, data: bytes) -> None:
    with pytest.raises(Permanent) as refused:
        read_feed(data)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    "text",
    ["<!DOCTYPE html><p>An example", "<!ENTITY a> and --> arrows"],
)
def test_a_doctype_that_an_article_writes_about_is_text(text: str) -> None:
    feed = read_feed(
        f"<rss version='2.0'><channel><item><title><![CDATA[{text}]]></title></item></channel></rss>".encode()
    )
    assert feed.items[0].title == text


def test_broken_xml_and_wrong_encodings_are_read_as_far_as_they_go() -> None:
    broken = b"<rss version='2.0'><channel><title>Gr\xfc\xdfe</titel><item><title>One</title></item></channel>"
    feed: FeedDocument = read_feed(broken)
    assert feed.items[0].title == "One"
    latin = (
        "<?xml version='1.0' encoding='iso-8859-1'?><rss version='2.0'><channel><title>Grüße</title></channel></rss>"
    )
    assert read_feed(latin.encode("latin-1")).title == "Grüße"
    assert read_feed(latin.replace("iso-8859-1", "utf-16").encode("utf-16")).title == "Grüße"
    for unknown in ("base64", "x-unknown", "UTF-7", "utf8mb4", "none"):
        assert read_feed(latin.replace("iso-8859-1", unknown).encode()).title == "Grüße"
        assert read_feed(latin.replace("iso-8859-1", unknown).encode("cp1252")).title == "Grüße"


CHINESE = "数据中心在本月开放，朱镕基出席"


@pytest.mark.parametrize(
    ("label", "codec", "content_type", "title"),
    [
        ("gb2312", "gbk", "", CHINESE),
        ("GB2312", "gbk", "application/xml; charset=iso-8859-1", CHINESE),
        ("iso-8859-1", "cp1252", "", "“Fähre” – 5 €"),
        ("us-ascii", "cp1252", "text/xml; charset=us-ascii", "Don’t – 5 €"),
        ("ks_c_5601-1987", "cp949", "", "똠방각하 문을 열다"),
        ("shift_jis", "cp932", "", "㈱青空が①月に開業"),
        ("windows-874", "cp874", "", "ท่าเรือเปิดอีกครั้ง"),
        ("koi8-r", "koi8-r", "application/rss+xml; charset=utf-8", "Паром снова ходит"),
    ],
)
def test_labels_mean_what_browsers_mean(label: str, codec: str, content_type: str, title: str) -> None:
    feed = f"<?xml version='1.0' encoding='{label}'?><rss version='2.0'><channel><title>{title}</title></channel></rss>"
    assert read_feed(feed.encode(codec), content_type=content_type).title == title


def test_references_to_what_is_no_character_cost_the_character_only() -> None:
    title = "a&#xD800;b&#0;c&#x110000;d&#55296 e&#233;"
    feed = read_feed(f"<rss version='2.0'><channel><item><title>{title}</title></item></channel></rss>".encode())
    assert feed.items[0].title == "a\ufffdb\ufffdc\ufffdd\ufffd e\u00e9"


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "tomorrow", "2026-02-30"])
def test_a_date_that_does_not_exist_counts_as_absent_and_its_item_stays(date: str) -> None:
    item = {"id": "1", "url": "https://gazette.example/1", "title": "One", "date_published": date}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Gazette", "items": [item]}
    sitemap = f"<urlset><url><loc>https://gazette.example/1</loc><lastmod>{date}</lastmod></url></urlset>"
    for data in (orjson.dumps(feed), sitemap.encode()):
        (one,) = read_feed(data).items
        assert (one.link, one.published, one.updated) == ("https://gazette.example/1", None, None)
