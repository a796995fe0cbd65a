"""Access control: API keys with scopes (deny by default), limits of the request head, security headers.

A key comes as `Authorization: Bearer bsk_...` or `X-Api-Key`, never in a query string. `app.state.access` holds the
`Access` of the app; `require(scope)` is the dependency that guards a route.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.observability.metrics import ACCESS_REFUSED
from shared.problems import Problem, ProblemError
from shared.store.articles.port import Credential
from shared.store.credentials import Credentials
from shared.tasks import single_flight

CACHE_SECONDS: Final = 3.0
"""Cache time of a verified key; a revocation takes effect within it (the guarantee is 5 s)."""
CACHE_KEYS: Final = 1_000
MAX_LOOKUPS: Final = 8
"""Concurrent lookups in Redis; a flood of wrong keys queues here and does not exhaust the connection pool."""
MAX_KEY_CHARACTERS: Final = 200
MAX_HEADER_BYTES: Final = 16 * 1024
MAX_HEADERS: Final = 100
MAX_TARGET_BYTES: Final = 8 * 1024

SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers of every response that does not set them itself."""

_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="bearer", description="`Authorization: Bearer bsk_...`")
_HEADER: Final = APIKeyHeader(name="X-Api-Key", auto_error=False, scheme_name="apiKey")

Dependency = Callable[..., Awaitable[Credential]]


class Access:
    """Verifies keys against the stored credentials; valid ones are cached for `CACHE_SECONDS`."""

    def __init__(self, credentials: Credentials, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._credentials = credentials
        self._clock = clock
        self._known: dict[bytes, tuple[float, Credential]] = {}
        self._asking: dict[bytes, asyncio.Future[Credential | None]] = {}
        self._lookups = asyncio.Semaphore(MAX_LOOKUPS)

    async def verify(self, key: str) -> Credential | None:
        """The credential of a valid key, else None. Raises `StoreUnavailable`: fails closed."""
        if len(key) > MAX_KEY_CHARACTERS:
            return None
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()  # the cache does not contain the secret
        known = self._known.get(digest)
        if known and self._clock() < known[0]:
            return known[1]
        if asking := self._asking.get(digest):  # concurrent callers with one key share one lookup
            return await asyncio.shield(asking)
        question = single_flight(self._ask(key))
        self._asking[digest] = question
        question.add_done_callback(lambda _: self._asking.pop(digest, None))
        credential = await asyncio.shield(question)
        if credential:
            self._remember(digest, credential)
        return credential

    async def _ask(self, key: str) -> Credential | None:
        async with self._lookups:
            return await self._credentials.verify(key)

    def _remember(self, digest: bytes, credential: Credential) -> None:
        if len(self._known) >= CACHE_KEYS:
            self._known.clear()
        self._known[digest] = (self._clock() + CACHE_SECONDS, credential)


def require(scope: str) -> Dependency:
    """The dependency of a route that needs `scope` (or `admin`): the caller's `Credential`, or 401, 403 or 503."""

    async def caller(
        request: Request,
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],  # documents the schemes
        _header: Annotated[str | None, Security(_HEADER)],
    ) -> Credential:
        access: Access = request.app.state.access
        return await authorize(access, presented_key(request), scope)

    return caller


async def authorize(access: Access, key: str, scope: str) -> Credential:
    """The credential of a key that has the scope (or `admin`); raises a 401 or 403 problem, or `StoreUnavailable`."""
    credential = await access.verify(key)
    if credential is None:
        raise unauthorized("the key is not known or was revoked")
    if not {scope, "admin"} & credential.scopes:
        ACCESS_REFUSED.labels("wrong-scope").inc()
        raise ProblemError(403, f"the key lacks the scope {scope}", rule="wrong-scope")
    return credential


def presented_key(request: HTTPConnection) -> str:
    """The one key of the request; raises a 401 problem for none, two, or another scheme."""
    bearers = request.headers.getlist("authorization")
    keys = request.headers.getlist("x-api-key")
    if len(bearers) + len(keys) != 1:
        count = "no key" if not bearers and not keys else "more than one key"
        raise unauthorized(f"{count}; send one as Authorization: Bearer or X-Api-Key")
    if keys:
        return keys[0].strip()
    scheme, _, key = bearers[0].partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorized("the Authorization scheme must be Bearer")
    return key.strip()


def unauthorized(detail: str) -> ProblemError:
    """A 401 problem that names the scheme."""
    ACCESS_REFUSED.labels("unauthorized").inc()
    return ProblemError(401, detail, rule="unauthorized", headers={"WWW-Authenticate": "Bearer"})


class RequestLimits:
    """Outermost ASGI middleware: limits the request line and headers, sets security headers on responses.

    h11 limits only incomplete headers, so complete ones are checked here. A Content-Security-Policy set by a route is
    kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                message["headers"] = headers + [pair for pair in SECURITY if pair[0] not in present]
            await send(message)

        if problem := request_limit_problem(scope):
            await problem.response()(scope, receive, secured)
            return
        await self._app(scope, receive, secured)


def request_limit_problem(scope: Scope) -> Problem | None:
    """The problem of a refused request: 414, 431, or 400 for conflicting body framing; None if it is acceptable."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return Problem(414, f"the URL exceeds {MAX_TARGET_BYTES} bytes", "url-too-long")
    if len(headers) > MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        return Problem(431, f"at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes in all", "headers-too-large")
    names = {name for name, _ in headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        return Problem(400, "Content-Length and Transfer-Encoding exclude each other", "framing")
    return None
