"""The catalogue of hostile feeds (F01-F26) through the real parser child: a verdict each in time, the next unharmed."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable

import pytest

from services.ingest.adapters.feed_parser import FeedParser
from services.ingest.domain.feeds.model import FeedDocument
from shared.errors import Permanent
from shared.sandbox import Limits

URL = "https://gazette.example/feed"
GOOD = b"<rss version='2.0'><channel><title>Good</title><item><title>One</title></item></channel></rss>"


def rss(items: str, head: str = "", root: str = "") -> bytes:
    """A feed around these items."""
    start = f"<?xml version='1.0'?>{head}<rss version='2.0' {root}><channel><title>T</title>"
    return f"{start}{items}</channel></rss>".encode()


def item(body: str) -> str:
    return f"<item><title>A title</title><link>https://gazette.example/1</link>{body}</item>"


LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 12)) + "]>"
)
FEEDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "F01 billion laughs": (lambda: rss(item("<description>&a11;</description>"), LAUGHS), "feed-doctype"),
    "F02 quadratic": (lambda: rss("&a;" * 50_000, f"<!DOCTYPE x [<!ENTITY a '{'a' * 50_000}'>]>"), "feed-doctype"),
    "F03 file": (lambda: rss("&a;", "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"), "feed-doctype"),
    "F04 http": (lambda: rss("&a;", "<!DOCTYPE x [<!ENTITY a SYSTEM 'http://127.0.0.1/'>]>"), "feed-doctype"),
    "F05 parameter": (lambda: rss("", "<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://127.0.0.1/'> %a;]>"), "feed-doctype"),
    "F06 external": (lambda: rss("", "<!DOCTYPE x SYSTEM 'http://127.0.0.1/x.dtd'>"), "read"),
    "F07 XInclude": (
        lambda: rss(
            item("<description><xi:include href='file:///etc/passwd' parse='text'/></description>"),
            root="xmlns:xi='http://www.w3.org/2001/XInclude'",
        ),
        "read",
    ),
    "F08 200k items": (lambda: rss(item("") * 50_000), "read"),
    "F09 nested items": (lambda: rss("<item>" * 50_000), "read"),
    "F10 CDATA of tags": (lambda: rss(item(f"<description><![CDATA[{'<a ' * 1_600_000}]]></description>")), "any"),
    "F11 same guid": (lambda: rss(item("<guid>1</guid>") * 3), "read"),
    "F13 no guid, no link": (lambda: rss("<item><title>Only a title</title></item>"), "read"),
    "F15 hostile base": (lambda: rss(item("<comments>x</comments>"), root="xml:base='javascript:alert(1)'"), "read"),
    "F18 an error page": (lambda: b"<!DOCTYPE html><html><h1>502</h1></html>", "feed-html"),
    "F22 UTF-7": (lambda: b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE x+AD4-<rss/>", "feed-not-a-feed"),
    "F23 scripts": (lambda: rss(item("<description>&lt;script&gt;alert(1)&lt;/script&gt;</description>")), "read"),
    "F24 enclosure inside": (lambda: rss(item("<enclosure url='http://10.0.0.1/x' type='audio/mpeg'/>")), "read"),
    "F26 JSON": (lambda: json.dumps({"items": [{"id": "1", "title": "A title"}]}).encode(), "read"),
    "deep JSON": (lambda: b'{"items":' + b"[" * 100_000, "feed-not-a-feed"),
    "open comments": (lambda: rss("<!--" * 1_200_000), "any"),
    "open CDATA": (lambda: rss("<![CDATA[" * 500_000), "any"),
    "open tags": (lambda: rss("<" * 5_000_000), "any"),
    "naked categories": (lambda: rss("<category><b>" * 350_000), "any"),
    "open images": (lambda: rss(item("<description>" + "&lt;img src=" * 350_000 + "</description>")), "any"),
    "one word": (lambda: rss(item(f"<title>{'w' * 4_000_000}</title>")), "read"),
    "attributes": (lambda: rss(f"<item {' '.join(f'a{i}=' + repr('1') for i in range(200_000))}/>"), "any"),
    "noise": (lambda: bytes(range(256)) * 10_000, "any"),
    "sitemap nesting": (lambda: b"<urlset>" + b"<url>" * 500_000, "any"),
}  # fmt: skip
VERDICTS = {"read", "feed-doctype", "feed-html", "feed-not-a-feed", "sandbox-time", "sandbox-memory"}


@pytest.fixture
async def parser() -> AsyncIterator[FeedParser]:
    box = FeedParser(1, Limits(seconds=4.0, bytes=256 * 1024 * 1024))
    yield box
    await box.aclose()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_every_hostile_feed_ends_with_a_verdict_and_harms_no_neighbour(parser: FeedParser) -> None:
    verdicts: dict[str, str] = {}
    for name, (make, wanted) in FEEDS.items():
        data = make()[: 5 * 1024 * 1024]
        assert (await parser.read(GOOD)).items  # a fresh child is warm before the clock starts
        started = time.monotonic()
        document: FeedDocument | None = None
        try:
            document = await parser.read(data, url=URL)
            verdicts[name] = "read"
        except Permanent as error:
            verdicts[name] = error.rule
        took = time.monotonic() - started
        print(f"{name}: {verdicts[name]} in {took:.2f} s")
        assert took < 12, name
        assert wanted in {"any", verdicts[name]}, (name, verdicts[name])
        assert document is None or "root:" not in repr(document)
        assert (await parser.read(GOOD)).items[0].title == "One", name
    assert set(verdicts.values()) <= VERDICTS, verdicts


async def test_the_parser_child_reads_a_good_feed_as_the_domain_does(parser: FeedParser) -> None:
    document = await parser.read(rss(item("<guid>g</guid>")), url=URL, content_type="application/rss+xml")
    assert (document.title, document.items[0].guid) == ("T", "g")
    with pytest.raises(Permanent) as refused:
        await parser.read(b"nothing")
    assert refused.value.rule == "feed-not-a-feed"
