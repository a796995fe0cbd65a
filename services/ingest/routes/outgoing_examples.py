"""OpenAPI schemas and examples of the endpoints that make outbound requests: sources and `/v1/fetch`."""

from __future__ import annotations

from typing import Any, Final

from services.ingest.routes.examples import json_object, problem

_SPEC: Final[dict[str, Any]] = {
    "url": {"type": "string", "format": "uri", "maxLength": 8192},
    "kind": {"enum": ["feed", "sitemap", "news-sitemap"], "default": "feed"},
    "interval_seconds": {"type": "integer", "minimum": 60, "maximum": 604800, "default": 900},
    "pages": {"type": "boolean", "default": False, "description": "fetch the page behind each item of a feed"},
    "paused": {"type": "boolean", "default": False},
}
_EXAMPLE: Final[dict[str, Any]] = {"url": "https://gazette.example/feed.xml", "interval_seconds": 900, "pages": True}
_SHOWN: Final[dict[str, Any]] = {
    "id": "example-gazette",
    "url": "https://gazette.example/feed.xml",
    "kind": "feed",
    "interval_seconds": 900,
    "pages": True,
    "paused": False,
    "next_poll_at": "2026-03-14T09:15:00+00:00",
    "last_poll": {
        "polled_at": "2026-03-14T09:00:00+00:00",
        "succeeded_at": "2026-03-14T09:00:00+00:00",
        "status": 200,
        "error": "",
        "error_detail": "",
        "failures": 0,
        "polls_total": 12,
        "items_total": 360,
        "accepted_total": 48,
        "unchanged_total": 312,
        "rejected_total": 0,
        "items": 30,
        "accepted": 2,
        "unchanged": 28,
        "rejected": 0,
        "rejected_reason": "",
        "repeated": 0,
        "held_back": 0,
        "next_release_at": "",
        "truncated": False,
        "pages_left": 0,
        "ttl_seconds": 0,
        "moved_to": "",
        "title": "The Gazette",
        "hubs": ["https://hub.example/"],
        "self_url": "https://gazette.example/feed.xml",
        "stopped": "",
        "published": 2,
        "dead": 0,
        "published_total": 47,
        "dead_total": 1,
        "dead_reason": "no article text was found on the page",
        "dead_at": "2026-03-12T07:00:04+00:00",
        "dead_article_id": "ovzwk4tomfwwkllpojqw4z3fne",
    },
}


def _json(description: str, example: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
    }


_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: problem(400, "invalid-field", "url: the host has an address that is not public", field="url"),
    401: problem(401, "unauthorized", "no key; send one as Authorization: Bearer or X-Api-Key"),
    403: problem(403, "wrong-scope", "the key lacks the scope admin"),
    503: problem(503, "unavailable", "a backing service is not available now; try again in 2 s"),
}
_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {404: problem(404, "unknown-source", "there is no such source")}

PUT_OPERATION: Final[dict[str, Any]] = {"requestBody": json_object(_SPEC, required=["url"], example=_EXAMPLE)}
PUT_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _json("It was there; `status` says whether anything changed.", {**_SHOWN, "status": "unchanged"}),
    201: _json("It is polled from now on.", {**_SHOWN, "status": "created"}),
    **_REFUSED,
    409: problem(409, "too-many-sources", "there are as many sources as there may be"),
    415: problem(415, "unsupported-media-type", "Content-Type: must be one of application/json"),
}
SOURCE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _json("The source, and what its last poll found.", _SHOWN),
    **_REFUSED,
    **_UNKNOWN,
}
DELETE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    204: {"description": "It is not polled any more."},
    **_REFUSED,
    **_UNKNOWN,
}
LIST_OPERATION: Final[dict[str, Any]] = {
    "parameters": [
        {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "the `next` of the page before"},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}},
    ]
}
LIST_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _json("One page of sources.", {"sources": [_SHOWN], "next": None}),
    **_REFUSED,
}
FETCH_OPERATION: Final[dict[str, Any]] = {
    "requestBody": json_object(
        {
            "url": {"type": "string", "format": "uri", "maxLength": 8192},
            "source": {"type": "string", "maxLength": 120},
        },
        required=["url"],
        example={"url": "https://gazette.example/news/ferry", "source": "example-gazette"},
    )
}
FETCH_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    422: problem(422, "fetch-address", "url: the host has an address that is not public", field="url"),
    502: problem(502, "fetch-time", "url: no whole answer within the time", field="url"),
}
