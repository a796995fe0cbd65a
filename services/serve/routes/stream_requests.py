"""Reads a stream request, on every transport: where to start, which events, and the caller's credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import HTTPConnection

from services.serve.adapters.stream_start import Start, start_after
from services.serve.domain import topics
from services.serve.domain.event_filters import EventFilter, event_types
from services.serve.domain.parameters import BadParameter, Parameter, integer, parse, text
from services.serve.domain.search_parameters import LANGUAGE, SECTION, SOURCE, TAG
from services.serve.domain.search_request import ANY
from services.serve.domain.topics import MAX_TOPICS, Topics
from services.serve.routes.services import Services
from shared import instants
from shared.access import Access, authorize, presented_key, unauthorized
from shared.clock import now
from shared.events import LOG_EVENT_TYPES
from shared.http_server.trusted_proxies import limited_network
from shared.problems import ProblemError
from shared.query import Query
from shared.query import parse as parse_query
from shared.store.articles.port import Credential

BEARER: Final = "bearer."
"""Browsers cannot set headers on a WebSocket; they offer the subprotocols `bearer.<key>` and `cloudevents.json`."""
MAX_TIMEOUT_MS: Final = 30_000
_EARLIEST: Final = "earliest"
_SUBSCRIPTION: Final = re.compile(r"^sub_[0-9a-f]{24}$")
_TOPIC_NAMES: Final = ("topic", "match")


def _since(value: str) -> int:
    return 0 if value.strip() == _EARLIEST else instants.milliseconds(value)


def _query(value: str) -> Query:
    return parse_query(text(value), now=now())


def _subscription(value: str) -> str:
    if not _SUBSCRIPTION.match(value):
        raise ValueError("expected the id of a saved search, like sub_ and 24 digits")
    return value


SINCE: Final = Parameter(
    "since",
    "Begin at this time (ISO 8601 or Unix milliseconds), or at `earliest`. The id parameters win over it.",
    _since,
    "2026-03-14T12:00:00Z",
)
LAST_ID: Final = Parameter(
    "last_event_id",
    "Resume after this cursor, or after the CloudEvent with this id; the header `Last-Event-ID` wins over it.",
    str,
    "1773489600000-0",
    aliases=("lastEventID", "lastEventId"),
)
EVENTS: Final = (
    SINCE,
    LAST_ID,
    Parameter(
        "type",
        "Only these types, comma-separated, with or without `org.broadsheet.` and `.v1`.",
        event_types,
        "article.published,article.retracted",
        aliases=("types",),
        schema={"type": "string", "description": f"Some of {', '.join(LOG_EVENT_TYPES)}."},
        is_list=True,
    ),
    Parameter(
        "q",
        "Only events of articles that match this query, strictly, without typo tolerance.",
        _query,
        '"sea wall" OR ferry -tender',
    ),
    Parameter(
        "subscription",
        "Only matches of this saved search; needs the key that created it.",
        _subscription,
        "sub_0123456789abcdef01234567",
    ),
    TAG,
    SECTION,
    SOURCE,
    LANGUAGE,
)
TIMEOUT: Final = Parameter(
    "timeout",
    "Polls only: maximum wait for the first event in milliseconds.",
    integer(0, MAX_TIMEOUT_MS),
    "5000",
    schema={"type": "integer", "minimum": 0, "maximum": MAX_TIMEOUT_MS, "default": 0},
)
TOPIC: Final = Parameter(
    "topic",
    f"As Mercure has it: `*`, or the URL or path of an article or stream here; any of up to {MAX_TOPICS}.",
    str,
    "/v1/streams/world-news",
    aliases=("match",),
)


@dataclass(frozen=True, slots=True)
class StreamCaller:
    """The caller: an address, and the key if one was sent."""

    address: str
    key: str | None = None
    credential: Credential | None = None
    scope: str = "subscribe"
    """The scope that the key was asked for."""

    @property
    def key_id(self) -> str | None:
        """The key's id, for counting."""
        return self.credential.key_id if self.credential else None


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """The parameters, read. `requested` is the id to resume after, `since_ms` Unix ms, `timeout_ms` a poll's."""

    event_filter: EventFilter
    requested: str | None
    since_ms: int | None
    timeout_ms: int
    subscription: str | None = None

    async def narrowed(self, ports: Services, caller: StreamCaller) -> StreamRequest:
        """The same, narrowed to the saved search that it names. Raises a 403 or 404 problem, or StoreUnavailable."""
        if self.subscription is None:
            return self
        if caller.credential is None:
            raise unauthorized("a saved search is followed with the key that made it")
        found = await ports.subscriptions.get(self.subscription)
        if found is None or (found.owner != caller.key_id and "admin" not in caller.credential.scopes):
            raise ProblemError(404, "there is no such saved search of this key", rule="not-found")
        return replace(
            self, event_filter=self.event_filter.narrowed(parse_query(found.q, now=now()), frozenset(found.types))
        )

    async def start(self, ports: Services) -> Start:
        """Where the stream begins. Raises StoreUnavailable."""
        return await start_after(ports.publications, self.requested, self.since_ms)


def parse_stream_request(connection: HTTPConnection, *, polling: bool = False) -> StreamRequest:
    """The parameters of a request; raises BadParameter, also for unknown ones."""
    pairs = connection.query_params.multi_items()
    named = [(name, value) for name, value in pairs if name in _TOPIC_NAMES]
    values = parse(
        ((name, value) for name, value in pairs if name not in _TOPIC_NAMES), (*EVENTS, TIMEOUT) if polling else EVENTS
    )
    asked = connection.headers.get("last-event-id") or values.get("last_event_id")
    event_filter = EventFilter(
        tags=values.get("tag", ANY),
        sections=values.get("section", ANY),
        sources=values.get("source", ANY),
        languages=values.get("lang", ANY),
        types=values.get("type", frozenset()),
        topics=_topics(named),
        queries=frozenset({values["q"]} if "q" in values else ()),
    )
    asked_for = str(asked) if asked else None
    return StreamRequest(
        event_filter, asked_for, values.get("since"), int(values.get("timeout", 0)), values.get("subscription")
    )


def _topics(named: list[tuple[str, str]]) -> Topics | None:
    if not named:
        return None
    try:
        return topics.parse([value for _, value in named])
    except ValueError as error:
        raise BadParameter(named[0][0], str(error)) from error


async def identify_caller(connection: HTTPConnection, *, public: bool, scope: str = "subscribe") -> StreamCaller:
    """The caller. A key must be valid, even if none is required; raises a 401 or 403 problem."""
    address = limited_network(connection.client.host) if connection.client else "local"
    offered = [name for name in connection.scope.get("subprotocols", ()) if name.startswith(BEARER)]
    if offered:
        key = offered[0].removeprefix(BEARER)
    elif public and not {"authorization", "x-api-key"} & set(connection.headers.keys()):
        return StreamCaller(address)
    else:
        key = presented_key(connection)
    access: Access = connection.app.state.access
    return StreamCaller(address, key, await authorize(access, key, scope), scope)
