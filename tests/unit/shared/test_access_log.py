"""Access lines, their rate limit, and the trace context of a request."""

from __future__ import annotations

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.observability.access_log import AccessLog
from shared.observability.trace_context import current_traceparent, parse_traceparent

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def traced(_: Request) -> Response:
    return PlainTextResponse(str(current_traceparent()))


async def broken(_: Request) -> Response:
    raise RuntimeError("planted")


def client_of(per_second: int, clock: Clock) -> httpx.AsyncClient:
    app = Starlette(routes=[Route("/traced", traced), Route("/broken", broken), Route("/livez", traced)])
    transport = httpx.ASGITransport(app=AccessLog(app, per_second, clock=clock), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_one_line_a_request_with_method_path_status_and_without_the_query() -> None:
    async with client_of(10, Clock()) as client:
        with structlog.testing.capture_logs() as lines:
            await client.get("/traced?token=abc")
            await client.get("/nowhere")
            await client.get("/broken")
            await client.get("/livez")
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/traced", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/broken", 500),
    ]
    assert {line["event"] for line in lines} == {"request.completed"}
    assert all(line["took_ms"] >= 0 and line["skipped"] == 0 for line in lines)


async def test_above_the_limit_requests_are_counted_in_the_next_line() -> None:
    clock = Clock()
    async with client_of(2, clock) as client:
        with structlog.testing.capture_logs() as lines:
            for _ in range(7):
                await client.get("/traced")
            clock.now += 1
            await client.get("/traced")
    assert [line["skipped"] for line in lines] == [0, 0, 5]


async def test_a_limit_of_zero_logs_no_request() -> None:
    async with client_of(0, Clock()) as client:
        with structlog.testing.capture_logs() as lines:
            await client.get("/traced")
    assert lines == []


async def test_the_trace_context_holds_for_its_request_only() -> None:
    async with client_of(10, Clock()) as client:
        assert (await client.get("/traced", headers={"traceparent": TRACE})).text == TRACE
        assert (await client.get("/traced")).text == "None"
        twice = [("traceparent", TRACE), ("traceparent", TRACE)]
        assert (await client.get("/traced", headers=twice)).text == "None"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (TRACE, True),
        (TRACE.replace("00-", "cc-", 1) + "-what-the-future-will-be-like", True),
        (TRACE.replace("00-", "cc-", 1), True),
        (TRACE + "-more", False),
        (TRACE.replace("00-", "ff-", 1), False),
        (TRACE.upper(), False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01", False),
        ("", False),
        (TRACE + "\r\nx-injected: 1", False),
        (TRACE.replace("00-", "cc-", 1) + "-" + "x" * 500, False),
        (TRACE.replace("00-", "cc-", 1) + '-","rev":9', False),
    ],
)
def test_what_a_traceparent_is(text: str, valid: bool) -> None:
    assert parse_traceparent(text) == (text if valid else None)
