"""`broadsheet webhook` against a running serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.store import Credentials, keys
from shared.store.webhooks.deliveries import Deliveries
from tests.integration.commands import Commands
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(120)]
SINK = "https://desk.example.org/hook"


async def test_the_commands(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
    deliveries = Deliveries(redis_client)

    async with running(new_app(valkey.url, FakeSearchIndex())) as url:
        cli = Commands("webhook", url, key, tmp_path)
        async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {key}"}) as http:
            made = (await http.post("/v1/subscriptions", json={"q": "ferry", "sink": SINK})).json()["response"]
            await http.post("/v1/subscriptions", json={"q": "tram"})
        one = made["subscription"]["id"]

        assert (await cli("list")).rstrip("\n").split("\t") == [one, SINK, "pending", "1", "ferry"]
        shown = json.loads(await cli("list", "--json"))
        assert (shown["id"], shown["webhook"]["status"], shown["waiting"]) == (one, "pending", 1)
        assert made["webhook"]["secret"] not in json.dumps(shown)

        (ping,) = await deliveries.recent(one, limit=5)
        assert await cli("test", one, "--dry-run") == f"would send a ping to {SINK} (pending)\n"
        asked = await cli("replay", one, "--since", "2026-01-01T00:00:00Z", "--dry-run")
        assert asked == f"would replay 2026-01-01T00:00:00Z to {SINK} (pending)\n"
        assert "give --since" in await cli("replay", one, "--dry-run", code=2)
        assert not await redis_client.exists(keys.WEBHOOK_REPLAYS), "a dry run asked for a replay"
        assert await deliveries.recent(one, limit=5) == [ping], "a dry run sent a ping"

        endpoint = keys.webhook("endpoint", one)
        await redis_client.hset(
            endpoint, mapping={"status": "disabled", "reason": "gone", "disabled_at": "1", "missed_from": "7-1"}
        )
        assert "disabled (gone)" in await cli("list")
        assert await cli("enable", one, "--dry-run") == f"would enable {SINK} (disabled (gone))\n"
        assert await redis_client.hget(endpoint, "status") == b"disabled", "a dry run enabled it"
        enabled = await cli("enable", one)
        assert "disabled" not in enabled
        assert f"missed events: broadsheet webhook replay {one} --since " in enabled
        assert "disabled" not in await cli("list")
        assert (await cli("test", one)).split()[:2][0] == SINK
        assert "404" in await cli("test", "sub_nobody", "--dry-run", code=1)
