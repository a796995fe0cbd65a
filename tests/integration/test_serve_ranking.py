"""Copies, stories, meaning and the form of results, over ASGI, on a real store and a fake engine."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.serve.routes.schemas import SearchResponse, StreamResponse
from shared.articles import Duplicate
from shared.search.learning import learn
from shared.search.port import Cap
from shared.store.index_jobs.models import Models
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import asgi, new_app, publish
from tests.support.valkey import Valkey
from tests.unit.shared.test_lsa import archive

pytestmark = pytest.mark.redis


async def test_copies_stay_out_and_stories_collapse(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    one, _ = await publish(redis_client, index, external_id="one", story_id="s1")
    two, _ = await publish(redis_client, index, external_id="two", story_id="s1")
    copy = Duplicate(article_id=one.id, score=0.9)
    three, _ = await publish(redis_client, index, external_id="three", duplicate_of=copy)

    async def found(**params: str) -> tuple[set[str], int]:
        body = (await api.get("/v1/search", params=params)).json()["response"]
        return {item["id"] for item in body["results"]}, body["total"]

    assert await found() == ({one.id, two.id}, 2)
    assert await found(duplicates="only") == ({three.id}, 1)
    assert await found(duplicates="all") == ({one.id, two.id, three.id}, 3)
    assert await found(ids=three.id) == ({three.id}, 1), "who asks by id wants that one"
    ids, total = await found(collapse="story")
    assert (len(ids & {one.id, two.id}), len(ids), total) == (1, 1, 2)
    for order in ("fresh", "latest", "newest"):
        assert (await found(**{"order-by": order}))[1] == 2
    related = (await api.get(f"/v1/articles/{three.id}/related")).json()["response"]["results"]
    assert {item["id"] for item in related} <= {two.id}, "not what it is a copy of"
    assert (await api.get(f"/v1/articles/{one.id}/related", params={"max-age-days": "1"})).json()["response"][
        "results"
    ] == []


async def test_meaning_only_where_the_engine_can_and_something_was_learned(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    async def refused(**params: str) -> str:
        answer = await api.get("/v1/search", params={"q": "ferry", "semantic-ratio": "0.5"} | params)
        assert answer.status_code == 400
        assert answer.json()["field"] == "semantic-ratio"
        return str(answer.json()["detail"])

    for hostile in ("2", "-1", "nan", "1e9", "0.5.5", ""):
        await refused(**{"semantic-ratio": hostile})
    assert "needs plain words" in await refused(**{"order-by": "newest"})
    assert "ranks by words alone" in await refused()
    index.capabilities = index.capabilities | {Cap.HYBRID}
    assert "no meaning was learned yet" in await refused()
    assert (await api.get("/v1/search", params={"q": "ferry", "semantic-ratio": "0"})).status_code == 200
    assert (await api.get("/search", params={"q": "ferry", "semantic-ratio": "0.5"})).status_code == 400


async def test_a_learned_model_places_the_query(valkey: Valkey, redis_client: Any, index: FakeSearchIndex) -> None:
    model = learn(archive(300))
    assert model is not None
    await Models(redis_client).save("lsa", model.version, model.to_bytes())
    index.capabilities = index.capabilities | {Cap.HYBRID}
    async with asgi(new_app(valkey.url, index)) as api:
        assert (await api.get("/v1/search", params={"q": "ferry tide", "semantic-ratio": "0.3"})).status_code == 200
        assert index.asked is not None
        assert index.asked.semantic_ratio == 0.3
        assert index.asked.vector == model.of_text("ferry tide")
        assert (await api.get("/v1/search", params={"q": "zzz", "semantic-ratio": "0.3"})).status_code == 200
        assert index.asked.vector is None, "no word is known: words alone"


async def test_results_have_the_documented_form(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    await publish(redis_client, index, external_id="one", title="Ferry <i>line</i>")
    for path, model in (
        ("/v1/search?q=ferry&show-facets=all", SearchResponse),
        ("/v1/search", SearchResponse),
        ("/v1/streams/transport", StreamResponse),
    ):
        answer = await api.get(path)
        documented = model.model_validate_json(answer.content).model_dump(mode="json", exclude_unset=True)
        assert documented == answer.json(), path
