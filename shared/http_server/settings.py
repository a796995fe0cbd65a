"""The type of the setting `trusted_proxies`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from shared.http_server.trusted_proxies import parse_networks


def _check_networks(text: str) -> str:
    parse_networks(text)
    return text


TrustedNetworks = Annotated[str, AfterValidator(_check_networks)]
"""Comma-separated addresses and networks."""
