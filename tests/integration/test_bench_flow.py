"""What the benchmark of the pipeline counts as searchable."""

from __future__ import annotations

from typing import Any

import pytest

from broadsheet.bench.flow import Flow
from tests.support.announcing import announce, log, story_change

pytestmark = pytest.mark.redis


async def test_only_articles_are_counted_and_not_their_stories(redis_client: Any) -> None:
    flow = Flow(redis_client, "", "", lambda stage, count: None)
    await announce(redis_client, 2)
    await log(redis_client, story_change())
    flow.enriched.done = 2
    await flow.stage_done("index")
    assert flow.searchable.done == 2
