# ruff: noqa: E501 (feeds are written as their producers write them)
"""Twenty feeds as their producers write them, from the documentation of each; the texts are made for these tests."""

from __future__ import annotations

import json
from html import escape
from typing import NamedTuple


class Shape(NamedTuple):
    """A feed, its Content-Type and the titles that its articles must have, in the order of the feed."""

    body: bytes
    media_type: str
    titles: tuple[str, ...]


_DATE = "Fri, 20 Nov 2026 07:02:44 +0000"
_NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
)


def _rss(*items: str, head: str = "", version: str = "2.0", charset: str = "UTF-8") -> bytes:
    text = (
        f'<?xml version="1.0" encoding="{charset}"?>\n<rss version="{version}" {_NAMESPACES}><channel>'
        f"<title>A feed</title><link>https://feed.example/</link><description>News</description>{head}"
        f"{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"
    )
    return text.encode(charset)


def _atom(*entries: str, namespaces: str = "") -> bytes:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" {namespaces}>'
        f"<id>urn:feed</id><title>A feed</title><updated>2026-11-20T10:00:00Z</updated>{inside}</feed>"
    ).encode()


def _place(name: str, date: str = _DATE) -> str:
    return (
        f'<link>https://feed.example/{name}</link><guid isPermaLink="false">https://feed.example/?p={name}</guid>'
        f"<pubDate>{date}</pubDate>"
    )


def _cdata(text: str) -> str:
    return f"<![CDATA[{text}]]>"


_RSS = "application/rss+xml"
_ATOM = "application/atom+xml"

