"""HTTP client of Meilisearch: one aiohttp session, orjson, timeouts, safe retries, and error mapping."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Mapping
from typing import Any, Final, Literal

import aiohttp
import orjson

from shared.errors import BroadsheetError, Permanent
from shared.search.errors import IndexMissing, InvalidQuery, QueueFull, SearchUnavailable

SEARCH_SECONDS: Final = 5.0
"""Timeout. The server ends a search after 1 s itself; the rest is for waiting for CPU: docs/adr/0027."""
WRITE_SECONDS: Final = 30.0
Kind = Literal["application/json", "application/x-ndjson"]
JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.1
_LARGE: Final = 1_000_000
_AGAIN: Final = frozenset({502, 503, 504})
# Built from validated queries: if the engine rejects one, its index has different settings.
_OUR_SHAPE: Final = frozenset(
    f"invalid_search_{part}" for part in ("filter", "sort", "facets", "attributes_to_search_on")
) | {"invalid_document_filter", "invalid_facet_search_facet_name"}


class Refused(Permanent):
    """The engine rejects this request; `status` 413 means that it is too large."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason, rule="search-refused")
        self.status = status


class ConnectionBroke(SearchUnavailable):
    """The server closed the connection during the request: it died, or the body is too large."""


class MeiliClient:
    """JSON in and out. Every failure is a SearchUnavailable, QueueFull, IndexMissing, InvalidQuery or Refused."""

    def __init__(self, url: str, key: str, *, within: float = SEARCH_SECONDS) -> None:
        """`within`: default time limit of a request in seconds; longer for writers."""
        self._url = url.rstrip("/")
        self._key = key
        self._within = within
        self._limit = aiohttp.ClientTimeout(total=within)
        self._headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._headers_of = {kind: self._headers | {"Content-Type": kind} for kind in (JSON, LINES)}
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def address(self) -> tuple[str, str]:
        """URL and key, for the official client. Raises SearchUnavailable if this client is closed."""
        if self._closed:
            raise SearchUnavailable("the index is closed")
        return self._url, self._key

    def twin(self) -> MeiliClient:
        """Another client of the same server, closed separately."""
        return MeiliClient(self._url, self._key, within=self._within)

    async def get(self, path: str, **params: str | int) -> Any:
        """The response to a GET. Raises as documented in the class."""
        return await self.send("GET", path, params=params)

    async def post(self, path: str, body: object, *, within: float | None = None) -> Any:
        """The response to a POST of JSON; `within` in seconds, retries included."""
        return await self.send("POST", path, body=orjson.dumps(body), within=within)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        kind: Kind = JSON,
        params: Mapping[str, str | int] | None = None,
        within: float | None = None,
    ) -> Any:
        """One request. Retried if the server was not reached or requests it, or if it only reads.

        A write with an unknown result is never retried here.
        """
        within = self._within if within is None else within
        deadline = asyncio.get_running_loop().time() + within
        headers = self._headers if body is None else self._headers_of[kind]
        if body is not None and len(body) > _LARGE:  # a body rejected unread would leave its rest in the connection
            headers = headers | {"Connection": "close"}
        for attempt in range(1, _ATTEMPTS + 1):
            left = within if attempt == 1 else max(0.05, deadline - asyncio.get_running_loop().time())
            try:
                limit = self._limit if left == self._within else aiohttp.ClientTimeout(total=left)
                async with self._opened().request(
                    method, self._url + path, data=_sent_in_parts(body), params=params, headers=headers, timeout=limit
                ) as response:
                    answer = _decoded(await response.read())
                    if response.status < 400:
                        return answer
                    retry_after = _seconds(response.headers.get("Retry-After"))
                    error = failure(response.status, answer, retry_after)
                    is_retryable = response.status in _AGAIN
            except aiohttp.ClientConnectorError as unreached:
                error, is_retryable, retry_after = (
                    SearchUnavailable(f"Meilisearch cannot be reached: {unreached}"),
                    True,
                    None,
                )
            except TimeoutError as late:
                raise SearchUnavailable(f"Meilisearch did not answer within {within:g} s") from late
            except (aiohttp.ClientError, OSError) as broken:
                error = ConnectionBroke(f"the connection to Meilisearch broke: {broken!r}"[:500])
                is_retryable, retry_after = _only_reads(method, path), None
            pause = max(_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.0), retry_after or 0.0)
            if not is_retryable or attempt == _ATTEMPTS or asyncio.get_running_loop().time() + pause >= deadline:
                raise error
            await asyncio.sleep(pause)
        raise SearchUnavailable("Meilisearch was not asked")

    def _opened(self) -> aiohttp.ClientSession:
        if self._closed:
            raise SearchUnavailable("the index is closed")
        if self._session is None:  # not in __init__: a session belongs to the running event loop
            self._session = aiohttp.ClientSession(auto_decompress=False)
        return self._session

    async def aclose(self) -> None:
        """Close the session; closing twice is harmless."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def failure(status: int, answer: Any, retry_after: float | None) -> BroadsheetError:
    """The port's error for a response with this status (>= 400) and body."""
    facts = answer if isinstance(answer, dict) else {}
    code, reason = str(facts.get("code", "")), f"Meilisearch: {facts.get('message', f'status {status}')}"[:500]
    if code == "no_space_left_on_device":
        return QueueFull(reason, retry_after=retry_after or 10.0)
    if code in _OUR_SHAPE or code == "index_not_found":
        return IndexMissing(reason)
    if code.startswith(("invalid_search_", "invalid_facet_search_")):
        return InvalidQuery(reason)
    if status == 413 or code == "malformed_payload" or code.startswith(("invalid_document", "missing_document")):
        return Refused(reason, status)
    # Other errors, such as a wrong key or a proxy's page, are for the operator to fix, not caused by a document.
    return SearchUnavailable(reason, retry_after=retry_after)


def _sent_in_parts(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body as a file, which aiohttp sends in parts without blocking the event loop."""
    return io.BytesIO(body) if body is not None and len(body) > _LARGE else body


def _only_reads(method: str, path: str) -> bool:
    return method == "GET" or path.endswith(("/fetch", "search"))


def _decoded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return None


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdecimal() else None
