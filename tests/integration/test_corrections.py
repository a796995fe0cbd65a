"""Correction notes over HTTP: posted through ingest, processed by the workers, read on every surface of serve."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.index.adapters.documents import index_doc
from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.articles import Article
from shared.events import about
from shared.store import PublicationLog, keys
from shared.store.articles import blobs
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from tests.support.fakes import FakeSearchIndex
from tests.support.ingest_http import JSON, make_key, open_ingest
from tests.support.taking_back import Way
from tests.support.valkey import Valkey
from tests.unit.index.fake_index import FakeIndex

pytestmark = pytest.mark.redis

FIRST = "It was Wednesday, not Tuesday."
SECOND = "The bridge is 90 m long & <b>not</b> 900 m."


class Newsroom:
    """A producer and an editor on ingest, the workers, and a reader on serve."""

    def __init__(self, ingest: httpx.AsyncClient, way: Way, serve: httpx.AsyncClient, index: FakeSearchIndex) -> None:
        self.ingest, self.way, self.serve, self.index = ingest, way, serve, index

    async def post(self, text: str, **fields: str) -> str:
        """A revision, through to the index; the article's id."""
        body = {"source": "example-gazette", "id": "a1", "title": "The bridge", "text": text} | fields
        answer = await self.ingest.post("/v1/articles", content=json.dumps(body), headers=JSON)
        assert answer.status_code == 202, answer.text
        await self.process(answer.json()["id"])
        return str(answer.json()["id"])

    async def process(self, ident: str) -> None:
        await self.way.drain()
        (article,) = await self.way.store.articles([ident])
        assert article is not None
        await self.index.upsert([index_doc(article)], op_id="test")

    async def surfaces(self, ident: str) -> dict[str, str]:
        """Where readers see an article, as text."""
        paths = {
            "article": f"/v1/articles/{ident}",
            "search": "/v1/search",
            "page": f"/articles/{ident}",
            "atom": "/feeds/front.atom",
            "rss": "/feeds/front.rss",
            "json feed": "/feeds/front.json",
            "ninjs": f"/v1/articles/{ident}/ninjs",
        }
        found = {}
        for name, path in paths.items():
            answer = await self.serve.get(path, follow_redirects=True)
            assert answer.status_code == 200, (name, answer.text)
            found[name] = answer.text
        return found

    async def events(self) -> list[str]:
        entries = await PublicationLog(self.way.client).read("0-0", count=100)
        return [entry.event.meta.type.removeprefix("article.") for entry in entries if about(entry.event).id]


@pytest.fixture
async def newsroom(
    valkey: Valkey, redis_client: Any, api: httpx.AsyncClient, index: FakeSearchIndex
) -> AsyncIterator[Newsroom]:
    queue = WriteQueue(
        FakeIndex(), SubmittedBatches(redis_client), WriteLimits(gather=0.0, first_poll=0.01, last_poll=0.02)
    )
    store = RedisArticleStore(redis_client)
    way = Way(redis_client, store, Indexer(store, queue))
    await way.open()
    async with open_ingest(valkey.url) as ingest:
        ingest.headers["x-api-key"] = await make_key(valkey.url, "ingest", "edit")
        yield Newsroom(ingest, way, api, index)
    await queue.aclose()


def said(surfaces: dict[str, str], note: str) -> set[str]:
    """The surfaces that hold the note, whatever they escape."""
    forms = {note, note.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), json.dumps(note)[1:-1]}
    forms |= {form.replace("&", "&amp;") for form in forms}
    return {name for name, text in surfaces.items() if any(form in text for form in forms)}


async def test_a_note_stays_on_every_surface_over_updates_that_do_not_repeat_it(newsroom: Newsroom) -> None:
    ident = await newsroom.post("The bridge opened on Tuesday.")
    before = await newsroom.surfaces(ident)
    everywhere = set(before)
    assert said(before, FIRST) == set()
    await newsroom.post("The bridge opened on Wednesday.", correction=FIRST)
    assert said(await newsroom.surfaces(ident), FIRST) == everywhere
    await newsroom.post("The bridge opened on Wednesday.")  # what the re-poll of a feed posts
    await newsroom.post("The bridge, 90 m long, opened on Wednesday.", correction=SECOND)
    await newsroom.post("The bridge, 90 m long, opened on Wednesday. It rained.")
    surfaces = await newsroom.surfaces(ident)
    assert said(surfaces, FIRST) == said(surfaces, SECOND) == everywhere
    assert await newsroom.events() == ["published", "corrected", "updated", "corrected", "updated"]
    content = json.loads(surfaces["article"])["response"]["content"]
    assert [(note["text"], note["rev"]) for note in content["corrections"]] == [(FIRST, 2), (SECOND, 4)]
    assert content["corrections"][0]["at"] < content["corrections"][1]["at"]
    assert content["correction"] == SECOND
    page = surfaces["page"]
    structured = json.loads(page.partition('<script type="application/ld+json">')[2].partition("</script>")[0])
    assert [one["text"] for one in structured["correction"]] == [FIRST, SECOND]
    assert [one["datePublished"][:19] for one in structured["correction"]] == [
        note["at"][:19] for note in content["corrections"]
    ]
    news = json.loads(surfaces["json feed"])["items"][0]["_news"]
    assert [note["text"] for note in news["corrections"]] == [FIRST, SECOND]
    assert json.loads(surfaces["json feed"])["items"][0]["date_modified"][:19] >= content["corrections"][1]["at"][:19]


