"""A loopback proxy that cuts connections at random places, and counts the cuts of each client."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.proxy import Proxy

_NAME = re.compile(rb"\r\nx-client: ([a-z0-9-]+)\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_PIECE = 16 * 1024


@dataclass
class DroppingProxy(Proxy):
    """Forwards to a port; cuts each stream after some bytes or some time until its client had `drops` cuts.

    A client is named by its header `X-Client`; browsers, which cannot send one, share the name `browser`.
    """

    drops: int
    chance: random.Random
    most_seconds: float = 1.0
    most_bytes: int = 30_000
    drops_of_browser: int = 0
    cuts: Counter[str] = field(default_factory=Counter)
    page: bytes = b""
    """Served at `/page`, so that a browser has an origin."""
    report: list[dict[str, Any]] = field(default_factory=list)
    """What the page posted to `/report` last."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith((b"GET /page", b"POST /report")):
                await self._answer(head, reader, writer)
                return
            found = _NAME.search(head)
            await self._forward(found[1].decode() if found else "browser", head, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one of the two sides is gone
        finally:
            writer.transport.abort()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The page, and what the page reports."""
        body = self.page
        if length := _LENGTH.search(head):
            self.report, body = json.loads(await reader.readexactly(int(length[1]))), b""
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
        writer.write(answer % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _forward(self, name: str, head: bytes, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            ours.write(head)
            wanted = self.drops_of_browser if name == "browser" else self.drops
            if self.cuts[name] >= wanted:
                await self._pass_on(theirs, writer, None)
                return
            begin = await theirs.read(_PIECE)
            if not begin.startswith(b"HTTP/1.1 200"):  # no stream to be cut
                writer.write(begin)
                await self._pass_on(theirs, writer, None)
                return
            # a cut may come in the middle of anything: of the head, of a chunk, of a frame
            budget = self.chance.randint(1, self.most_bytes)
            writer.write(begin[:budget])
            with suppress(TimeoutError):
                async with asyncio.timeout(self.chance.uniform(0.05, self.most_seconds)):
                    await self._pass_on(theirs, writer, max(0, budget - len(begin)))
            self.cuts[name] += 1
        finally:
            ours.transport.abort()

    @staticmethod
    async def _pass_on(theirs: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: int | None) -> None:
        while budget != 0 and (data := await theirs.read(_PIECE)):
            piece = data if budget is None else data[:budget]
            writer.write(piece)
            await writer.drain()
            if budget is not None:
                budget -= len(piece)
