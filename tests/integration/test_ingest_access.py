"""Who may post: every operation against every kind of key; and an OpenAPI document whose examples are true."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.observability.metrics import ACCESS_REFUSED
from tests.support.ingest_http import JSON, NDJSON, make_key, open_ingest
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

GOOD = {"source": "gazette", "id": "1", "text": "The ferry is back."}


def article(**fields: Any) -> bytes:
    return orjson.dumps({**GOOD, **fields})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="H01-none"),
        pytest.param([("authorization", "Bearer ")], id="empty"),
        pytest.param([("authorization", "Bearer bsk_0123456789ab_" + "a" * 43)], id="unknown"),
        pytest.param([("authorization", "Basic {key}")], id="other-scheme"),
        pytest.param([("authorization", "{key}")], id="no-scheme"),
        pytest.param([("x-api-key", "{key}x")], id="longer"),
        pytest.param([("x-api-key", "{short}")], id="shorter"),
        pytest.param([("x-api-key", "{key}\n")], id="H03-newline"),
        pytest.param([("x-api-key", "k" * 10_240)], id="H04-10kb"),
        pytest.param([("authorization", "Bearer {key}"), ("authorization", "Bearer {key}")], id="H05-two"),
        pytest.param([("authorization", "Bearer {key}"), ("x-api-key", "{key}")], id="H05-both"),
        pytest.param([("x-api-key", "\u00ff" * 20)], id="latin-1"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/articles", "/v1/articles/bulk"])
async def test_without_a_good_key_nothing_is_taken(
    valkey: Valkey, redis_client: Any, headers: list[tuple[str, str]], path: str
) -> None:
    async with open_ingest(valkey.url) as client:
        key = client.headers.pop("x-api-key")
        filled = [
            (name, value.replace("{key}", key).replace("{short}", key[:-1]).encode("latin-1"))
            for name, value in headers
        ]
        if any(
            value.endswith(b"\n") for _, value in filled
        ):  # httpx strips nothing, h11 refuses it; here it is trimmed
            filled = [(name, value.replace(b"\n", b"\nX")) for name, value in filled]
        response = await client.post(
            path, content=article(), headers=[(b"content-type", b"application/json"), *filled], params={"key": key}
        )
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert key not in response.text
    assert await redis_client.xlen("{p0}:article.received.v1") == 0


@pytest.mark.parametrize(("scope", "status"), [("subscribe", 403), ("ingest", 202), ("admin", 202)])
@pytest.mark.parametrize("path", ["/v1/articles", "/v1/articles/bulk"])
async def test_h06_the_scope_decides(valkey: Valkey, redis_client: Any, scope: str, status: int, path: str) -> None:
    refused = ACCESS_REFUSED.labels("wrong-scope")._value.get
    before = refused()
    async with open_ingest(valkey.url, scope=scope) as client:
        bulk = path.endswith("bulk")
        response = await client.post(path, content=article(), headers=NDJSON if bulk else JSON)
        assert response.status_code == (200 if bulk and status == 202 else status)
    assert refused() - before == (status == 403)


async def test_a_bearer_key_works_too(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        key = client.headers.pop("x-api-key")
        response = await client.post("/v1/articles", json=GOOD, headers={"authorization": f"bearer {key}"})
        assert response.status_code == 202


async def test_every_operation_needs_a_key_and_has_examples(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        client.headers.pop("x-api-key")
        document = (await client.get("/v1/openapi.json")).json()
        assert {"/v1/articles", "/v1/articles/bulk", "/v1/fetch", "/v1/sources"} <= set(document["paths"])
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                assert operation["security"]
                body = operation.get("requestBody", {"content": {}})
                assert all("example" in media for media in body["content"].values())
                assert ("requestBody" in operation) == (method in {"post", "put"}), (method, path)
                for answer in operation["responses"].values():
                    assert all("example" in media for media in answer.get("content", {}).values()), answer
                assert (await client.request(method, path.replace("{source_id}", "gazette"))).status_code == 401


async def test_the_documented_examples_are_true(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        paths = (await client.get("/v1/openapi.json")).json()["paths"]
        for media, content in paths["/v1/articles"]["post"]["requestBody"]["content"].items():
            example = content["example"]
            body = orjson.dumps(example) if isinstance(example, dict) else example.encode()
            response = await client.post("/v1/articles", content=body, headers={"content-type": media})
            assert response.status_code == 202
            documented = paths["/v1/articles"]["post"]["responses"]["202"]["content"]["application/json"]["example"]
            assert response.json().keys() == documented.keys()
        bulk = paths["/v1/articles/bulk"]["post"]
        response = await client.post(
            "/v1/articles/bulk",
            content=bulk["requestBody"]["content"]["application/x-ndjson"]["example"],
            headers=NDJSON,
        )
        documented_lines = bulk["responses"]["200"]["content"]["application/x-ndjson"]["example"].splitlines()
        for line, documented_line in zip(response.text.splitlines(), documented_lines, strict=True):
            assert orjson.loads(line).keys() == orjson.loads(documented_line).keys()
        assert orjson.loads(documented_lines[-1]) == orjson.loads(response.text.splitlines()[-1])


async def test_a_key_made_while_running_works_at_once(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        fresh = await make_key(valkey.url)
        assert (await client.post("/v1/articles", json=GOOD, headers={"x-api-key": fresh})).status_code == 202
