"""RFC 9457 problem details, the format of every HTTP error.

A problem names the invalid field and says what is wrong; it never repeats the input, has at most ten errors, and is
smaller than 4 KB. `install_problem_handlers` converts 404, 405, 422, 503 and 500 as well.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from shared.errors import CorruptRecord, Retryable

MEDIA_TYPE: Final = "application/problem+json"
MAX_ERRORS: Final = 10
RETRY_AFTER_SECONDS: Final = 2.0
_EVERY_PATH: Final = "/{path:path}"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field (parameter, header or JSON path such as `tags[3]`) and what is wrong with it."""

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `rule` is a short stable code and becomes the type `urn:broadsheet:problem:<rule>`."""

    status: int
    detail: str
    rule: str = ""
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def members(self, instance: str | None = None) -> dict[str, Any]:
        """The JSON members; `field` is present if exactly one field is invalid."""
        errors = [{"field": error.field[:80], "detail": error.detail[:200]} for error in self.errors[:MAX_ERRORS]]
        members: dict[str, Any] = {
            "type": f"urn:broadsheet:problem:{self.rule}" if self.rule else "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail[:500],
        }
        if instance is not None and len(instance) <= 200:
            members["instance"] = instance
        if errors:
            members["errors"] = errors
        if len(errors) == 1:
            members["field"] = errors[0]["field"]
        return members

    def response(self, instance: str | None = None) -> Response:
        """The HTTP response."""
        body = orjson.dumps(self.members(_printable(instance)))
        return Response(body, self.status, headers=dict(self.headers), media_type=MEDIA_TYPE)


class ProblemError(Exception):
    """Raised in a route or dependency; becomes the response."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        rule: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(status, detail, rule, tuple(errors), headers or {})


def invalid_field(name: str, detail: str) -> ProblemError:
    """A 400 that names one field."""
    return ProblemError(400, f"{name}: {detail}", rule="invalid-field", errors=[FieldError(name, detail)])


def unavailable(error: Retryable) -> Problem:
    """A 503 with `Retry-After` in whole seconds; the reason stays in the log."""
    seconds = max(1, math.ceil(error.retry_after or RETRY_AFTER_SECONDS))
    detail = f"a backing service is not available now; try again in {seconds} s"
    return Problem(503, detail, "unavailable", headers={"Retry-After": str(seconds)})


def install_problem_handlers(app: Starlette) -> None:
    """Convert every error of this FastAPI or Starlette app to a problem: raised ones, 404, 405, 422, 503 and 500."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Retryable, _on_retryable)
    app.add_exception_handler(CorruptRecord, _on_corrupt)
    app.add_exception_handler(Exception, _on_crash)
    try:
        from fastapi import FastAPI
        from fastapi.exceptions import RequestValidationError
    except ModuleNotFoundError:  # a bare Starlette app: it raises no validation errors
        return
    app.add_exception_handler(RequestValidationError, _on_validation)
    if isinstance(app, FastAPI):
        _document_no_other_errors(app)


def _document_no_other_errors(app: Any) -> None:
    """Remove the 422 schema that FastAPI documents for every operation with a parameter; it is never returned."""
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        document: dict[str, Any] = generated()  # cached by FastAPI, so it is changed once
        for operation in (item for path in document.get("paths", {}).values() for item in path.values()):
            if "HTTPValidationError" in str(operation.get("responses", {}).get("422")):
                del operation["responses"]["422"]
        for name in ("HTTPValidationError", "ValidationError"):
            document.get("components", {}).get("schemas", {}).pop(name, None)
        return document

    app.openapi = openapi


def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return error.problem.response(request.url.path)


def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status, headers = error.status_code, dict(error.headers or {})
    if status == 405:  # the router names the methods of one route only
        methods = methods_of(request.app, request.url.path)
        status, headers = (405, headers | {"Allow": ", ".join(methods)}) if methods else (404, {})
    details = {
        404: "there is nothing at this path",
        405: "this path does not take this method; see the Allow header",
    }
    detail = details.get(status, HTTPStatus(status).description or "the request was refused")
    return Problem(status, detail, headers=headers).response(request.url.path)


def methods_of(app: Starlette, path: str) -> list[str]:
    """The methods of every route for this path, sorted; the route for all other paths does not count.

    An app that answers HEAD with its GET routes lists exceptions in `app.state.without_head`.
    """
    found: set[str] = set()
    for route in _routes_of(app.routes):
        if route.path != _EVERY_PATH and route.path_regex.match(path):
            found |= route.methods or set()
    without_head: Collection[str] | None = getattr(app.state, "without_head", None)
    answers_head = without_head is not None and "GET" in found and path not in without_head
    return sorted(found | {"HEAD"} if answers_head else found)


def _routes_of(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    """The HTTP routes of an app, those of FastAPI's included routers too."""
    for route in routes:
        if isinstance(route, Route):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from _routes_of(included.routes)


def _on_retryable(request: Request, error: Exception) -> Response:
    if not isinstance(error, Retryable):
        raise error
    return unavailable(error).response(request.url.path)


def _on_corrupt(request: Request, _: Exception) -> Response:
    return Problem(500, "the stored record is damaged and is not served", "corrupt-record").response(request.url.path)


def _on_crash(request: Request, _: Exception) -> Response:
    return Problem(500, "an error of ours; it was logged").response(request.url.path)


def _on_validation(request: Request, error: Exception) -> Response:
    """FastAPI's own validation: its list may be long and repeats the input, so only place and message are kept."""
    rows: Sequence[Mapping[str, Any]] = getattr(error, "errors", list)()
    errors = tuple(
        FieldError(".".join(map(str, row["loc"][1:])) or str(row["loc"][0]), str(row["msg"]))
        for row in rows[:MAX_ERRORS]
    )
    return Problem(400, "some parameters are not valid", "invalid-field", errors).response(request.url.path)


def _printable(path: str | None) -> str | None:
    """The path, unless it has characters that are unsafe in JSON or logs."""
    return path if path is not None and path.isascii() and path.isprintable() else None
