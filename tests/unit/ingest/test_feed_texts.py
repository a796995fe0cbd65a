"""Texts of feed items: which are plain, which are markup, and what is submitted for an item."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from services.ingest.domain.drafts import draft_json
from services.ingest.domain.feeds.excerpts import is_excerpt
from services.ingest.domain.feeds.markup import html_of, line_of, text_of
from services.ingest.domain.feeds.reading import read_feed
from tests.support.feed_items import SENTENCE, articles, atom, rss

TITLES = {
    "Baker&amp;#39;s union &amp;quot;strike&amp;quot; over R&amp;amp;D": 'Baker\'s union "strike" over R&D',
    "<![CDATA[Tom &amp; Jerry &#8211; a caf&eacute;]]>": "Tom & Jerry – a café",
    "&lt;b&gt;Breaking:&lt;/b&gt; ferry &lt;i&gt;sails&lt;/i&gt;": "Breaking: ferry sails",
    "<a href='/x'>Quiet <em>photographs</em></a>": "Quiet photographs",
    "Profit &lt; forecast, costs &gt; plan": "Profit < forecast, costs > plan",
    "Profit < forecast": "Profit < forecast",
    "Write &lt;title&gt; and &lt;stop&gt; in the head": "Write <title> and <stop> in the head",
    "One&lt;br/&gt;two": "One two",
    "D&D night at Bridges & Roads": "D&D night at Bridges & Roads",
    "&amp;lt;em&amp;gt;Escaped twice&amp;lt;/em&amp;gt;": "Escaped twice",
    "Prices up 5&nbsp;% &#146;again&#146;": "Prices up 5 % ’again’",
    "If a&lt;b and c&gt;d": "If a<b and c>d",
}


@pytest.mark.parametrize("written", TITLES)
def test_a_title_is_the_text_that_its_author_meant(written: str) -> None:
    (article,) = articles(rss(f"<description>{SENTENCE}</description>", written))
    assert article["title"] == TITLES[written]


ATOM_TITLES = {
    "<title>Use &lt;b&gt; sparingly</title>": "Use <b> sparingly",
    "<title type='text'>AT&amp;T &lt; all</title>": "AT&T < all",
    "<title type='html'>Less &amp;lt; &lt;b&gt;more&lt;/b&gt; &amp;amp; more</title>": "Less < more & more",
    "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>One <b>two</b> &lt; 3</div></title>": "One two < 3",
}


@pytest.mark.parametrize("written", ATOM_TITLES)
def test_atom_titles_are_read_by_their_declared_type(written: str) -> None:
    (article,) = articles(atom(f"{written}<summary>{SENTENCE}</summary>"))
    assert article["title"] == ATOM_TITLES[written]


PLAIN = {
    "sentence": (rss(f"<description>{SENTENCE}</description>"), SENTENCE),
    "CDATA": (rss(f"<description><![CDATA[{SENTENCE}]]></description>"), SENTENCE),
    "less than": (rss("<description>profit &lt; 5 &amp; said &lt;stop&gt; signs</description>"), None),
    "atom text": (atom("<title>A</title><content>if a &lt;b&gt; c &amp;amp; d</content>"), "if a <b> c &amp; d"),
    "JSON Feed": (
        orjson.dumps({"items": [{"id": 1, "title": "A", "content_text": "said <b>stop</b>\n\n- one\n- two"}]}),
        "said <b>stop</b>\n\n- one\n- two",
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_text_is_submitted_as_text(name: str) -> None:
    data, expected = PLAIN[name]
    (article,) = articles(data)
    assert "html" not in article
    assert article["text"] == (expected or "profit < 5 & said <stop> signs")


MARKUP = {
    "link only": ('<a href="https://g.example/9">A link</a>', '<p><a href="https://g.example/9">A link</a></p>'),
    "lines": ("One<br>two", "<p>One<br>two</p>"),
    "list": ("<ul><li>One</li><li>Two</li></ul>", "<ul><li>One</li><li>Two</li></ul>"),
    "quote": ("<blockquote>Said so</blockquote>", "<blockquote>Said so</blockquote>"),
    "escaped twice": ("&lt;p&gt;One&lt;/p&gt;", "<p>One</p>"),
    "references": ("AT&amp;T said <stop>", "<p>AT&amp;T said &lt;stop&gt;</p>"),
    "blank lines": ("One <b>bold</b>\n\ntwo", "<p>One <b>bold</b></p><p>two</p>"),
}  # fmt: skip


@pytest.mark.parametrize("name", MARKUP)
def test_markup_without_paragraphs_becomes_paragraphs(name: str) -> None:
    written, expected = MARKUP[name]
    (article,) = articles(rss(f"<description><![CDATA[{written}]]></description>"))
    assert article["html"] == expected


@pytest.mark.parametrize(
    "description",
    ["", "<description/>", "<description><![CDATA[  ]]></description>", "<description>&amp;nbsp;</description>"],
)
def test_a_title_alone_is_an_article(description: str) -> None:
    (article,) = articles(rss(description, "Harbour reopens"))
    assert (article["title"], article["url"]) == ("Harbour reopens", "https://gazette.example/1")
    assert not article.keys() & {"text", "html", "paragraphs"}
    assert draft_json(orjson.dumps(article), now=datetime.now(UTC)).data == b"{}"


def test_a_picture_without_text_is_a_stub_with_a_picture() -> None:
    (article,) = articles(
        rss('<description><![CDATA[<img src="https://c.example/1.png" alt="A joke">]]></description>')
    )
    assert article["html"] == '<p><img src="https://c.example/1.png" alt="A joke"></p>'


def test_the_description_of_a_picture_is_its_alternative_text_and_not_the_post() -> None:
    picture = (
        "<media:content url='https://f.example/1.jpg' type='image/jpeg' medium='image'>"
        "<media:description type='plain'>A white ferry</media:description></media:content>"
    )
    for data in (
        rss(f"<description>&lt;p&gt;The post.&lt;/p&gt;</description>{picture}"),
        rss(picture, more="<description>The post.</description>"),
    ):
        (article,) = articles(data)
        assert (
            article["html"]
            == '<p>The post.</p><figure><img src="https://f.example/1.jpg" alt="A white ferry"></figure>'
        )
        assert article["title"] == "A headline"


@pytest.mark.parametrize(
    "wrap", ["<media:group>{}</media:group>", "<media:content type='video/mp4'>{}</media:content>", "{}"]
)
def test_the_description_of_a_video_is_the_text_of_an_item_that_has_none(wrap: str) -> None:
    inside = (
        "<media:title>How</media:title><media:description>The crane lifts 5 &lt; 6.\n\nFilmed here.</media:description>"
    )
    for data in (atom(wrap.format(inside)), rss(wrap.format(inside), title="How")):
        (article,) = articles(data)
        assert article["title"] == "How"
        assert article.get("text") or article["html"] == "<p>The crane lifts 5 &lt; 6.</p><p>Filmed here.</p>"


def test_the_full_text_of_a_yandex_feed_is_the_body() -> None:
    body = "<yandex:full-text xmlns:yandex='http://news.yandex.ru'>Полный текст новости.</yandex:full-text>"
    (article,) = articles(rss(f"<description>Кратко.</description>{body}"))
    assert (article["text"], article["dek"]) == ("Полный текст новости.", "Кратко.")


@pytest.mark.parametrize("guid", ["<guid>1</guid>", "<guid isPermaLink='false'>1</guid>"])
@pytest.mark.parametrize(
    "category",
    ["Bridges & Roads", "Bridges &amp; Roads", "<![CDATA[Bridges &amp; Roads]]>", "<![CDATA[<b>Bridges & Roads</b>]]>"],
)
def test_a_category_is_its_text(category: str, guid: str) -> None:
    (article,) = articles(rss(f"<description>x y</description><category>{category}</category>", more=guid))
    assert article["tags"] == ["Bridges & Roads"]


def test_the_label_of_an_atom_category_goes_before_its_term() -> None:
    (article,) = articles(atom("<title>A</title><category term='n1' label='World news'/><category term='Sport'/>"))
    assert article["tags"] == ["World news", "Sport"]


def test_a_dek_is_a_summary_and_not_an_excerpt() -> None:
    body = "The town voted on Thursday to rebuild its only bridge over the canal, after eleven years of argument."
    assert not is_excerpt("A ferry will run for fourteen months.", body)
    for excerpt in (
        "The town voted on Thursday to rebuild its only […]",
        body[:60],
        f"{body[:40]}...",
        "",
        "Short. [...] More on x",
    ):
        assert is_excerpt(excerpt, body)


RSS_JSON = {
    "rss": {
        "version": "2.0",
        "channel": {
            "title": "T",
            "item": [
                {
                    "title": "One & two",
                    "link": "https://gazette.example/1",
                    "guid": {"#value": "g1", "isPermaLink": "false"},
                    "description": "<p>Text</p>",
                    "pubDate": "Mon, 02 Mar 2026 08:30:00 GMT",
                    "category": ["A", {"#text": "B"}],
                    "dc:creator": "Ann Lee",
                },
                {
                    "title": "Three",
                    "guid": "g2",
                    "content:encoded": "<p>Long</p>",
                    "enclosure": {"@url": "https://a.example/a.mp3"},
                },
            ],
        },
    }
}


def test_rss_in_json_is_read_like_rss() -> None:
    one, two = articles(orjson.dumps(RSS_JSON))
    assert (one["title"], one["external_id"], one["html"], one["tags"], one["authors"]) == (
        "One & two",
        "g1",
        "<p>Text</p>",
        ["A", "B"],
        ["Ann Lee"],
    )
    assert one["published_at"].startswith("2026-03-02T08:30")
    assert (two["external_id"], two["html"]) == ("g2", "<p>Long</p>")


@pytest.mark.parametrize(
    "authors", [{"name": "Lone Object"}, [{"name": "Lone Object"}], "Lone Object", ["Lone Object"]]
)
@pytest.mark.parametrize("member", ["authors", "author"])
def test_authors_of_a_json_feed_in_any_form(member: str, authors: Any) -> None:
    feed = {"items": [{"id": 4711.0, "content_html": "<p>x y</p>", member: authors}]}
    (article,) = articles(orjson.dumps(feed))
    assert (article["authors"], article["external_id"]) == (["Lone Object"], "4711")


@pytest.mark.parametrize("doctype", [
    '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">',
    "<!DOCTYPE rss SYSTEM 'rss-0.91.dtd'>",
    "<!-- old --><!DOCTYPE rss>",
])  # fmt: skip
def test_a_document_type_without_internal_subset_is_ignored(doctype: str) -> None:
    text = f"<?xml version='1.0'?>\n{doctype}\n" + rss("<description>Caf&eacute; &nbsp; x</description>").decode()
    (article,) = articles(text.encode())
    assert article["text"].split() == ["Café", "x"]


@pytest.mark.parametrize("image", ["<image:image><image:loc>https://e.example/i.jpg</image:loc></image:image>", ""])
def test_the_address_of_a_picture_is_not_that_of_the_page(image: str) -> None:
    sitemap = (
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
        f"xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'><url>{image}<loc>https://e.example/page</loc></url></urlset>"
    )
    assert [item.link for item in read_feed(sitemap.encode()).items] == ["https://e.example/page"]


@pytest.mark.parametrize(
    "text", ["<" * 200_000, "<a " * 200_000, "<!--" * 200_000, "&lt;" * 200_000, "<script>" * 100_000]
)
def test_hostile_texts_take_linear_time(text: str) -> None:
    assert isinstance(text_of(text, "") + html_of(text, "") + line_of(text, "") + line_of(text, "html"), str)
