"""Checks addresses at both places where they enter aiohttp: name resolution and socket creation."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.fetch.errors import FetchRefused
from shared.fetch.policy import FetchPolicy
from shared.fetch.resolver import DnsResolver

_RESOLVE_SHARE: Final = 0.6
"""Share of the time to connect that a name may take; a control query may take half as much again."""


class GuardedResolver(AbstractResolver):
    """Resolver that rejects a host if any of its addresses is not allowed. aiohttp connects to the returned ones."""

    def __init__(self, inner: AbstractResolver, policy: FetchPolicy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The checked addresses. Raises FetchRefused, or OSError when the name has none."""
        answers = await self._inner.resolve(host, port, family)
        for answer in answers:
            self._policy.check_address(answer["host"])
        return answers

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


def guarded_resolver(policy: FetchPolicy, inner: AbstractResolver | None = None) -> GuardedResolver:
    """A resolver for this policy, through c-ares unless `inner` is given. Create it inside a running event loop."""
    if inner is None:
        seconds = policy.connect_seconds * _RESOLVE_SHARE
        inner = DnsResolver(seconds=seconds, nameservers=policy.nameservers)
    return GuardedResolver(inner, policy)


def guarded_sockets(policy: FetchPolicy) -> Callable[[AddrInfoType], socket.socket]:
    """A socket factory that checks the address again, in case it did not come from the resolver."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        try:
            policy.check_address(str(address[0]))
        except FetchRefused as error:
            raise PermissionError("connection to a forbidden address blocked") from error
        return socket.socket(family, kind, protocol)

    return make
