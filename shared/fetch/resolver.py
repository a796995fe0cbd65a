"""Asynchronous DNS through c-ares: a name that never answers holds no thread, and its query ends with its time limit.

The resolver of the operating system blocks a thread per name, also after the caller stopped waiting: six names that
never answer stop every other request of the process.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from typing import Final

import aiodns
import pycares
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.fetch.errors import FetchFailed

_TRIES: Final = 2
_SHARES: Final = 3
"""c-ares doubles its time-out with each try: two tries take three times the first."""
_CONTROL_LIFETIME_SECONDS: Final = 2.0
_NO_ANSWER: Final = frozenset(
    {
        pycares.errno.ARES_ETIMEOUT,
        pycares.errno.ARES_ECONNREFUSED,
        pycares.errno.ARES_EREFUSED,
        pycares.errno.ARES_ESERVFAIL,
    }
)
_SHORTAGES: Final = frozenset({pycares.errno.ARES_ENOMEM, pycares.errno.ARES_ECANCELLED})


class DnsResolver(AbstractResolver):
    """Resolver with its own c-ares channel. Create it inside a running event loop.

    `seconds` limits one name, half as much a control query. `nameservers` are `address` or `address:port`; none means
    those of the system. A name without an answer raises OSError if the name server answers a control query, else
    FetchFailed (`fetch-local`): then the fault is on this side.
    """

    def __init__(self, *, seconds: float, nameservers: Sequence[str] = ()) -> None:
        self._seconds = seconds
        self._dns = aiodns.DNSResolver(nameservers or None, timeout=seconds / _SHARES, tries=_TRIES)
        self._control = asyncio.Lock()
        self._control_result: tuple[float, bool] | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of the host. Raises OSError when the name has none, FetchFailed when nobody could be asked."""
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._dns.getaddrinfo(host, family=family, port=port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise await self._failure("no answer within the time limit") from error
        except aiodns.error.DNSError as error:
            code, text = error.args[0], str(error.args[-1])
            if code in _SHORTAGES:
                raise _local() from error
            raise (await self._failure(text) if code in _NO_ANSWER else OSError(None, text)) from error
        return [
            ResolveResult(
                hostname=host,
                host=node.addr[0].decode("ascii"),
                port=port,
                family=node.family,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for node in found.nodes
        ]

    async def close(self) -> None:
        """End all queries."""
        await self._dns.close()

    async def _failure(self, text: str) -> Exception:
        return OSError(None, text) if await self._answers() else _local()

    async def _answers(self) -> bool:
        """Whether the name server answers for the root zone, which every resolver knows. Remembered for a moment."""
        async with self._control:
            if self._control_result is None or time.monotonic() > self._control_result[0]:
                answered = await self._ask_root()
                self._control_result = (time.monotonic() + _CONTROL_LIFETIME_SECONDS, answered)
            return self._control_result[1]

    async def _ask_root(self) -> bool:
        try:
            async with asyncio.timeout(self._seconds / 2):
                await self._dns.query_dns(".", "NS")
        except TimeoutError:
            return False
        except aiodns.error.DNSError as error:
            return error.args[0] not in _NO_ANSWER | _SHORTAGES
        return True


def _local() -> FetchFailed:
    return FetchFailed("fetch-local", "this installation cannot resolve names at the moment")
