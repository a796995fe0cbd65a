# ruff: noqa: ASYNC220, ASYNC240 (a test waits for its own processes)
"""The enrich service as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.support.builders import make_acceptance, wait_until
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.slow]


@pytest.mark.timeout(180)
async def test_pages_come_out_as_articles_and_poison_ends_as_a_dead_letter(
    valkey: Valkey, redis_client: Any, store: RedisArticleStore
) -> None:
    items = [make_acceptance(external_id=str(i)) for i in range(5)]
    # Written before the service ever ran: nothing may be missed.
    await store.accept([make_acceptance(external_id="empty", text="spot_img"), *items])
    environment = {**os.environ, "BROADSHEET_REDIS_URL": valkey.url, "ENRICH_HEALTH_PORT": "0", "ENRICH_PARSERS": "1"}
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-m", "services.enrich.app"], cwd=root, env=environment)
    try:

        async def all_out() -> bool:
            assert process.poll() is None
            return int(await redis_client.xlen(ARTICLE_ENRICHED.key)) == 5

        await wait_until(all_out, timeout=90)
        articles = await store.articles([item.article_id for item in items])
        assert all(article is not None and article.paragraphs for article in articles)

        async def buried() -> bool:
            return int(await redis_client.xlen(ARTICLE_RECEIVED.dead_key)) == 1

        await wait_until(buried, timeout=30)
        process.send_signal(signal.SIGTERM)
        await wait_until(lambda: process.poll() is not None, timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
