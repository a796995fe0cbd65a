"""What OpenAPI cannot derive from the code: bodies, parameters, answers and examples of each operation."""

from __future__ import annotations

from typing import Any, Final

_ID: Final = "k5pbxq2f7v6mzr3tn4wdyc2hsa"
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`urn:broadsheet:problem:<rule>` or `about:blank`"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "field": {"type": "string", "description": "the field, when exactly one is at fault"},
        "errors": {
            "type": "array",
            "maxItems": 10,
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    408: "Request Timeout",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


def problem(status: int, rule: str, detail: str, **members: Any) -> dict[str, Any]:
    """One problem as an answer in OpenAPI, with its example."""
    example = {
        "type": f"urn:broadsheet:problem:{rule}",
        "title": _TITLES[status],
        "status": status,
        "detail": detail,
        **members,
    }
    return {
        "description": detail,
        "content": {"application/problem+json": {"schema": _PROBLEM, "example": example}},
    }


_SHARED: Final[dict[int | str, dict[str, Any]]] = {
    400: problem(
        400,
        "invalid-field",
        "title: is empty or invisible",
        field="title",
        errors=[{"field": "title", "detail": "is empty or invisible"}],
    ),
    401: problem(401, "unauthorized", "no key; send one as Authorization: Bearer or X-Api-Key"),
    403: problem(403, "wrong-scope", "the key lacks the scope ingest"),
    413: problem(413, "too-large", "the body exceeds 1048576 bytes"),
    414: problem(414, "url-too-long", "the URL exceeds 8192 bytes"),
    415: problem(415, "unsupported-media-type", "a compressed body is not taken; send it as it is"),
    431: problem(431, "headers-too-large", "at most 100 headers of 16384 bytes in all"),
    503: problem(503, "unavailable", "a backing service is not available now; try again in 2 s")
    | {"headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}},
}


def json_object(properties: dict[str, Any], *, required: list[str], example: Any) -> dict[str, Any]:
    """A body that must be a JSON object with these members and no others."""
    schema = {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def _accepted(status: str) -> dict[str, Any]:
    link = f"http://127.0.0.1:8000/v1/articles/{_ID}"
    return {"id": _ID, "rev": 1, "status": status, "links": {"trace": f"{link}/trace", "article": link}}


_ACCEPTED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "rev", "status", "links"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z2-7]{26}$"},
        "rev": {"type": "integer", "minimum": 1},
        "status": {"enum": ["accepted", "unchanged", "replayed"]},
        "links": {
            "type": "object",
            "properties": {
                "trace": {"type": "string", "format": "uri"},
                "article": {"type": "string", "format": "uri"},
            },
        },
    },
}


def _answer(description: str, status: str) -> dict[str, Any]:
    location = {"schema": {"type": "string", "format": "uri"}, "description": "the article, once it is published"}
    return {
        "description": description,
        "headers": {"Location": location},
        "content": {"application/json": {"schema": _ACCEPTED, "example": _accepted(status)}},
    }


ARTICLE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _answer("Nothing new had to be written: the same content, or the same request again.", "unchanged"),
    202: _answer("A new revision and its event are on disk.", "accepted"),
    **_SHARED,
    408: problem(408, "slow-body", "the body did not arrive within 30 s"),
    409: problem(409, "stale", "version: is not above the stored one; the stored revision is 3"),
    410: problem(410, "retracted", "the article was retracted, and stays so"),
    422: problem(422, "idempotency-key-reused", "the Idempotency-Key was used for another request"),
}

_TEXT: Final = {"type": "string"}
_LIST: Final = {"type": "array", "items": _TEXT, "maxItems": 200}
_SUBMISSION: Final[dict[str, dict[str, Any]]] = {
    "source": {**_TEXT, "maxLength": 120, "description": "the publication, for example example-gazette"},
    "id": {**_TEXT, "maxLength": 512, "description": "the article's id inside its source"},
    "external_id": {**_TEXT, "maxLength": 512, "description": "the long name of id; send one of them"},
    "version": {"type": "integer", "minimum": 0, "description": "not above the stored one: 409"},
    "url": {**_TEXT, "format": "uri", "maxLength": 8192},
    "title": {**_TEXT, "maxLength": 1000},
    "dek": {**_TEXT, "maxLength": 2000, "description": "the line under the title"},
    "section": {**_TEXT, "maxLength": 120},
    "language": {**_TEXT, "maxLength": 35, "description": "BCP 47"},
    "authors": {**_LIST, "maxItems": 100},
    "tags": _LIST,
    "published_at": {**_TEXT, "format": "date-time", "description": "RFC 3339, or a date"},
    "correction": {**_TEXT, "maxLength": 2000, "description": "what this revision corrects; readers see it"},
}
_BODIES: Final[dict[str, dict[str, Any]]] = {
    "text": {**_TEXT, "description": "the body, paragraphs apart by blank lines"},
    "html": {**_TEXT, "description": "the page or a part of it"},
    "paragraphs": {"type": "array", "items": _TEXT, "maxItems": 5000},
}
_ARTICLE: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {**_SUBMISSION, **_BODIES},
    "oneOf": [{"required": [name]} for name in _BODIES],
}
_EXAMPLE: Final = {
    "source": "example-gazette",
    "id": "2026-0314",
    "title": "Harbour council votes to reopen the old ferry line",
    "tags": ["Transport"],
    "paragraphs": ["The harbour council voted on Tuesday to reopen the ferry line."],
}
_XHTML: Final = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Tram stops</title></head>'
    "<body><p>Tram 4 stops at the market.</p></body></html>"
)
_PAGE: Final = "Harbour council votes to reopen the old ferry line\n\nThe harbour council voted on Tuesday.\n"
_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "the same key and request again get the same answer for 24 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "upload-2026-03-14-0001",
}

