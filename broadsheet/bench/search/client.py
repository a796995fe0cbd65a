"""A thin HTTP client in its own process (aiohttp, orjson, one connection), alternating between our API and the engine.

Reads one JSON job from stdin and prints one JSON result: latencies in ms and its own CPU ms per target.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
import orjson

BLOCK: Final = 50
"""Requests per turn of one target; targets alternate, so that load affects both."""


async def measure(job: dict[str, Any]) -> dict[str, Any]:
    """`job`: {"rounds": n, "targets": {name: {"headers": {}, "requests": [[method, url, body or null]]}}}."""
    found: dict[str, dict[str, Any]] = {name: {"ms": [], "cpu_ms": 0.0, "failed": 0} for name in job["targets"]}
    connector = aiohttp.TCPConnector(limit=1)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(auto_decompress=False, connector=connector, timeout=timeout) as session:
        for _ in range(job["rounds"]):
            longest = max(len(target["requests"]) for target in job["targets"].values())
            for start in range(0, longest, BLOCK):
                for name, target in job["targets"].items():
                    block = target["requests"][start : start + BLOCK]
                    await _block(session, target["headers"], block, found[name])
    return found


async def _block(
    session: aiohttp.ClientSession, headers: dict[str, str], requests: Sequence[list[Any]], into: dict[str, Any]
) -> None:
    headers = {"Accept-Encoding": "identity"} | headers
    cpu = time.process_time()
    for method, url, body in requests:
        began = time.perf_counter()
        data = None if body is None else orjson.dumps(body)
        async with session.request(method, url, data=data, headers=headers) as response:
            answer = orjson.loads(await response.read())
        into["ms"].append((time.perf_counter() - began) * 1000)
        into["failed"] += response.status != 200 or not answer
    into["cpu_ms"] += (time.process_time() - cpu) * 1000


if __name__ == "__main__":
    result = asyncio.run(measure(orjson.loads(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(orjson.dumps(result))
