"""Request bodies, counted while they stream: nothing larger than its limit is ever held."""

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
"""A bulk upload that sends nothing for so long gets the verdicts on what it has sent."""


class TooBusy(Retryable):
    """Too many bodies are held in memory at once."""


class UploadStopped(Permanent):
    """A streamed body ended early; the text says why."""


class HeldBytes:
    """How much of all bodies is in memory now, against one limit for the process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.now = 0

    def take(self, size: int) -> None:
        """Count `size` more bytes; raises TooBusy above the limit."""
        if self.now + size > self._limit:
            raise TooBusy("too many requests are in progress", retry_after=1.0)
        self.now += size

    def give_back(self, size: int) -> None:
        """Count `size` bytes fewer."""
        self.now -= size

    @asynccontextmanager
    async def body(self, request: Request, *, limit: int, seconds: float) -> AsyncIterator[bytes]:
        """The whole body, of at most `limit` bytes, within `seconds`.

        Raises 400, 408 or 413 as ProblemError, and TooBusy.
        """
        refuse_declared_length(request, limit)
        taken = 0
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(seconds):
                async for chunk in _chunks(request.receive):
                    if taken + len(chunk) > limit:
                        raise too_large(limit)
                    self.take(len(chunk))
                    taken += len(chunk)
                    parts.append(chunk)
            yield b"".join(parts)
        except TimeoutError as error:
            raise ProblemError(408, f"the body did not arrive within {seconds:g} s", rule="slow-body") from error
        except UploadStopped as error:
            raise ProblemError(400, str(error), rule="cut-short") from error
        finally:
            self.give_back(taken)


async def stream_body(request: Request, *, limit: int, idle_seconds: float) -> AsyncGenerator[bytes | None, None]:
    """The body in chunks, and None whenever the sender pauses. Raises UploadStopped."""
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
                raise UploadStopped(f"nothing came for {idle_seconds:g} s")
            chunk = step.result()
        finally:
            step.cancel()
        if not chunk:
            return
        size += len(chunk)
        if size > limit:
            raise UploadStopped(f"the upload exceeds {limit} bytes; the rest was not read")
        yield chunk


def refuse_declared_length(request: Request, limit: int) -> None:
    """Raises a 413 problem when Content-Length already says too much."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise too_large(limit)


def too_large(limit: int) -> ProblemError:
    """The 413 problem."""
    return ProblemError(413, f"the body exceeds {limit} bytes", rule="too-large")


async def _chunks(receive: Callable[[], Awaitable[Message]]) -> AsyncIterator[bytes]:
    """The pieces of a body that are not empty, until its end."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UploadStopped("the connection was closed before the body was complete")
        if chunk := message.get("body", b""):
            yield chunk
        if not message.get("more_body", False):
            return
