"""Client address, scheme and host of a request that came through trusted proxies (`Forwarded`, `X-Forwarded-*`).

Rightmost-untrusted rule: each proxy appends the address it saw, so the list is read from its end for as long as the
reporting hop is trusted. What a client wrote itself stands further left and is never reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NODE: Final = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?")
_HOST: Final = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}))(?::[0-9]{1,5})?")
_PAIR: Final = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s",;=]+)\s*')
_SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy reported about the connection it accepted; None where it said nothing valid."""

    address: Address | None = None
    scheme: str | None = None
    host: str | None = None


def parse_networks(text: str) -> tuple[Network, ...]:
    """Comma-separated addresses and networks; raises ValueError that quotes the bad item."""
    networks = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(item))
        except ValueError as error:
            raise ValueError(f"{item!r} is not an address or a network such as 10.0.0.0/8: {error}") from error
    return tuple(networks)


def parse_address(text: str) -> Address | None:
    """An address with an optional port, as headers write it; None for anything else (`unknown`, `_hidden`, names)."""
    node = _NODE.fullmatch(text)
    bare = (node["six"] or node["four"]) if node else text
    if "%" in bare:  # a zone index means something only on the machine that wrote it
        return None
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def limited_network(address: str) -> str:
    """What a limit per address counts: an IPv4 address, the /64 of an IPv6 address (one client owns all of it)."""
    parsed = parse_address(address)
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


class TrustedProxies:
    """The proxies whose headers are believed."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: Address | None) -> bool:
        """Whether the address is one of the proxies."""
        return address is not None and any(address in network for network in self._networks)

    def resolve(self, peer: str, headers: Mapping[str, str]) -> Hop | None:
        """The client as trusted proxies report it; None when the peer is no proxy or reports nothing valid.

        `headers` are lower-case names with the values of repeated lines joined by commas. A proxy maintains one of
        `Forwarded` and `X-Forwarded-For` and often passes the other one on as the client sent it. If both name a
        client and they differ, neither is believed and the client is the proxy itself.
        """
        if not self.trusts(parse_address(peer)):
            return None
        standard = self._client(_forwarded(headers.get("forwarded", "")))
        legacy = self._client(_x_forwarded(headers))
        if standard.address and legacy.address and standard.address != legacy.address:
            return None
        return Hop(standard.address or legacy.address, standard.scheme or legacy.scheme, standard.host or legacy.host)

    def _client(self, hops: Sequence[Hop]) -> Hop:
        """The last hop that is reported by an unbroken chain of trusted proxies."""
        client = Hop()
        for hop in reversed(hops):
            if hop.address is None:
                return client if client.address else hop  # reports a scheme or a host only, or nothing valid
            client = hop
            if not self.trusts(hop.address):
                break
        return client


def _forwarded(value: str) -> list[Hop]:
    """The elements of `Forwarded` (RFC 7239). Malformed text ends the list on its left: the rest is not believed."""
    hops = []
    for element in reversed(_split_elements(value)):
        pairs = _pairs(element)
        if pairs is None:
            break
        hops.append(Hop(parse_address(pairs.get("for", "")), _scheme(pairs.get("proto")), _host(pairs.get("host"))))
    return hops[::-1]


def _split_elements(value: str) -> list[str]:
    """Split at commas outside quoted strings."""
    parts, start, quoted, escaped = [], 0, False, False
    for at, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append(value[start:at])
            start = at + 1
    parts.append(value[start:])
    return [part for part in parts if part.strip()]


def _pairs(element: str) -> dict[str, str] | None:
    """The parameters of one element; None if it is malformed or repeats one."""
    pairs: dict[str, str] = {}
    at = 0
    while at < len(element):
        found = _PAIR.match(element, at)
        if found is None or found[1].lower() in pairs:
            return None
        text = found[2]
        pairs[found[1].lower()] = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
        at = found.end()
        if at < len(element):
            if element[at] != ";":
                return None
            at += 1
    return pairs


def _x_forwarded(headers: Mapping[str, str]) -> list[Hop]:
    """The hops of `X-Forwarded-For`, with scheme and host of the lists beside it."""
    addresses = _items(headers.get("x-forwarded-for", ""))
    schemes, hosts = _items(headers.get("x-forwarded-proto", "")), _items(headers.get("x-forwarded-host", ""))
    if not addresses:
        return [Hop(None, _scheme(_beside(schemes, 0, 0)), _host(_beside(hosts, 0, 0)))]
    return [
        Hop(
            parse_address(text),
            _scheme(_beside(schemes, at, len(addresses))),
            _host(_beside(hosts, at, len(addresses))),
        )
        for at, text in enumerate(addresses)
    ]


def _beside(values: list[str], at: int, count: int) -> str | None:
    """The value of the same hop if every hop has one, else the last: only that is certainly from our proxy."""
    if len(values) == count:
        return values[at] if values else None
    return values[-1] if values else None


def _items(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")] if value.strip() else []


def _scheme(text: str | None) -> str | None:
    return text.lower() if text and text.lower() in _SCHEMES else None


def _host(text: str | None) -> str | None:
    return text if text and _HOST.fullmatch(text) else None