SHAPES: dict[str, Shape] = {
    "broadcaster": Shape(
        _rss(
            f"<title>{_cdata('Ermelden to get its bridge back')}</title><description>{_cdata('Council votes to rebuild the only bridge over the canal.')}</description>{_place('b1')}"
            '<media:thumbnail width="240" height="135" url="https://img.example/b1.jpg"/>',
            f"<title>{_cdata('Ferry to replace canal bridge')}</title>{_place('b2')}",
        ),
        "text/xml",
        ("Ermelden to get its bridge back", "Ferry to replace canal bridge"),
    ),
    "agency": Shape(
        _rss(
            f"<title>UPDATE 2-Bridge vote: costs &lt; forecast -council</title>{_place('a1', 'Fri, 20 Nov 2026 02:02:44 EST')}<category>Markets</category>"
            "<description>ERMELDEN, Nov 20 - Costs of the canal bridge stayed below forecast, the council said on Friday.</description>",
        ),
        "application/xml",
        ("UPDATE 2-Bridge vote: costs < forecast -council",),
    ),
    "wordpress": Shape(
        _rss(
            f"<title>Swing bridge&#8217;s new deck &#8211; a first ride</title>{_place('w1')}<dc:creator>{_cdata('Leo Marsh')}</dc:creator><category>{_cdata('Town &amp; Country')}</category>"
            f"<description>{_cdata('The new deck is a metre wider than the old one [&#8230;]')}</description><content:encoded>"
            + _cdata(
                "<p>The new deck is a metre wider than the old one, and cyclists noticed.</p><h2>What it cost</h2><p>The works council paid 2.1 million.</p>"
                '<p>The post <a href="https://feed.example/w1">Swing bridge</a> appeared first on <a href="https://feed.example">A feed</a>.</p>'
            )
            + "</content:encoded><slash:comments>14</slash:comments>",
        ),
        _RSS,
        ("Swing bridge’s new deck – a first ride",),
    ),
    "ghost": Shape(
        _rss(
            f"<title>{_cdata('Notes from the lock')}</title><description>{_cdata('What the keeper sees at four in the morning')}</description>{_place('g1')}"
            f"<dc:creator>{_cdata('Ines Tarrow')}</dc:creator><media:content url='https://img.example/g.jpg' medium='image'/><content:encoded>"
            + _cdata("<p>The keeper of the lock starts before the ferries do.</p><figure class='kg-card kg-image-card'><img src='https://img.example/k.jpg' alt=''></figure><p>He ends after them.</p>")
            + "</content:encoded>",
        ),
        _RSS,
        ("Notes from the lock",),
    ),
    "substack": Shape(
        _rss(
            f"<title>{_cdata('The canal letter, no. 12')}</title><description>{_cdata('On locks and patience')}</description>{_place('s1')}<dc:creator>{_cdata('Pia Holm')}</dc:creator><content:encoded>"
            + _cdata("<p>Good morning. This week the canal froze for the first time in nine years.</p><blockquote><p>Nobody skated.</p></blockquote>")
            + "</content:encoded><enclosure url='https://img.example/s.jpg' length='0' type='image/jpeg'/>",
        ),
        "application/xml; charset=utf-8",
        ("The canal letter, no. 12",),
    ),
    "youtube": Shape(
        _atom(
            "<id>yt:video:abc</id><yt:videoId>abc</yt:videoId><title>How the crane lifts a bridge</title><link rel='alternate' href='https://video.example/watch?v=abc'/>"
            "<author><name>Harbour films</name></author><published>2026-11-20T10:00:00+00:00</published><media:group><media:title>How the crane lifts a bridge</media:title>"
            "<media:thumbnail url='https://video.example/x.jpg'/><media:description>A floating crane lifts the old deck off the canal bridge.\n\nFilmed from the quay.</media:description></media:group>",
            "<id>yt:video:def</id><title>No words at all</title><link rel='alternate' href='https://video.example/watch?v=def'/><published>2026-11-19T10:00:00+00:00</published>"
            "<media:group><media:title>No words at all</media:title><media:description/></media:group>",
            namespaces='xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/"',
        ),
        "text/xml",
        ("How the crane lifts a bridge", "No words at all"),
    ),
    "reddit": Shape(
        _atom(
            '<author><name>/u/lockkeeper</name></author><category term="canals" label="r/canals"/><content type="html">'
            + escape('<!-- SC_OFF --><div class="md"><p>Does anyone know when the lock opens?</p></div><!-- SC_ON --> &#32; submitted by &#32; <a href="https://r.example/u/l"> /u/lockkeeper </a> <br/> <span><a href="https://r.example/1">[link]</a></span> &#32; <span><a href="https://r.example/1">[comments]</a></span>')
            + '</content><id>t3_1</id><link href="https://r.example/1"/><updated>2026-11-20T08:00:00+00:00</updated><title>When does the lock open?</title>',
            '<content type="html">'
            + escape('&#32; submitted by &#32; <a href="https://r.example/u/l"> /u/lockkeeper </a> <br/> <span><a href="https://news.example/2">[link]</a></span> &#32; <span><a href="https://r.example/2">[comments]</a></span>')
            + '</content><id>t3_2</id><link href="https://r.example/2"/><updated>2026-11-20T07:00:00+00:00</updated><title>Bridge news from abroad</title>',
        ),
        _ATOM,
        ("When does the lock open?", "Bridge news from abroad"),
    ),
    "mastodon": Shape(
        _rss(
            "<guid isPermaLink='true'>https://social.example/@f/1</guid><link>https://social.example/@f/1</link>"
            f"<pubDate>{_DATE}</pubDate><description>&lt;p&gt;Ferry two is back on the water.&lt;/p&gt;</description>"
            "<media:content url='https://f.example/1.jpg' type='image/jpeg' medium='image'><media:description type='plain'>A white ferry in fog.</media:description></media:content><category>ferry</category>",
        ),
        "application/rss+xml; charset=utf-8",
        ("Ferry two is back on the water",),
    ),
    "github": Shape(
        _atom(
            "<id>tag:github.example,2008:Repository/1/v2.0</id><updated>2026-11-20T08:00:00Z</updated><link rel='alternate' type='text/html' href='https://git.example/r/v2.0'/><title>v2.0: faster locks</title>"
            f"<content type='html'>{escape('<h2>Changes</h2><ul><li>Locks open twice as fast</li><li>Fixes a leak in gate two</li></ul>')}</content><author><name>lockbot</name></author>",
            "<id>tag:github.example,2008:Repository/1/v1.9</id><updated>2026-11-10T08:00:00Z</updated><link rel='alternate' href='https://git.example/r/v1.9'/><title>v1.9</title><content>No content.</content>",
        ),
        "application/atom+xml; charset=utf-8",
        ("v2.0: faster locks", "v1.9"),
    ),
    "podcast": Shape(
        _rss(
            f"<title>Episode 7: The lock keeper</title>{_place('p7')}<itunes:title>The lock keeper</itunes:title><itunes:author>Harbour Radio</itunes:author><itunes:summary>We spend a night at the lock.</itunes:summary>"
            f"<description>{_cdata('<p>We spend a night at the lock, with Ines Tarrow.</p><ul><li>00:00 Start</li><li>12:30 The gate</li></ul>')}</description>"
            "<enclosure url='https://audio.example/7.mp3' length='1' type='audio/mpeg'/><itunes:duration>1830</itunes:duration>",
        ),
        _RSS,
        ("Episode 7: The lock keeper",),
    ),
    "aggregator": Shape(
        _rss(
            f"<title>Bridge vote ends long argument - The Lowland Courier</title>{_place('n1')}<description>&lt;a href=\"https://n.example/1\"&gt;Bridge vote ends long argument&lt;/a&gt;&amp;nbsp;&amp;nbsp;&lt;font&gt;The Lowland Courier&lt;/font&gt;</description>",
            f"<title>Show: a tide clock</title>{_place('n2')}<description>{_cdata('<a href=https://hn.example/item?id=2>Comments</a>')}</description>",
        ),
        _RSS,
        ("Bridge vote ends long argument - The Lowland Courier", "Show: a tide clock"),
    ),
    "government": Shape(
        _atom(
            "<id>https://gov.example/g1#2026</id><updated>2026-11-20T08:00:00+01:00</updated><link rel='alternate' type='text/html' href='https://gov.example/g1'/>"
            "<title>Guidance: Bridges &amp; Roads Act 2026</title><summary type='html'>How the Act applies to canal bridges.</summary>",
        ),
        _ATOM,
        ("Guidance: Bridges & Roads Act 2026",),
    ),
    "chinese": Shape(
        _rss(
            "<title>运河大桥将于三月重建</title><link>https://feed.example/zh1</link><description>市议会周四投票决定重建运河上唯一的大桥。</description><pubDate>2026/11/18 15:07:41</pubDate>",
            charset="gb2312",
        ),
        "text/xml",
        ("运河大桥将于三月重建",),
    ),
    "arabic": Shape(
        _rss(f"<title>\u200fالمجلس يقرر بناء الجسر\u200f</title>{_place('ar1')}<description>صوت المجلس يوم الخميس على إعادة بناء الجسر الوحيد فوق القناة.</description>", head="<language>ar</language>"),
        _RSS,
        ("المجلس يقرر بناء الجسر",),
    ),
    "cyrillic": Shape(
        _rss(
            f"<title>Мост через канал построят заново</title>{_place('ru1', 'Чт, 19 ноя 2026 10:00:00 +0300')}<description>Совет проголосовал.</description>"
            "<yandex:full-text xmlns:yandex='http://news.yandex.ru'>Городской совет в четверг решил заново построить единственный мост через канал.</yandex:full-text>",
            charset="windows-1251",
        ),
        "text/xml",
        ("Мост через канал построят заново",),
    ),
    "json feed": Shape(
        json.dumps(
            {
                "version": "https://jsonfeed.org/version/1.1",
                "title": "Notes",
                "items": [
                    {"id": 1, "url": "https://notes.example/1", "title": "Profit < 5", "content_text": "The board met.\n\nProfit < 5 and said <stop> signs.", "authors": {"name": "Ada Quist"}},
                    {"id": "2", "url": "https://notes.example/2", "content_html": "<p>A note without any title.</p>"},
                ],
            }
        ).encode(),
        "application/feed+json",
        ("Profit < 5", "A note without any title"),
    ),
    "rss 0.91": Shape(
        b'<?xml version="1.0"?>\n<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">\n'
        b'<rss version="0.91"><channel><title>Old</title><link>https://old.example/</link><description>x</description><language>en</language>'
        b"<item><title>The old caf&eacute; &copy; still speaks</title><link>https://old.example/1</link><description>After twenty years it still has news.</description></item>"
        b"<item><title>Second headline only</title><link>https://old.example/2</link></item></channel></rss>",
        "text/xml",
        ("The old café © still speaks", "Second headline only"),
    ),
    "rdf": Shape(
        b'<?xml version="1.0" encoding="UTF-8"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        b'<channel rdf:about="https://rdf.example/"><title>R</title><link>https://rdf.example/</link><description>d</description></channel>'
        b'<item rdf:about="https://rdf.example/1"><title>D&amp;D night at the lock</title><link>https://rdf.example/1</link><description>Players met on Tuesday.</description><dc:date>2026-11-18T09:00:00+01:00</dc:date></item></rdf:RDF>',
        "application/rdf+xml",
        ("D&D night at the lock",),
    ),
    "atom text": Shape(
        _atom("<id>urn:t1</id><link href='https://feed.example/t1'/><updated>2026-11-20T08:00:00Z</updated><title>Use &lt;b&gt; sparingly</title><content type='text'>In a text, &lt;b&gt; is a word and 3 &lt; 4.</content>"),
        _ATOM,
        ("Use <b> sparingly",),
    ),
    "atom xhtml": Shape(
        _atom(
            "<id>urn:x1</id><link href='https://feed.example/x1'/><updated>2026-11-20T08:00:00Z</updated><title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>Less is <em>more</em></div></title>"
            "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>The council writes shorter letters.</p><ul><li>One page</li></ul></div></content>"
        ),
        _ATOM,
        ("Less is more",),
    ),
}  # fmt: skip
