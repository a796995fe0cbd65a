"""The two places where an address passes: the answer of the resolver, and the socket that is about to be opened."""

from __future__ import annotations

import socket
from collections.abc import Callable

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.fetch.errors import FetchRefused
from shared.fetch.policy import FetchPolicy


class JudgingResolver(AbstractResolver):
    """Resolves a name once and refuses it when any of its addresses is forbidden; aiohttp dials what comes out."""

    def __init__(self, inner: AbstractResolver, policy: FetchPolicy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The judged addresses. Raises FetchRefused, or OSError when the name has none."""
        answers = await self._inner.resolve(host, port, family)
        for answer in answers:
            self._policy.judge_address(answer["host"])
        return answers

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


def judging_sockets(policy: FetchPolicy) -> Callable[[AddrInfoType], socket.socket]:
    """A socket factory that judges again what is dialled: whichever way an address came here, it was looked at."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        try:
            policy.judge_address(str(address[0]))
        except FetchRefused as error:
            raise PermissionError("a forbidden address was about to be dialled") from error
        return socket.socket(family, kind, protocol)

    return make
