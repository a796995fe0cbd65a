"""`broadsheet subscribe` against a running serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.store import Credentials
from tests.integration.commands import Commands
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import new_app, publish, running
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(120)]


async def test_the_commands(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
    index = FakeSearchIndex()
    await publish(redis_client, index)

    async with running(new_app(valkey.url, index)) as url:
        cli = Commands("subscribe", url, key, tmp_path)
        assert await cli("create", "Ferry  OR x", "--dry-run") == "would save ferry OR x\n"
        assert "at character 9" in await cli("create", "ferry OR", code=1)
        made = json.loads(await cli("create", "ferry lang:en", "--type", "article.published", "--json"))
        assert (made["q"], made["types"]) == ("ferry lang:en", ["article.published"])
        assert (await cli("list")).split("\t")[:3] == [made["id"], made["owner"], "ferry lang:en"]
        shown = await cli("preview", made["id"], "--days", "365")
        assert "Harbour council votes" in shown
        assert f"/v1/events?subscription={made['id']}&last_event_id=" in shown
        assert "would delete" in await cli("delete", made["id"], "--dry-run")
        tried = json.loads(await cli("delete", made["id"], "--dry-run", "--json"))
        assert tried == {"id": made["id"], "deleted": False}
        assert json.loads(await cli("delete", made["id"], "--json")) == {"id": made["id"], "deleted": True}
        assert "404" in await cli("preview", made["id"], code=1)
        assert await cli("list", "--json") == ""