async def test_an_editor_removes_one_note_and_it_stays_removed(newsroom: Newsroom, valkey: Valkey) -> None:
    ident = await newsroom.post("The bridge opened on Tuesday.")
    await newsroom.post("The bridge opened on Wednesday.", correction=FIRST)
    await newsroom.post("The bridge, 90 m long, opened on Wednesday.", correction=SECOND)
    tag = (await newsroom.serve.get(f"/v1/articles/{ident}")).headers["etag"]
    removed = await newsroom.ingest.delete(f"/v1/articles/{ident}/corrections/2")
    assert (removed.status_code, removed.json()["rev"]) == (202, 4)
    assert (await newsroom.serve.get(f"/v1/articles/{ident}", headers={"if-none-match": tag})).status_code == 200
    await newsroom.process(ident)
    surfaces = await newsroom.surfaces(ident)
    assert (said(surfaces, FIRST), said(surfaces, SECOND)) == (set(), set(surfaces))
    assert await newsroom.events() == ["published", "corrected", "corrected", "updated"]
    await newsroom.post("The bridge, 90 m long, opened on Wednesday at noon.", correction=FIRST)
    assert said(await newsroom.surfaces(ident), FIRST) == set()
    for path, status in {
        f"/v1/articles/{ident}/corrections/2": 404,
        f"/v1/articles/{ident}/corrections/9": 404,
        f"/v1/articles/{ident}/corrections/x": 404,
        f"/v1/articles/{'a' * 26}/corrections/2": 404,
    }.items():
        assert (await newsroom.ingest.delete(path)).status_code == status, path
    weak = {"x-api-key": await make_key(valkey.url, "ingest")}
    assert (await newsroom.ingest.delete(f"/v1/articles/{ident}/corrections/3", headers=weak)).status_code == 403
    reason = json.dumps({"reason": "It was invented."})
    assert (
        await newsroom.ingest.post(f"/v1/articles/{ident}/retract", content=reason, headers=JSON)
    ).status_code == 202
    assert (await newsroom.ingest.delete(f"/v1/articles/{ident}/corrections/3")).status_code == 409
    assert await newsroom.way.client.hget(keys.article(ident), "corrections") is None


async def test_the_note_of_an_article_stored_before_there_was_a_list_is_kept(newsroom: Newsroom) -> None:
    ident = await newsroom.post("The bridge opened on Tuesday.")
    await newsroom.post("The bridge opened on Wednesday.", correction=FIRST)
    key = keys.article(ident)
    await newsroom.way.client.hdel(key, "corrections")
    doc, sha256 = await newsroom.way.client.hmget(key, "doc", "doc_sha256")
    stored = json.loads(blobs.unpack(doc, sha256))
    stored.pop("corrections", None)
    assert Article.model_validate(stored).correction == FIRST
    blob, digest = blobs.pack(json.dumps(stored).encode())
    await newsroom.way.client.hset(key, mapping={"doc": blob, "doc_sha256": digest})
    await newsroom.process(ident)
    surfaces = await newsroom.surfaces(ident)
    assert said(surfaces, FIRST) == set(surfaces)
    await newsroom.post("The bridge opened on Wednesday. It rained.", correction=SECOND)
    await newsroom.post("The bridge opened on Wednesday. It rained all day.")
    surfaces = await newsroom.surfaces(ident)
    assert said(surfaces, FIRST) == said(surfaces, SECOND) == set(surfaces)
    removed = await newsroom.ingest.delete(f"/v1/articles/{ident}/corrections/2")
    assert removed.status_code == 202
    await newsroom.process(ident)
    surfaces = await newsroom.surfaces(ident)
    assert (said(surfaces, FIRST), said(surfaces, SECOND)) == (set(), set(surfaces))


async def test_the_note_of_an_old_record_can_be_removed_before_any_update(newsroom: Newsroom) -> None:
    ident = await newsroom.post("The bridge opened on Tuesday.")
    await newsroom.post("The bridge opened on Wednesday.", correction=FIRST)
    await newsroom.way.client.hdel(keys.article(ident), "corrections")
    assert (await newsroom.ingest.delete(f"/v1/articles/{ident}/corrections/2")).status_code == 202
    await newsroom.process(ident)
    assert said(await newsroom.surfaces(ident), FIRST) == set()
    await newsroom.post("The bridge opened on Wednesday. It rained.")
    assert said(await newsroom.surfaces(ident), FIRST) == set()


async def test_a_note_that_is_repeated_is_shown_once(newsroom: Newsroom) -> None:
    ident = await newsroom.post("The bridge opened on Tuesday.")
    await newsroom.post("The bridge opened on Wednesday.", correction=FIRST)
    await newsroom.post("The bridge opened on Wednesday. It rained.", correction=FIRST)
    content = json.loads((await newsroom.surfaces(ident))["article"])["response"]["content"]
    assert [(note["text"], note["rev"]) for note in content["corrections"]] == [(FIRST, 2)]
