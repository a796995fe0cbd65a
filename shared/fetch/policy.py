"""What a client may reach, and how much of an answer it takes."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from shared.fetch.addresses import Address, Network, is_public
from shared.fetch.errors import FetchRefused

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """Limits of one kind of request. The defaults are those for a feed on the public Internet."""

    allowed: tuple[Network, ...] = ()
    """Networks that may be reached although they are not public: loopback in tests and on laptops."""
    ports: frozenset[int] | None = frozenset({80, 443})
    """Ports that may be dialled; None for all, which only a test wants."""
    denied_hosts: frozenset[str] = frozenset()
    """Names of ours, in lower case without a final dot: a request to ourselves would be a loop."""
    max_redirects: int = 3
    """Redirects of a GET; 0 hands the redirect to the caller as the answer. A POST is never redirected."""
    connect_seconds: float = 5.0
    """Resolving and connecting."""
    total_seconds: float = 20.0
    """All of it, redirects included."""
    max_bytes: int = 5 * MIB
    """Largest body, after inflating."""
    max_ratio: int = 200
    """How many bytes one compressed byte may become, once the body is larger than 1 MiB."""
    user_agent: str = "Broadsheet"

    def judge_host(self, host: str) -> None:
        """Refuse our own names. Raises FetchRefused."""
        if host.rstrip(".").lower() in self.denied_hosts:
            raise FetchRefused("fetch-host", "this is our own public name")

    def judge_port(self, port: int) -> None:
        """Refuse ports outside the list. Raises FetchRefused."""
        if self.ports is not None and port not in self.ports:
            raise FetchRefused("fetch-port", f"port {port} is not one that may be reached")

    def judge_address(self, address: str) -> None:
        """Refuse an address that is neither public nor allowed. Raises FetchRefused, which does not repeat it."""
        try:
            known: Address = ip_address(address)
        except ValueError as error:
            raise FetchRefused("fetch-address", "the resolver gave something that is no address") from error
        if not is_public(known) and not any(known in net for net in self.allowed if net.version == known.version):
            raise FetchRefused("fetch-address", "the host has an address that is not public")
