"""`ENRICH_ENTITY_MODEL` on real processes: the model speaks in the parser children, or the service says why not."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.enrich.adapters.sandbox import Sandbox
from services.enrich.domain.pipeline import PIPELINE_VERSION
from shared.articles import InputKind
from shared.errors import Retryable
from shared.sandbox import Limits
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.support.builders import make_acceptance, wait_until
from tests.support.spacy_models import ruler
from tests.support.valkey import Valkey
from tests.unit.enrich.pages import raw_page

ROOT = Path(__file__).resolve().parents[2]
PAGE = raw_page("A day out\n\nReporters met Brandt of the Rovings in the U.K. once, and nobody minded at all.")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def service(valkey: Valkey, model: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "BROADSHEET_REDIS_URL": valkey.url,
        "ENRICH_HEALTH_PORT": "0",
        "ENRICH_PARSERS": "2",
        "ENRICH_ENTITY_MODEL": model,
    }
    command = [sys.executable, "-m", "services.enrich.app"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


async def test_children_find_names_with_the_model(tmp_path: Path) -> None:
    box = Sandbox(2, Limits(seconds=10.0, cpu_seconds=3.0), entity_model=str(ruler(tmp_path / "model")))
    await box.start()
    try:
        outcomes = await asyncio.gather(*(box.run(PAGE) for _ in range(6)))
    finally:
        await box.aclose()
    for outcome in outcomes:
        wanted = ["person:brandt", "organisation:rovings", "place:geonames-2635167"]
        assert [one.id for one in outcome.article.entities] == wanted
        (step,) = (step for step in outcome.steps if step.name == "entities")
        assert step.version.startswith("1; en_harbour 1.2 ")


async def test_a_model_that_cannot_be_loaded_stops_the_start_at_once(tmp_path: Path) -> None:
    box = Sandbox(4, entity_model=str(tmp_path / "absent"))
    with pytest.raises(Retryable, match=rf"^ENRICH_ENTITY_MODEL={tmp_path}/absent: ") as caught:
        await box.start()
    print(caught.value)
    assert box.pids == frozenset()


@pytest.mark.redis
async def test_the_service_ends_with_a_message_that_names_the_setting(
    valkey: Valkey, redis_client: Any, store: RedisArticleStore, tmp_path: Path
) -> None:
    await store.accept([make_acceptance()])
    process = service(valkey, str(tmp_path / "absent"))
    try:
        said, _ = await asyncio.to_thread(process.communicate, timeout=60)
        assert process.returncode == 1, said
        (line,) = [line for line in said.splitlines() if "worker.failed" in line]
        print(line)
        assert f"ENRICH_ENTITY_MODEL={tmp_path}/absent: " in line
        assert await redis_client.xlen(ARTICLE_RECEIVED.key) == 1
        assert await redis_client.xlen(ARTICLE_RECEIVED.dead_key) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.redis
async def test_the_service_writes_down_which_model_named(
    valkey: Valkey, redis_client: Any, store: RedisArticleStore, tmp_path: Path
) -> None:
    model = ruler(tmp_path / "model")
    item = make_acceptance(external_id="names", text=PAGE.data.decode(), kind=InputKind.TEXT)
    await store.accept([item])
    process = service(valkey, str(model))
    try:

        async def out() -> bool:
            assert process.poll() is None
            return int(await redis_client.xlen(ARTICLE_ENRICHED.key)) == 1

        await wait_until(out, timeout=90)
    finally:
        process.kill()
        process.communicate()
    (article,) = await store.articles([item.article_id])
    assert article is not None
    assert {one.id for one in article.entities} >= {"person:brandt", "organisation:rovings"}
    provenance = await store.provenance(item.article_id)
    assert provenance is not None
    (step,) = (step for step in provenance.steps if step.name == "entities")
    print(step)
    assert step.version.startswith("1; en_harbour 1.2 ")
    assert provenance.pipeline_version != PIPELINE_VERSION
