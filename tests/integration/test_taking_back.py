"""Taking back over HTTP: the door and its refusals; and after a retraction, the text is nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from services.enrich.adapters.sandbox import Sandbox
from services.enrich.handlers import EnrichBatch
from services.index.adapters.documents import SPEC
from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from services.serve.app import create_app
from shared.search import open_index
from shared.settings import BaseServiceSettings
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from shared.topology import PUBLICATIONS
from tests.support.builders import HARBOUR
from tests.support.ingest_http import JSON, TEXT, make_key, open_ingest
from tests.support.serving import asgi, serve_settings
from tests.support.taking_back import Way
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]
MARK = "zyxquandary"
REASON = {"reason": "The quote was invented."}
STORED = f"{HARBOUR}\n\nThe {MARK} of the piers was measured by hand, said the harbour master {MARK.title()} Penn.\n"


async def post(door: httpx.AsyncClient, external_id: str = "a1", text: str = STORED) -> str:
    params = {"source": "example-gazette", "id": external_id}
    answer = await door.post("/v1/articles", params=params, content=text.encode(), headers=TEXT)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def act(door: httpx.AsyncClient, ident: str, verb: str, body: Any = None, **headers: str) -> httpx.Response:
    content = orjson.dumps(REASON if body is None else body)
    return await door.post(f"/v1/articles/{ident}/{verb}", content=content, headers={**JSON, **headers})


async def test_only_forward_and_only_with_the_right_key(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as door:
        ident = await post(door)
        refused = await act(door, ident, "withdraw")
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:broadsheet:problem:wrong-scope")
        editor = {"x-api-key": await make_key(valkey.url, "edit")}
        assert (await door.post("/v1/articles", content=b"x", headers={**TEXT, **editor})).status_code == 403
        steps = [
            ("restore", 409),
            ("withdraw", 202),
            ("withdraw", 409),
            ("restore", 202),
            ("retract", 202),
            ("retract", 409),
            ("restore", 409),
            ("withdraw", 409),
        ]
        for verb, status in steps:
            answer = await act(door, ident, verb, **editor)
            assert answer.status_code == status, (verb, answer.text)
            if status == 409:
                assert answer.json()["type"] == "urn:broadsheet:problem:wrong-state"
        assert (await act(door, "a" * 26, "retract", **editor)).status_code == 404
        assert (await act(door, "nonsense", "retract", **editor)).status_code == 404
        late = await door.post(
            "/v1/articles", params={"source": "example-gazette", "id": "a1"}, content=b"A new text.", headers=TEXT
        )
        assert (late.status_code, late.json()["type"]) == (410, "urn:broadsheet:problem:retracted")
        line = orjson.dumps({"source": "example-gazette", "id": "a1", "text": "A new text."}) + b"\n"
        bulk = await door.post("/v1/articles/bulk", content=line, headers={"content-type": "application/x-ndjson"})
        assert b'"rejected"' in bulk.content


async def test_the_same_request_again_is_the_same_act(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, scope="admin") as door:
        ident = await post(door)
        key = {"Idempotency-Key": "takedown-1"}
        first = await act(door, ident, "withdraw", **key)
        again = await act(door, ident, "withdraw", **key)
        assert (first.status_code, first.json()["rev"]) == (202, 2)
        assert (again.status_code, again.json()["rev"], again.json()["status"]) == (200, 2, "replayed")
        assert (await act(door, ident, "retract", **key)).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"{}", "reason"),
        (b'{"reason":null}', "reason"),
        (b'{"reason":7}', "reason"),
        (b'{"reason":" \xe2\x80\x8b "}', "reason"),
        (b'{"reason":"a\\u0000b"}', "reason"),
        (b'{"reason":"a\\ud800b"}', "body"),
        (b'{"reason":"' + b"a" * 1001 + b'"}', "reason"),
        (b'{"reason":"x","force":true}', "force"),
        (b'{"reason":"x","reason":"y"}', "body"),
        (b"[" * 9000, "body"),
    ],
)
async def test_a_bad_request_names_the_field_and_does_nothing(
    valkey: Valkey, redis_client: Any, body: bytes, field: str
) -> None:
    async with open_ingest(valkey.url, scope="admin") as door:
        ident = await post(door)
        answer = await door.post(f"/v1/articles/{ident}/retract", content=body, headers=JSON)
        assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
        (record,) = await RedisArticleStore(redis_client).records([ident])
        assert record is not None
        assert (record.rev, record.state.value) == (1, "received")


@asynccontextmanager
async def stack(valkey: Valkey, client: Any, directory: Path) -> AsyncIterator[tuple[Way, Any]]:
    """Enrich and index on a real parser child, a real store and the embedded engine; a new serve on the same."""
    url = f"embedded:{directory}"
    engine = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=url), writer=True)
    store = RedisArticleStore(client)
    write_queue = WriteQueue(engine, SubmittedBatches(client), WriteLimits(gather=0.0))
    box = Sandbox(1)
    await box.start()
    await engine.ensure(SPEC)
    way = Way(client, store, Indexer(store, write_queue))
    way.enricher = EnrichBatch(store, box)
    await way.open()

    def serve() -> Any:
        return asgi(create_app(serve_settings(valkey.url, BROADSHEET_INDEX_URL=url)))

    try:
        yield way, serve
    finally:
        await write_queue.aclose()
        await engine.aclose()
        await box.aclose()


SURFACES = (
    "/v1/search?q={mark}",
    "/v1/search?q=&highlights=true&facets=tags,section,source,language",
    "/v1/suggest?q={short}",
    "/v1/tags",
    "/v1/articles/{id}",
    "/v1/articles/{id}/related",
    "/v1/articles/{id}/trace",
    "/v1/articles/{other}/related",
    "/articles/{id}/x",
    "/articles/{other}/x",
    "/search?q=harbour",
    "/",
    "/feeds/front.atom",
    "/feeds/front.rss",
    "/feeds/front.json",
    "/feeds/sources/example-gazette.atom",
)


async def everything(api: httpx.AsyncClient, ident: str, other: str) -> str:
    """What every public surface answers, in one text; the search words themselves are blanked."""
    texts = []
    for path in SURFACES:
        url = path.format(mark=MARK, short=MARK[:5], id=ident, other=other)
        answer = await api.get(url, follow_redirects=True)
        assert answer.status_code < 500, url
        texts.append(answer.text.replace(f'value="{MARK}"', "").replace(f"q={MARK}", ""))
    events = await api.get("/v1/events", params={"since": "earliest"}, headers={"accept": BATCH})
    assert events.status_code == 200
    return "\n".join([*texts, events.text])


BATCH = "application/cloudevents-batch+json"


async def in_redis(client: Any) -> list[str]:
    """Every key that holds the marker in clear text: names, values, fields."""
    found = []
    async for name in client.scan_iter(count=500):
        kind = await client.type(name)
        read = {b"hash": client.hgetall, b"set": client.smembers, b"string": client.get}.get(kind)
        value = await read(name) if read else await client.execute_command("XRANGE", name, "-", "+")
        if MARK in repr((name, value)).lower():
            found.append(name.decode())
    return found


@pytest.mark.slow
async def test_after_a_retraction_the_text_is_nowhere(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    async with (
        stack(valkey, redis_client, tmp_path / "index") as (way, serve),
        open_ingest(valkey.url, scope="admin") as door,
    ):
        ident = await post(door)
        other = await post(door, "a2", HARBOUR.replace("harbour", "quay"))
        await way.drain()
        async with serve() as api:
            before = await everything(api, ident, other)
            assert before.lower().count(MARK) > 2  # the scan sees what is there
        assert (await act(door, ident, "retract")).status_code == 202
        await way.drain()
        async with serve() as api:
            assert MARK not in (await everything(api, ident, other)).lower()
            assert "deleted-entry" in (await api.get("/feeds/front.atom")).text
            gone = await api.get(f"/v1/articles/{ident}")
            assert (gone.status_code, "invented" in gone.json()["detail"]) == (410, True)
            trace = (await api.get(f"/v1/articles/{ident}/trace")).json()["response"]
            assert (trace["state"], trace["provenance"]) == ("retracted", None)
            assert [(row["stage"], row["note"]) for row in trace["timeline"]][-1] == (
                "retracted",
                "tests: The quote was invented.",
            )
            events = (await api.get("/v1/events", params={"since": "earliest"}, headers={"accept": BATCH})).json()
            mine = [event for event in events if event["data"]["id"] == ident]
            assert [event["type"] for event in mine] == ["org.broadsheet.article.retracted.v1"]
            assert all("title" not in event["data"] for event in mine)
        # The log is never edited: it keeps the cards of past events, and serve gives none of them out (see above).
        assert await in_redis(redis_client) == [PUBLICATIONS.key]


@pytest.mark.slow
async def test_a_withdrawn_article_leaves_a_notice_and_comes_back(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    async with (
        stack(valkey, redis_client, tmp_path / "index") as (way, serve),
        open_ingest(valkey.url, scope="admin") as door,
    ):
        ident = await post(door)
        await way.drain()
        assert (await act(door, ident, "withdraw")).status_code == 202
        await way.drain()
        async with serve() as api:
            answer = await api.get(f"/v1/articles/{ident}")
            assert (answer.status_code, answer.headers["x-robots-tag"]) == (200, "noindex")
            body = answer.json()["response"]
            assert (body["status"], body["notice"]["reason"]) == ("withdrawn", REASON["reason"])
            assert body["notice"]["title"]
            page = await api.get(f"/articles/{ident}/anything")
            assert (page.status_code, 'content="noindex"' in page.text, REASON["reason"] in page.text) == (
                200,
                True,
                True,
            )
            assert MARK not in (answer.text + page.text).lower()
            assert (await api.get(f"/v1/articles/{ident}/related")).status_code == 410
            assert (await api.get(f"/v1/search?q={MARK}")).json()["response"]["total"] == 0
        assert (await act(door, ident, "restore")).status_code == 202
        await way.drain()
        async with serve() as api:
            assert (await api.get(f"/v1/articles/{ident}")).json()["response"]["status"] == "ok"
            assert (await api.get(f"/v1/search?q={MARK}")).json()["response"]["total"] == 1
