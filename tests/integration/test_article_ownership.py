"""An article belongs to the source that first sent it: what keys of another source cannot do, and what an admin can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from shared.claims import Ruling
from shared.envelope import decode
from shared.events import ArticleReceived
from shared.store import keys, open_store
from shared.store.articles.port import Original
from tests.support.ingest_http import JSON, NDJSON, make_key, open_ingest, verdicts
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

URL = "https://bbc.example/news/ferry"
MINE = {"source": "bbc", "url": URL, "text": "The ferry line reopens in the autumn, the council said."}
BY_TEXT = {"source": "bbc", "text": MINE["text"]}
BY_ID = {"source": "bbc", "id": "ferry-1", "text": MINE["text"]}


class Desk:
    """Two producers, an editor and an administrator on one ingest."""

    def __init__(self, client: httpx.AsyncClient, redis_client: Any, held: dict[str, str]) -> None:
        self.client, self.redis, self.held = client, redis_client, held
        self.store = open_store(redis_client)

    async def post(self, who: str, fields: dict[str, Any]) -> httpx.Response:
        headers = {**JSON, "x-api-key": self.held[who]}
        return await self.client.post("/v1/articles", content=orjson.dumps(fields), headers=headers)

    async def act(self, who: str, ident: str, verb: str, **fields: str) -> httpx.Response:
        headers = {"x-api-key": self.held[who]}
        if verb == "corrections":
            return await self.client.delete(f"/v1/articles/{ident}/corrections/1", headers=headers)
        body = {"reason": "It was wrong.", **fields}
        return await self.client.post(f"/v1/articles/{ident}/{verb}", json=body, headers=headers)

    async def text(self, ident: str) -> str:
        (original,) = await self.store.originals([ident])
        assert isinstance(original, Original)
        return str(orjson.loads(original.data)["text"])

    async def record(self, ident: str) -> dict[str, str]:
        row = await self.redis.hmget(keys.article(ident), "rev", "state", "source", "pver")
        return dict(zip(("rev", "state", "source", "pver"), [(value or b"").decode() for value in row], strict=True))

    async def forget_source(self, ident: str) -> None:
        """Make the record one that was stored before records named their source."""
        assert await self.redis.hdel(keys.article(ident), "source") == 1

    async def events(self) -> list[tuple[str, int]]:
        rows = await self.redis.xrange("{p0}:article.received.v1")
        found = [ArticleReceived.from_json(decode(fields)[1]).article for _, fields in rows]
        return [(ref.article_id, ref.rev) for ref in found]


@asynccontextmanager
async def open_desk(valkey: Valkey, redis_client: Any) -> AsyncIterator[Desk]:
    async with open_ingest(valkey.url) as client:
        held = {
            "bbc": await make_key(valkey.url, "ingest", "edit", sources=("bbc",)),
            "thief": await make_key(valkey.url, "ingest", "edit", sources=("thief*",)),
            "all": await make_key(valkey.url, "ingest", "edit", sources=("*",)),
            "admin": await make_key(valkey.url, "admin", sources=("*",)),
            "bbc-admin": await make_key(valkey.url, "admin", sources=("bbc",)),
        }
        yield Desk(client, redis_client, held)


@pytest.fixture
async def desk(valkey: Valkey, redis_client: Any) -> AsyncIterator[Desk]:
    async with open_desk(valkey, redis_client) as found:
        yield found


@pytest.mark.parametrize("mine", [MINE, BY_TEXT], ids=["url", "text"])
async def test_another_source_gets_an_article_of_its_own(desk: Desk, mine: dict[str, str]) -> None:
    first = (await desk.post("bbc", mine)).json()
    stolen = mine | {"source": "thief", "title": "Stolen"}
    second = (await desk.post("thief", stolen)).json()
    assert (second["status"], second["rev"]) == ("accepted", 1)
    assert second["id"] != first["id"]
    assert (await desk.record(first["id"])) == {"rev": "1", "state": "received", "source": "bbc", "pver": ""}
    assert (await desk.record(second["id"]))["source"] == "thief"
    assert await desk.events() == [(first["id"], 1), (second["id"], 1)]
    again = (await desk.post("thief", stolen)).json()
    assert (again["id"], again["rev"], again["status"]) == (second["id"], 1, "unchanged")
    revised = (await desk.post("bbc", mine | {"title": "Corrected"})).json()
    assert (revised["id"], revised["rev"]) == (first["id"], 2)
    further = (await desk.post("thief", stolen | {"source": "thief-2"})).json()
    assert further["id"] not in {first["id"], second["id"]}


async def test_the_page_of_a_url_stays_what_its_source_said(desk: Desk) -> None:
    first = (await desk.post("bbc", MINE)).json()
    other = (await desk.post("thief", MINE | {"source": "thief", "text": "Buy these pills."})).json()
    assert await desk.text(first["id"]) == MINE["text"]
    assert await desk.text(other["id"]) == "Buy these pills."


@pytest.mark.parametrize("source", ["thief", "thief-too"])
async def test_a_version_of_another_source_does_not_block_the_owner(desk: Desk, source: str) -> None:
    first = (await desk.post("bbc", MINE | {"version": 1})).json()
    assert (await desk.post("thief", MINE | {"source": source, "version": 2**53})).status_code == 202
    revised = await desk.post("bbc", MINE | {"version": 2, "title": "Corrected"})
    assert (revised.status_code, revised.json()["id"], revised.json()["rev"]) == (202, first["id"], 2)


async def test_both_sources_in_one_upload_make_two_articles(desk: Desk) -> None:
    lines = [MINE, MINE | {"source": "thief"}, MINE | {"title": "Again"}, MINE | {"source": "thief", "title": "More"}]
    body = b"\n".join(map(orjson.dumps, lines))
    headers = {**NDJSON, "x-api-key": desk.held["all"]}
    rows, _ = verdicts(await desk.client.post("/v1/articles/bulk", content=body, headers=headers))
    assert [(row["status"], row["rev"]) for row in rows] == [("accepted", n) for n in (1, 1, 2, 2)]
    assert rows[0]["id"] == rows[2]["id"] != rows[1]["id"] == rows[3]["id"]
    assert await desk.events() == [(row["id"], row["rev"]) for row in rows]


async def test_a_retry_with_an_idempotency_key_answers_the_own_article(desk: Desk) -> None:
    await desk.post("bbc", MINE)
    headers = {**JSON, "x-api-key": desk.held["thief"], "idempotency-key": "once"}
    body = orjson.dumps(MINE | {"source": "thief"})
    answers = [await desk.client.post("/v1/articles", content=body, headers=headers) for _ in range(2)]
    assert [answer.json()["status"] for answer in answers] == ["accepted", "replayed"]
    assert answers[0].json()["id"] == answers[1].json()["id"]


@pytest.mark.parametrize("verb", ["withdraw", "retract", "restore", "corrections"])
async def test_an_edit_key_acts_on_its_own_sources_only(desk: Desk, verb: str) -> None:
    ident = (await desk.post("bbc", MINE | {"correction": "It was Tuesday."})).json()["id"]
    if verb == "restore":
        assert (await desk.act("bbc", ident, "withdraw")).status_code == 202
    before = await desk.record(ident)
    refused = await desk.act("thief", ident, verb)
    assert refused.status_code == 403
    assert refused.json()["detail"] == "source: 'bbc' is not one this key may write; it writes thief*"
    assert await desk.record(ident) == before
    assert (await desk.act("bbc", ident, verb)).status_code == 202


async def test_an_article_without_a_source_is_edited_by_keys_of_all_sources(desk: Desk) -> None:
    page = {"html": '<meta property="og:site_name" content="bbc"><h1>A</h1><p>The ferry is back.</p>'}
    ident = (await desk.post("all", page)).json()["id"]
    assert (await desk.act("bbc", ident, "withdraw")).status_code == 403
    assert (await desk.act("all", ident, "withdraw")).status_code == 202


@pytest.mark.parametrize("verb", ["original", "not-a-copy"])
async def test_a_ruling_counts_for_the_sources_of_the_editors_key(desk: Desk, verb: str) -> None:
    ident = (await desk.post("bbc", MINE)).json()["id"]
    assert (await desk.act("bbc", ident, verb)).status_code == 409  # nobody can have seen it yet
    await desk.redis.hset(keys.article(ident), "state", "published")
    assert (await desk.act("thief", ident, verb)).status_code == 403
    answer = await desk.act("bbc", ident, verb)
    assert (answer.status_code, answer.json()["rev"]) == (202, 2)
    ruling = Ruling.unpack(await desk.redis.hget(keys.article(ident), "ruling"))
    assert ruling == Ruling(is_original=verb == "original", sources=frozenset({"bbc"}))
    assert (await desk.record(ident))["state"] == "published"
    assert await desk.events() == [(ident, 1), (ident, 2)]


class TestOldRecords:
    """Articles that were stored before records named their source."""

    @pytest.mark.parametrize("mine", [MINE, BY_TEXT, BY_ID], ids=["url", "text", "id"])
    async def test_the_source_of_the_original_owns_it(self, desk: Desk, mine: dict[str, str]) -> None:
        ident = (await desk.post("bbc", mine)).json()["id"]
        await desk.forget_source(ident)
        other = (await desk.post("thief", mine | {"source": "thief"})).json()
        assert other["id"] != ident
        revised = (await desk.post("bbc", mine | {"title": "Corrected"})).json()
        assert (revised["id"], revised["rev"]) == (ident, 2)

    async def test_editors_are_held_to_the_source_of_the_original(self, desk: Desk) -> None:
        ident = (await desk.post("bbc", MINE)).json()["id"]
        await desk.forget_source(ident)
        assert (await desk.act("thief", ident, "retract")).status_code == 403
        assert (await desk.act("bbc", ident, "retract")).status_code == 202

    async def test_a_retracted_article_stays_retracted_for_its_source(self, desk: Desk) -> None:
        ident = (await desk.post("bbc", BY_ID)).json()["id"]
        assert (await desk.act("bbc", ident, "retract")).status_code == 202
        await desk.forget_source(ident)
        assert (await desk.post("bbc", BY_ID)).status_code == 410

    async def test_an_upload_over_many_old_records_keeps_their_order(self, desk: Desk) -> None:
        lines = [BY_ID | {"id": str(n % 3), "text": f"Text {n}."} for n in range(9)]
        first = orjson.dumps(lines[0])
        headers = {**NDJSON, "x-api-key": desk.held["bbc"]}
        rows, _ = verdicts(await desk.client.post("/v1/articles/bulk", content=first, headers=headers))
        await desk.forget_source(rows[0]["id"])
        body = b"\n".join(orjson.dumps(line | {"title": "Again"}) for line in lines)
        rows, _ = verdicts(await desk.client.post("/v1/articles/bulk", content=body, headers=headers))
        assert [row["rev"] for row in rows] == [2, 1, 1, 3, 2, 2, 4, 3, 3]
        assert await desk.text(rows[6]["id"]) == "Text 6."

    async def test_a_damaged_original_belongs_to_the_source_of_nothing(self, desk: Desk) -> None:
        ident = (await desk.post("bbc", MINE)).json()["id"]
        await desk.forget_source(ident)
        await desk.redis.hset(keys.article(ident), "raw", b"damaged")
        assert (await desk.act("thief", ident, "withdraw")).status_code == 403
        assert (await desk.act("all", ident, "withdraw")).status_code == 202


class TestMove:
    async def test_an_administrator_moves_an_article(self, desk: Desk) -> None:
        ident = (await desk.post("bbc", MINE | {"version": 9})).json()["id"]
        moved = await desk.act("admin", ident, "move", source="thief")
        assert (moved.status_code, moved.json()["rev"]) == (202, 2)
        assert (await desk.record(ident))["source"] == "thief"
        (original,) = await desk.store.originals([ident])
        assert isinstance(original, Original)
        assert original.submission.source == "thief"
        (record,) = await desk.store.records([ident])
        assert record is not None
        assert [(act.verb.value, act.rev, act.by, act.note) for act in record.acts] == [
            ("move", 2, "tests", "from bbc to thief")
        ]
        assert await desk.events() == [(ident, 1), (ident, 2)]
        revised = (await desk.post("thief", MINE | {"source": "thief", "version": 1})).json()
        assert (revised["id"], revised["rev"]) == (ident, 3)
        assert (await desk.act("bbc", ident, "withdraw")).status_code == 403
        own = (await desk.post("bbc", MINE | {"version": 10})).json()
        assert (own["rev"], own["id"] == ident) == (1, False)

    async def test_what_was_moved_on_is_not_taken_back_by_posting(self, desk: Desk) -> None:
        ident = (await desk.post("bbc", MINE)).json()["id"]
        own = (await desk.post("thief", MINE | {"source": "thief"})).json()["id"]
        assert ident != own
        assert (await desk.act("admin", own, "move", source="bbc")).status_code == 202
        refused = await desk.post("thief", MINE | {"source": "thief", "title": "Again"})
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "moved")

    @pytest.mark.parametrize(("who", "status"), [("all", 403), ("bbc", 403), ("bbc-admin", 403), ("admin", 202)])
    async def test_only_an_admin_key_of_both_sources_moves(self, desk: Desk, who: str, status: int) -> None:
        ident = (await desk.post("bbc", MINE)).json()["id"]
        assert (await desk.act(who, ident, "move", source="thief")).status_code == status
        assert (await desk.record(ident))["source"] == ("thief" if status == 202 else "bbc")

    async def test_a_retry_moves_once_and_removed_articles_stay(self, desk: Desk) -> None:
        ident = (await desk.post("bbc", MINE)).json()["id"]
        headers = {"x-api-key": desk.held["admin"], "idempotency-key": "once"}
        body = {"source": "thief", "reason": "The wrong feed."}
        answers = [await desk.client.post(f"/v1/articles/{ident}/move", json=body, headers=headers) for _ in range(2)]
        assert [answer.json()["status"] for answer in answers] == ["accepted", "replayed"]
        assert (await desk.act("thief", ident, "withdraw")).status_code == 202
        assert (await desk.act("admin", ident, "move", source="bbc")).status_code == 409
        assert (await desk.act("admin", "a" * 26, "move", source="bbc")).status_code == 404
        assert (await desk.act("admin", ident, "move", source=" ")).status_code == 400
