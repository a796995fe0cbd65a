"""Checks of a URL when a user registers it, so that an address inside the network is refused at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from shared.errors import Retryable
from shared.fetch.dialling import GuardedResolver, guarded_resolver
from shared.fetch.policy import FetchPolicy
from shared.fetch.target import Target, check_url

_SECONDS: Final = 1.0


class TargetChecker:
    """Checks URLs against a policy, names included. `check` needs a running event loop; `aclose` at the end."""

    def __init__(self, policy: FetchPolicy) -> None:
        self.policy = policy
        self._resolver: GuardedResolver | None = None

    async def check(self, url: str) -> Target:
        """The checked target. Raises FetchRefused, also for a host with an address that is not allowed.

        A host without an answer within a second passes: it may come later, and each request checks its addresses again.
        """
        target = check_url(url, self.policy)
        if self._resolver is None:
            self._resolver = guarded_resolver(self.policy)
        with suppress(TimeoutError, OSError, Retryable):
            async with asyncio.timeout(_SECONDS):
                await self._resolver.resolve(target.url.raw_host or "", target.url.port or 0)
        return target

    async def aclose(self) -> None:
        """End all queries."""
        if self._resolver is not None:
            await self._resolver.close()
