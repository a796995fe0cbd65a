"""Settings of outgoing requests, shared by all services that make them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.fetch.addresses import Network
from shared.fetch.policy import FetchPolicy

_ANY: Final = "any"


class FetchSettings(BaseSettings):
    """Read from `BROADSHEET_FETCH_*`."""

    model_config = SettingsConfigDict(env_prefix="BROADSHEET_FETCH_", extra="forbid", frozen=True)

    allow: str = Field(
        default="",
        description="Non-public networks that outgoing requests may reach, such as `127.0.0.0/8`.",
    )
    ports: str = Field(default="80,443", description="Ports that outgoing requests may reach; `any` for all.")
    deny_hosts: str = Field(
        default="", description="Host names of this installation that outgoing requests must not reach."
    )
    nameservers: str = Field(
        default="",
        description="Name servers for outgoing requests, such as `10.0.0.53` or `127.0.0.1:5353`; empty: the system's.",
    )
    user_agent: str = Field(
        default=FetchPolicy().user_agent, max_length=200, description="User-Agent of outgoing requests."
    )

    @field_validator("allow")
    @classmethod
    def _networks(cls, text: str) -> str:
        _parse_networks(text)
        return text

    @field_validator("nameservers")
    @classmethod
    def _name_servers(cls, text: str) -> str:
        for item in _items(text):
            address, _, port = item.rpartition(":") if item.count(":") == 1 else (item, "", "53")
            ip_address(address.strip("[]"))
            _parse_ports(port)
        return text

    @field_validator("ports")
    @classmethod
    def _port_numbers(cls, text: str) -> str:
        _parse_ports(text)
        return text

    def policy(self, **limits: Any) -> FetchPolicy:
        """A policy for one purpose; `limits` are fields of `FetchPolicy` such as `max_redirects=0`."""
        hosts = frozenset(host.rstrip(".").lower() for host in _items(self.deny_hosts))
        return FetchPolicy(
            allowed=_parse_networks(self.allow),
            ports=_parse_ports(self.ports),
            denied_hosts=hosts | limits.pop("denied_hosts", frozenset()),
            nameservers=tuple(_items(self.nameservers)),
            user_agent=self.user_agent,
            **limits,
        )


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _parse_networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(item) for item in _items(text))


def _parse_ports(text: str) -> frozenset[int] | None:
    if text.strip() == _ANY:
        return None
    ports = frozenset(int(item) for item in _items(text))
    if not all(0 < port < 65536 for port in ports):
        raise ValueError("ports are from 1 to 65535")
    return ports
