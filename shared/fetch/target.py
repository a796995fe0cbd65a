"""Parses and checks a target URL by the WHATWG rules of browsers: `http://0x7f.1` is 127.0.0.1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import yarl

from shared.fetch.errors import FetchRefused
from shared.fetch.policy import FetchPolicy
from shared.urls import parse_url

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PORTS: Final = {"http": 80, "https": 443}
_MAX_LABEL: Final = 63
_MAX_HOST: Final = 253


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL. `href` is its normalised form, `origin` its scheme, host and port."""

    href: str
    origin: str
    url: yarl.URL


def check_url(text: str, policy: FetchPolicy, *, base: str | None = None) -> Target:
    """Every check that is possible before DNS resolution. Raises FetchRefused.

    `base` is the redirecting URL. A host that is an IP address in any spelling is checked here.
    """
    if _CONTROL.search(text):
        raise FetchRefused("fetch-url", "the URL holds control characters")
    try:
        parts = parse_url(text, base)
    except ValueError as error:
        raise FetchRefused("fetch-url", f"the URL {error}") from error
    if parts.scheme not in _PORTS:
        raise FetchRefused("fetch-scheme", "the URL must begin with http:// or https://")
    if parts.username or parts.password:
        raise FetchRefused("fetch-url", "the URL must not hold a user name or password")
    host = _checked_host(parts.host, policy)
    port = int(parts.port or _PORTS[parts.scheme])
    policy.check_port(port)
    href = parts.href.partition("#")[0]
    # encoded: the text is normalised already, and a second parse could disagree with the check above
    url = yarl.URL(href, encoded=True)
    if (url.raw_host or "").lower() != host:
        raise FetchRefused("fetch-url", "the URL is ambiguous")
    return Target(href, f"{parts.scheme}://{parts.host}:{port}", url)


def _checked_host(hostname: str, policy: FetchPolicy) -> str:
    host = hostname.strip("[]").lower()
    if not host or len(host) > _MAX_HOST or any(len(label) > _MAX_LABEL for label in host.split(".")):
        raise FetchRefused("fetch-url", "the URL has no valid host")
    policy.check_host(host)
    try:
        ip_address(host)
    except ValueError:
        return host
    policy.check_address(host)
    return host
