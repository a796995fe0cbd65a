"""Allowed targets and limits of outgoing requests."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from shared.fetch.addresses import Address, Network, is_public
from shared.fetch.errors import FetchRefused

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """Targets and limits for one purpose. The defaults suit a feed on the public Internet."""

    allowed: tuple[Network, ...] = ()
    """Non-public networks that may be reached, such as loopback in tests and on laptops."""
    ports: frozenset[int] | None = frozenset({80, 443})
    """Allowed ports; None allows all (tests only)."""
    denied_hosts: frozenset[str] = frozenset()
    """Host names of this installation, in lower case without a final dot. Requests to them could loop."""
    max_redirects: int = 3
    """Maximum redirects of a GET; 0 returns the redirect to the caller. A POST is never redirected."""
    nameservers: tuple[str, ...] = ()
    """Name servers, `address` or `address:port`; none means those of the system."""
    connect_seconds: float = 5.0
    """Time limit for DNS and connect."""
    total_seconds: float = 20.0
    """Time limit for the whole request, including redirects."""
    max_bytes: int = 5 * MIB
    """Maximum body size after decompression."""
    max_ratio: int = 200
    """Maximum compression ratio, checked once the body is larger than 1 MiB."""
    user_agent: str = "Broadsheet"

    def check_host(self, host: str) -> None:
        """Raises FetchRefused for a host of this installation."""
        if host.rstrip(".").lower() in self.denied_hosts:
            raise FetchRefused("fetch-host", "the host is this installation itself")

    def check_port(self, port: int) -> None:
        """Raises FetchRefused for a port that is not allowed."""
        if self.ports is not None and port not in self.ports:
            raise FetchRefused("fetch-port", f"port {port} is not allowed")

    def check_address(self, address: str) -> None:
        """Raises FetchRefused for an address that is neither public nor allowed; the message does not contain it."""
        try:
            known: Address = ip_address(address)
        except ValueError as error:
            raise FetchRefused("fetch-address", "the resolver returned an invalid address") from error
        if not is_public(known) and not any(known in net for net in self.allowed if net.version == known.version):
            raise FetchRefused("fetch-address", "the host has an address that is not public")
