"""`broadsheet tail`: filters reach the stream, and a bad one is an error that names it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.support.announcing import announce, log, story_change, withdrawal
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.slow]


async def tail(url: str, *arguments: str) -> tuple[int, str, str]:
    environment = {**os.environ, "BROADSHEET_SERVE_URL": url, "BROADSHEET_API_KEY": ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "broadsheet", "tail", *arguments,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_filters_reach_the_stream(valkey: Valkey, redis_client: Any) -> None:
    await announce(redis_client, external_id="ferry")
    tram = (await announce(redis_client, external_id="tram", title="Tram stops"))[0]
    gone = await log(redis_client, withdrawal(external_id="tram"))
    async with running(new_app(valkey.url)) as url:
        arguments = ("--since", "earliest", "--q", "tram", "--count", "2", "--json")
        code, out, err = await tail(url, *arguments)
        assert code == 0, err
        assert [event["cursor"] for event in map(json.loads, out.splitlines())] == [tram, gone]
        types = ("--type", "article.retracted", "--type", "article.withdrawn")
        code, out, err = await tail(url, "--since", "earliest", *types, "--count", "1", "--json")
        assert json.loads(out)["cursor"] == gone
        code, out, err = await tail(url, "--since", "earliest", *types, "--count", "1")
        assert out.startswith(f"{gone}  org.broadsheet.article.")
        assert "{" not in out, "a notice is a line for people, too"
        story = await log(redis_client, story_change(title="Ferries everywhere"))
        code, out, err = await tail(url, "--since", "earliest", "--type", "story.created", "--count", "1")
        assert (code, out) == (0, f"{story}  org.broadsheet.story.created.v1  Ferries everywhere\n"), err
        code, _, err = await tail(url, "--type", "article.exploded")
        assert code != 0
        assert "type" in err