ARTICLE_OPERATION: Final[dict[str, Any]] = {
    "parameters": [
        _KEY,
        *(
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": "for text and HTML; JSON holds it in its body",
                "schema": schema,
            }
            for name, schema in _SUBMISSION.items()
        ),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {"schema": _TEXT, "example": _PAGE},
            "text/markdown": {"schema": _TEXT, "example": "# Ferry reopens\n\nOn Tuesday, said the *harbour*."},
            "text/html": {"schema": _TEXT, "example": "<article><h1>Ferry reopens</h1><p>On Tuesday.</p></article>"},
            "application/xhtml+xml": {"schema": _TEXT, "example": _XHTML},
            "application/json": {"schema": _ARTICLE, "example": _EXAMPLE},
        },
    },
}

EDIT_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _answer("The same request again: it was done before.", "replayed"),
    202: _answer("The new state and its event are on disk.", "accepted"),
    **_SHARED,
    403: problem(403, "wrong-scope", "the key lacks the scope edit"),
    404: problem(404, "not-found", f"there is no article {_ID}"),
    409: problem(409, "wrong-state", "the article is retracted; only a withdrawn article can be restored"),
    422: problem(422, "idempotency-key-reused", "the Idempotency-Key was used for another request"),
}
REMOVE_NOTE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    202: EDIT_RESPONSES[202],
    **_SHARED,
    403: EDIT_RESPONSES[403],
    404: problem(404, "not-found", "there is no correction note of revision 3"),
    409: problem(409, "wrong-state", "the article is retracted; it shows no notes"),
}
EDIT_OPERATION: Final[dict[str, Any]] = {
    "parameters": [_KEY],
    "requestBody": json_object(
        {"reason": {**_TEXT, "maxLength": 1000, "description": "public reason"}},
        required=["reason"],
        example={"reason": "The quote in the third paragraph was invented."},
    ),
}
MOVE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    **EDIT_RESPONSES,
    403: problem(403, "wrong-scope", "the key lacks the scope admin"),
    409: problem(409, "wrong-state", "the article is withdrawn or retracted; it cannot be moved"),
}
MOVE_OPERATION: Final[dict[str, Any]] = {
    "parameters": [_KEY],
    "requestBody": json_object(
        {
            "source": {**_TEXT, "maxLength": 120, "description": "the source it belongs to from now on"},
            "reason": {**_TEXT, "maxLength": 1000, "description": "shown in the trace"},
        },
        required=["source", "reason"],
        example={"source": "example-gazette", "reason": "The feed was configured under the wrong name."},
    ),
}

BULK_OPERATION: Final[dict[str, Any]] = {
    "parameters": [_KEY],
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "one JSON article per line"},
                "example": '{"source":"example-gazette","id":"1","text":"The ferry is back."}\n{"text":""}\n',
            }
        },
    },
}

_VERDICTS: Final = (
    f'{{"line":1,"status":"accepted","id":"{_ID}","rev":1}}\n'
    '{"line":2,"status":"rejected","errors":[{"field":"text","detail":"is empty or invisible"}]}\n'
    '{"summary":{"lines":2,"blank":0,"accepted":1,"unchanged":0,"replayed":0,"stale":0,"rejected":1,"failed":0,'
    '"unavailable":0,"complete":true}}\n'
)
BULK_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "One verdict per line that is not blank, in order, then a summary. "
        "Statuses: accepted, unchanged, replayed, stale, rejected, failed, unavailable.",
        "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": _VERDICTS}},
    },
    **_SHARED,
}
