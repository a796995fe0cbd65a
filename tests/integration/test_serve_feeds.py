"""Feeds, sitemaps and exports over ASGI, on a real store and a fake engine: valid, complete, and cheap to poll."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from shared.articles import ArticleState, Tag
from shared.clock import now
from shared.events import Publication, Withdrawal
from shared.store import Credentials
from tests.support.announcing import log, publication, withdrawal
from tests.support.builders import NOON
from tests.support.fakes import FakeSearchIndex
from tests.support.feed_rules import assert_atom, assert_by_schema, assert_json_feed, assert_rss
from tests.support.serving import asgi, new_app, publish, serve_settings, set_state
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
BASE = "https://news.example"
HUB = "https://hub.example/"
NS = {"a": "http://www.w3.org/2005/Atom", "at": "http://purl.org/atompub/tombstones/1.0"}


@pytest.fixture
def changed_settings() -> dict[str, Any]:
    return {"public_url": BASE, "hub_url": HUB, "site_name": "The <Bay> & Co"}


async def test_every_kind_of_feed(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    await publish(redis_client, index)
    await publish(
        redis_client,
        index,
        external_id="b",
        title="Tunnel",
        dek="",
        summary="",
        section="a/b & c",
        source="x.y",
        tags=(Tag(slug="улица", label="Улица"),),
        paragraphs=(),
        keyphrases=(),
        authors=(),
    )
    for path, title in {
        "/feeds/streams/transport": "Harbour council votes to reopen the old ferry line",
        "/feeds/streams/%D1%83%D0%BB%D0%B8%D1%86%D0%B0": "Tunnel",
        "/feeds/sections/local": "Harbour council votes to reopen the old ferry line",
        "/feeds/sections/a%2Fb%20%26%20c": "Tunnel",
        "/feeds/sources/example-gazette": "Harbour council votes to reopen the old ferry line",
        "/feeds/sources/x.y": "Tunnel",
    }.items():
        feeds = {form: await api.get(f"{path}.{form}") for form in ("rss", "atom", "json")}
        found = assert_json_feed(feeds["json"].content)
        assert [item["title"] for item in found["items"]] == [title], path
        assert found["feed_url"] == f"{BASE}{path}.json"
        assert assert_atom(feeds["atom"].content).xpath("a:entry/a:title/text()", namespaces=NS) == [title]
        assert assert_rss(feeds["rss"].content).xpath("channel/item/title/text()") == [title]
        kinds = [feeds[form].headers["content-type"] for form in ("rss", "atom", "json")]
        assert kinds == [f"application/{kind}; charset=utf-8" for kind in ("rss+xml", "atom+xml", "feed+json")]
        link = feeds["atom"].headers["link"]
        assert f'<{BASE}{path}.atom>; rel="self"' in link
        assert f'<{HUB}>; rel="hub"' in link
    for nothing in ("streams/none", "sections/none", "sources/none", "stories/x", f"stories/{'a' * 26}"):
        assert (await api.get(f"/feeds/{nothing}.atom")).status_code == 404
    for bad in ("/feeds/front.xml", "/feeds/front.atom?page=0", "/feeds/front.atom?page=21"):
        answer = await api.get(bad)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), bad


async def test_searches_have_feeds_that_everybody_can_follow(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    await publish(redis_client, index)
    one = await api.get("/feeds/search.json", params={"language": "en", "q": '"ferry line" OR tunnel'})
    feed = assert_json_feed(one.content)
    assert len(feed["items"]) == 1
    assert feed["feed_url"] == f"{BASE}/feeds/search.json?q=%22ferry+line%22+OR+tunnel&lang=en"
    assert assert_json_feed((await api.get("/feeds/search.json?q=nothing")).content)["items"] == []
    bad = await api.get("/feeds/search.atom", params={"q": "(ferry OR", "match": "strict"})
    assert (bad.status_code, bad.json()["field"]) == (400, "q")
    key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
    other, _ = await Credentials(redis_client).create("other", frozenset({"subscribe"}))
    mine = {"authorization": f"Bearer {key}"}
    saved = (await api.post("/v1/subscriptions", json={"q": "ferry"}, headers=mine)).json()["response"]["subscription"]
    path = saved["links"]["feed"]
    assert (await api.get(path)).status_code == 401
    assert (await api.get(path, headers={"x-api-key": other})).status_code == 404
    answer = await api.get(path, headers=mine)
    assert len(assert_atom(answer.content).findall("a:entry", NS)) == 1
    assert answer.headers["cache-control"] == "private, no-cache"
    assert len(assert_atom((await api.get(saved["links"]["public_feed"])).content).findall("a:entry", NS)) == 1


async def test_pages_of_a_feed_are_every_article_once(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    for number in range(60):
        await publish(redis_client, index, external_id=f"n{number}", published_at=NOON - timedelta(minutes=number))
    seen: list[str] = []
    url = "/feeds/front.json"
    while url:
        feed = assert_json_feed((await api.get(url)).content)
        seen += [item["id"] for item in feed["items"]]
        url = feed.get("next_url", "").removeprefix(BASE)
    assert len(seen) == len(set(seen)) == 60
    second = assert_atom((await api.get("/feeds/front.atom?page=2")).content)
    links = {link.get("rel"): link.get("href") for link in second.findall("a:link", NS)}
    assert links["previous"] == f"{BASE}/feeds/front.atom"
    assert links["self"] == links["last"] == f"{BASE}/feeds/front.atom?page=2"


async def test_an_unchanged_feed_is_not_sent_again(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    await publish(redis_client, index)
    for path in ("/feeds/streams/transport.atom", "/feeds/front.rss", "/feeds/front.json", "/sitemap.xml"):
        first = await api.get(path)
        date = first.headers["last-modified"]
        assert parsedate_to_datetime(date) == NOON
        for headers in ({"if-none-match": first.headers["etag"]}, {"if-modified-since": date}):
            again = await api.get(path, headers=headers)
            assert (again.status_code, again.content) == (304, b""), headers
        both = {"if-none-match": '"other"', "if-modified-since": date}
        assert (await api.get(path, headers=both)).status_code == 200
        for date in ("Sat, 14 Mar 2026 11:59:59 GMT", "yesterday", "\x7f" * 200, "0"):
            assert (await api.get(path, headers={"if-modified-since": date})).status_code == 200
    tag = (await api.get("/feeds/streams/transport.atom")).headers["etag"]
    await publish(redis_client, index, external_id="elsewhere", tags=(Tag(slug="sport", label="Sport"),))
    quiet = await api.get("/feeds/streams/transport.atom", headers={"if-none-match": tag})
    assert quiet.status_code == 304, "what happens in other streams is no news here"


async def test_what_is_taken_back_leaves_a_tombstone(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    article, _ = await publish(redis_client, index)
    other, _ = await publish(redis_client, index, external_id="other")
    await set_state(redis_client, article.id, ArticleState.RETRACTED)
    listed = assert_json_feed((await api.get("/feeds/front.json")).content)
    assert [item["id"] for item in listed["items"]] == [f"{BASE}/articles/{other.id}"], "gone before the index knows"
    await index.delete([(article.id, 1)], op_id="gone")
    await log(redis_client, withdrawal(reason="It was <b>invented</b>.\x00"))
    for path in ("front", "streams/transport", "sections/local", "sources/example-gazette"):
        atom = assert_atom((await api.get(f"/feeds/{path}.atom")).content)
        (deleted,) = atom.findall("at:deleted-entry", NS)
        assert deleted.get("ref") == f"{BASE}/articles/{article.id}"
        assert deleted.findtext("at:comment", namespaces=NS) == "It was <b>invented</b>."
        assert article.title not in "".join(deleted.itertext())
    feed = assert_json_feed((await api.get("/feeds/search.json?q=tag:transport")).content)
    assert [one["id"] for one in feed["_news"]["deleted"]] == [f"{BASE}/articles/{article.id}"]
    assert assert_json_feed((await api.get("/feeds/search.json?q=tag:sport")).content)["_news"]["deleted"] == []
    await index.delete([(other.id, 1)], op_id="gone")
    alone = await api.get("/feeds/streams/transport.atom")
    assert alone.status_code == 200, "a stream whose articles are all gone still says so"
    await log(redis_client, publication(kind=Publication.RESTORED))
    restored = assert_atom((await api.get("/feeds/front.atom")).content)
    assert restored.findall("at:deleted-entry", NS) == []


async def test_updated_moves_with_corrections_only(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    async def updated() -> tuple[str, str, str]:
        root = assert_atom((await api.get("/feeds/front.atom")).content)
        entry = root.find("a:entry", NS)
        return tuple(entry.findtext(f"a:{name}", namespaces=NS) for name in ("id", "published", "updated"))

    await publish(redis_client, index)
    first = await updated()
    assert first[1] == first[2] == "2026-03-14T12:00:00.000Z"
    later = NOON + timedelta(hours=1)
    await publish(redis_client, index, rev=2, title="Harbour council votes", slug="other-slug", received_at=later)
    assert await updated() == first
    corrected = {"rev": 3, "received_at": NOON + timedelta(hours=2), "correction": "It was Wednesday."}
    await publish(redis_client, index, **corrected)
    assert await updated() == (first[0], first[1], "2026-03-14T14:00:00.000Z")
    await log(redis_client, publication(kind=Publication.CORRECTED, **corrected))
    await publish(redis_client, index, rev=4, received_at=NOON + timedelta(hours=3))
    assert (await updated())[2] >= first[2]


async def test_sitemaps(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    fresh, _ = await publish(
        redis_client,
        index,
        external_id="f",
        title="Fresh <&> \x00",
        published_at=now(),
        received_at=now(),
        language="und",
    )
    chinese, _ = await publish(
        redis_client, index, external_id="c", title="渡轮", published_at=now(), received_at=now(), language="zh-Hant"
    )
    await publish(redis_client, index, external_id="old", published_at=now() - timedelta(days=3), received_at=now())
    news = assert_by_schema((await api.get("/news-sitemap.xml")).content, "sitemap")
    texts = {one[0].text: [part.text for part in one[1].iter() if len(part) == 0] for one in news}
    assert {url: found[:2] for url, found in texts.items()} == {
        f"{BASE}/articles/{fresh.id}/{fresh.slug}": ["The <Bay> & Co", "en"],
        f"{BASE}/articles/{chinese.id}/{chinese.slug}": ["The <Bay> & Co", "zh-tw"],
    }
    whole = assert_by_schema((await api.get("/sitemap.xml")).content, "sitemap")
    streams = {f"{BASE}/streams/city-news", f"{BASE}/streams/transport"}
    assert {one[0].text for one in whole[:3]} == streams | {f"{BASE}/"}
    assert len(whole) == 1 + 2 + 3
    await set_state(redis_client, fresh.id, ArticleState.WITHDRAWN)
    assert len(assert_by_schema((await api.get("/news-sitemap.xml")).content, "sitemap")) == 1
    assert f"Sitemap: {BASE}/news-sitemap.xml" in (await api.get("/robots.txt")).text


async def test_a_feed_that_was_asked_for_before_follows_the_log(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    """The second request reads on from where the first one ended, over more entries than one read takes."""
    await publish(redis_client, index)
    assert (await api.get("/feeds/front.atom")).status_code == 200
    for number in range(3):
        await log(redis_client, withdrawal(external_id=f"w{number}", kind=Withdrawal.TYPE))
        for _ in range(300):
            await log(redis_client, publication(external_id="noise"))
    assert len(assert_atom((await api.get("/feeds/front.atom")).content).findall("at:deleted-entry", NS)) == 3


async def test_the_hub_is_named_only_where_there_is_one(valkey: Valkey, redis_client: Any) -> None:
    async with asgi(new_app(valkey.url, public_url=BASE)) as client:
        answer = await client.get("/feeds/front.json")
        assert "hubs" not in assert_json_feed(answer.content)
        assert "hub" not in answer.headers["link"].replace("github", "")
        assert assert_atom((await client.get("/feeds/front.atom")).content).findall("a:entry", NS) == []
        assert_rss((await client.get("/feeds/front.rss")).content)
    with pytest.raises(ValueError, match="hub_url"):
        serve_settings(valkey.url, hub_url="javascript:x")
