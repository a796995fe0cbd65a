"""Servers and resolvers for tests of outgoing requests: real sockets on loopback, names that resolve to what we say."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from shared.fetch import FetchPolicy

Answer = Callable[["Asked"], bytes | Awaitable[bytes] | None]


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter


@dataclass
class RequestContext:
    """A server on loopback that counts connections and keeps requests."""

    port: int = 0
    address: str = "127.0.0.1"
    connections: int = 0
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "", scheme: str = "http") -> str:
        """A URL on this server."""
        return f"{scheme}://{host or self.address}:{self.port}{path}"


def http(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a whole answer; `_` in a name stands for `-`."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@asynccontextmanager
async def origin(
    answer: Answer, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[RequestContext]:
    """A running server. `answer` gives all bytes of the answer, or writes itself and gives None."""
    state = RequestContext(address=address)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        try:
            while (asked := await _read(reader, writer)) is not None:
                state.asked.append(asked)
                said: Any = answer(asked)
                said = await said if asyncio.iscoroutine(said) else said
                if said is not None:
                    writer.write(said)
                await writer.drain()
                if said is None or b"Connection: close" in said:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, address, 0, ssl=tls)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body, writer)


class Names(AbstractResolver):
    """A resolver from a table. A list of lists answers each question with the next one: rebinding."""

    def __init__(self, **names: list[str] | list[list[str]]) -> None:
        self.names = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of the table; OSError for other names."""
        self.asked.append(host)
        known = self.names.get(host.rstrip("."))
        if not known:
            raise OSError("no such name")
        if isinstance(known[0], list):
            current: Any = known.pop(0) if len(known) > 1 else known[0]
        else:
            current = known
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in current
        ]

    async def close(self) -> None:
        """Nothing to close."""


LOOPBACK = tuple(ip_network(net) for net in ("127.0.0.0/8", "::1/128"))


def local_policy(**limits: Any) -> FetchPolicy:
    """A policy that reaches loopback on every port, as tests need it."""
    return FetchPolicy(**({"allowed": LOOPBACK, "ports": None} | limits))
