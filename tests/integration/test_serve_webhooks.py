"""The webhook of a saved search over HTTP: what its owner sees and may change, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.store import Credentials
from shared.store.webhooks.endpoints import Endpoints
from shared.webhooks import SecretCipher
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import WEBHOOK_KEY, asgi, new_app
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
SINK = "https://desk.example.org/hook"


@pytest.fixture
async def api(valkey: Valkey, redis_client: Any) -> AsyncIterator[httpx.AsyncClient]:
    key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
    async with asgi(new_app(valkey.url, FakeSearchIndex(), subscriptions_per_key=2)) as client:
        client.headers["authorization"] = f"Bearer {key}"
        yield client


async def hooked(api: httpx.AsyncClient, **body: Any) -> tuple[str, dict[str, Any]]:
    answer = await api.post("/v1/subscriptions", json={"q": "ferry", "sink": SINK} | body)
    assert answer.status_code == 201, answer.text
    said = answer.json()["response"]
    return f"/v1/subscriptions/{said['subscription']['id']}", dict(said["webhook"])


async def test_the_secret_is_shown_once_and_sealed_at_rest(api: httpx.AsyncClient, redis_client: Any) -> None:
    path, webhook = await hooked(api)
    assert (webhook["status"], webhook["url"]) == ("pending", SINK)
    assert webhook["secret"].startswith("whsec_")
    assert webhook["public_key"].startswith("whpk_")
    for shown in (await api.get(path), await api.get(f"{path}/deliveries"), await api.get("/v1/subscriptions")):
        assert shown.status_code == 200
        assert webhook["secret"] not in shown.text
    secret = webhook["secret"].removeprefix("whsec_").encode()
    async for key in redis_client.scan_iter():
        assert secret not in await redis_client.dump(key)
    endpoint = await Endpoints(redis_client).get(path.rsplit("/", 1)[1])
    assert endpoint is not None
    assert endpoint.sealed not in repr(endpoint)
    (kept,) = SecretCipher(WEBHOOK_KEY).decrypt(endpoint.sealed, owner=endpoint.id)
    assert (kept.shown, kept.public_key) == (webhook["secret"], webhook["public_key"])


async def test_a_ping_is_queued_and_listed(api: httpx.AsyncClient) -> None:
    path, _ = await hooked(api)
    body = (await api.get(f"{path}/deliveries")).json()["response"]
    assert body["waiting"] == 1
    (ping,) = body["results"]
    assert (ping["type"], ping["state"], ping["attempts"]) == ("ping", "waiting", [])
    again = (await api.post(f"{path}/test")).json()["response"]
    assert again["delivery"] == ping["id"], "a pending endpoint has one ping, which is sent again"


async def test_rotation_gives_a_new_secret_and_keeps_the_old_one_for_a_day(
    api: httpx.AsyncClient, redis_client: Any
) -> None:
    path, webhook = await hooked(api)
    fresh = (await api.post(f"{path}/rotate-secret")).json()["response"]["webhook"]["secret"]
    assert fresh != webhook["secret"]
    endpoint = await Endpoints(redis_client).get(path.rsplit("/", 1)[1])
    assert endpoint is not None
    new, old = SecretCipher(WEBHOOK_KEY).decrypt(endpoint.sealed, owner=endpoint.id)
    assert (new.shown, new.until_ms, old.shown) == (fresh, None, webhook["secret"])
    assert old.until_ms is not None
    assert (await api.post(f"{path}/rotate-secret")).status_code == 200
    refused = await api.post(f"{path}/rotate-secret")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:broadsheet:problem:rotated")


async def test_another_sink_is_another_endpoint_and_none_is_none(api: httpx.AsyncClient, redis_client: Any) -> None:
    path, webhook = await hooked(api)
    same = (await api.patch(path, json={"q": "harbour"})).json()["response"]["webhook"]
    assert (same["url"], same["secret"]) == (SINK, None)
    moved = (await api.patch(path, json={"sink": f"{SINK}/2"})).json()["response"]["webhook"]
    assert moved["url"] == f"{SINK}/2"
    assert moved["secret"] not in {None, webhook["secret"]}
    assert (await api.patch(path, json={"sink": None})).json()["response"]["webhook"] is None
    assert (await api.get(f"{path}/deliveries")).status_code == 404
    back = (await api.patch(path, json={"sink": SINK})).json()["response"]["webhook"]
    assert back["secret"]
    assert (await api.delete(path)).status_code == 204
    assert [key async for key in redis_client.scan_iter("{p0}:webhook-*:*")] == []


async def test_a_limit_that_refuses_the_search_leaves_no_endpoint(api: httpx.AsyncClient, redis_client: Any) -> None:
    for _ in range(2):
        await hooked(api)
    refused = await api.post("/v1/subscriptions", json={"q": "ferry", "sink": SINK})
    assert refused.status_code == 409
    assert len([key async for key in redis_client.scan_iter("{p0}:webhook-endpoint:*")]) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b'{"since": 5}', "since"),
        (b"{}", "since"),
        (b'{"since": "yesterday"}', "since"),
        (b'{"since": "0-0", "until": "\xff"}', "body"),
        (b'{"since": "0-0", "until": "later"}', "until"),
        (b'{"since": "0-0", "extra": 1}', "extra"),
        (b'{"delivery": "msg_1"}', "delivery"),
        (b'{"delivery": "msg_abcdefghijklmnopqrstuvwxyz234567", "since": "0-0"}', "delivery"),
    ],
)
async def test_a_replay_that_makes_no_sense_names_the_field(api: httpx.AsyncClient, body: bytes, field: str) -> None:
    path, _ = await hooked(api)
    answer = await api.post(f"{path}/replay", content=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


async def test_a_replay_to_a_disabled_webhook_is_refused_since_nothing_would_be_queued(
    api: httpx.AsyncClient, redis_client: Any
) -> None:
    path, _ = await hooked(api)
    endpoint = f"{{p0}}:webhook-endpoint:{path.rsplit('/', 1)[1]}"
    await redis_client.hset(endpoint, mapping={"status": "disabled", "reason": "gone", "disabled_at": "1"})
    refused = await api.post(f"{path}/replay", json={"since": "0-0"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:broadsheet:problem:disabled")
    assert (await api.post(f"{path}/enable")).status_code == 200
    assert (await api.post(f"{path}/replay", json={"since": "0-0"})).status_code == 202


async def test_what_is_not_there_or_not_yours_is_a_404(api: httpx.AsyncClient, redis_client: Any) -> None:
    path, _ = await hooked(api)
    unknown = await api.post(f"{path}/replay", json={"delivery": "msg_abcdefghijklmnopqrstuvwxyz234567"})
    assert unknown.status_code == 404
    bare = (await api.post("/v1/subscriptions", json={"q": "harbour"})).json()["response"]["subscription"]["id"]
    other, _ = await Credentials(redis_client).create("other", frozenset({"subscribe"}))
    stranger = {"authorization": f"Bearer {other}"}
    for verb in ("test", "enable", "rotate-secret"):
        assert (await api.post(f"/v1/subscriptions/{bare}/{verb}")).status_code == 404
        assert (await api.post(f"{path}/{verb}", headers=stranger)).status_code == 404
        assert (await api.post(f"{path}/{verb}", headers={"authorization": ""})).status_code == 401
    assert (await api.get(f"{path}/deliveries", headers=stranger)).status_code == 404


async def test_without_a_key_no_sink_is_taken(valkey: Valkey, redis_client: Any) -> None:
    key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
    async with asgi(new_app(valkey.url, FakeSearchIndex(), BROADSHEET_WEBHOOK_KEY="")) as client:
        client.headers["authorization"] = f"Bearer {key}"
        refused = await client.post("/v1/subscriptions", json={"q": "ferry", "sink": SINK})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == "sink"
        assert (await client.post("/v1/subscriptions", json={"q": "ferry"})).status_code == 201
