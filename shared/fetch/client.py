"""SSRF-safe HTTP client: checked addresses, bounded responses, no cookies, no proxies from the environment."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from shared.fetch.dialling import guarded_resolver, guarded_sockets
from shared.fetch.errors import FailureReason, FetchError, FetchFailed, FetchRefused
from shared.fetch.inflate import reader_for, too_large
from shared.fetch.policy import FetchPolicy
from shared.fetch.target import Target, check_url
from shared.observability import metrics

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TO_OTHER_ORIGINS: Final = frozenset({"accept", "accept-language", "if-none-match", "if-modified-since"})
_FAILURES: Final[tuple[tuple[tuple[type[Exception], ...], tuple[FailureReason, str]], ...]] = (
    ((TimeoutError,), ("fetch-time", "no complete response within the time limit")),
    ((aiohttp.ClientConnectorDNSError,), ("fetch-dns", "the host has no address")),
    ((aiohttp.ClientSSLError, ssl.SSLError), ("fetch-tls", "the TLS certificate or connection is invalid")),
    ((aiohttp.ClientConnectorError,), ("fetch-connect", "the connection was refused or is unreachable")),
)
_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
_MAX_FIELD_BYTES: Final = 8190
_MAX_FIELDS: Final = 128
_KEEP_ALIVE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Redirect:
    """One followed redirect: its status and target URL."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """A response of any status. `headers` have lower-case names; of a repeated field the first is kept."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    redirects: tuple[Redirect, ...] = ()

    @property
    def media_type(self) -> str:
        """The media type in lower case without parameters; empty if not sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class GuardedClient:
    """HTTP client for untrusted URLs. Create it inside a running event loop; `aclose` it, or use `async with`.

    `purpose` is a metric label. Requests beyond `connections` wait, within their time limit. `resolver` and `tls`
    are for tests and private certificate authorities.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        purpose: str,
        connections: int = 100,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.policy = policy
        self._purpose = purpose
        self._resolver = guarded_resolver(policy, resolver)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver,
                socket_factory=guarded_sockets(policy),
                use_dns_cache=False,  # a cached address would bypass the check
                ssl=tls if tls is not None else True,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
                limit=connections,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=policy.connect_seconds),
            max_line_size=_MAX_FIELD_BYTES,
            max_field_size=_MAX_FIELD_BYTES,
            max_headers=_MAX_FIELDS,
        )

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> FetchResponse:
        """GET, following at most `max_redirects` redirects, each checked again. Raises FetchRefused or FetchFailed."""
        return await self._counted("GET", url, headers or {}, None, max_bytes or self.policy.max_bytes)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> FetchResponse:
        """POST. Redirects are returned, not followed, so that the body reaches no other host. Raises like `get`."""
        return await self._counted("POST", url, headers or {}, body, max_bytes or self.policy.max_bytes)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()
        await self._resolver.close()  # aiohttp closes only a resolver of its own

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _counted(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> FetchResponse:
        outcome = "cancelled"
        try:
            answer = await self._within_time_limit(method, url, headers, body, limit)
            outcome = f"{answer.status // 100}xx"
        except FetchError as error:
            outcome = error.reason
            raise
        finally:
            metrics.FETCHES.labels(self._purpose, outcome).inc()
        return answer

    async def _within_time_limit(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> FetchResponse:
        try:
            async with asyncio.timeout(self.policy.total_seconds):
                return await self._follow(method, url, headers, body, limit)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _as_fetch_error(error) from error

    async def _follow(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> FetchResponse:
        target, followed = check_url(url, self.policy), list[Redirect]()
        while True:
            async with self._session.request(
                method,
                target.url,
                headers=self._request_headers(headers),
                data=body,
                allow_redirects=False,
            ) as response:
                next_target = self._next_target(method, response, target, followed)
                if next_target is None:
                    return await self._read_response(response, target, limit, tuple(followed))
                response.close()  # the body of a redirect is not needed
            followed.append(Redirect(response.status, next_target.href))
            if next_target.origin != target.origin:
                headers = {name: value for name, value in headers.items() if name.lower() in _TO_OTHER_ORIGINS}
            target = next_target

    def _request_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {"Accept-Encoding": "gzip, deflate", "User-Agent": self.policy.user_agent} | dict(headers)

    def _next_target(
        self, method: str, response: aiohttp.ClientResponse, target: Target, followed: list[Redirect]
    ) -> Target | None:
        """The target of a redirect, or None if this is the final response."""
        location = response.headers.get("Location")
        if response.status not in REDIRECTS or location is None or method != "GET" or not self.policy.max_redirects:
            return None
        if len(followed) >= self.policy.max_redirects:
            raise FetchRefused("fetch-redirects", f"more than {self.policy.max_redirects} redirects")
        next_target = check_url(location, self.policy, base=target.href)
        if next_target.href == target.href:
            raise FetchRefused("fetch-redirects", "the page redirects to itself")
        return next_target

    async def _read_response(
        self, response: aiohttp.ClientResponse, target: Target, limit: int, followed: tuple[Redirect, ...]
    ) -> FetchResponse:
        if response.content_length is not None and response.content_length > limit:
            response.close()
            raise too_large(limit)
        reader = reader_for(response.headers.get("Content-Encoding", ""), limit, self.policy.max_ratio)
        try:
            async for piece in response.content.iter_any():
                reader.feed(piece)
        except FetchRefused:
            response.close()
            raise
        headers: dict[str, str] = {}
        for name, value in response.headers.items():
            headers.setdefault(name.lower(), value)
        return FetchResponse(response.status, target.href, headers, reader.finish(), followed)


def _as_fetch_error(error: Exception) -> FetchError:
    """Map an aiohttp or network error to a FetchError. Messages contain no address."""
    if isinstance(error, OSError) and error.errno in _SHORTAGES:
        return FetchFailed("fetch-local", "this installation has no sockets or memory left")
    for kinds, failure in _FAILURES:
        if isinstance(error, kinds):
            return FetchFailed(*failure)
    if isinstance(error, aiohttp.ClientResponseError):
        return FetchRefused("fetch-headers", "the response is not HTTP, or its headers are too large")
    if isinstance(error, ValueError):
        return FetchRefused("fetch-url", "this request cannot be made")
    return FetchFailed("fetch-broken", "the connection was interrupted")
