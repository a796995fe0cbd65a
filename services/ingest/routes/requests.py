"""What every door reads of a request: its kind, its key, its parameters; and how a refusal becomes a problem."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.ingest.domain.bodies import MediaType, read_media_type
from services.ingest.domain.refusals import Refused
from shared.problems import FieldError, Problem, ProblemError, invalid_field

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_STATUS: Final = {"unsupported-media-type": 415, "wrong-source": 403}


def media_type_of(request: Request, allowed: Sequence[str]) -> MediaType:
    """The media type of the body; refuses others, and every Content-Encoding, with 415."""
    encodings = request.headers.getlist("content-encoding")
    if any(encoding.strip().lower() not in {"", "identity"} for encoding in encodings):
        raise ProblemError(
            415,
            "a compressed body is not taken; send it as it is",
            rule="unsupported-media-type",
            errors=[FieldError("Content-Encoding", "must be identity")],
            headers={"Accept-Encoding": "identity"},
        )
    types = request.headers.getlist("content-type")
    if len(types) > 1:
        raise invalid_field("Content-Type", "is given twice")
    return read_media_type(types[0] if types else "", allowed)


def idempotency_key_of(request: Request) -> str | None:
    """The producer's idempotency key, if it sent one; 400 unless it is up to 255 visible ASCII characters."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise invalid_field("Idempotency-Key", "must be one value of 1 to 255 visible ASCII characters")
    return keys[0]


def install_refusals(app: FastAPI) -> None:
    """Make every `Refused` a problem that names its fields."""
    app.add_exception_handler(Refused, _on_refused)


def _on_refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    errors = tuple(FieldError(fault.field, fault.detail) for fault in error.faults)
    return Problem(_STATUS.get(error.rule, 400), str(error), error.rule, errors).response(request.url.path)
