"""Reads request bodies with size and time limits, and within a memory budget for the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Request
from starlette.types import Message

from shared.errors import Permanent, Retryable
from shared.problems import ProblemError

PAUSE_SECONDS: Final = 0.02
"""After a pause of this length a bulk upload gets the results for the lines received so far."""


class TooBusy(Retryable):
    """The memory budget for request bodies is exhausted."""


class UploadStopped(Permanent):
    """A streamed body ended early, for the reason in the message."""


class BodyBudget:
    """Bytes of request bodies in memory, with one limit for the process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.now = 0

    def acquire(self, size: int) -> None:
        """Reserve `size` bytes. Raises TooBusy above the limit."""
        if self.now + size > self._limit:
            raise TooBusy("too many requests are in progress", retry_after=1.0)
        self.now += size

    def release(self, size: int) -> None:
        """Free `size` bytes."""
        self.now -= size

    @asynccontextmanager
    async def body(self, request: Request, *, limit: int, seconds: float) -> AsyncIterator[bytes]:
        """Read the whole body: at most `limit` bytes, within `seconds`.

        Raises 400, 408 or 413 as ProblemError, and TooBusy.
        """
        reject_declared_length(request, limit)
        held = 0
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(seconds):
                async for chunk in _chunks(request.receive):
                    if held + len(chunk) > limit:
                        raise too_large(limit)
                    self.acquire(len(chunk))
                    held += len(chunk)
                    parts.append(chunk)
            yield b"".join(parts)
        except TimeoutError as error:
            raise ProblemError(408, f"the body did not arrive within {seconds:g} s", rule="slow-body") from error
        except UploadStopped as error:
            raise ProblemError(400, str(error), rule="cut-short") from error
        finally:
            self.release(held)


async def stream_body(request: Request, *, limit: int, idle_seconds: float) -> AsyncGenerator[bytes | None, None]:
    """The body in chunks, and None whenever the client pauses. Raises UploadStopped."""
    size = 0
    chunks = _chunks(request.receive)
    while True:
        step = asyncio.ensure_future(anext(chunks, b""))
        try:
            done, _ = await asyncio.wait({step}, timeout=PAUSE_SECONDS)
            if not done:
                yield None
                done, _ = await asyncio.wait({step}, timeout=idle_seconds)
            if not done:
                raise UploadStopped(f"no data for {idle_seconds:g} s")
            chunk = step.result()
        finally:
            step.cancel()
        if not chunk:
            return
        size += len(chunk)
        if size > limit:
            raise UploadStopped(f"the upload exceeds {limit} bytes; the rest was not read")
        yield chunk


def reject_declared_length(request: Request, limit: int) -> None:
    """Raises a 413 problem when Content-Length is above the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise too_large(limit)


def too_large(limit: int) -> ProblemError:
    """The 413 problem."""
    return ProblemError(413, f"the body exceeds {limit} bytes", rule="too-large")


async def _chunks(receive: Callable[[], Awaitable[Message]]) -> AsyncIterator[bytes]:
    """The non-empty chunks of a body."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UploadStopped("the connection was closed before the body was complete")
        if chunk := message.get("body", b""):
            yield chunk
        if not message.get("more_body", False):
            return
