"""A revoked or expired key stops everything it began: streams, saved searches, their feeds and their webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from services.notify.app import NotifyService
from services.notify.settings import NotifySettings
from shared.clock import now
from shared.fetch import FetchSettings
from shared.store import Credentials, keys
from shared.store.subscriptions.registry import Subscriptions
from shared.store.webhooks.endpoints import Endpoints
from tests.support.builders import wait_until
from tests.support.fetching import http, origin
from tests.support.serving import WEBHOOK_KEY, new_app, publish, running
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis


@asynccontextmanager
async def delivering(url: str) -> AsyncIterator[NotifyService]:
    """The whole notify service on this store."""
    settings = NotifySettings(BROADSHEET_REDIS_URL=url, BROADSHEET_WEBHOOK_KEY=WEBHOOK_KEY)
    service = NotifyService(settings, FetchSettings())
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def end(redis_client: Any, key_id: str, how: str) -> None:
    if how == "revoked":
        assert await Credentials(redis_client).revoke(key_id)
    else:
        await redis_client.hset(keys.api_key(key_id), "expires_at", now().isoformat())


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_FETCH_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("BROADSHEET_FETCH_PORTS", "any")


class Desk:
    """A key that follows the news in every way there is."""

    def __init__(self, url: str, client: httpx.AsyncClient, redis_client: Any, key: str) -> None:
        self.url, self.client, self.redis, self.key = url, client, redis_client, key
        self.key_id = key.split("_")[1]
        self.headers = {"X-Api-Key": key}

    async def save(self, sink: str) -> str:
        answer = await self.client.post(
            f"{self.url}/v1/subscriptions", json={"q": "ferry", "sink": sink}, headers=self.headers
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["response"]["subscription"]["id"])

    async def status(self, ident: str) -> tuple[str, str]:
        found = await Endpoints(self.redis).get(ident)
        assert found is not None
        return found.status, found.reason


@asynccontextmanager
async def open_desk(valkey: Valkey, redis_client: Any) -> AsyncIterator[Desk]:
    key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
    async with running(new_app(valkey.url)) as url, httpx.AsyncClient(timeout=20) as client:
        yield Desk(url, client, redis_client, key)


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_its_webhooks_get_nothing_more(valkey: Valkey, redis_client: Any, how: str) -> None:
    async with (
        open_desk(valkey, redis_client) as desk,
        origin(lambda _: http("200 OK")) as hook,
        delivering(valkey.url),
    ):
        ident = await desk.save(hook.url("/mine"))
        other, _ = await Credentials(redis_client).create("other", frozenset({"subscribe"}))
        neighbour = await Desk(desk.url, desk.client, redis_client, other).save(hook.url("/other"))

        async def active() -> bool:
            return all([(await desk.status(one))[0] == "active" for one in (ident, neighbour)])

        await wait_until(active)
        await publish(redis_client, title="The ferry comes", external_id="a1")
        await wait_until(lambda: [one.path for one in hook.asked].count("/mine") == 2)  # the ping, and the event
        await end(redis_client, desk.key_id, how)

        async def disabled() -> bool:
            return await desk.status(ident) == ("disabled", f"key-{how}")

        await wait_until(disabled, timeout=5)
        await publish(redis_client, title="The ferry goes", external_id="a2")
        await wait_until(lambda: [one.path for one in hook.asked].count("/other") == 3)
        assert [one.path for one in hook.asked].count("/mine") == 2


async def test_its_stream_its_searches_and_their_feeds_end(valkey: Valkey, redis_client: Any) -> None:
    async with open_desk(valkey, redis_client) as desk:
        client = desk.client
        ident = await desk.save("https://desk.example.org/hook")
        paths = [f"/v1/subscriptions/{ident}", f"/feeds/subscriptions/{ident}.atom", f"/v1/events?subscription={ident}"]
        async with client.stream("GET", desk.url + paths[2], headers=desk.headers) as stream:
            assert stream.status_code == 200
            await end(redis_client, desk.key_id, "revoked")
            async for _ in stream.aiter_bytes():
                pass  # it ends by itself, long before its lifetime

        async def refused() -> bool:
            answers = [await client.get(desk.url + path, headers=desk.headers) for path in paths]
            return {answer.status_code for answer in answers} == {401}

        await wait_until(refused, timeout=5)


async def test_a_private_feed_cannot_be_followed_through_the_hub(valkey: Valkey, redis_client: Any) -> None:
    async with open_desk(valkey, redis_client) as desk, origin(lambda _: http("200 OK")) as callback:
        ident = await desk.save("https://desk.example.org/hook")
        topic = f"{desk.url}/feeds/subscriptions/{ident}.atom"
        settings = NotifySettings(
            BROADSHEET_REDIS_URL=valkey.url,
            BROADSHEET_WEBHOOK_KEY=WEBHOOK_KEY,
            public_url="http://127.0.0.1:8000",
            serve_url=desk.url,
        )
        form = {"hub.mode": "subscribe", "hub.callback": callback.url("/cb")}
        form["hub.topic"] = topic.replace(desk.url, "http://127.0.0.1:8000")
        answer = await desk.client.post(f"{desk.url}/v1/websub", data=form)
        assert answer.status_code in {202, 400}
        if answer.status_code == 202:
            service = NotifyService(settings, FetchSettings())
            await service.start()
            try:
                await wait_until(lambda: any("hub.mode=denied" in one.path for one in callback.asked))
            finally:
                await service.stop()
            assert not any("challenge" in one.path for one in callback.asked)


class TestAdmin:
    @pytest.fixture
    async def admin(self, redis_client: Any) -> dict[str, str]:
        key, _ = await Credentials(redis_client).create("admin", frozenset({"admin"}))
        return {"X-Api-Key": key}

    async def test_lists_and_removes_what_any_key_made(
        self, valkey: Valkey, redis_client: Any, admin: dict[str, str]
    ) -> None:
        async with open_desk(valkey, redis_client) as desk:
            made = [await desk.save(f"https://desk.example.org/{n}") for n in range(3)]
            path = f"{desk.url}/v1/subscriptions"
            await end(redis_client, desk.key_id, "revoked")
            for owner in (desk.key_id, "*"):
                answer = await desk.client.get(path, params={"owner": owner}, headers=admin)
                body = answer.json()["response"]
                assert [(one["id"], one["owner"]) for one in body["results"]] == [(one, desk.key_id) for one in made]
            answer = await desk.client.get(path, params={"owner": "*", "page": 2, "page-size": 2}, headers=admin)
            assert [one["id"] for one in answer.json()["response"]["results"]] == made[2:]
            assert (await desk.client.get(path, headers=admin)).json()["response"]["total"] == 0
            for one in made:
                assert (await desk.client.delete(f"{path}/{one}", headers=admin)).status_code == 204
            assert (await Subscriptions(redis_client).page())[1] == 0
            assert [await Endpoints(redis_client).get(one) for one in made] == [None] * 3

    @pytest.mark.parametrize("owner", ["*", "0123456789ab"])
    async def test_others_list_their_own_only(self, valkey: Valkey, redis_client: Any, owner: str) -> None:
        async with open_desk(valkey, redis_client) as desk:
            path = f"{desk.url}/v1/subscriptions"
            assert (await desk.client.get(path, params={"owner": owner}, headers=desk.headers)).status_code == 403
            own = await desk.client.get(path, params={"owner": desk.key_id}, headers=desk.headers)
            assert own.status_code == 200

    @pytest.mark.parametrize("how", ["revoked", "expired"])
    async def test_cannot_bring_them_back_to_life(
        self, valkey: Valkey, redis_client: Any, admin: dict[str, str], how: str
    ) -> None:
        async with open_desk(valkey, redis_client) as desk:
            path = f"{desk.url}/v1/subscriptions/{await desk.save('https://desk.example.org/hook')}"
            await end(redis_client, desk.key_id, how)
            answers = [
                await desk.client.patch(path, json={"sink": "https://else.example.org/"}, headers=admin),
                await desk.client.post(f"{path}/enable", headers=admin),
            ]
            assert [answer.status_code for answer in answers] == [409, 409]
            assert {answer.json()["type"].rpartition(":")[2] for answer in answers} == {f"key-{how}"}
