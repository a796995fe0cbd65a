"""Answers that a healthy Meilisearch does not give, said by a server of our own: retries and the error map."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import orjson
import pytest
from aiohttp import web

from shared.errors import BroadsheetError, Permanent
from shared.search.errors import IndexMissing, InvalidQuery, QueueFull, SearchUnavailable
from shared.search.meilisearch import MeiliClient, MeiliIndex, admin
from tests.contracts.search_contract import SPEC, article, settled
from tests.support.valkey import free_port


class Scripted:
    """Answers each request with the next of its lines: (status, body, headers)."""

    def __init__(self, *lines: tuple[int, Any, dict[str, str]]) -> None:
        self.lines = list(lines)
        self.asked: list[dict[str, str]] = []
        self.port = free_port()

    async def __aenter__(self) -> MeiliClient:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self._client = MeiliClient(f"http://127.0.0.1:{self.port}", "key")
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        status, body, headers = self.lines.pop(0)
        return web.Response(status=status, body=orjson.dumps(body), headers=headers)


def refusal(status: int, code: str, **headers: str) -> tuple[int, Any, dict[str, str]]:
    return status, {"message": f"no: {code}", "code": code, "type": "invalid_request"}, headers


async def test_a_busy_server_is_asked_again_when_it_says() -> None:
    scripted = Scripted(
        refusal(503, "too_many_search_requests", **{"Retry-After": "1"}), refusal(502, ""), (200, {"fine": 1}, {})
    )
    async with scripted as client:
        started = asyncio.get_running_loop().time()
        assert await client.send("GET", "/health", within=5) == {"fine": 1}
        assert asyncio.get_running_loop().time() - started >= 1
    assert [asked["Accept-Encoding"] for asked in scripted.asked] == ["identity"] * 3
    assert scripted.asked[0]["Authorization"] == "Bearer key"


async def test_a_longer_wait_than_there_is_time_for_is_passed_on() -> None:
    scripted = Scripted(refusal(503, "too_many_search_requests", **{"Retry-After": "10"}))
    async with scripted as client:
        with pytest.raises(SearchUnavailable) as raised:
            await client.post("/indexes/a/search", {})
    assert raised.value.retry_after == 10
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (refusal(422, "no_space_left_on_device"), QueueFull),
        (refusal(404, "index_not_found"), IndexMissing),
        (refusal(400, "invalid_search_q"), InvalidQuery),
        (refusal(400, "invalid_search_filter"), IndexMissing),
        (refusal(403, "invalid_api_key"), SearchUnavailable),
        (refusal(500, "internal"), SearchUnavailable),
        ((500, "not what we expect", {}), SearchUnavailable),
        (refusal(400, "malformed_payload"), Permanent),
        (refusal(404, ""), SearchUnavailable),
        (refusal(400, "invalid_index_uid"), SearchUnavailable),
    ],
)
async def test_each_refusal_is_an_error_of_the_port(
    line: tuple[int, Any, dict[str, str]], error: type[BroadsheetError]
) -> None:
    scripted = Scripted(line)
    async with scripted as client:
        with pytest.raises(error):
            await client.post("/indexes/a/search", {})
    assert len(scripted.asked) == 1  # none of them is tried again


ORDERED: dict[str, Any] = {
    "taskUid": 0, "indexUid": "articles", "status": "enqueued", "type": "indexCreation",
    "enqueuedAt": "2026-11-23T15:00:00.5Z",
}  # fmt: skip


async def test_a_payload_that_is_too_large_is_halved() -> None:
    found = (200, {"results": [], "createdAt": "2026-11-23T15:00:00.5Z"}, {})  # no documents; or the index, as it was
    taken = [(202, {"taskUid": uid}, {}) for uid in (1, 2)]
    done = (200, {"results": [{"uid": uid, "status": "succeeded"} for uid in (1, 2)]}, {})
    async with Scripted(
        (200, {"pkgVersion": "1.50.3"}, {}), (404, {"code": "index_not_found"}, {}), (202, ORDERED, {}),
        (202, ORDERED, {}),
        (202, {"taskUid": 0}, {}), (200, {"status": "succeeded"}, {}), found,
        found, found, refusal(413, "payload_too_large"), *taken, done, found,
    ) as client:  # fmt: skip
        index = MeiliIndex(client, writer=True)
        await index.ensure(SPEC)
        receipt = await index.upsert([article("a", "x"), article("b", "y")], op_id="op")
        assert orjson.loads(receipt.token)[1] == [1, 2]
        assert (await settled(index, receipt)).status == "visible"


async def test_another_version_is_refused() -> None:
    async with Scripted((200, {"pkgVersion": "1.49.0"}, {})) as client:
        with pytest.raises(Permanent, match=r"1\.49\.0"):
            await MeiliIndex(client, writer=True).ensure(SPEC)


@pytest.mark.parametrize("body", [{}, [], "up"])
async def test_an_answer_of_another_program_is_an_outage(body: Any) -> None:
    """To the questions of bootstrap and administration, too, which the official client asks."""
    async with Scripted((200, body, {})) as client:
        with pytest.raises(SearchUnavailable, match="not what Meilisearch says"):
            await MeiliIndex(client, writer=True).ensure(SPEC)


async def test_a_key_that_may_not_ask_for_the_version_is_good_enough() -> None:
    """Meilisearch tells it to keys for all indexes only."""
    async with Scripted(refusal(403, "invalid_api_key")) as client:
        assert await admin.check_version(client) == admin.UNKNOWN_VERSION


async def test_a_silent_server_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the kernel takes the connection, nobody answers
        client = MeiliClient(f"http://127.0.0.1:{listener.getsockname()[1]}", "")
        with pytest.raises(SearchUnavailable, match="did not answer"):
            await client.send("GET", "/health", within=0.2)
        await client.aclose()
