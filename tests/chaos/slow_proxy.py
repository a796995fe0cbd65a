"""A loopback proxy that lets every answer wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from shared.tasks import cancel_and_wait
from tests.chaos.proxy import Proxy

_PIECE = 256 * 1024


@dataclass
class SlowProxy(Proxy):
    """Forwards to a port at once; what comes back comes `latency` seconds late."""

    latency: float = 0.0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ways = [asyncio.create_task(self._pass_on(reader, ours)), asyncio.create_task(self._late(theirs, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(ways)
            ours.transport.abort()
            writer.transport.abort()

    async def _late(self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await theirs.read(_PIECE):
            await asyncio.sleep(self.latency)
            writer.write(data)
            await writer.drain()

    @staticmethod
    async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()
