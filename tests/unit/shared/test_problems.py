"""Every error is a problem: small, naming its field, repeating nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from starlette.exceptions import HTTPException

from shared.errors import CorruptRecord, Retryable, StoreUnavailable
from shared.problems import FieldError, Problem, ProblemError, install_problem_handlers, invalid_field, unavailable


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(openapi_url=None)
    raised: dict[str, Exception] = {
        "field": invalid_field("q", "is too long"),
        "teapot": HTTPException(418, "secret words"),
        "store": StoreUnavailable("OOM at 10.0.0.1", retry_after=4.2),
        "busy": Retryable("later"),
        "corrupt": CorruptRecord("sha of article x"),
        "crash": RuntimeError("secret words"),
        "many": ProblemError(400, "d" * 5000, errors=[FieldError("f" * 500, "e" * 5000)] * 500),
        "headers": ProblemError(401, "no key", headers={"WWW-Authenticate": "Bearer"}),
    }

    @app.get("/raise/{name}")
    async def throw(name: str) -> None:
        raise raised[name]

    @app.get("/typed")
    async def typed(page: Annotated[int, Query(ge=1)], size: int = 1) -> int:
        return page * size

    install_problem_handlers(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as opened:
        yield opened


async def get(client: httpx.AsyncClient, path: str) -> tuple[httpx.Response, dict[str, Any]]:
    response = await client.get(path)
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 4096
    problem = response.json()
    assert problem["status"] == response.status_code
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert "secret" not in response.text
    return response, problem


async def test_a_field_is_named(client: httpx.AsyncClient) -> None:
    _, problem = await get(client, "/raise/field")
    assert problem == {
        "type": "urn:broadsheet:problem:invalid-field",
        "title": "Bad Request",
        "status": 400,
        "detail": "q: is too long",
        "instance": "/raise/field",
        "errors": [{"field": "q", "detail": "is too long"}],
        "field": "q",
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nothing", 404), ("/raise/teapot", 418), ("/raise/corrupt", 500), ("/raise/crash", 500), ("/raise/many", 400)],
)
async def test_every_error_is_a_small_problem(client: httpx.AsyncClient, path: str, status: int) -> None:
    response, problem = await get(client, path)
    assert response.status_code == status
    assert len(problem.get("errors", [])) <= 10


async def test_405_keeps_its_allow_header(client: httpx.AsyncClient) -> None:
    response = await client.post("/typed")
    assert (response.status_code, response.headers["allow"]) == (405, "GET")
    assert response.headers["content-type"] == "application/problem+json"


async def test_headers_are_kept(client: httpx.AsyncClient) -> None:
    response, _ = await get(client, "/raise/headers")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("path", "seconds"), [("/raise/store", "5"), ("/raise/busy", "2")])
async def test_unavailable_says_when_and_hides_why(client: httpx.AsyncClient, path: str, seconds: str) -> None:
    response, _ = await get(client, path)
    assert (response.status_code, response.headers["retry-after"]) == (503, seconds)
    assert "10.0.0.1" not in response.text


async def test_validation_of_fastapi_is_a_400_without_the_input(client: httpx.AsyncClient) -> None:
    _, problem = await get(client, "/typed?page=0&size=secret")
    assert problem["status"] == 400
    assert [error["field"] for error in problem["errors"]] == ["page", "size"]


async def test_odd_paths_are_escaped_or_left_out(client: httpx.AsyncClient) -> None:
    for path in ("/%0d%0aX", "/%F0%9F%8E%89", "/" + "a" * 5000):
        _, problem = await get(client, path)
        instance = problem.get("instance", "")
        assert instance.isascii()
        assert instance.isprintable()
        assert len(instance) <= 200


def test_members() -> None:
    assert Problem(404, "gone").members()["type"] == "about:blank"
    assert unavailable(Retryable("x", retry_after=0.1)).headers["Retry-After"] == "1"
