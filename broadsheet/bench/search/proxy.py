"""Minimal API in front of Meilisearch: passes searches on, parses and serialises the response.

FastAPI, uvicorn, aiohttp and orjson, as serve has them, in a program of its own: `python -m
broadsheet.bench.search.proxy PORT ENGINE_URL`. No excerpts, escaping or error handling.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import orjson
import uvicorn
from fastapi import FastAPI, Response

from broadsheet.bench.processes import free_port, is_ok, launch, wait_until_up
from broadsheet.bench.search.engines import BenchServer
from broadsheet.bench.search.latency import raw_request
from shared.settings import BaseServiceSettings


@contextmanager
def proxied(server: BenchServer, directory: Path) -> Iterator[tuple[str, int]]:
    """Start it; yields its URL and pid. Raises CannotStart."""
    port = free_port()
    command = [sys.executable, "-m", "broadsheet.bench.search.proxy", str(port), server.url]
    running = launch("proxy", command, directory, {"BROADSHEET_INDEX_KEY": server.key})
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(running, lambda: is_ok(f"{url}/livez", within=1))
        yield url, running.pid
    finally:
        running.stop()


def create_app(server: BenchServer) -> FastAPI:
    """The proxy in front of this engine."""
    session: aiohttp.ClientSession
    headers = server.headers | {"Content-Type": "application/json", "Accept-Encoding": "identity"}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal session
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/v1/search")
    async def search(q: str) -> Response:
        method, url, body = raw_request(server, q)
        async with session.request(method, url, data=orjson.dumps(body), headers=headers) as response:
            found = orjson.loads(await response.read())
        return Response(orjson.dumps(found), status_code=response.status, media_type="application/json")

    @app.get("/livez")
    async def livez() -> Response:
        return Response()

    return app


if __name__ == "__main__":
    app = create_app(BenchServer(sys.argv[2], BaseServiceSettings().index_key.get_secret_value(), ""))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
