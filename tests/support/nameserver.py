"""A DNS server on loopback: knows some names, never answers for others, and counts the questions."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

_A, _AAAA, _NS = 1, 28, 2
_NO_SUCH_NAME = 3


class NameServer(asyncio.DatagramProtocol):
    """Answers for `names`, is silent for names that end with `silent`, denies all others. `mute` stops all answers."""

    def __init__(self, names: dict[str, str], silent: str = ".slow.test") -> None:
        self.names, self.silent, self.mute = names, silent, False
        self.questions: Counter[str] = Counter()
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question, or not."""
        labels, at = [], 12
        while size := data[at]:
            labels.append(data[at + 1 : at + 1 + size].decode("ascii"))
            at += size + 1
        name, kind = ".".join(labels).lower(), struct.unpack("!H", data[at + 1 : at + 3])[0]
        self.questions[name] += 1
        if self.mute or name.endswith(self.silent):
            return
        question, answer = data[12 : at + 5], b""
        known = self.names.get(name)
        if known and kind == {4: _A, 6: _AAAA}[ip_address(known).version]:
            packed = ip_address(known).packed
            answer = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(packed)) + packed
        elif not name and kind == _NS:
            answer = b"\x00" + struct.pack("!HHIH", _NS, 1, 60, 3) + b"\x01a\x00"
        code = 0 if known or not name else _NO_SUCH_NAME
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, bool(answer), 0, 0)
        self.transport.sendto(head + question + answer, addr)  # type: ignore[attr-defined]  # a datagram transport


@asynccontextmanager
async def name_server(**names: str) -> AsyncIterator[NameServer]:
    """A running server; `_` in a name stands for a dot. Its `address` is for `FetchPolicy.nameservers`."""
    server = NameServer({name.replace("_", "."): address for name, address in names.items()})
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, ("127.0.0.1", 0), family=socket.AF_INET
    )
    server.address = "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])
    try:
        yield server
    finally:
        transport.close()
